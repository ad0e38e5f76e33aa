// Prefetching on a worker thread, and batches of cells made on it.
#include <atomic>
#include <chrono>
#include <cmath>
#include <map>
#include <numeric>
#include <random>
#include <set>
#include <thread>

#include "cell2text/cells/cell_loader.hpp"
#include "support/oracle.hpp"
#include "support/toy_cells.hpp"

using cell2text::CellLoader;
using cell2text::InputError;
using cell2text::LoaderOptions;
using cell2text::Prefetch;
using cell2text::TokenBatch;
namespace test = cell2text::test;

namespace {

/// Jobs that give 0, 1, ..., as long as `made` stays below `end`; `made` counts the jobs taken.
std::function<std::optional<Prefetch<int>::Job>()> numbers(std::atomic<int>& made, int end = 1 << 30) {
  return [&made, end]() -> std::optional<Prefetch<int>::Job> {
    if (made >= end) return std::nullopt;
    return [number = made++] { return number; };
  };
}

}  // namespace

TEST_CASE("prefetch: items come in order, then nothing for as long as one asks") {
  for (const int workers : {1, 2, 5}) {
    std::atomic<int> made = 0;
    Prefetch<int> prefetch(numbers(made, 100), {3, workers});
    for (int i = 0; i < 100; ++i) CHECK(prefetch.next() == i);
    CHECK(!prefetch.next());
    CHECK(!prefetch.next());
  }
}

TEST_CASE("prefetch: several workers make items at once, and slow ones keep their place") {
  std::atomic<int> made = 0, together = 0, most = 0;
  Prefetch<int> prefetch(
      [&]() -> std::optional<Prefetch<int>::Job> {
        if (made >= 12) return std::nullopt;
        return [&, number = made++] {
          const int now = ++together;
          for (int seen = most; seen < now && !most.compare_exchange_weak(seen, now);) {
          }
          std::this_thread::sleep_for(std::chrono::milliseconds(number % 3 == 0 ? 20 : 5));
          --together;
          return number;
        };
      },
      {4, 3});
  for (int i = 0; i < 12; ++i) CHECK(prefetch.next() == i);
  CHECK(!prefetch.next());
  CHECK(most >= 2);
  CHECK(most <= 3);
}

TEST_CASE("prefetch: an exception arrives after the items before it, each time one asks") {
  for (const bool in_job : {false, true})
    for (const int workers : {1, 3}) {
      int made = 0;
      Prefetch<int> prefetch(
          [&]() -> std::optional<Prefetch<int>::Job> {
            const int number = made++;
            const auto fail = [number] {
              if (number == 2) throw InputError("the third item");
              return number;
            };
            if (!in_job) fail();
            return fail;
          },
          {2, workers});
      CHECK(prefetch.next() == 0);
      CHECK(prefetch.next() == 1);
      CHECK_THROWS_WITH_AS(prefetch.next(), "the third item", InputError);
      CHECK_THROWS_AS(prefetch.next(), InputError);
    }
}

TEST_CASE("prefetch: no more than a few items are made ahead") {
  std::atomic<int> made = 0;
  Prefetch<int> prefetch(numbers(made), {2, 3});
  CHECK(prefetch.next() == 0);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  CHECK(made == 3);  // one handed out, two ready
}

TEST_CASE("prefetch: it can go at any moment of the worker's life") {
  const auto seed = test::seed();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 3000; ++round) {
    std::atomic<int> made = 0;
    Prefetch<int> prefetch(numbers(made), {1 + random() % 3, static_cast<int>(1 + random() % 3)});
    for (auto taken = random() % 3; taken > 0; --taken) prefetch.next();
    for (std::atomic<std::uint64_t> spin = random() % 2000; spin > 0; --spin) {
    }
  }
  CHECK(true);  // a request that the worker sleeps through would hang here
}

namespace {

struct Toy {
  cell2text::Parameters parameters{torch::kCPU, torch::kFloat32, 1};
  cell2text::EncoderHandle encoder;
  explicit Toy(const cell2text::Value& settings = {})
      : encoder(test::toy_part<cell2text::kinds::encoder, test::ToyEncoder>(settings, parameters)) {}
};

std::vector<std::int64_t> random_lengths(std::mt19937_64& random, std::size_t cells) {
  std::vector<std::int64_t> lengths(cells);
  for (auto& length : lengths) length = static_cast<std::int64_t>(random() % 40);
  return lengths;
}

LoaderOptions random_options(std::mt19937_64& random) {
  LoaderOptions options{static_cast<std::int64_t>(1 + random() % 9), static_cast<std::int64_t>(1 + random() % 5),
                        random(), random() % 2 == 0};
  options.read_cells = static_cast<std::int64_t>(random() % 2 * (random() % 120));
  return options;
}

std::vector<std::int64_t> text_of(std::int64_t row) {
  return std::vector<std::int64_t>(static_cast<std::size_t>(1 + row % 3), row);
}

std::vector<TokenBatch> all_batches(const cell2text::SourceHandle& source, const Toy& toy,
                                    const std::vector<std::int64_t>& rows, const LoaderOptions& options) {
  CellLoader loader(source, toy.encoder, rows, options, text_of);
  std::vector<TokenBatch> batches;
  while (auto batch = loader.next()) batches.push_back(std::move(*batch));
  return batches;
}

std::vector<std::int64_t> rows_of(const std::vector<TokenBatch>& batches) {
  std::vector<std::int64_t> rows;
  for (const TokenBatch& batch : batches) rows.insert(rows.end(), batch.rows.begin(), batch.rows.end());
  return rows;
}

}  // namespace

