// Resampled scores: the same cells for every score, on any number of threads; recounts that are wrong are refused.
#include "cell2text/evaluate/resample.hpp"

#include <ATen/Parallel.h>
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace {

using cell2text::Recount;
using cell2text::resample;
using cell2text::ResampledScores;

cell2text::Scores two_scores(std::size_t num_cells) {
  cell2text::Scores scores;
  scores.scores.push_back({.name = "mean", .value = 0.5});
  scores.scores.push_back({.name = "odd cells", .value = 0.5});
  Recount recount{.names = {"odd cells"}, .outcome = {}, .num_outcomes = 2, .values = {}};
  for (std::size_t i = 0; i < num_cells; ++i) {
    scores.scores[0].per_cell.push_back(static_cast<float>(i % 2));
    recount.outcome.push_back(static_cast<std::uint32_t>(i % 2));
  }
  recount.values = [](auto times, auto values) { values[0] = times[1] / (times[0] + times[1]); };
  scores.recounts.push_back(std::move(recount));
  return scores;
}

std::vector<ResampledScores> resampled(const cell2text::Scores& a, const cell2text::Scores& b, std::size_t cells,
                                       const std::vector<std::string>& groups = {}) {
  const cell2text::Scores* const all[] = {&a, &b};
  return resample(all, cells, {.seed = 3, .resamples = 50}, groups);
}

}  // namespace

TEST_CASE("resample: every score of every list sees the same cells, a mean as well as a recount") {
  const auto scores = two_scores(101);
  const auto values = resampled(scores, scores, 101);
  REQUIRE(values.size() == 2);
  REQUIRE(values[0].size() == 2);
  REQUIRE(values[0][0].size() == 50);
  CHECK(values[0][0] == values[1][0]);
  CHECK(values[0][0] == values[0][1]);
  CHECK(values[0][0][0] != values[0][0][1]);
  std::vector<std::string> donors(101, "a");
  donors[100] = "b";
  CHECK(resampled(scores, scores, 101, donors)[0][0] != values[0][0]);
}

TEST_CASE("resample: the values do not depend on the number of threads") {
  const auto scores = two_scores(100);
  const int before = at::get_num_threads();
  at::set_num_threads(1);
  const auto one = resampled(scores, scores, 100);
  at::set_num_threads(3);
  const auto three = resampled(scores, scores, 100);
  at::set_num_threads(before);
  CHECK(one[0] == three[0]);
}

TEST_CASE("resample: a score without a value, or nobody's recount, gives nothing") {
  auto scores = two_scores(10);
  scores.scores[0].value.reset(), scores.scores[1].name = "another";
  const auto values = resampled(scores, scores, 10);
  CHECK(values[0][0].empty());
  CHECK(values[0][1].empty());
  CHECK(resampled({}, {}, 0)[0].empty());
}

TEST_CASE("resample: a recount of other cells, with other outcomes or without a function is refused") {
  const auto scores = two_scores(10);
  auto refused = [&](auto change) {
    auto wrong = scores;
    change(wrong.recounts[0]);
    CHECK_THROWS_AS(resampled(scores, wrong, 10), cell2text::InputError);
  };
  refused([](Recount& recount) { recount.outcome.pop_back(); });
  refused([](Recount& recount) { recount.outcome[3] = 2; });
  refused([](Recount& recount) { recount.values = nullptr; });
  refused([](Recount& recount) { recount.names.clear(), recount.num_outcomes = 0; });
}
