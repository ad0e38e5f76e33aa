// The subcommands of `cell2text dataset`.
#pragma once

#include <CLI/CLI.hpp>

namespace cell2text::driver {

void add_dataset_build(CLI::App& dataset);
void add_dataset_stats(CLI::App& dataset);

}  // namespace cell2text::driver
