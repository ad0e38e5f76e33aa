// Cells whose truth is known, as a model judged one of their labels: what a temperature is fitted on, and what tells
// how far confidences can be trusted with it. Describes no cells itself.
#pragma once

#include <cmath>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/evaluate/reliability.hpp"
#include "cell2text/generate/label_confidence.hpp"
#include "cell2text/text/words.hpp"

namespace cell2text {

/// Of one label.
class CalibrationCells {
 public:
  /// `judged` comes from a judge without temperatures whose `best` are all known labels. `told` is the label that the
  /// text tells, nothing where it tells none.
  void add(const LabelConfidence& judged, const std::string& truth, const std::optional<std::string>& told) {
    Cell cell;
    for (const auto& [name, probability] : judged.best) {
      if (name == fold_spaces(truth)) cell.true_mass = probability;
      if (probability <= 0) continue;
      if (told && name == fold_spaces(*told)) cell.told = cell.log_masses.size();
      if (name == fold_spaces(truth)) cell.truth = cell.log_masses.size();
      cell.log_masses.push_back(std::log(probability));
    }
    cell.right = told && fold_spaces(*told) == fold_spaces(truth);
    cells_.push_back(std::move(cell));
  }

  std::size_t size() const { return cells_.size(); }

  /// For fit_temperature. Cells whose true label the model does not know are left out. A true label that the search
  /// left out counts with all that it may leave out, `left_out`.
  std::vector<TemperatureCase> cases(double left_out = LabelScoreOptions().left_out) const {
    std::vector<TemperatureCase> all;
    for (const Cell& cell : cells_) {
      if (!cell.true_mass || cell.log_masses.empty()) continue;
      TemperatureCase one{cell.log_masses, cell.truth.value_or(cell.log_masses.size())};
      if (!cell.truth) one.log_masses.push_back(std::log(left_out));
      all.push_back(std::move(one));
    }
    return all;
  }

  /// How sure the model is of what it told, at a temperature, and whether that was right. All cells count.
  std::vector<JudgedLabel> judged(double temperature) const {
    std::vector<JudgedLabel> all;
    for (const Cell& cell : cells_) {
      std::vector<double> logs = cell.log_masses;
      for (double& log : logs) log /= temperature;
      all.push_back({cell.told ? std::exp(logs[*cell.told] - log_sum_exp(logs)) : 0, cell.right});
    }
    return all;
  }

 private:
  struct Cell {
    std::vector<double> log_masses;    // of the known labels that have one
    std::optional<double> true_mass;   // nothing where the model does not know the true label
    std::optional<std::size_t> truth;  // places in log_masses
    std::optional<std::size_t> told;
    bool right = false;
  };
  std::vector<Cell> cells_;
};

}  // namespace cell2text