TEST_CASE("cell loader: every row comes exactly once, with its own genes, name, total and text") {
  const auto seed = test::seed();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  const Toy toy;
  for (int round = 0; round < 12; ++round) {
    const std::size_t cells = 1 + random() % 90;
    const auto lengths = random_lengths(random, cells);
    const auto source = test::toy_source(lengths);
    std::vector<std::int64_t> rows;
    for (std::size_t row = 0; row < cells; ++row)
      if (random() % 4) rows.push_back(static_cast<std::int64_t>(row));
    cell2text::split_detail::shuffle(rows, random);
    const LoaderOptions options = random_options(random);
    const auto batches = all_batches(source, toy, rows, options);
    auto found = rows_of(batches), expected = rows;
    std::ranges::sort(found), std::ranges::sort(expected);
    REQUIRE(found == expected);
    for (const TokenBatch& batch : batches) {
      CHECK(static_cast<std::int64_t>(batch.rows.size()) <= options.batch_size);
      std::int64_t longest = 0;
      for (std::size_t b = 0; b < batch.rows.size(); ++b) {
        const std::int64_t row = batch.rows[b], length = lengths[row];
        longest = std::max(longest, length);
        CHECK(batch.names[b] == "cell-" + std::to_string(row));
        CHECK(batch.totals[b] == 2.0 * static_cast<double>(length));
        CHECK(batch.texts[b] == text_of(row));
        CHECK(batch.tokens.lengths[b] == length);
        CHECK(batch.tokens.known_genes[b] == length);
        std::set<std::int64_t> genes, wanted;
        for (std::int64_t g = 0; g < length; ++g) {
          genes.insert(batch.tokens.ids_BG[static_cast<std::int64_t>(b)][g].item<std::int64_t>());
          wanted.insert((row + g) % 40);
        }
        CHECK(genes == wanted);
      }
      CHECK(batch.tokens.ids_BG.size(1) == longest);
    }
  }
}

TEST_CASE("cell loader: skipped cells are those that would have come first, whatever the windows and their order") {
  const auto seed = test::seed();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  const Toy toy;
  for (int round = 0; round < 12; ++round) {
    const std::size_t cells = 1 + random() % 90;
    const auto source = test::toy_source(random_lengths(random, cells));
    std::vector<std::int64_t> rows(cells);
    std::iota(rows.begin(), rows.end(), 0);
    LoaderOptions options = random_options(random);
    const auto batches = all_batches(source, toy, rows, options);
    for (std::size_t done = 0; done <= batches.size(); ++done) {
      const auto rest = all_batches(source, toy, rows, options);
      REQUIRE(rest.size() == batches.size() - done);
      for (std::size_t i = 0; i < rest.size(); ++i) {
        CHECK(rest[i].rows == batches[done + i].rows);
        CHECK(torch::equal(rest[i].tokens.ids_BG, batches[done + i].tokens.ids_BG));
      }
      if (done < batches.size()) options.skip_cells += static_cast<std::int64_t>(batches[done].rows.size());
    }
  }
  const auto source = test::toy_source({3, 9, 1, 4, 30, 2, 7});
  for (const std::int64_t inside : {1, 3, 8})
    CHECK_THROWS_WITH_AS(all_batches(source, toy, {0, 1, 2, 3, 4, 5, 6}, {2, 2, 0, false, inside}),
                         doctest::Contains("lies inside a batch"), cell2text::InputError);
}

TEST_CASE("cell loader: how many cells are read together changes no batch") {
  const auto seed = test::seed();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  const Toy toy;
  for (int round = 0; round < 8; ++round) {
    const std::size_t cells = 1 + random() % 90;
    const auto source = test::toy_source(random_lengths(random, cells));
    std::vector<std::int64_t> rows(cells);
    std::iota(rows.begin(), rows.end(), 0);
    cell2text::split_detail::shuffle(rows, random);
    LoaderOptions options = random_options(random);
    options.read_cells = 0;
    const auto expected = all_batches(source, toy, rows, options);
    for (const std::int64_t together : {1, 2, 17, 64, 1000}) {
      options.read_cells = together;
      const auto found = all_batches(source, toy, rows, options);
      REQUIRE(found.size() == expected.size());
      for (std::size_t i = 0; i < found.size(); ++i) {
        CHECK(found[i].rows == expected[i].rows);
        CHECK(found[i].names == expected[i].names);
        CHECK(found[i].totals == expected[i].totals);
        CHECK(found[i].texts == expected[i].texts);
        CHECK(torch::equal(found[i].tokens.ids_BG, expected[i].tokens.ids_BG));
      }
    }
  }
}

