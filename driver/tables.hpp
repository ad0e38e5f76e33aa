// Scores and examples as a terminal shows them.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cell2text/evaluate/compare.hpp"
#include "cell2text/experiment_run.hpp"

namespace cell2text::driver {

/// One line a score: value, 95% interval, and the note where there is no value.
inline std::string scores_table(const AllScores& all) {
  std::string text = fmt::format("{:<46} {:>8}  {}\n", "SCORE", "VALUE", "95% INTERVAL");
  for (const auto& [metric, scores] : all)
    for (const Score& score : scores.scores) {
      const std::string name = metric + "." + score.name;
      if (!score.value)
        text += fmt::format("{:<46} {:>8}  {}\n", name, "-", score.note);
      else if (score.unit != "fraction")
        text += fmt::format("{:<46} {:>8.0f}  {} {}\n", name, *score.value, score.unit, score.note);
      else
        text += fmt::format("{:<46} {:>8.4f}  {} {}\n", name, *score.value,
                            score.low ? fmt::format("{:.4f} .. {:.4f}", *score.low, *score.high) : "", score.note);
    }
  return text;
}

/// Metric name to differences.
using AllDifferences = std::map<std::string, std::vector<ScoreDifference>>;

/// One line a score: both values, the difference, its 95% interval.
inline std::string differences_table(const AllDifferences& all) {
  const auto number = [](const std::optional<double>& value) { return value ? fmt::format("{:.4f}", *value) : "-"; };
  std::string text =
      fmt::format("{:<46} {:>8} {:>8} {:>10}  {}\n", "SCORE", "VALUE", "AGAINST", "DIFFERENCE", "95% INTERVAL");
  for (const auto& [metric, differences] : all)
    for (const ScoreDifference& one : differences)
      text += fmt::format("{:<46} {:>8} {:>8} {:>10}  {} {}\n", metric + "." + one.name, number(one.first),
                          number(one.second), number(one.difference),
                          one.low ? fmt::format("{:.4f} .. {:.4f}", *one.low, *one.high) : "", one.note);
  return text;
}

/// metric -> name -> {"value", "against", "difference", "low", "high"}, null where there is none.
inline nlohmann::ordered_json differences_json(const AllDifferences& all) {
  const auto number = [](const std::optional<double>& value) {
    return value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json();
  };
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  for (const auto& [metric, differences] : all)
    for (const ScoreDifference& one : differences)
      json[metric][one.name] = {{"value", number(one.first)},
                                {"against", number(one.second)},
                                {"difference", number(one.difference)},
                                {"low", number(one.low)},
                                {"high", number(one.high)}};
  return json;
}

/// A few predictions beside their references, evenly spaced through the list.
inline std::string examples_text(std::span<const Prediction> predictions, std::size_t count) {
  std::string text;
  count = std::min(count, predictions.size());
  for (std::size_t i = 0; i < count; ++i) {
    const Prediction& one = predictions[i * predictions.size() / count];
    text += fmt::format("cell {}\n  written    {}\n  reference  {}\n", one.cell, one.prediction, one.reference);
  }
  return text;
}

}  // namespace cell2text::driver
