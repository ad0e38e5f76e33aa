// Two systems on the same cells: matching, what cannot be matched, and differences with known answers.
#include "cell2text/evaluate/compare.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "support/oracle.hpp"

namespace {

using cell2text::InputError;
using cell2text::pair_predictions;
using cell2text::Prediction;
using cell2text::Scores;
using cell2text::test::says;

Prediction said(const std::string& cell, const std::string& text, const std::string& reference = "r") {
  return {.cell = cell, .reference = reference, .prediction = text, .labels = {}};
}

std::string refused(std::vector<Prediction> first, std::vector<Prediction> second) {
  try {
    pair_predictions(std::move(first), std::move(second), {"a.jsonl", "b.jsonl"});
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

Scores scores_of(const std::vector<float>& per_cell) {
  double sum = 0;
  for (const float value : per_cell) sum += value;
  Scores scores;
  scores.scores.push_back({.name = "s", .value = sum / static_cast<double>(per_cell.size()), .per_cell = per_cell});
  return scores;
}

}  // namespace

TEST_CASE("compare: cells are matched by name, and both get what either knows of the truth") {
  std::vector<Prediction> first{said("x", "1"), said("y", "2"), said("z", "3")},
      second{said("z", "4"), said("x", "5"), said("w", "6"), said("v", "7")};
  first[0].labels["cell_type"] = "B cell";
  second[1].labels["tissue"] = "blood";
  second[1].donor = "d", second[1].pathways = {"p"};
  const auto paired = pair_predictions(first, second, {"a.jsonl", "b.jsonl"});
  REQUIRE(paired.first.size() == 2);
  CHECK(paired.first[0].prediction == "1");
  CHECK(paired.second[0].prediction == "5");
  CHECK(paired.second[1].prediction == "4");
  CHECK(paired.only_first == 1);
  CHECK(paired.only_second == 2);
  CHECK(paired.first[0].labels == paired.second[0].labels);
  CHECK(paired.first[0].labels.size() == 2);
  CHECK(paired.first[0].donor == "d");
  CHECK(paired.first[0].pathways == std::vector<std::string>{"p"});
}

TEST_CASE("compare: what cannot be matched is refused, and says which cell") {
  CHECK(says(refused({said("x", "")}, {said("y", "")}), "a.jsonl and b.jsonl share no cell"));
  CHECK(says(refused({said("x", "")}, {said("x", "", "other")}), "the reference of cell 'x' differs"));
  CHECK(says(refused({said("x", ""), said("x", "")}, {said("x", "")}), "a.jsonl has cell 'x' twice"));
  CHECK(says(refused({said("x", "")}, {said("x", ""), said("", "")}), "b.jsonl: prediction 2 has no 'cell'"));
  Prediction one = said("x", ""), other = said("x", "");
  one.labels["tissue"] = "blood", other.labels["tissue"] = "lung";
  CHECK(says(refused({one}, {other}), "'tissue' of cell 'x' differs"));
  one.labels.clear(), one.donor = "a", other.donor = "b";
  CHECK(says(refused({one}, {other}), "'donor' of cell 'x' differs"));
}

TEST_CASE("compare: a constant difference has no width, however the scores vary") {
  std::vector<float> low, high;
  for (int i = 0; i < 40; ++i) low.push_back(static_cast<float>(i % 4) / 8), high.push_back(low.back() + 0.25f);
  const auto differences =
      cell2text::compare({{"m", scores_of(high)}, {"only here", scores_of(high)}}, {{"m", scores_of(low)}}, 40);
  REQUIRE(differences.size() == 1);
  const auto& one = differences.at("m")[0];
  CHECK(*one.difference == doctest::Approx(0.25));
  CHECK(*one.low == doctest::Approx(0.25));
  CHECK(*one.high == doctest::Approx(0.25));
  CHECK(*one.first == doctest::Approx(*one.second + 0.25));
}

TEST_CASE("compare: a score that one system lacks has no difference") {
  Scores with = scores_of({0, 1, 1}), without = with;
  without.scores[0].value.reset();
  const auto differences = cell2text::compare({{"m", with}}, {{"m", without}}, 3);
  CHECK_FALSE(differences.at("m")[0].difference.has_value());
  CHECK_FALSE(differences.at("m")[0].low.has_value());
  without.scores[0].name = "another";
  CHECK(cell2text::compare({{"m", with}}, {{"m", without}}, 3).empty());
  CHECK_THROWS_AS(cell2text::compare({{"m", with}}, {{"m", with}}, 3, {.level = 2}), InputError);
}