TEST_CASE("cell loader: what was read and how long it took is told") {
  const Toy toy;
  const auto source = test::toy_source(std::vector<std::int64_t>(20, 3));
  std::vector<std::int64_t> rows(20);
  std::iota(rows.begin(), rows.end(), 0);
  LoaderOptions options{2, 2, 0, false, 8};
  options.read_cells = 12;
  CellLoader loader(source, toy.encoder, rows, options);
  while (loader.next()) {
  }
  CHECK(loader.reading_speed().cells == 12);  // 8 are skipped
  CHECK(loader.reading_speed().seconds > 0);
  CHECK(loader.reading_speed().cells_per_second() > 0);
}

TEST_CASE("cell loader: without windows and shuffling the rows keep their order") {
  const Toy toy;
  const auto source = test::toy_source({3, 9, 1, 4, 30, 2, 7});
  const std::vector<std::int64_t> rows{4, 0, 6, 1, 5};
  CHECK(rows_of(all_batches(source, toy, rows, {2, 1, 0, false})) == rows);
}

TEST_CASE("cell loader: within a window, cells of like length stand together") {
  const auto seed = test::seed();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  const Toy toy;
  const auto lengths = random_lengths(random, 64);
  const auto source = test::toy_source(lengths);
  std::vector<std::int64_t> rows(64);
  std::iota(rows.begin(), rows.end(), 0);
  const auto batches = all_batches(source, toy, rows, {4, 8, seed, true});
  REQUIRE(batches.size() == 16);
  for (std::size_t window = 0; window < 2; ++window) {
    // The batches of a window are runs of its cells sorted by length, in some order.
    std::vector<std::pair<std::int64_t, std::int64_t>> ranges;
    for (std::size_t b = window * 8; b < window * 8 + 8; ++b) {
      const auto& found = batches[b].tokens.lengths;
      CHECK(std::ranges::is_sorted(found));
      ranges.emplace_back(found.front(), found.back());
      for (const std::int64_t row : batches[b].rows) CHECK(row / 32 == static_cast<std::int64_t>(window));
    }
    std::ranges::sort(ranges);
    for (std::size_t i = 1; i < ranges.size(); ++i) CHECK(ranges[i - 1].second <= ranges[i].first);
  }
}

TEST_CASE("cell loader: where the order is free, padding is under a tenth of the tokens of real cells") {
  const auto seed = test::seed();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  // Expressed genes of droplet data, as the paper has them: 1,843 on average, at most 4,096.
  std::lognormal_distribution<double> expressed(7.4, 0.5);
  std::vector<std::int64_t> lengths(1024), rows(1024);
  for (auto& length : lengths) length = std::clamp<std::int64_t>(std::lround(expressed(random)), 300, 4096);
  std::iota(rows.begin(), rows.end(), 0);
  cell2text::Value known;
  known.set("genes", test::number(4096));
  const Toy toy(known);
  const auto padding = [&](std::int64_t window) {
    std::int64_t tokens = 0, padded = 0;
    for (const TokenBatch& batch :
         all_batches(test::toy_source(lengths, {}, 4097), toy, rows, {8, window, seed, false})) {
      tokens += std::accumulate(batch.tokens.lengths.begin(), batch.tokens.lengths.end(), std::int64_t{0});
      padded += batch.tokens.ids_BG.numel();
    }
    return 1 - static_cast<double>(tokens) / static_cast<double>(padded);
  };
  CHECK(padding(cell2text::free_length_window) < 0.1);
  CHECK(padding(1) > 0.2);  // what sorting saves
}

TEST_CASE("cell loader: the order depends on the seed alone") {
  std::mt19937_64 random(5);
  const Toy toy;
  const auto source = test::toy_source(random_lengths(random, 60));
  std::vector<std::int64_t> rows(60);
  std::iota(rows.begin(), rows.end(), 0);
  const auto order = [&](std::uint64_t seed) { return rows_of(all_batches(source, toy, rows, {3, 10, seed, true})); };
  CHECK(order(1) == order(1));
  CHECK(order(1) != order(2));
}

TEST_CASE("cell loader: an error of the source is thrown where its batch is asked for") {
  const Toy toy;
  const auto source = test::toy_source({3, 4, 5});
  CellLoader loader(source, toy.encoder, {0, 1, 99}, {2, 1, 0, false});
  CHECK(loader.next()->rows == std::vector<std::int64_t>{0, 1});
  CHECK_THROWS_WITH_AS(loader.next(), doctest::Contains("no row 99"), InputError);
}

TEST_CASE("cell loader: without rows there is no batch") {
  const Toy toy;
  const auto source = test::toy_source({3});
  CHECK(!CellLoader(source, toy.encoder, {}, {}).next());
}
