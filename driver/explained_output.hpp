// What `explain` shows: tables in a terminal, JSON, CSV, or a page with bars.
#pragma once

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cell2text/explain/explanation.hpp"
#include "cell2text/text/given_labels.hpp"

namespace cell2text::driver {

/// An explained cell with what was asked.
struct ExplainedCell {
  std::string cell;
  std::int64_t row = 0;
  std::string text;
  bool text_given = false;  ///< by the caller; else the model wrote it
  GivenLabels given = {};   ///< what was known of the cell
  std::string model;
  ExplainBaseline baseline = ExplainBaseline::mean;
  double wanted_gap = 0;
  std::int64_t top = 0;  ///< genes of each label that are shown; files hold all
  std::vector<std::string> others = {};
  std::shared_ptr<const GeneTable> genes = nullptr;
  CellExplanation explanation = {};
};

/// InputError where `output` has no ending that can be written, or its folder is missing; EnvironmentError where it may
/// not be written to. For before the work.
void check_explained_output(const std::filesystem::path& output);

/// By the ending (.csv, .json, .html), under a temporary name first.
void write_explained(const std::filesystem::path& output, const ExplainedCell& cell);

/// What report/explained.js draws.
nlohmann::ordered_json explained_page_data(const ExplainedCell& cell);

std::string explained_json(const ExplainedCell& cell);
std::string explained_tables(const ExplainedCell& cell);

/// What a reader must know: labels that do not come from the cell, integrals that are not complete.
std::vector<std::string> explanation_warnings(const ExplainedCell& cell);

}  // namespace cell2text::driver
