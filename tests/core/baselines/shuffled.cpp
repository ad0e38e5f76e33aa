// The control: who gets whose text, and the sentence where it makes no difference.
#include "cell2text/baselines/shuffled.hpp"

#include <set>

#include "support/oracle.hpp"

using namespace cell2text;

TEST_CASE("shuffled: every cell gets another one's text, every text goes to one cell, and the seed decides") {
  const auto seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  for (const std::size_t n : {2, 3, 4, 17, 500}) {
    const auto others = other_cells(n, seed);
    CHECK(std::set(others.begin(), others.end()).size() == n);
    std::size_t same = 0, cycle = 0, at = 0;
    for (std::size_t i = 0; i < n; ++i) same += others[i] == i;
    do at = others[at], ++cycle;
    while (at != 0);
    CHECK(same == 0);
    CHECK(cycle == n);
    CHECK(other_cells(n, seed) == others);
  }
  CHECK(other_cells(500, seed) != other_cells(500, seed + 1));
  CHECK_THROWS_WITH_AS(other_cells(1, 0), doctest::Contains("needs two cells"), InputError);
}

TEST_CASE("shuffled: the truth stays with its cell") {
  std::vector<Prediction> predictions;
  for (int i = 0; i < 5; ++i) {
    const std::string number = std::to_string(i);
    predictions.push_back(
        {"cell " + number, "reference " + number, "text " + number, -1.0 * i, {{"cell_type", number}}});
    predictions.back().confidences["cell_type"] = i / 4.0;
  }
  const auto shuffled = shuffled_predictions(predictions, 3);
  for (int i = 0; i < 5; ++i) {
    CHECK(shuffled[i].cell == predictions[i].cell);
    CHECK(shuffled[i].reference == predictions[i].reference);
    CHECK(shuffled[i].labels == predictions[i].labels);
    CHECK(shuffled[i].prediction != predictions[i].prediction);
    CHECK(shuffled[i].prediction == "text " + std::to_string(static_cast<int>(-shuffled[i].log_probability)));
    CHECK(shuffled[i].confidences.at("cell_type") == -shuffled[i].log_probability / 4);
  }
}

TEST_CASE("shuffled: scores whose intervals overlap are named, those that compare nothing are not") {
  const auto scores = [](double low, double high) {
    Scores all;
    all.scores = {{.name = "bleu", .value = low, .low = low, .high = high},
                  {.name = "exact", .value = 0.5, .low = 0.4, .high = 0.6},
                  {.name = "majority", .value = 0.5, .low = 0.4, .high = 0.6, .compares = false},
                  {.name = "nothing", .note = "one value"}};
    return all;
  };
  const std::map<std::string, Scores> model{{"overlap", scores(0.7, 0.8)}, {"alone", scores(0, 1)}};
  const auto touching = not_told_apart(model, {{"overlap", scores(0.6, 0.7)}});
  CHECK(touching.names == std::vector<std::string>{"overlap.bleu", "overlap.exact"});
  CHECK(touching.compared == 2);
  CHECK(not_told_apart_text(touching).starts_with("By none of its scores does the model stand apart from the control"));
  const auto apart = not_told_apart(model, {{"overlap", scores(0.5, 0.69)}});
  CHECK(apart.names == std::vector<std::string>{"overlap.exact"});
  CHECK(not_told_apart_text(apart) ==
        "By 1 of 2 scores the model does not stand apart from the control, in which each cell is described from "
        "another cell's embeddings: the two 95% intervals of overlap.exact overlap, or the model's lies on the worse "
        "side.");
  const auto worse = not_told_apart(model, {{"overlap", scores(0.85, 0.9)}});
  CHECK(worse.names == std::vector<std::string>{"overlap.bleu", "overlap.exact"});
  CHECK(not_told_apart_text({}).empty());
  NotToldApart many{{"a", "b", "c", "d", "e", "f", "g", "h"}, 9};
  CHECK(test::says(not_told_apart_text(many), "a, b, c, d, e, f and 2 more overlap, or "));
}
