// Scores and examples as a terminal shows them.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <string>

#include "cell2text/experiment_run.hpp"

namespace cell2text::driver {

/// One line a score: value, 95% interval, and the note where there is no value.
inline std::string scores_table(const AllScores& all) {
  std::string text = fmt::format("{:<40} {:>8}  {}\n", "SCORE", "VALUE", "95% INTERVAL");
  for (const auto& [metric, scores] : all)
    for (const Score& score : scores.scores) {
      const std::string name = metric + "." + score.name;
      if (!score.value)
        text += fmt::format("{:<40} {:>8}  {}\n", name, "-", score.note);
      else if (score.unit != "fraction")
        text += fmt::format("{:<40} {:>8.0f}  {} {}\n", name, *score.value, score.unit, score.note);
      else
        text += fmt::format("{:<40} {:>8.4f}  {} {}\n", name, *score.value,
                            score.low ? fmt::format("{:.4f} .. {:.4f}", *score.low, *score.high) : "", score.note);
    }
  return text;
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
