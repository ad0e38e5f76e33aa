// The control of a report: the model's scores when each cell is described from another cell's embeddings. A model whose
// scores are no better than these has learned what texts look like, and not what its cells are.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "cell2text/error.hpp"
#include "cell2text/evaluate/prediction.hpp"

namespace cell2text {

/// For each of n cells another one: a random cycle through all of them, so that no cell gets itself (Sattolo 1986).
/// InputError for fewer than two.
inline std::vector<std::size_t> other_cells(std::size_t n, std::uint64_t seed) {
  if (n < 2)
    throw InputError("a control needs two cells, since each gets the other's embeddings; " + std::to_string(n) +
                     " given");
  std::vector<std::size_t> others(n);
  for (std::size_t i = 0; i < n; ++i) others[i] = i;
  std::mt19937_64 random(seed);
  for (std::size_t i = n; i > 1; --i) std::swap(others[i - 1], others[random() % (i - 1)]);
  return others;
}

/// The predictions with each cell's text, and how sure the model was of it, taken from another cell. Nothing is
/// generated again: all that a text depends on are the embeddings (a drawn one also on its cell's name, which only says
/// which of equally likely draws it gets), so what a cell would be told from another's embeddings is what that one was
/// told. Errors as other_cells.
inline std::vector<Prediction> shuffled_predictions(std::vector<Prediction> predictions, std::uint64_t seed) {
  const std::vector<std::size_t> others = other_cells(predictions.size(), seed);
  std::vector<std::tuple<std::string, double, std::map<std::string, double>>> texts;
  for (Prediction& one : predictions)
    texts.emplace_back(std::move(one.prediction), one.log_probability, std::move(one.confidences));
  for (std::size_t i = 0; i < predictions.size(); ++i)
    std::tie(predictions[i].prediction, predictions[i].log_probability, predictions[i].confidences) = texts[others[i]];
  return predictions;
}

/// Which scores of the model do not stand apart from the control's.
struct NotToldApart {
  std::vector<std::string> names;  ///< "labels.cell_type.accuracy": the two 95% intervals overlap, or it is worse
  std::size_t compared = 0;        ///< scores of which both have an interval
};

/// Scores that compare texts with the truth are looked at, and none else.
inline NotToldApart not_told_apart(const std::map<std::string, Scores>& model,
                                   const std::map<std::string, Scores>& control) {
  NotToldApart out;
  for (const auto& [metric, scores] : model) {
    const auto other = control.find(metric);
    if (other == control.end()) continue;
    for (const Score& score : scores.scores) {
      if (!score.compares || !score.low || !score.high) continue;
      for (const Score& one : other->second.scores) {
        if (one.name != score.name || !one.low || !one.high) continue;
        ++out.compared;
        if (score.higher_is_better ? *score.low <= *one.high : *one.low <= *score.high)
          out.names.push_back(metric + "." + score.name);
      }
    }
  }
  return out;
}

/// The sentence that a report opens with; empty where all scores stand apart.
inline std::string not_told_apart_text(const NotToldApart& found) {
  if (found.names.empty()) return "";
  std::string names;
  for (std::size_t i = 0; i < std::min<std::size_t>(found.names.size(), 6); ++i)
    names += (i ? ", " : "") + found.names[i];
  if (found.names.size() > 6) names += " and " + std::to_string(found.names.size() - 6) + " more";
  const bool all = found.names.size() == found.compared;
  return std::string(all ? "By none of its scores"
                         : "By " + std::to_string(found.names.size()) + " of " + std::to_string(found.compared) +
                               " scores") +
         (all ? " does the model stand apart" : " the model does not stand apart") +
         " from the control, in which each cell is described from another cell's embeddings: the two 95% intervals "
         "of " +
         names + " overlap, or the model's lies on the worse side.";
}

}  // namespace cell2text
