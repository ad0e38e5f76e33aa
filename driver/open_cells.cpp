#include "open_cells.hpp"

#include <algorithm>
#include <numeric>

#include "cell2text/cells/chosen_cells.hpp"
#include "cell2text/io/hdf5_open.hpp"
#include "cell2text/io/hdf5_probe.hpp"
#include "cell2text/io/tenx_layout.hpp"
#include "cell2text/io/toml.hpp"
#include "cell2text/text/words.hpp"

namespace cell2text::driver {

namespace {

/// Looks into the file, in a child process first.
bool is_tenx_file(const std::filesystem::path& path) {
  if (!hdf5::has_signature(hdf5::head_of(InputFile(path)))) return false;
  hdf5::rehearse(path, [&] { tenx::matrix_groups(hdf5::Group::open_file(path)); });
  return !tenx::matrix_groups(hdf5::open_unmarked(path)).empty();
}

}  // namespace

void add_cells_options(CLI::App& command, CellsArguments& cells, const std::string& what) {
  command
      .add_option("CELLS", cells.path,
                  what + ": an .h5ad, the .h5 of 10x Genomics' Cell Ranger, or a folder with its matrix.mtx")
      ->required();
  command
      .add_option(
          "--source", cells.settings,
          "Setting of the source, e.g. --source counts=layers/raw (.h5ad) or --source min_counts=500 (10x); all: "
          "cell2text plugins info NAME")
      ->take_all();
  command.add_option("--source-plugin", cells.plugin, "Source plugin that opens CELLS (default: by what it is)");
}

std::string source_plugin_for(const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored))
    return tenx::is_matrix_folder(path) || tenx::matrix_nearby(path) ? "tenx" : "h5ad";
  const std::string ending = lower(path.extension().string());
  const bool may_be_tenx = ending == ".h5" || ending == ".hdf5";
  return may_be_tenx && std::filesystem::is_regular_file(path, ignored) && is_tenx_file(path) ? "tenx" : "h5ad";
}

SourceHandle open_cells(const Registry& registry, const CellsArguments& cells, const SourceWishes& wishes,
                        const Context& context) {
  const LoadedPlugin plugin = registry.load("source", cells.plugin ? *cells.plugin : source_plugin_for(cells.path));
  std::vector<FieldInfo> fields;
  plugin.descriptor->schema(fields).raise();
  Value settings;
  settings.set("path", {cells.path, {"CELLS", 0, 0}});
  for (const auto& [key, value] : wishes)
    if (std::ranges::find(fields, key, &FieldInfo::name) != fields.end()) settings.set(key, value);
  for (const std::string& assignment : cells.settings) apply_override(settings, assignment);
  return SourceHandle(plugin.build<kinds::source>(settings, {&context, nullptr, {}}));
}

std::vector<std::int64_t> named_rows(const SourceHandle& source, const std::vector<std::string>& names,
                                     const std::string& list, const std::string& file) {
  const auto names_of = [&](std::int64_t first, std::int64_t count) {
    std::vector<std::int64_t> rows(static_cast<std::size_t>(count));
    std::iota(rows.begin(), rows.end(), first);
    return source.read(rows).names;
  };
  return rows_of_names(names, source.size(), names_of, list, file);
}

}  // namespace cell2text::driver
