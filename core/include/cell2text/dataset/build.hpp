// A build from its file to a dataset on disk: opens the sources, runs the stages in order, skips what is there.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/dataset/filter_stage.hpp"
#include "cell2text/dataset/gene_stages.hpp"
#include "cell2text/dataset/label_stages.hpp"
#include "cell2text/dataset/source_files.hpp"
#include "cell2text/dataset/text_stage.hpp"
#include "cell2text/dataset/write_stage.hpp"
#include "cell2text/io/folder_lock.hpp"
#include "cell2text/registry.hpp"

namespace cell2text::dataset {

inline constexpr const char* stage_names[] = {"filter", "sample", "split", "genes", "pathways", "describe", "write"};

namespace build_detail {

/// The sources that can be opened, with what each depends on.
struct OpenSources {
  std::vector<NamedSource> sources;
  std::vector<SourceRecord> records;  ///< beside `sources`, for dataset.toml
  std::string key;
};

inline OpenSources open_sources(const Registry& registry, const Context& context, const BuildFile& file,
                                const BuildOptions& options, FileHashes& hashes) {
  OpenSources open;
  for (const PluginChoice& choice : file.sources) {
    const Value* path = choice.resolved.find("path");
    const auto* text = path ? path->get_if<std::string>() : nullptr;
    const std::string name = text ? *text : choice.name;
    try {
      NamedSource source{
          name,
          SourceHandle(
              registry.load("source", choice.name).build<kinds::source>(choice.settings, {&context, nullptr, {}}))};
      const std::string identity = choice.name + " " + source_identity(choice.resolved, hashes);
      open.key += identity + "\n";
      open.records.push_back({name, choice.name, text ? hashes.of(*text) : "", source.source.size()});
      open.sources.push_back(std::move(source));
    } catch (const InputError& error) {
      if (!options.skip_damaged) throw;
      context.log.warning("left out: " + std::string(error.what()));
      open.key += "left out " + name + "\n";
    }
  }
  if (open.sources.empty())
    throw InputError("none of the " + std::to_string(file.sources.size()) + " sources can be read");
  return open;
}

/// Makes the folder, or takes the one of an earlier build; nobody else works on it meanwhile.
inline std::shared_ptr<const void> take_folder(const std::filesystem::path& folder) {
  std::error_code error;
  const bool ours = std::filesystem::exists(folder / "stages", error);
  if (!ours && std::filesystem::exists(folder, error) && !std::filesystem::is_empty(folder, error))
    throw InputError(folder.string() + " is not empty and holds no dataset; choose another folder with --out DIR");
  std::filesystem::create_directories(folder / "stages", error);
  if (error) throw EnvironmentError(folder.string() + ": the dataset's folder cannot be made: " + error.message());
  return hold_folder(folder);
}

}  // namespace build_detail

/// Builds the dataset, or what is left to build of it. InputError: what the file asks for cannot be had from these
/// cells, the folder holds something else, or another process works on it. EnvironmentError: disk, or what the observer
/// throws. In either case all finished stages stay, and no file under its final name is half.
inline void build(const Registry& registry, const Context& context, const BuildFile& file, const BuildOptions& options,
                  const BuildObserver& observer) {
  const bool labels_alone = options.until == "filter" || options.until == "sample" || options.until == "split";
  if (file.filter.genes_column && !labels_alone)
    throw InputError(
        "filter.genes_column is set, so counts are not looked at; a dataset is made of counts. End the build with "
        "--until sample, or leave the key out");
  const auto held = build_detail::take_folder(options.folder);
  FileHashes hashes(options.folder / "stages/files.json");
  build_detail::OpenSources open = build_detail::open_sources(registry, context, file, options, hashes);
  const Sources sources(std::move(open.sources));
  context.log.info(std::to_string(sources.size()) + " cells in " + std::to_string(sources.count()) +
                   (sources.count() == 1 ? " source, " : " sources, ") + std::to_string(sources.genes()->size()) +
                   " genes");
  const CellTable table = read_cell_table(sources, file.columns, file.write.columns);
  if (!table.find("tissue_general"))
    context.log.warning("no source has the obs column '" + file.columns.tissue_general +
                        "'; where organs are looked at, tissues stand for them");
  const BuildContext build{file, options, observer, sources, table, hashes, context.log};
  const auto last = [&](const char* stage) { return options.until == stage; };

  const Stage filter = filter_stage(build, open.key);
  if (last("filter")) return;
  const Stage sample = sample_stage(build, filter);
  if (last("sample")) return;
  const Stage split = split_stage(build, sample);
  const DatasetCells cells = dataset_cells(filter, split);
  if (last("split")) return;
  PathwayLabels pathways;
  if (file.pathways.sets) {
    const Stage genes = gene_stage(build, split, cells);
    if (last("genes")) return;
    pathways = pathway_labels(pathway_stage(build, genes, cells), file.pathways);
  }
  if (last("genes") && !file.pathways.sets) gene_stage(build, split, cells);
  if (last("genes") || last("pathways")) return;
  const Stage texts = text_stage(build, split.key(), cells.cells, pathways);
  if (last("describe")) return;
  write_stage(build, {filter, sample, split, texts}, cells, pathways, open.records);
}

}  // namespace cell2text::dataset
