// The metric `calibration`: whether a system is right as often as it says it is sure, label by label.
// Reading labels is core's evaluate/told_labels.hpp, the figures are core's evaluate/reliability.hpp.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/context.hpp"
#include "cell2text/error.hpp"
#include "cell2text/evaluate/predictions_file.hpp"
#include "cell2text/evaluate/reliability.hpp"
#include "cell2text/evaluate/told_labels.hpp"
#include "cell2text/settings.hpp"

namespace cell2text::calibration {

/// For each label: `LABEL.ece`, the expected calibration error; `.accuracy` and `.mean_confidence`, with values per
/// cell; `.accuracy_at_K`, the accuracy among the surest K% of the cells; and of each bin of the reliability curve that
/// has cells `.bin_I.cells`, `.bin_I.confidence` and `.bin_I.accuracy`. Cells count whose truth is known and of which
/// the system says how sure it is; a label that cannot be read from the text is wrong.
class Calibration {
 public:
  struct Settings {
    std::int64_t bins = 10;

    static void describe(auto& s) {
      s.field("bins", &Settings::bins,
              {.help = "of equal width, into which the cells fall by confidence", .min = 1, .max = 1000});
    }
  };

  Calibration(const Settings& settings, const Context&) : bins_(static_cast<std::size_t>(settings.bins)) {}

  bool compares_texts() const { return false; }
  bool reads_confidences() const { return true; }

  /// InputError where there are predictions and none says how sure it is.
  Scores score(std::span<const Prediction> predictions, const KnownLabels& known) const {
    expect_confidences(predictions);
    Scores out;
    for (const ToldLabel& label : told_labels(predictions, known)) add_scores(judged(predictions, label), out);
    return out;
  }

 private:
  static constexpr int coverages[] = {25, 50, 75, 90};  ///< percent

  /// One label's judgements; nothing for cells that do not count.
  struct Judged {
    std::string name;
    std::vector<std::optional<JudgedLabel>> cells;
    std::size_t count = 0;
  };

  static void expect_confidences(std::span<const Prediction> predictions) {
    for (const Prediction& one : predictions)
      if (!one.confidences.empty()) return;
    if (predictions.empty()) return;
    throw InputError("none of the " + std::to_string(predictions.size()) +
                     " predictions says how sure the system is, which 'calibration' needs: a probability from 0 to 1 "
                     "under '" +
                     confidence_key("cell_type") +
                     "' and the like. A run writes them where [[metrics]] has plugin = \"calibration\"; 'cell2text "
                     "run --resume' with that metric adds them to a run that is done");
  }

  static Judged judged(std::span<const Prediction> predictions, const ToldLabel& label) {
    Judged all{label.name, std::vector<std::optional<JudgedLabel>>(predictions.size())};
    for (std::size_t cell = 0; cell < predictions.size(); ++cell) {
      const auto sure = predictions[cell].confidences.find(label.name);
      if (!label.truth[cell] || sure == predictions[cell].confidences.end()) continue;
      all.cells[cell] = JudgedLabel{sure->second, label.told[cell] == label.truth[cell]};
      ++all.count;
    }
    return all;
  }

  void add_scores(const Judged& label, Scores& out) const {
    const std::size_t cells = label.cells.size();
    std::string note;
    if (label.count == 0)
      note = cells == 0 ? "no cells" : "no cell has a known truth and a confidence";
    else if (label.count < cells)
      note = std::to_string(cells - label.count) + " of " + std::to_string(cells) +
             " cells have no known truth or no confidence";
    // A system that is always right may still be unsure, so a better text need not have a lower error.
    std::vector<Score> scores{{.name = label.name + ".ece", .higher_is_better = false, .note = note, .compares = false},
                              {.name = label.name + ".accuracy", .note = note},
                              {.name = label.name + ".mean_confidence", .note = note, .compares = false}};
    for (const int coverage : coverages)
      scores.push_back({.name = label.name + ".accuracy_at_" + std::to_string(coverage), .note = note});
    if (label.count > 0) fill(label, scores, out);
    for (Score& one : scores) out.scores.push_back(std::move(one));
  }

