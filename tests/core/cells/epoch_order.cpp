// The order of an epoch's cells, and how mixed its batches are.
#include "cell2text/cells/epoch_order.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <set>

#include "cell2text/cells/batch_entropy.hpp"
#include "support/oracle.hpp"

using cell2text::batch_entropy;
using cell2text::epoch_order;
using cell2text::LabelColumn;
using cell2text::order_entropy;
using cell2text::shuffled_rows;
using cell2text::ShuffleOptions;
namespace test = cell2text::test;

namespace {

using Rows = std::vector<std::int64_t>;

/// Ascending rows with gaps, as a part of a split has them.
Rows some_rows(std::mt19937_64& random, std::int64_t count) {
  Rows rows;
  for (std::int64_t row = 0; std::ssize(rows) < count; ++row)
    if (random() % 3) rows.push_back(row);
  return rows;
}

Rows numbered(std::int64_t count) {
  Rows rows(count);
  std::iota(rows.begin(), rows.end(), 0);
  return rows;
}

/// 500 types over 200,000 rows, each type in one run; alike in size, or skewed.
LabelColumn sorted_types(bool skewed) {
  constexpr std::int64_t cells = 200'000;
  LabelColumn labels{"cell_type", std::vector<std::string>(500), {}};
  double sum = 0, done = 0;
  const auto weight = [&](double type) { return skewed ? 1 / (type + 1) : 1; };
  for (int type = 0; type < 500; ++type) sum += weight(type);
  for (int type = 0; type < 500; ++type) {
    done += weight(type) / sum * cells;
    labels.codes.resize(type == 499 ? cells : std::llround(done), type);
  }
  return labels;
}

}  // namespace

TEST_CASE("epoch order: the ranks share the rows, each in exactly one, none with more than one above another") {
  const auto seed = test::seed();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 300; ++round) {
    const Rows rows = some_rows(random, static_cast<std::int64_t>(random() % 200));
    const ShuffleOptions options{static_cast<std::int64_t>(1 + random() % 20),
                                 static_cast<std::int64_t>(1 + random() % 250)};
    const auto ranks = static_cast<std::int64_t>(1 + random() % 5);
    Rows all;
    std::int64_t least = std::ssize(rows), most = 0;
    for (std::int64_t rank = 0; rank < ranks; ++rank) {
      const Rows order = epoch_order(rows, seed, round, options, {rank, ranks});
      least = std::min<std::int64_t>(least, std::ssize(order)), most = std::max<std::int64_t>(most, std::ssize(order));
      all.insert(all.end(), order.begin(), order.end());
    }
    CHECK(most - least <= 1);
    std::ranges::sort(all);
    CHECK(all == rows);
  }
}

TEST_CASE("epoch order: where a window holds all rows, it is that of shuffled rows, in parts for the ranks") {
  std::mt19937_64 random(test::seed());
  const Rows rows = some_rows(random, 100);
  for (const std::int64_t window : {100, 101, 8192}) {
    CHECK(epoch_order(rows, 7, 2, {16, window}) == shuffled_rows(rows, 7, 2));
    Rows all;
    for (std::int64_t rank = 0; rank < 3; ++rank)
      for (const std::int64_t row : epoch_order(rows, 7, 2, {16, window}, {rank, 3})) all.push_back(row);
    CHECK(all == shuffled_rows(rows, 7, 2));
  }
  CHECK(epoch_order(rows, 7, 2, {16, 99}) != shuffled_rows(rows, 7, 2));
}

TEST_CASE("epoch order: each window is made of whole blocks of neighbours, and no longer in their order") {
  const auto seed = test::seed();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  constexpr std::int64_t block = 5, window = 40, count = 400;
  const Rows rows = some_rows(random, count);
  const Rows order = epoch_order(rows, seed, 0, {block, window});
  std::set<std::int64_t> in_order;
  for (std::int64_t first = 0; first < count; first += window) {
    Rows cells(order.begin() + first, order.begin() + first + window);
    CHECK(!std::ranges::is_sorted(cells));
    std::ranges::sort(cells);
    for (std::int64_t i = 0; i < window; i += block) {
      const auto at = std::ranges::find(rows, cells[i]) - rows.begin();
      CHECK(at % block == 0);
      CHECK(std::equal(cells.begin() + i, cells.begin() + i + block, rows.begin() + at));
      in_order.insert(at);
    }
  }
  CHECK(in_order.size() == count / block);
}

TEST_CASE("epoch order: it depends on seed and epoch alone, and no version changes it") {
  const Rows rows = numbered(500);
  const ShuffleOptions options{4, 100};
  CHECK(epoch_order(rows, 1, 0, options) == epoch_order(rows, 1, 0, options));
  CHECK(epoch_order(rows, 1, 0, options) != epoch_order(rows, 1, 1, options));
  CHECK(epoch_order(rows, 1, 0, options) != epoch_order(rows, 2, 0, options));
  CHECK(shuffled_rows(rows, 1, 0) == shuffled_rows(rows, 1, 0));
  CHECK(shuffled_rows(rows, 1, 0) != shuffled_rows(rows, 1, 1));
  CHECK(shuffled_rows(rows, 1, 0) != shuffled_rows(rows, 2, 0));
  CHECK(epoch_order(numbered(12), 1, 0, {2, 6}) == Rows{0, 10, 11, 2, 3, 1, 7, 6, 8, 9, 4, 5});
  CHECK(epoch_order(numbered(12), 1, 0, {2, 6}, {1, 2}) == Rows{8, 9, 6, 5, 7, 4});
}

TEST_CASE("batch entropy: values that can be worked out by hand") {
  const LabelColumn labels{"kind", {"a", "b", "c"}, {0, 0, 1, 1, 2, -1, 0, 0}};
  CHECK(batch_entropy(Rows{}, labels, 4) == 0);
  CHECK(batch_entropy(Rows{0, 1}, labels, 4) == 0);
  CHECK(batch_entropy(Rows{0, 1, 2, 3}, labels, 4) == doctest::Approx(1));
  CHECK(batch_entropy(Rows{0, 2, 4, 5}, labels, 4) == doctest::Approx(2));             // a missing label is one, too
  CHECK(batch_entropy(Rows{0, 2, 4, 5, 6}, labels, 4) == doctest::Approx(1));          // 2 and, of the last cell, 0
  CHECK(batch_entropy(Rows{0, 1, 6, 2}, labels, 4) == doctest::Approx(0.8112781245));  // 3 to 1
  CHECK(order_entropy(Rows{0, 1, 6, 7}, labels, 2, 1).share() == 1);                   // nothing to mix
  const auto sorted = order_entropy(Rows{0, 1, 2, 3}, labels, 2, 1);
  CHECK(sorted.bits == 0);
  CHECK(sorted.share() == 0);
}

TEST_CASE("epoch order: of 500 types in runs, batches hold 95% of the entropy of a fully random order or more") {
  const auto seed = test::seed();
  INFO("seed " << seed);
  for (const bool skewed : {false, true}) {
    const LabelColumn labels = sorted_types(skewed);
    const Rows rows = numbered(labels.size());
    const auto share = [&](const ShuffleOptions& options, std::int64_t batch_size) {
      return order_entropy(epoch_order(rows, seed, 0, options), labels, batch_size, seed + 1).share();
    };
    CHECK(share({}, 16) > 0.98);
    CHECK(share({}, 64) > 0.95);
    CHECK(share({}, 256) > 0.95);
    CHECK(share({4096, 8192}, 16) < 0.9);                        // two blocks of neighbours are no mixture
    CHECK(order_entropy(rows, labels, 16, seed).share() < 0.1);  // as the file has them
  }
}
