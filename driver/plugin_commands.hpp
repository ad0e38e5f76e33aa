// The larger subcommands of `cell2text plugins`.
#pragma once

#include <CLI/CLI.hpp>

namespace cell2text::driver {

void add_plugins_check(CLI::App& plugins);
void add_plugins_new(CLI::App& plugins);

}  // namespace cell2text::driver
