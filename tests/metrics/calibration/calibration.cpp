// The metric `calibration` on a few predictions: what counts, what is said, and what is refused.
#include "metrics/calibration/calibration.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <random>

#include "cell2text/evaluate/bootstrap.hpp"
#include "support/oracle.hpp"

using namespace cell2text;
using calibration::Calibration;

namespace {

Prediction cell(const std::string& truth, const std::string& said, std::optional<double> sure) {
  Prediction one{.cell = "c",
                 .reference = "",
                 .prediction = "This sample consists of a " + said + ".",
                 .labels = {{"cell_type", truth}}};
  if (sure) one.confidences["cell_type"] = *sure;
  return one;
}

Scores score(const std::vector<Prediction>& cells, std::int64_t bins = 10) {
  KnownLabels known;
  known.values["cell_type"] = {"B cell", "T cell"};
  return Calibration({.bins = bins}, Context{}).score(cells, known);
}

const Score& named(const Scores& scores, const std::string& name) {
  for (const Score& one : scores.scores)
    if (one.name == name) return one;
  FAIL("no score named " << name);
  throw 0;
}

bool has(const Scores& scores, const std::string& name) {
  return std::ranges::find(scores.scores, name, &Score::name) != scores.scores.end();
}

}  // namespace

TEST_CASE("calibration: cells with truth and confidence count; what is not readable is wrong") {
  const Scores scores =
      score({cell("B cell", "B cell", 0.95), cell("B cell", "T cell", 0.65), cell("T cell", "thing", 0.05),
             cell("T cell", "T cell", std::nullopt), cell("unknown", "T cell", 0.5)});
  CHECK(*named(scores, "cell_type.ece").value == doctest::Approx((0.05 + 0.65 + 0.05) / 3));
  CHECK(*named(scores, "cell_type.accuracy").value == doctest::Approx(1.0 / 3));
  CHECK(*named(scores, "cell_type.mean_confidence").value == doctest::Approx(0.55));
  CHECK(*named(scores, "cell_type.accuracy_at_25").value == 1);
  CHECK(*named(scores, "cell_type.accuracy_at_50").value == doctest::Approx(1 / 1.5));
  CHECK(named(scores, "cell_type.accuracy").note == "2 of 5 cells have no known truth or no confidence");
  const auto& right = named(scores, "cell_type.accuracy").per_cell;
  REQUIRE(right.size() == 5);
  CHECK(right[0] == 1);
  CHECK(right[1] == 0);
  CHECK(right[2] == 0);
  CHECK(std::isnan(right[3]));
  CHECK(std::isnan(right[4]));
  CHECK(named(scores, "cell_type.bin_10.cells").value == 1);
  CHECK(named(scores, "cell_type.bin_10.cells").note == "with confidence 0.9 to 1");
  CHECK(*named(scores, "cell_type.bin_7.confidence").value == doctest::Approx(0.65));
  CHECK(*named(scores, "cell_type.bin_7.accuracy").value == 0);
  CHECK_FALSE(has(scores, "cell_type.bin_6.cells"));
  CHECK(named(scores, "tissue.ece").note == "no cell has a known truth and a confidence");
  CHECK_FALSE(named(scores, "tissue.ece").value.has_value());
}

TEST_CASE("calibration: predictions that do not say how sure they are are refused; no predictions are not") {
  CHECK_THROWS_WITH_AS(score({cell("B cell", "B cell", std::nullopt)}),
                       doctest::Contains("none of the 1 predictions says how sure"), InputError);
  const Scores none = score({});
  for (const Score& one : none.scores) CHECK(one.note == "no cells");
}

TEST_CASE("calibration: what is counted anew of drawn cells is what those cells score") {
  const auto seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  std::mt19937_64 random(seed);
  std::vector<Prediction> cells;
  for (int i = 0; i < 60; ++i)
    cells.push_back(cell(random() % 2 ? "B cell" : "T cell", random() % 3 ? "B cell" : "T cell",
                         random() % 9 ? std::optional(static_cast<double>(random() % 41) / 40) : std::nullopt));
  const Scores all = score(cells, 5);
  REQUIRE(all.recounts.size() == 1);
  const Recount& recount = all.recounts[0];
  std::vector<double> times(recount.num_outcomes), values(recount.names.size());
  std::vector<Prediction> drawn;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const auto one = random() % cells.size();
    drawn.push_back(cells[one]);
    ++times[recount.outcome[one]];
  }
  recount.values(times, values);
  const Scores expected = score(drawn, 5);
  for (std::size_t i = 0; i < values.size(); ++i) {
    INFO(recount.names[i]);
    if (std::isnan(values[i]))
      CHECK_FALSE(has(expected, recount.names[i]));
    else
      CHECK(values[i] == doctest::Approx(*named(expected, recount.names[i]).value));
  }
  Scores scores = all;
  Scores* const list[] = {&scores};
  add_intervals(list, cells.size());
  CHECK(named(scores, "cell_type.ece").low.has_value());
  CHECK(named(scores, "cell_type.accuracy_at_50").low.has_value());
}
