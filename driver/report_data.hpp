// What a report's page holds of its runs, as JSON: names, texts and cell types that runs share stand there once. The
// page's scripts (report/*.js) read it.
#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string>

#include "reported_run.hpp"

namespace cell2text::driver {

/// A folder that a report leaves out, and why.
struct LeftOut {
  std::string folder, reason;
};

/// {name, grid, runs, skipped, scores, axes, settings, facts, lines, classes, examples, paper}. A column of texts, one
/// a run, is {key, texts, of}: its different texts, and for each run the number of its one. `runs` is not empty.
nlohmann::ordered_json report_data(const std::string& name, std::span<const ReportedRun> runs,
                                   std::span<const LeftOut> left_out);

}  // namespace cell2text::driver
