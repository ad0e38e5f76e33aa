// A finished run as a report shows it: its files read, checked and thinned, so that a page of many runs stays light.
// What is made of several such runs together is report_data.hpp.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/evaluate/prediction.hpp"

namespace cell2text::driver {

/// Loss by optimiser step.
struct Curve {
  std::vector<std::int64_t> steps;
  std::vector<double> loss;  ///< nats per description token
};

/// The model of a run, a baseline, or the control.
struct ReportedSystem {
  std::string name, about;
  std::map<std::string, Scores> scores;  ///< by metric
};

/// A part of a run's text files, by dotted key ("encoder.plugin") in the file's order.
using FlatTexts = std::vector<std::pair<std::string, std::string>>;

struct ReportedRun {
  std::filesystem::path folder;
  std::string name;
  std::string encoder, adapter, decoder, finetuning;  ///< plugins
  std::string experiment, environment;                ///< the files' texts
  FlatTexts settings, facts;                          ///< the same, by key
  FlatTexts axes;                                     ///< where the run is a point of a grid: what it is there
  std::int64_t seed = 0;
  std::int64_t train = 0, validation = 0, test = 0;  ///< cells
  std::vector<std::string> caveats;
  std::vector<ReportedSystem> systems;  ///< the model first
  Curve training;                       ///< a running mean over 10 steps, thinned
  Curve validated;                      ///< a point an epoch
  std::vector<ConfusionTable> confusion;
  std::map<std::string, std::map<std::string, std::int64_t>> trained;  ///< label -> value -> cells trained on
  std::map<std::uint64_t, Prediction> examples;  ///< by a hash of the cell's name: the cells of the lowest ones
};

/// How much of a run is kept.
struct ReadingLimits {
  std::size_t curve_points = 1000;  ///< of the training curve; up to twice as many are kept
  std::size_t example_cells = 10;
};

/// Memory: what is kept, whatever the number of steps and of cells. InputError and EnvironmentError name the file that
/// is missing, damaged or not what it should be.
ReportedRun read_reported_run(const std::filesystem::path& folder, const ReadingLimits& limits);

}  // namespace cell2text::driver
