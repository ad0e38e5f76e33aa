// The scores of one label: values, values per cell, a confusion table, and what intervals of F1 need.
// Reading labels is labels.hpp's; the counting is classification.hpp's.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "cell2text/evaluate/label_names.hpp"
#include "cell2text/evaluate/prediction.hpp"
#include "classification.hpp"

namespace cell2text::labels {

/// What is scored under `name`: one true and one read value per cell, nothing where it is not known or not readable.
struct LabelValues {
  std::string name;
  CellNames truth, predicted;
  std::string note = {};  ///< for the scores that have no other
};

/// The averages of a label in the order of their scores.
inline constexpr const char* average_names[] = {"weighted_precision", "weighted_recall", "weighted_f1",
                                                "macro_precision",    "macro_recall",    "macro_f1"};

namespace label_scores_detail {

inline std::array<double, std::size(average_names)> values_of(const Averages& averages) {
  const PrecisionRecallF1 &weighted = averages.weighted, &macro = averages.macro;
  return {weighted.precision, weighted.recall, weighted.f1, macro.precision, macro.recall, macro.f1};
}

/// How the averages follow from how often each cell counts. Outcome 0: the truth is not known; each other one is a pair
/// of true and read class. `is_known`: [cell], of which the classification has those that are.
inline Recount recount_of(const Classification& result, const std::vector<bool>& is_known, const std::string& name) {
  Recount recount;
  for (const char* average : average_names) recount.names.push_back(name + "." + average);
  const std::size_t num_classes = result.classes.size();
  std::vector<ClassPair> pairs(1);
  std::unordered_map<std::uint64_t, std::uint32_t> numbers;
  auto next = result.cells.begin();
  for (const bool known : is_known) {
    if (!known) {
      recount.outcome.push_back(0);
      continue;
    }
    const ClassPair& pair = *next++;
    const auto [entry, is_new] =
        numbers.try_emplace(std::uint64_t{pair.truth} << 32 | pair.predicted, static_cast<std::uint32_t>(pairs.size()));
    if (is_new) pairs.push_back(pair);
    recount.outcome.push_back(entry->second);
  }
  recount.num_outcomes = pairs.size();
  recount.values = [pairs = std::move(pairs), num_classes](std::span<const double> times, std::span<double> values) {
    std::vector<ClassCounts> counts(num_classes + 1);
    double cells = 0;
    for (std::size_t i = 1; i < pairs.size(); ++i) {
      const auto [truth, predicted] = pairs[i];
      cells += times[i], counts[truth].support += times[i], counts[predicted].claimed += times[i];
      if (truth == predicted) counts[truth].hits += times[i];
    }
    counts.pop_back();
    if (cells > 0) std::ranges::copy(values_of(averages_of(counts)), values.begin());
  };
  return recount;
}

/// Adds what `value` says of each cell's pair of classes; NaN where the truth is not known.
template <class Value>
void add_per_cell(const Classification& result, const std::vector<bool>& is_known, Score& score, const Value& value) {
  auto next = result.cells.begin();
  for (const bool known : is_known)
    score.per_cell.push_back(known ? static_cast<float>(value(*next++)) : std::numeric_limits<float>::quiet_NaN());
}

inline std::uint32_t commonest_class(const Classification& result) {
  return static_cast<std::uint32_t>(std::ranges::max_element(result.classes, {}, &ClassScores::support) -
                                    result.classes.begin());
}

/// How many cells have no known truth, where that is so of any.
inline std::string missing_note(const LabelValues& label, std::size_t num_known) {
  const std::size_t all = label.truth.size();
  if (all == 0) return "no cells";
  if (num_known == 0) return "no cell has a known truth";
  if (num_known == all) return "";
  return std::to_string(all - num_known) + " of " + std::to_string(all) + " cells have no known truth";
}

}  // namespace label_scores_detail

/// Adds `NAME.accuracy`, the averages, `.majority` (the accuracy of always giving the most frequent true class),
/// `.unreadable` (the share of texts in which the label could not be read), and the confusion table, whose classes get
/// the ids that `names` has for them. Only cells whose truth is known count: of others a text rightly tells nothing.
/// With one true value only, all but `.unreadable` is empty.
inline void add_scores(const LabelValues& label, const LabelNames& names, Scores& out) {
  using namespace label_scores_detail;
  std::vector<std::string> truth;
  CellNames read;
  std::vector<bool> is_known;
  for (std::size_t cell = 0; cell < label.truth.size(); ++cell) {
    is_known.push_back(label.truth[cell].has_value());
    if (is_known.back()) truth.push_back(*label.truth[cell]), read.push_back(label.predicted[cell]);
  }
  const std::string missing = missing_note(label, truth.size());
  const std::string note = truth.empty() || label.note.empty() ? missing
                           : missing.empty()                   ? label.note
                                                               : missing + "; " + label.note;
  Score unreadable{.name = label.name + ".unreadable", .higher_is_better = false, .note = missing, .compares = false};
  std::vector<Score> scores{{.name = label.name + ".accuracy", .note = note}};
  for (const char* average : average_names) scores.push_back({.name = label.name + "." + average, .note = note});
  scores.push_back({.name = label.name + ".majority", .note = note, .compares = false});

  if (!truth.empty()) {
    Classification result = classify(truth, read);
    const auto no_class = static_cast<std::uint32_t>(result.classes.size());
    unreadable.value = result.unreadable;
    add_per_cell(result, is_known, unreadable, [&](const ClassPair& one) { return one.predicted == no_class; });
    if (std::ranges::count(truth, truth.front()) < std::ssize(truth)) {
      const auto values = values_of(result.averages);
      for (std::size_t i = 0; i < values.size(); ++i) scores[i + 1].value = values[i];
      scores.front().value = result.accuracy, scores.back().value = result.averages.majority;
      add_per_cell(result, is_known, scores.front(), [](const ClassPair& one) { return one.truth == one.predicted; });
      add_per_cell(result, is_known, scores.back(),
                   [commonest = commonest_class(result)](const ClassPair& one) { return one.truth == commonest; });
      out.recounts.push_back(recount_of(result, is_known, label.name));
    } else {
      for (Score& one : scores) one.note = "one value, says nothing";
    }
    ConfusionTable table{.label = label.name, .classes = {}, .counts = std::move(result.confusion)};
    for (ClassScores& one : result.classes) table.classes.push_back(std::move(one.name));
    table.ids = names.ids_of(table.classes);
    out.confusion.push_back(std::move(table));
  }
  for (Score& one : scores) out.scores.push_back(std::move(one));
  out.scores.push_back(std::move(unreadable));
}

}  // namespace cell2text::labels
