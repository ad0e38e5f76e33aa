// CELLS as the commands take them: which source plugin opens a path, and with which settings.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/plugin/handles.hpp"
#include "cell2text/registry.hpp"

namespace cell2text::driver {

struct CellsArguments {
  std::string path;
  std::optional<std::string> plugin;  ///< unset: the one that the path is for
  std::vector<std::string> settings;  ///< "counts=layers/raw"
};

/// What a source is given unless the command line says otherwise, where it has a setting of that name.
using SourceWishes = std::vector<std::pair<std::string, Value>>;

/// CELLS, `what` it is for; --source and --source-plugin.
void add_cells_options(CLI::App& command, CellsArguments& cells, const std::string& what);

/// "tenx" for an .h5 with a matrix of 10x Genomics, and for a folder with a matrix.mtx (or one nearby: the plugin says
/// where); else "h5ad", which names what it cannot open. InputError where an .h5 is damaged.
std::string source_plugin_for(const std::filesystem::path& path);

/// Opens the cells. Errors are those of the plugin, or of its settings.
SourceHandle open_cells(const Registry& registry, const CellsArguments& cells, const SourceWishes& wishes,
                        const Context& context);

/// The rows of the cells of these names, ascending; errors as rows_of_names (cells/chosen_cells.hpp). Reads the whole
/// file, a block at a time. `list`: where the names are from; `file`: what the source is.
std::vector<std::int64_t> named_rows(const SourceHandle& source, const std::vector<std::string>& names,
                                     const std::string& list, const std::string& file);

}  // namespace cell2text::driver
