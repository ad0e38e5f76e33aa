// Classification scores of predicted labels against true ones. How labels are read from texts is labels.hpp's.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cell2text/error.hpp"

namespace cell2text::labels {

struct PrecisionRecallF1 {
  double precision = 0;
  double recall = 0;
  double f1 = 0;
};

struct ClassScores {
  std::string name;
  PrecisionRecallF1 scores;
  std::int64_t support = 0;  ///< cells of this class in the truth
};

struct Classification {
  double accuracy = 0;
  double majority = 0;    ///< accuracy of always giving the most frequent true class
  double unreadable = 0;  ///< share of cells without a readable prediction
  PrecisionRecallF1 macro, weighted;
  std::vector<ClassScores> classes;                  ///< in byte order
  std::vector<std::vector<std::int64_t>> confusion;  ///< [truth, prediction], the last column unreadable
};

namespace classification_detail {

inline double ratio(std::int64_t part, std::int64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

/// The classes in truth and readable predictions, sorted, each once.
inline std::vector<std::string> class_names(std::span<const std::string> truth,
                                            std::span<const std::optional<std::string>> predicted) {
  std::vector<std::string> names(truth.begin(), truth.end());
  for (const auto& one : predicted)
    if (one) names.push_back(*one);
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

}  // namespace classification_detail

/// Scores as scikit-learn's with `labels` = the classes that occur in the truth or among readable predictions and
/// `zero_division = 0`. A prediction that could not be read (no value) is wrong, and is no class of its own: it
/// lowers the recall of the true class and the precision of none. `macro` averages over those classes, `weighted`
/// over the cells' true classes. InputError where there is no cell, or not one prediction per cell.
inline Classification classify(std::span<const std::string> truth,
                               std::span<const std::optional<std::string>> predicted) {
  using classification_detail::ratio;
  if (truth.empty() || truth.size() != predicted.size())
    throw InputError("labels of " + std::to_string(truth.size()) + " cells and predictions of " +
                     std::to_string(predicted.size()) + "; as many are needed, and at least one");
  const std::vector<std::string> names = classification_detail::class_names(truth, predicted);
  const auto number = [&](const std::string& name) {
    return static_cast<std::size_t>(std::lower_bound(names.begin(), names.end(), name) - names.begin());
  };
  Classification out;
  out.confusion.assign(names.size(), std::vector<std::int64_t>(names.size() + 1));
  std::vector<std::int64_t> support(names.size()), claimed(names.size() + 1);
  std::int64_t correct = 0;
  for (std::size_t cell = 0; cell < truth.size(); ++cell) {
    const std::size_t row = number(truth[cell]), column = predicted[cell] ? number(*predicted[cell]) : names.size();
    ++out.confusion[row][column], ++support[row], ++claimed[column];
    correct += row == column;
  }
  const auto num_cells = static_cast<std::int64_t>(truth.size());
  out.accuracy = ratio(correct, num_cells);
  out.majority = ratio(*std::max_element(support.begin(), support.end()), num_cells);
  out.unreadable = ratio(claimed.back(), num_cells);
  for (std::size_t c = 0; c < names.size(); ++c) {
    const std::int64_t hits = out.confusion[c][c];
    const PrecisionRecallF1 one{ratio(hits, claimed[c]), ratio(hits, support[c]),
                                ratio(2 * hits, claimed[c] + support[c])};
    const auto add = [&](PrecisionRecallF1& mean, double share) {
      mean.precision += share * one.precision, mean.recall += share * one.recall, mean.f1 += share * one.f1;
    };
    add(out.macro, 1 / static_cast<double>(names.size()));
    add(out.weighted, ratio(support[c], num_cells));
    out.classes.push_back({names[c], one, support[c]});
  }
  return out;
}

}  // namespace cell2text::labels
