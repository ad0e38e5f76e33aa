// What a metric receives and returns: predicted texts with their truth, and named scores.
// Plain data only; how it is read and written is evaluate/predictions_file.hpp.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace cell2text {

/// One described cell.
struct Prediction {
  std::string cell;                           ///< the cell's name in its file
  std::string reference;                      ///< the true description
  std::string prediction;                     ///< the generated one
  double log_probability = 0;                 ///< natural log, summed over tokens; NaN where it is not known
  std::map<std::string, std::string> labels;  ///< truth: "cell_type", "tissue", "disease"; absent = unknown
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
};

/// Counts [truth, prediction]. Each row has one column per class and a last one for unreadable texts.
struct ConfusionTable {
  std::string label;
  std::vector<std::string> classes;
  std::vector<std::vector<std::int64_t>> counts;
};

struct Scores {
  std::vector<Score> scores;
  std::vector<ConfusionTable> confusion;
};

/// Names a label may take ("cell_type" -> names): from the model's training data and the ontology.
struct KnownLabels {
  std::map<std::string, std::vector<std::string>> values;
  std::map<std::string, std::vector<std::string>> trained = {};  ///< of these, those of the training cells, where known
};

}  // namespace cell2text
