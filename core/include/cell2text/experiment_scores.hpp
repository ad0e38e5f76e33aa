// The metrics of an experiment, built once, and the scores of one system's predictions. Host only.
#pragma once

#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/evaluate/bootstrap.hpp"
#include "cell2text/evaluate/metric_choice.hpp"
#include "cell2text/model_builder.hpp"

namespace cell2text {

/// Metrics by name, with the files that their settings name.
using Metrics = std::vector<std::pair<std::string, MetricHandle>>;

/// Errors of the metrics, for instance of a file that is not there. To build them and let them go says before the
/// training what would be wrong after it.
inline Metrics build_metrics(const Host& host, const std::vector<MetricChoice>& choices) {
  Metrics metrics;
  for (const MetricChoice& choice : choices)
    metrics.emplace_back(choice.name(),
                         MetricHandle(host.registry.load("metric", choice.plugin.name)
                                          .build<kinds::metric>(choice.plugin.settings, {&host.context, nullptr, {}})));
  return metrics;
}

/// Scores by metric name.
using AllScores = std::map<std::string, Scores>;

/// Which metrics have something to say: all; for a system that does not tell how sure it is those that need not know;
/// of these for one that gives labels alone those that read labels.
enum class ScoredBy { all, text_metrics, label_metrics };

/// The metrics' scores, without intervals.
inline AllScores score_without_intervals(const Metrics& metrics, std::span<const Prediction> predictions,
                                         const KnownLabels& known, ScoredBy by = ScoredBy::all) {
  const auto says = [by](const MetricHandle& metric) {
    return by == ScoredBy::all ||
           (!metric.reads_confidences() && (by == ScoredBy::text_metrics || !metric.compares_texts()));
  };
  AllScores all;
  for (const auto& [name, metric] : metrics)
    if (says(metric)) all.insert_or_assign(name, metric.score(predictions, known));
  return all;
}

/// The metrics' scores with 95% intervals, over donors where at least two are known, else over cells. The resamples are
/// the same for all predictions of the same cells.
inline AllScores score(const Host& host, const Metrics& metrics, std::span<const Prediction> predictions,
                       const KnownLabels& known, ScoredBy by = ScoredBy::all) {
  AllScores all = score_without_intervals(metrics, predictions, known, by);
  std::vector<Scores*> scores;
  for (auto& [name, one] : all) scores.push_back(&one);
  add_intervals(scores, predictions.size(), {host.context.seed, 1000, 0.95}, donor_groups(predictions));
  return all;
}

}  // namespace cell2text
