// Classification scores of predicted labels against true ones. How labels are read from texts is labels.hpp's.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "cell2text/error.hpp"

namespace cell2text::labels {

struct PrecisionRecallF1 {
  double precision = 0;
  double recall = 0;
  double f1 = 0;
};

/// How often a class was right, given as the answer, and true. Whole numbers, also where cells count more than once.
struct ClassCounts {
  double hits = 0;
  double claimed = 0;
  double support = 0;
};

struct ClassScores {
  std::string name;
  PrecisionRecallF1 scores;
  std::int64_t support = 0;  ///< cells of this class in the truth
};

struct ClassPair {
  std::uint32_t truth = 0, predicted = 0;
};

struct Averages {
  PrecisionRecallF1 macro;     ///< over the classes that occur, in the truth or among the answers
  PrecisionRecallF1 weighted;  ///< over the cells' true classes
  double majority = 0;         ///< accuracy of always giving the most frequent true class
};

struct Classification {
  double accuracy = 0;
  double unreadable = 0;  ///< share of cells without a readable prediction
  Averages averages;
  std::vector<ClassScores> classes;                  ///< in byte order
  std::vector<std::vector<std::int64_t>> confusion;  ///< [truth, prediction], the last column unreadable
  std::vector<ClassPair> cells;                      ///< each cell's place in the confusion
};

namespace classification_detail {

inline double ratio(double part, double whole) {
  return whole == 0 ? 0 : part / whole;
}

/// Numbers the classes that occur in truth and readable predictions, in byte order.
class ClassNumbers {
 public:
  ClassNumbers(std::span<const std::string> truth, std::span<const std::optional<std::string>> predicted) {
    for (const std::string& one : truth) numbers_.try_emplace(one, 0);
    for (const auto& one : predicted)
      if (one) numbers_.try_emplace(*one, 0);
    for (const auto& [name, unset] : numbers_) names_.emplace_back(name);
    std::sort(names_.begin(), names_.end());
    for (std::size_t i = 0; i < names_.size(); ++i) numbers_.at(names_[i]) = static_cast<std::uint32_t>(i);
  }
  std::uint32_t operator[](std::string_view name) const { return numbers_.at(name); }
  const std::vector<std::string>& names() const { return names_; }

 private:
  std::unordered_map<std::string_view, std::uint32_t> numbers_;  // of the caller's texts
  std::vector<std::string> names_;
};

}  // namespace classification_detail

inline PrecisionRecallF1 scores_of(const ClassCounts& one) {
  using classification_detail::ratio;
  return {ratio(one.hits, one.claimed), ratio(one.hits, one.support), ratio(2 * one.hits, one.claimed + one.support)};
}

/// As scikit-learn with `labels` = the classes that occur and `zero_division = 0`.
inline Averages averages_of(std::span<const ClassCounts> classes) {
  Averages out;
  double occurring = 0, cells = 0, most = 0;
  for (const ClassCounts& one : classes) {
    occurring += one.claimed + one.support > 0;
    cells += one.support;
    most = std::max(most, one.support);
  }
  const auto add = [](PrecisionRecallF1& mean, const PrecisionRecallF1& one, double share) {
    mean.precision += share * one.precision, mean.recall += share * one.recall, mean.f1 += share * one.f1;
  };
  for (const ClassCounts& one : classes) {
    if (one.claimed + one.support == 0) continue;
    const PrecisionRecallF1 scores = scores_of(one);
    add(out.macro, scores, 1 / occurring);
    add(out.weighted, scores, classification_detail::ratio(one.support, cells));
  }
  out.majority = classification_detail::ratio(most, cells);
  return out;
}

/// Scores as scikit-learn's with `labels` = the classes that occur in the truth or among readable predictions and
/// `zero_division = 0`. A prediction that could not be read (no value) is wrong, and is no class of its own: it
/// lowers the recall of the true class and the precision of none.
/// InputError where there is no cell, or not one prediction per cell.
inline Classification classify(std::span<const std::string> truth,
                               std::span<const std::optional<std::string>> predicted) {
  using classification_detail::ratio;
  if (truth.empty() || truth.size() != predicted.size())
    throw InputError("labels of " + std::to_string(truth.size()) + " cells and predictions of " +
                     std::to_string(predicted.size()) + "; as many are needed, and at least one");
  const classification_detail::ClassNumbers number(truth, predicted);
  const std::vector<std::string>& names = number.names();
  Classification out;
  out.confusion.assign(names.size(), std::vector<std::int64_t>(names.size() + 1));
  std::vector<ClassCounts> counts(names.size() + 1);
  for (std::size_t cell = 0; cell < truth.size(); ++cell) {
    const std::uint32_t row = number[truth[cell]];
    const auto column = predicted[cell] ? number[*predicted[cell]] : static_cast<std::uint32_t>(names.size());
    out.cells.push_back({row, column});
    ++out.confusion[row][column], ++counts[row].support, ++counts[column].claimed;
    if (row == column) ++counts[row].hits, ++out.accuracy;
  }
  const auto num_cells = static_cast<double>(truth.size());
  out.accuracy /= num_cells;
  out.unreadable = ratio(counts.back().claimed, num_cells);
  counts.pop_back();
  out.averages = averages_of(counts);
  for (std::size_t c = 0; c < names.size(); ++c)
    out.classes.push_back({names[c], scores_of(counts[c]), static_cast<std::int64_t>(counts[c].support)});
  return out;
}

}  // namespace cell2text::labels
