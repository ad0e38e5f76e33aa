// Reading in windows: which rows are asked for with one call, and that what comes is what was asked for.
#include "cell2text/cells/window_reader.hpp"

#include <doctest/doctest.h>

#include <numeric>
#include <random>
#include <vector>

#include "cell2text/cells/epoch_reading.hpp"
#include "support/oracle.hpp"

using cell2text::BugError;
using cell2text::CellBatch;
using cell2text::InputError;
using cell2text::LabelColumn;
using cell2text::part_of;
using cell2text::WindowReader;
namespace test = cell2text::test;

namespace {

using Rows = std::vector<std::int64_t>;

/// Cells whose row shows in all that they hold; row r has r % 4 counts.
CellBatch cells_of(std::span<const std::int64_t> rows) {
  CellBatch cells;
  cells.row_starts = {0};
  for (const std::int64_t row : rows) {
    cells.rows.push_back(row);
    cells.names.push_back("cell-" + std::to_string(row));
    cells.totals.push_back(static_cast<double>(row) + 0.5);
    for (std::int64_t i = 0; i < row % 4; ++i) {
      cells.columns.push_back(static_cast<std::int32_t>(row + i));
      cells.counts.push_back(static_cast<float>(row));
    }
    cells.row_starts.push_back(std::ssize(cells.columns));
  }
  return cells;
}

void check_same(const CellBatch& found, const CellBatch& expected) {
  CHECK(found.rows == expected.rows);
  CHECK(found.names == expected.names);
  CHECK(found.row_starts == expected.row_starts);
  CHECK(found.columns == expected.columns);
  CHECK(found.counts == expected.counts);
  CHECK(found.totals == expected.totals);
}

}  // namespace

TEST_CASE("window reader: windows end at multiples of their size, from whatever place one begins") {
  const auto seed = test::seed();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 30; ++round) {
    const auto size = static_cast<std::int64_t>(random() % 60), window = static_cast<std::int64_t>(1 + random() % 20);
    Rows rows(size);
    for (auto& row : rows) row = static_cast<std::int64_t>(random() % 1000);
    for (std::int64_t first = 0; first <= size; ++first) {
      std::vector<Rows> calls;
      WindowReader reader(
          [&](std::span<const std::int64_t> some, CellBatch& into) {
            CHECK(std::ranges::is_sorted(some));
            calls.emplace_back(some.begin(), some.end());
            into = cells_of(some);
          },
          rows, window, first);
      std::int64_t at = first;
      while (const WindowReader::Window cells = reader.next()) {
        const std::int64_t end = std::min((at / window + 1) * window, size);
        check_same(part_of(*cells, 0, end - at), cells_of(std::span(rows).subspan(at, end - at)));
        at = end;
      }
      CHECK(at == size);
      CHECK(reader.next() == nullptr);
      CHECK(std::ssize(calls) ==
            (size + window - 1) / window - first / window - (first == size && size % window ? 1 : 0));
      CHECK(reader.speed().cells == size - first);
    }
  }
}

TEST_CASE("window reader: an error of the source comes with its window, and cells that are missing are a bug of it") {
  const Rows rows{0, 1, 2, 3};
  WindowReader failing(
      [](std::span<const std::int64_t> some, CellBatch& into) {
        if (some.front() == 2) throw InputError("row 2 is damaged");
        into = cells_of(some);
      },
      rows, 2);
  const auto first = failing.next();
  CHECK(first->cells.rows == Rows{0, 1});
  CHECK(first->places.empty());
  CHECK_THROWS_WITH_AS(failing.next(), "row 2 is damaged", InputError);
  WindowReader short_of_one([](std::span<const std::int64_t> some, CellBatch& into) { into = cells_of(some.first(1)); },
                            rows, 2);
  CHECK_THROWS_WITH_AS(short_of_one.next(), "the source gave 1 cells where 2 were asked for", BugError);
}

TEST_CASE(
    "window reader: the memory of a window that nobody uses any more is used for another, that of others is not") {
  Rows rows(40);
  std::iota(rows.begin(), rows.end(), 0);
  int in_used_memory = 0;
  WindowReader reader(
      [&](std::span<const std::int64_t> some, CellBatch& into) {
        in_used_memory += into.size() > 0;  // still holds what was read before
        into = cells_of(some);
      },
      rows, 2);
  const auto held = reader.next();
  while (const auto window = reader.next()) check_same(window->cells, cells_of(window->cells.rows));
  check_same(held->cells, cells_of(std::span(rows).first(2)));
  CHECK(in_used_memory >= 20 - 4);  // all but those held, in use, ready, and being read
}

TEST_CASE("part of a batch: what reading those rows alone gives") {
  std::mt19937_64 random(test::seed());
  Rows rows(40);
  for (auto& row : rows) row = static_cast<std::int64_t>(random() % 1000);
  const Rows backwards(rows.rbegin(), rows.rend());
  cell2text::ReadWindow all{cells_of(rows), {}}, turned{cells_of(backwards), Rows(40)};
  std::iota(turned.places.rbegin(), turned.places.rend(), 0);
  for (std::int64_t first = 0; first <= 40; first += 5)
    for (const std::int64_t count : {0, 1, 40 - static_cast<int>(first)})
      for (const auto& window : {all, turned})
        if (first + count <= 40)
          check_same(part_of(window, first, count), cells_of(std::span(rows).subspan(first, count)));
}

TEST_CASE("epoch reading: every row once, a window with each call, and the entropy of the order") {
  Rows rows(100);
  std::iota(rows.begin(), rows.end(), 0);
  LabelColumn labels{"kind", {"a", "b", "c", "d"}, {}};
  for (std::int64_t row = 0; row < 100; ++row) labels.codes.push_back(static_cast<std::int32_t>(row / 25));
  Rows asked;
  int calls = 0;
  const auto reading = cell2text::read_epoch(
      [&](std::span<const std::int64_t> some, CellBatch& into) {
        ++calls;
        asked.insert(asked.end(), some.begin(), some.end());
        into = cells_of(some);
      },
      rows, labels, 4, {5, 30}, 3);
  CHECK(calls == 4);
  const Rows order = cell2text::epoch_order(rows, 3, 0, {5, 30});
  for (std::size_t first = 0; first < 100; first += 30) {
    const std::size_t end = std::min<std::size_t>(first + 30, 100);
    CHECK(std::is_permutation(asked.begin() + first, asked.begin() + end, order.begin() + first));
  }
  CHECK(reading.cells == 100);
  CHECK(reading.values == 25 * (0 + 1 + 2 + 3));
  CHECK(reading.cells_per_second() > 0);
  CHECK(reading.entropy.bits == cell2text::batch_entropy(order, labels, 4));
  CHECK(reading.entropy.bits < reading.entropy.random_bits);
}
