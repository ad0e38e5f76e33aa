// What is checked of a metric, on made-up descriptions.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include "cell2text/conformance/common_checks.hpp"

namespace cell2text::conformance {

template <>
struct Suite<kinds::metric> {
  using Kind = kinds::metric;
  using Object = Built<Kind>;

  static Object make(const Subject& subject, const Value& settings, std::uint64_t seed) {
    return build<Kind>(subject, settings, seed);
  }

  /// Names of labels as training cells have them.
  static KnownLabels known() {
    KnownLabels known;
    known.values = {{"cell_type", {"B cell", "natural killer cell", "classical monocyte", "platelet"}},
                    {"tissue", {"blood", "lung", "spleen"}},
                    {"disease", {"normal", "influenza"}}};
    return known;
  }

  static Tensors outputs(const Scores& scores) {
    std::vector<double> values;
    for (const Score& score : scores.scores)
      values.push_back(score.value.value_or(std::numeric_limits<double>::quiet_NaN()));
    Tensors all{torch::tensor(values, at::TensorOptions(torch::kFloat64))};
    for (const Score& score : scores.scores)
      all.push_back(torch::tensor(score.per_cell, at::TensorOptions(torch::kFloat32)));
    return all;
  }
  static Tensors outputs(Object& metric, std::uint64_t number) {
    return outputs(metric->score(predictions(8, number), known()));
  }

  static std::vector<Check> checks() {
    return {
        {"scores", "tables, intervals and comparisons read the values per cell, and tell something else than the mean",
         &scores},
        {"batch", "a cell's score depends on which other cells were scored with it, so that subsets cannot be compared",
         &batch},
        {"direction", "the best model is shown as the worst", &direction}};
  }

 private:
  static void scores(Subject& subject) {
    auto metric = build<Kind>(subject);
    constexpr std::size_t count = 8;
    const Scores all = metric->score(predictions(count, 1), known());
    expect(!all.scores.empty(), "it gives no score");
    std::set<std::string> names;
    for (const Score& score : all.scores) {
      expect(!score.name.empty() && names.insert(score.name).second,
             "two scores are called '" + score.name + "', or one has no name");
      expect(score.value || !score.note.empty(), "'" + score.name + "' has no value, and no note tells why");
      expect(!score.value || std::isfinite(*score.value),
             "'" + score.name + "' is no finite number; leave the value out and say why in the note");
      if (score.per_cell.empty()) continue;
      expect(score.per_cell.size() == count, "'" + score.name + "' has " + std::to_string(score.per_cell.size()) +
                                                 " values for " + std::to_string(count) + " cells");
      expect_mean(score);
    }
    for (const Recount& recount : all.recounts) {
      expect(recount.outcome.size() == count, "a recount's outcomes are not for " + std::to_string(count) + " cells");
      for (const std::string& name : recount.names)
        expect(names.contains(name), "a recount is of '" + name + "', and no score is called so");
    }
    metric->score({}, known());  // no cell at all is no error
  }

  static void expect_mean(const Score& score) {
    double sum = 0;
    int cells = 0;
    for (const float value : score.per_cell)
      if (!std::isnan(value)) sum += value, ++cells;
    if (cells == 0 || !score.value) return;
    expect(std::abs(sum / cells - *score.value) < 1e-4, "'" + score.name + "' is " + std::to_string(*score.value) +
                                                            ", and the mean of its values per cell is " +
                                                            std::to_string(sum / cells));
  }

  /// Cells in another order and fewer of them: each keeps its value.
  static void batch(Subject& subject) {
    auto metric = build<Kind>(subject);
    const std::vector<Prediction> all = predictions(8, 1);
    std::vector<Prediction> some = {all[6], all[1], all[0], all[3]};
    const Scores whole = metric->score(all, known()), part = metric->score(some, known());
    for (const Score& score : whole.scores) {
      const auto found = std::ranges::find(part.scores, score.name, &Score::name);
      if (score.per_cell.empty() || found == part.scores.end() || found->per_cell.empty()) continue;
      const Tensor expected =
          torch::tensor({score.per_cell[6], score.per_cell[1], score.per_cell[0], score.per_cell[3]},
                        at::TensorOptions(torch::kFloat32));
      expect_same({torch::tensor(found->per_cell, at::TensorOptions(torch::kFloat32))}, {expected}, 1e-5,
                  "'" + score.name + "' of four cells alone, and among eight");
    }
  }

  /// Predictions that are the references score no worse than those of which half are not.
  static void direction(Subject& subject) {
    auto metric = build<Kind>(subject);
    std::vector<Prediction> texts = predictions(8, 1);
    const Scores mixed = metric->score(texts, known());
    for (Prediction& one : texts) one.prediction = one.reference;
    const Scores perfect = metric->score(texts, known());
    for (const Score& score : mixed.scores) {
      const auto best = std::ranges::find(perfect.scores, score.name, &Score::name);
      if (!score.compares || !score.value || best == perfect.scores.end() || !best->value) continue;
      const double gain = (*best->value - *score.value) * (score.higher_is_better ? 1 : -1);
      expect(gain >= -1e-6, "'" + score.name + "' is " + std::to_string(*best->value) +
                                " where every text is right and " + std::to_string(*score.value) +
                                " where half of them are; set higher_is_better to what is better");
    }
  }
};

}  // namespace cell2text::conformance
