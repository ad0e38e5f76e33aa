// Rows in a temporary file: as they come, and from entries in any order within little memory.
#include "cell2text/io/spilled_rows.hpp"

#include <numeric>
#include <random>

#include "core/io/message.hpp"
#include "support/oracle.hpp"

namespace cell2text::test {
namespace {

struct SpilledEntry {
  std::int32_t row, column;
  float value;
};

std::vector<SpilledEntry> random_entries(std::int32_t rows, std::int32_t columns, std::mt19937_64& random) {
  std::vector<SpilledEntry> all;
  for (std::int32_t row = 0; row < rows; ++row)
    for (std::int32_t column = 0; column < columns; ++column)
      if (random() % 3 == 0) all.push_back({row, column, static_cast<float>(random() % 50)});
  return all;
}

void check_spilled(const SpilledRows& rows, const std::vector<SpilledEntry>& entries, std::mt19937_64& random) {
  const std::int64_t size = std::ssize(rows.starts()) - 1;
  for (int turn = 0; turn < 30; ++turn) {
    const auto first = static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(size + 1));
    const auto count = static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(size - first + 1));
    const RowBlock block = rows.read(first, count);
    RowBlock wanted{first, std::vector<std::int64_t>(static_cast<std::size_t>(count) + 1, 0), {}, {}};
    for (const SpilledEntry& entry : entries) {
      if (entry.row < first || entry.row >= first + count) continue;
      ++wanted.starts[entry.row - first + 1];
      wanted.columns.push_back(entry.column), wanted.values.push_back(entry.value);
    }
    std::partial_sum(wanted.starts.begin(), wanted.starts.end(), wanted.starts.begin());
    CHECK(block.first_row == first);
    CHECK(block.starts == wanted.starts);
    CHECK(block.columns == wanted.columns);
    CHECK(block.values == wanted.values);
  }
}

TEST_CASE("spilled rows: rows that are written one after the other are read back in any range") {
  const auto number = seed();
  INFO("CELL2TEXT_TEST_SEED=" << number);
  std::mt19937_64 random(number);
  const auto entries = random_entries(700, 800, random);  // more than is kept in memory
  RowSpiller spiller;
  std::size_t at = 0;
  for (std::int32_t row = 0; row < 700; ++row) {
    for (; at < entries.size() && entries[at].row == row; ++at) spiller.add(entries[at].column, entries[at].value);
    spiller.end_row();
  }
  check_spilled(std::move(spiller).finish(), entries, random);
  CHECK(RowSpiller().finish().read(0, 0).rows() == 0);
}

TEST_CASE("spilled rows: entries in any order become rows, whatever memory there is") {
  const auto number = seed();
  INFO("CELL2TEXT_TEST_SEED=" << number);
  std::mt19937_64 random(number);
  const auto sorted = random_entries(300, 90, random);
  auto by_columns = sorted;  // as a matrix that is stored by columns comes
  std::ranges::stable_sort(by_columns, {}, &SpilledEntry::column);
  std::vector<std::int64_t> starts(301, 0);
  for (const SpilledEntry& entry : sorted) ++starts[entry.row + 1];
  std::partial_sum(starts.begin(), starts.end(), starts.begin());
  for (const std::int64_t memory : {1, 1 << 12, 1 << 16, 1 << 26}) {
    INFO("memory " << memory);
    const SpilledRows rows = deal_out_rows(
        starts,
        [&](const auto& visit) {
          for (const SpilledEntry& entry : by_columns) visit(entry.row, entry.column, entry.value);
        },
        memory, "");
    CHECK(rows.starts() == starts);
    check_spilled(rows, sorted, random);
  }
}

TEST_CASE("spilled rows: no folder and no room for temporary files are errors of the environment") {
  const char* before = std::getenv("TMPDIR");
  const std::string kept = before ? before : "";
  setenv("TMPDIR", "/nowhere/at/all", 1);
  const auto message = message_of<EnvironmentError>([] { RowSpiller(); });
  if (before)
    setenv("TMPDIR", kept.c_str(), 1);
  else
    unsetenv("TMPDIR");
  CHECK(has(message, "set TMPDIR to one"));
  const auto nothing = [](const auto&) {};
  CHECK(has(message_of<EnvironmentError>([&] {
              deal_out_rows({0, std::int64_t{1} << 55}, nothing, 1, ", or else");
            }),
            "MiB are free. Set TMPDIR to a larger disk, or else"));
}

}  // namespace
}  // namespace cell2text::test
