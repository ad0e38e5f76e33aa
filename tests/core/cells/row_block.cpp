// The checks that every row passes: they look at blocks of values at a time, so a fault is tried at each place.
#include "cell2text/cells/row_block.hpp"

#include <cmath>
#include <limits>
#include <numeric>
#include <random>

#include "support/oracle.hpp"
#include "support/said.hpp"

namespace cell2text::test {
namespace {

/// Two rows: one of five columns, one of n.
RowBlock rows_with(std::int64_t n) {
  RowBlock block{7, {0, 5, 5 + n}, {}, {}};
  for (std::int64_t i = 0; i < 5 + n; ++i)
    block.columns.push_back(static_cast<std::int32_t>(i < 5 ? i : 3 * (i - 5))),
        block.values.push_back(static_cast<float>(i % 4));
  return block;
}

TEST_CASE("rows: a value is found wherever it stands") {
  for (std::int64_t last = 0; last < 70; ++last)
    for (std::int64_t at = -1; at <= last; ++at)
      for (const std::int64_t first : {0, 1, 3})
        CHECK(row_block_detail::any_of(first, last, [&](std::int64_t i) { return i == at; }) ==
              (at >= first && at < last));
}

TEST_CASE("rows: sums are those of the values") {
  for (std::int64_t n = 0; n < 40; ++n) {
    const RowBlock block = rows_with(n);
    CHECK(block.sum(0) == 6);  // 0 + 1 + 2 + 3 + 0
    CHECK(block.sum(1) == std::accumulate(block.values.begin() + 5, block.values.end(), 0.0));
  }
}

TEST_CASE("rows: columns out of order are sorted with their values, a column that stands twice is refused") {
  const auto number = seed();
  INFO("CELL2TEXT_TEST_SEED=" << number);
  std::mt19937_64 random(number);
  for (std::int64_t n = 2; n < 60; ++n) {
    const RowBlock sorted = rows_with(n);
    RowBlock block = sorted;
    const auto one = static_cast<std::int64_t>(5 + random() % n), other = static_cast<std::int64_t>(5 + random() % n);
    std::swap(block.columns[one], block.columns[other]), std::swap(block.values[one], block.values[other]);
    sort_columns(block, "X", "Mend it");
    CHECK(block.columns == sorted.columns);
    CHECK(block.values == sorted.values);
    if (one == other) continue;
    block.columns[one] = block.columns[other];
    check_says(refusal([&] { sort_columns(block, "X", "Mend it"); }), {"X: row 8", "twice. Mend it"});
  }
}

TEST_CASE("rows: the first value that is no count is found wherever it stands; minus zero is one") {
  constexpr float infinite = std::numeric_limits<float>::infinity();
  for (std::int64_t n = 1; n < 60; ++n) {
    RowBlock block = rows_with(n);
    block.values[0] = -0.0F, block.values.back() = std::numeric_limits<float>::max();
    CHECK_FALSE(first_bad_value(block));
    for (std::int64_t at = 5; at < 5 + n; ++at) {
      RowBlock bad = block;
      bad.values[at] = at % 3 == 0 ? -1.0F : at % 3 == 1 ? std::nanf("") : infinite;
      bad.values.back() = -infinite;  // a later one
      const auto found = first_bad_value(bad);
      REQUIRE(found);
      CHECK(found->row == 8);
      CHECK(found->column == bad.columns[at]);
    }
  }
}

TEST_CASE("rows: as many as a number of values holds, and never none") {
  const std::vector<std::int64_t> starts = {0, 3, 3, 10, 11};
  CHECK(rows_within(starts, 0, 0) == 1);
  CHECK(rows_within(starts, 0, 3) == 2);
  CHECK(rows_within(starts, 0, 9) == 2);
  CHECK(rows_within(starts, 0, 100) == 4);
  CHECK(rows_within(starts, 2, 6) == 1);
  CHECK(rows_within(starts, 3, 6) == 1);
}

}  // namespace
}  // namespace cell2text::test