  /// The values of `scores` as add_scores makes them, and further ones for the bins.
  void fill(const Judged& label, std::vector<Score>& scores, Scores& out) const {
    std::vector<std::size_t> order;  // cells that count, the surest first
    for (std::size_t cell = 0; cell < label.cells.size(); ++cell) {
      const auto& one = label.cells[cell];
      constexpr float unknown = std::numeric_limits<float>::quiet_NaN();
      scores[1].per_cell.push_back(one ? static_cast<float>(one->right) : unknown);
      scores[2].per_cell.push_back(one ? static_cast<float>(one->confidence) : unknown);
      if (one) order.push_back(cell);
    }
    const auto sure = [&](std::size_t cell) { return label.cells[cell]->confidence; };
    std::ranges::stable_sort(order, std::ranges::greater{}, sure);
    std::vector<JudgedLabel> sorted;
    ReliabilityBin all;
    for (const std::size_t cell : order) {
      sorted.push_back(*label.cells[cell]);
      all.right += sorted.back().right, all.confidence += sorted.back().confidence;
    }
    scores[1].value = all.right / static_cast<double>(label.count);
    scores[2].value = all.confidence / static_cast<double>(label.count);
    const std::vector<std::size_t> occupied = add_bins(label.name, reliability_bins(sorted, bins_), scores);

    Recount recount{.names = {}, .outcome = {}, .values = counted(sorted, occupied)};
    recount.num_outcomes = sorted.size() + 1;  // 0: the cell does not count
    recount.outcome.assign(label.cells.size(), 0);
    for (std::size_t i = 0; i < order.size(); ++i) recount.outcome[order[i]] = static_cast<std::uint32_t>(i + 1);
    for (const Score& score : scores)
      if (!score.value) recount.names.push_back(score.name);
    std::vector<double> once(recount.num_outcomes, 1), values(recount.names.size());
    recount.values(once, values);
    auto next = values.begin();
    for (Score& score : scores)
      if (!score.value) score.value = *next++;
    out.recounts.push_back(std::move(recount));
  }

  /// Adds the scores of the bins that have cells, and tells which those are.
  std::vector<std::size_t> add_bins(const std::string& label, const std::vector<ReliabilityBin>& bins,
                                    std::vector<Score>& scores) const {
    const auto edge = [&](std::size_t i) {
      return settings_detail::shortest(static_cast<double>(i) / static_cast<double>(bins_));
    };
    std::vector<std::size_t> occupied;
    for (std::size_t i = 0; i < bins.size(); ++i) {
      if (bins[i].cells == 0) continue;
      occupied.push_back(i);
      const std::string name = label + ".bin_" + std::to_string(i + 1);
      scores.push_back({.name = name + ".cells",
                        .value = bins[i].cells,
                        .unit = "cells",
                        .note = "with confidence " + edge(i) + " to " + edge(i + 1),
                        .compares = false});
      scores.push_back({.name = name + ".confidence", .compares = false});
      scores.push_back({.name = name + ".accuracy", .compares = false});
    }
    return occupied;
  }

  /// Error, coverage and curve of labels, the surest first, by how often each counts; times[0] is of no label.
  std::function<void(std::span<const double>, std::span<double>)> counted(std::vector<JudgedLabel> sorted,
                                                                          std::vector<std::size_t> occupied) const {
    return [sorted = std::move(sorted), occupied = std::move(occupied), num_bins = bins_](std::span<const double> times,
                                                                                          std::span<double> values) {
      const auto drawn = times.subspan(1);
      const std::vector<ReliabilityBin> bins = reliability_bins(sorted, num_bins, drawn);
      auto next = values.begin();
      *next++ = expected_calibration_error(bins);
      for (const int coverage : coverages) *next++ = accuracy_of_surest(sorted, coverage / 100.0, drawn);
      for (const std::size_t bin : occupied) {  // NaN where none of its cells was drawn
        *next++ = bins[bin].confidence / bins[bin].cells;
        *next++ = bins[bin].right / bins[bin].cells;
      }
    };
  }

  std::size_t bins_;
};

}  // namespace cell2text::calibration
