// What stands beside a model's scores in its report: the baselines, and the control with shuffled cells.
#pragma once

#include <span>

#include "cell2text/experiment_run.hpp"
#include "cell2text/run_folder.hpp"
#include "interrupts.hpp"

namespace cell2text::driver {

/// A run whose model has described the test cells.
struct TestedRun {
  const Host& host;
  const Experiment& experiment;
  const ExperimentData& data;
  const RunFolder& folder;
  const Interrupts& interrupts;
  const Metrics& metrics;
  const KnownLabels& known;
  const PluginChoice& encoder;              ///< that of the model folder: the trained one, where it was trained
  std::span<const Prediction> predictions;  ///< the model's
  const AllScores& scores;                  ///< the model's
};

/// Fits and asks the baselines, scores them and the control, and writes predictions.NAME.jsonl of each and
/// comparisons.json. Returns what a terminal shows of it.
std::string compare_systems(const TestedRun& run);

}  // namespace cell2text::driver
