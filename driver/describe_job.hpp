// What the values that `describe` writes depend on, so that a part of a job is taken up by the same job alone.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "cell2text/model_folder.hpp"
#include "output_table.hpp"

namespace cell2text::driver {

/// What the command line said, by option, but for what changes no value. Of what a value names (FILE, label=FILE) the
/// contents count.
nlohmann::json options_of(const CLI::App& command);

/// `options`: of options_of. Cells are told by size, time of change and sampled contents.
nlohmann::json describe_job(const std::filesystem::path& cells, const ModelCard& card, nlohmann::json options,
                            const std::vector<TableColumn>& columns);

}  // namespace cell2text::driver
