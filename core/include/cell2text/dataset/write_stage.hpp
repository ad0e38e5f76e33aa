// The stage `write` on disk: the .h5ad files, and dataset.toml, which says what they are and is written last.
#pragma once

#include <array>
#include <set>
#include <string>
#include <vector>

#include "cell2text/dataset/shards.hpp"
#include "cell2text/io/toml.hpp"
#include "cell2text/version.hpp"

namespace cell2text::dataset {

/// A source as dataset.toml tells of it.
struct SourceRecord {
  std::string path, plugin, xxh64;
  std::int64_t cells = 0;
};

/// The stages that the written files are made from.
struct WrittenFrom {
  Stage filter, sample, split, texts;
};

namespace write_stage_detail {

inline std::filesystem::path about(const BuildContext& context) {
  return context.options.folder / dataset_file;
}

/// Whether dataset.toml is there and of this key.
inline bool is_current(const std::filesystem::path& toml, const std::string& key) {
  std::error_code unknown;
  if (!std::filesystem::exists(toml, unknown)) return false;
  try {
    const Value about = read_toml(toml);
    const Value* found = about.find("key");
    return found && found->get_if<std::string>() && *found->get_if<std::string>() == key;
  } catch (const InputError&) {
    return false;
  }
}

inline Value number(std::int64_t value) {
  return Value(value);
}

inline constexpr std::array written_parts{SplitPart::train, SplitPart::validation, SplitPart::test, SplitPart::holdout};

/// Cells of each part of the split.
inline Value counts(const DatasetCells& cells) {
  Value parts;
  for (const SplitPart part : written_parts)
    parts.set(std::string(split_part_names[index_of(part)]), number(std::ranges::count(cells.parts, part)));
  return parts;
}

/// dataset.toml: every setting, where the cells come from, and how many there are.
inline Value description(const BuildContext& context, const WrittenFrom& from, const DatasetCells& cells,
                         const ShardWriter& shards, const PathwayLabels& pathways,
                         const std::vector<SourceRecord>& sources, const std::string& key) {
  Value all = context.file.resolved();
  Value top;
  top.set("cells", number(cells.size()));
  top.set("shards", number(shards.count()));
  top.set("genes_in_file", number(context.sources.genes()->size()));
  top.set("key", Value(key));
  top.set("cell2text_version", Value(std::string(version)));
  top.set("ontology_release", Value(from.texts.facts().value("ontology_release", "")));
  Value::Array retained;
  for (const std::string& set : pathways.told()) retained.push_back(Value(set));
  top.set("retained_pathways", Value(std::move(retained)));
  for (const Entry& entry : *top.get_if<Value::Table>()) all.set(entry.key, entry.value);
  all.set("counts", counts(cells));
  std::vector<std::int64_t> taken(sources.size(), 0);
  for (const std::int64_t cell : cells.cells) ++taken[context.sources.source_of(cell)];
  Value::Array list;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    Value one;
    one.set("plugin", Value(sources[i].plugin));
    one.set("path", Value(sources[i].path));
    one.set("xxh64", Value(sources[i].xxh64));
    one.set("cells", number(sources[i].cells));
    one.set("taken", number(taken[i]));
    list.push_back(std::move(one));
  }
  all.set("sources", Value(std::move(list)));
  return all;
}

/// Files of an earlier, larger dataset.
inline void remove_later_shards(const std::filesystem::path& folder, std::int64_t shards) {
  for (const std::int64_t number : shard_files_detail::shard_numbers(folder))
    if (number > shards) std::filesystem::remove(folder / shard_name(number));
}

}  // namespace write_stage_detail

/// Writes the dataset. While files of another key are being replaced there is no dataset.toml, so that nobody trains on
/// a mixture.
inline void write_stage(const BuildContext& context, const WrittenFrom& from, const DatasetCells& cells,
                        const PathwayLabels& pathways, const std::vector<SourceRecord>& sources) {
  using namespace write_stage_detail;
  const std::string key = StageKey("write", 1)
                              .on(from.filter.key())
                              .on(from.split.key())
                              .on(from.texts.key())
                              .on(context.file.general.name)
                              .settings(context.file.write)
                              .text();
  const StoredTexts texts(from.texts);
  const ShardWriter shards(context, cells, texts, pathways, key);
  Stage stage(context.stage_folder("write"), key);
  bool whole = stage.done() && is_current(about(context), key);
  for (std::int64_t shard = 0; whole && shard < shards.count(); ++shard) whole = shards.written(shard);
  if (whole) return context.observer.finished(stage, false);
  if (!is_current(about(context), key)) std::filesystem::remove(about(context));
  stage.run([&](const std::filesystem::path& folder) {
    Table table{{"file", "cells", "train", "validation", "test", "holdout"}, {}};
    for (std::int64_t shard = 0; shard < shards.count(); ++shard) {
      if (!shards.written(shard)) shards.write(shard);
      const auto begin = cells.parts.begin() + shards.first(shard), end = cells.parts.begin() + shards.first(shard + 1);
      std::vector<std::string> row{shard_name(shard + 1), std::to_string(end - begin)};
      for (const SplitPart part : written_parts) row.push_back(std::to_string(std::count(begin, end, part)));
      table.rows.push_back(std::move(row));
    }
    remove_later_shards(context.options.folder, shards.count());
    write_table(folder, table);
    write_atomically(about(context), write_toml(description(context, from, cells, shards, pathways, sources, key)));
    return nlohmann::json{{"files", shards.count()}, {"cells", cells.size()}};
  });
  context.observer.finished(stage, true);
}

}  // namespace cell2text::dataset
