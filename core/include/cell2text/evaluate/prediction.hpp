// What a metric receives and returns: predicted texts with their truth, and named scores.
// Plain data only; how it is read and written is evaluate/predictions_file.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace cell2text {

/// One described cell.
struct Prediction {
  std::string cell;                           ///< the cell's name in its file
  std::string reference;                      ///< the true description
  std::string prediction;                     ///< the generated one
  double log_probability = 0;                 ///< natural log, summed over tokens; NaN where it is not known
  std::map<std::string, std::string> labels;  ///< truth: prediction_labels (predictions_file.hpp); absent = unknown
  std::optional<std::vector<std::string>> pathways = {};  ///< truth: names or descriptions; absent = unknown
  std::string donor = {};                                 ///< whose cell it is; empty = unknown
  std::map<std::string, double> confidences = {};  ///< by label: how sure the system is of what it says, 0..1
};

/// One named score. `per_cell` is empty, or holds one value per prediction in their order, NaN for a
/// cell that the score says nothing about; then `value` is the mean of the others.
struct Score {
  std::string name;                  ///< within its metric: "bleu_2", "cell_type.accuracy"
  std::optional<double> value = {};  ///< absent where nothing can be said; `note` tells why
  std::optional<double> low = {};    ///< 95% interval, see evaluate/bootstrap.hpp
  std::optional<double> high = {};
  bool higher_is_better = true;
  std::string unit = "fraction";
  std::string note = {};
  std::vector<float> per_cell = {};
  bool compares = true;  ///< texts with the truth; false: it tells of one of the two alone (how frequent, how readable)
};

/// Counts [truth, prediction]. Each row has one column per class and a last one for unreadable texts.
struct ConfusionTable {
  std::string label;
  std::vector<std::string> classes;
  std::vector<std::vector<std::int64_t>> counts;
  std::vector<std::string> ids = {};  ///< ontology id of each class, "" where it has none; empty without an ontology
};

/// How scores that are no means over cells follow from how often each cell counts: what their intervals need. Cells to
/// which the same happened share an outcome, so that few numbers tell all of a resample.
struct Recount {
  std::vector<std::string> names;      ///< of scores of the same Scores
  std::vector<std::uint32_t> outcome;  ///< [cell], below `num_outcomes`
  std::size_t num_outcomes = 0;
  /// How often each outcome occurs, to the scores' values in the order of `names`; NaN where nothing can be said.
  /// Called from several threads.
  std::function<void(std::span<const double> times, std::span<double> values)> values;
};

struct Scores {
  std::vector<Score> scores;
  std::vector<ConfusionTable> confusion;
  std::vector<Recount> recounts = {};
};

/// Names a label may take ("cell_type" -> names): from the model's training data and the ontologies at hand.
struct KnownLabels {
  using Texts = std::map<std::string, std::string>;
  std::map<std::string, std::vector<std::string>> values;
  std::map<std::string, std::vector<std::string>> trained = {};  ///< of these, those of the training cells, where known
  std::map<std::string, Texts> synonyms = {};                    ///< label -> exact synonym -> the name of its term
  std::map<std::string, Texts> ids = {};                         ///< label -> name of a term -> its ontology id
};

}  // namespace cell2text
