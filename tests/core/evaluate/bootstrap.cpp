// Bootstrap intervals: right on cases with a known answer, and the same at each call.
#include "cell2text/evaluate/bootstrap.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "support/oracle.hpp"

using cell2text::add_intervals;
using cell2text::BootstrapSettings;
using cell2text::donor_groups;
using cell2text::InputError;
using cell2text::Prediction;
using cell2text::Score;
using cell2text::Scores;

namespace {

using Columns = std::vector<std::vector<float>>;
constexpr float missing = std::numeric_limits<float>::quiet_NaN();

struct Interval {
  double low = 0, high = 0;
};

/// Of the means of several columns [score][cell], all from the same resamples.
std::vector<std::optional<Interval>> intervals_of(const Columns& columns, const BootstrapSettings& settings = {},
                                                  std::span<const std::string> groups = {}) {
  Scores scores;
  for (const auto& column : columns) scores.scores.push_back({.name = "column", .value = 0, .per_cell = column});
  Scores* const all[] = {&scores};
  add_intervals(all, columns.empty() ? 0 : columns[0].size(), settings, groups);
  std::vector<std::optional<Interval>> intervals;
  for (const Score& one : scores.scores)
    intervals.push_back(one.low ? std::optional(Interval{*one.low, *one.high}) : std::nullopt);
  return intervals;
}

}  // namespace

TEST_CASE("bootstrap: a proportion gets the interval of the binomial distribution") {
  const auto seed = cell2text::test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  std::vector<float> column(2001);
  for (std::size_t i = 0; i < 600; ++i) column[i] = 1;
  const auto interval = intervals_of(Columns{column}, {.seed = seed})[0];
  REQUIRE(interval.has_value());
  const double mean = 600.0 / 2001, half = 1.96 * std::sqrt(mean * (1 - mean) / 2001);
  CHECK(std::abs(interval->low - (mean - half)) < half / 4);
  CHECK(std::abs(interval->high - (mean + half)) < half / 4);
}

TEST_CASE("bootstrap: intervals hold the true mean about as often as they say") {
  const auto seed = cell2text::test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal(0.5f, 2.0f);
  int held = 0;
  for (int round = 0; round < 300; ++round) {
    std::vector<float> column(100);
    for (float& value : column) value = normal(random);
    const auto interval = intervals_of(Columns{column}, {.seed = seed, .resamples = 400})[0];
    held += interval->low <= 0.5 && 0.5 <= interval->high;
  }
  CHECK(held > 0.88 * 300);  // 6 standard deviations below .95
  CHECK(held < 300);
}

TEST_CASE("bootstrap: the same seed gives the same interval, wherever the column stands") {
  std::vector<float> a, b;
  for (int i = 0; i < 77; ++i) a.push_back(std::sin(static_cast<float>(i))), b.push_back(static_cast<float>(i % 5));
  const auto both = intervals_of(Columns{a, b}, {.seed = 7}), again = intervals_of(Columns{b}, {.seed = 7});
  const auto other = intervals_of(Columns{b}, {.seed = 8});
  CHECK(both[1]->low == again[0]->low);
  CHECK(both[1]->high == again[0]->high);
  CHECK((other[0]->low != again[0]->low || other[0]->high != again[0]->high));
  CHECK(again[0]->low == doctest::Approx(127.0 / 77));  // known, so that a change of the generator shows
}

TEST_CASE("bootstrap: cells without a value are left out, and an empty column has no interval") {
  const auto intervals = intervals_of(Columns{{missing, 0.25f, missing, 0.25f}, {missing, missing, missing, missing}});
  REQUIRE(intervals[0].has_value());
  CHECK(intervals[0]->low == 0.25);
  CHECK(intervals[0]->high == 0.25);
  CHECK_FALSE(intervals[1].has_value());
  CHECK_FALSE(intervals_of(Columns{{}})[0].has_value());
  CHECK(intervals_of({}).empty());
  CHECK(intervals_of(Columns{{0.5f}})[0]->high == 0.5);
}

TEST_CASE("bootstrap: groups are drawn whole, so that like cells of a group widen the interval") {
  std::vector<float> column;
  std::vector<std::string> groups;
  for (int donor = 0; donor < 20; ++donor)
    for (int cell = 0; cell < 50; ++cell)
      column.push_back(donor % 2 ? 1.0f : 0.0f), groups.push_back("d" + std::to_string(donor));
  const auto cells = *intervals_of(Columns{column})[0];
  const auto donors = *intervals_of(Columns{column}, {}, groups)[0];
  CHECK(donors.high - donors.low > 4 * (cells.high - cells.low));
  const std::vector<std::string> one(column.size(), "only");
  const auto whole = *intervals_of(Columns{column}, {}, one)[0];
  CHECK(whole.low == 0.5);
  CHECK(whole.high == 0.5);
}

TEST_CASE("bootstrap: intervals are added where a score has a value per cell and none yet") {
  Scores scores;
  scores.scores.push_back({.name = "a", .value = 0.5, .per_cell = {0, 1, 0, 1}});
  scores.scores.push_back({.name = "f1", .value = 0.5});
  scores.scores.push_back({.name = "own", .value = 0.5, .low = 0.1, .high = 0.9, .per_cell = {0, 1, 0, 1}});
  scores.scores.push_back({.name = "nothing", .note = "one value, says nothing", .per_cell = {1, 1, 1, 1}});
  Scores* const all[] = {&scores};
  add_intervals(all, 4);
  CHECK(scores.scores[0].low == 0.0);
  CHECK(scores.scores[0].high == 1.0);
  CHECK_FALSE(scores.scores[1].low.has_value());
  CHECK(scores.scores[2].low == 0.1);
  CHECK_FALSE(scores.scores[3].high.has_value());
}

TEST_CASE("bootstrap: a score without values per cell gets its interval by a recount") {
  Scores scores;
  scores.scores.push_back({.name = "share", .value = 0.5});
  scores.recounts.push_back({{"share", "of nobody"}, {0, 1, 0, 1, 0, 1, 0, 1}, 2, [](auto times, auto values) {
                               values[0] = times[1] / (times[0] + times[1]);
                             }});
  Scores* const all[] = {&scores};
  add_intervals(all, 8);
  const auto same = *intervals_of(Columns{{0, 1, 0, 1, 0, 1, 0, 1}})[0];
  CHECK(scores.scores[0].low == same.low);
  CHECK(scores.scores[0].high == same.high);
}

TEST_CASE("bootstrap: cells are drawn by donor where two are known") {
  std::vector<Prediction> cells(4);
  CHECK(donor_groups(cells).empty());
  cells[0].donor = "d1";
  CHECK(donor_groups(cells).empty());
  cells[3].donor = "d2";
  CHECK(donor_groups(cells) == std::vector<std::string>{"d1", "", "", "d2"});
}

TEST_CASE("bootstrap: wrong arguments are refused") {
  const std::vector<std::string> groups{"a", "b", "c"};
  CHECK_THROWS_AS(intervals_of(Columns{{1, 2}, {1}}), InputError);
  CHECK_THROWS_AS(intervals_of(Columns{{1, 2}}, {}, groups), InputError);
  CHECK_THROWS_AS(intervals_of(Columns{{1, 2}}, {.resamples = 0}), InputError);
  CHECK_THROWS_AS(intervals_of(Columns{{1, 2}}, {.level = 1}), InputError);
  CHECK_THROWS_AS(intervals_of(Columns{{1, 2}}, {.level = std::nan("")}), InputError);
}
