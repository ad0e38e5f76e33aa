// Cells in any order, over blocks of rows; and names that several cells share.
#include "cell2text/cells/read_rows.hpp"

#include <random>

#include "cell2text/cells/same_names.hpp"
#include "support/oracle.hpp"
#include "support/said.hpp"

namespace cell2text::test {
namespace {

/// Row i holds the columns 0 .. i % 4 - 1, each with the count i.
RowBlock blocks_of_rows(std::int64_t first, std::int64_t count) {
  RowBlock block{first, {0}, {}, {}};
  for (std::int64_t row = first; row < first + count; ++row) {
    for (std::int32_t column = 0; column < row % 4; ++column)
      block.columns.push_back(column), block.values.push_back(static_cast<float>(row));
    block.starts.push_back(std::ssize(block.columns));
  }
  return block;
}

void check_rows_read(const std::vector<std::int64_t>& rows) {
  const CellBatch batch = read_rows(rows, blocks_of_rows);
  CHECK(batch.rows == rows);
  REQUIRE(std::ssize(batch.row_starts) == std::ssize(rows) + 1);
  for (std::int64_t cell = 0; cell < batch.size(); ++cell) {
    const std::int64_t row = rows[cell];
    CHECK(std::ssize(batch.columns_of(cell)) == row % 4);
    for (const float count : batch.counts_of(cell)) CHECK(count == static_cast<float>(row));
    CHECK(batch.totals[cell] == static_cast<double>(row * (row % 4)));
  }
}

TEST_CASE("rows: cells come in the order asked for, also twice, and each range of the file is read once") {
  const auto number = seed();
  INFO("CELL2TEXT_TEST_SEED=" << number);
  std::mt19937_64 random(number);
  check_rows_read({});
  check_rows_read({3, 4, 5, 6});
  check_rows_read({5, 4});
  check_rows_read({7, 7});
  for (int turn = 0; turn < 50; ++turn) {
    std::vector<std::int64_t> rows;
    for (auto left = random() % 30; left > 0; --left) rows.push_back(static_cast<std::int64_t>(random() % 40));
    check_rows_read(rows);
  }
  std::vector<RowRange> runs = row_ranges(std::vector<std::int64_t>{9, 3, 4, 4, 11, 10});
  REQUIRE(runs.size() == 2);
  CHECK((runs[0].first == 3 && runs[0].count == 2));
  CHECK((runs[1].first == 9 && runs[1].count == 3));
}

TEST_CASE("rows: names come in the order asked for; a row outside is refused") {
  const auto names = [](std::int64_t first, std::int64_t count) {
    std::vector<std::string> all;
    for (std::int64_t i = first; i < first + count; ++i) all.push_back(std::to_string(i));
    return all;
  };
  CHECK(read_names(std::vector<std::int64_t>{4, 2, 3, 8, 4}, names) ==
        std::vector<std::string>{"4", "2", "3", "8", "4"});
  CHECK_NOTHROW(expect_rows(std::vector<std::int64_t>{0, 8}, 9, "file"));
  check_says(refusal([] { expect_rows(std::vector<std::int64_t>{9}, 9, "file"); }), {"file: row 9", "0 to 8"});
  check_says(refusal([] { expect_rows(std::vector<std::int64_t>{-1}, 9, "file"); }), {"row -1"});
}

TEST_CASE("rows: names that several cells share are told once, with how many") {
  const auto told = [](const std::vector<std::string>& names) {
    Said said;
    warn_of_same_names(
        std::ssize(names),
        [&](std::int64_t first, std::int64_t count) {
          return std::vector<std::string>(names.begin() + first, names.begin() + first + count);
        },
        said.context().log, "h5ad");
    return said.lines;
  };
  CHECK(told({"a", "b", "c"}).empty());
  CHECK(told({}).empty());
  const auto lines = told({"b", "a", "b", "c", "a", "b"});
  REQUIRE(lines.size() == 1);
  check_says(lines[0], {"h5ad: 5 cells share their name with another, as 'a' (2 cells)"});
}

}  // namespace
}  // namespace cell2text::test
