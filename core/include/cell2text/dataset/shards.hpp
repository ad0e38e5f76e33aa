// The stage `write`: the dataset's cells as .h5ad files that scanpy and training open. One that is there already, and
// was written from the same inputs, is left as it is.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/dataset/build_context.hpp"
#include "cell2text/dataset/label_stages.hpp"
#include "cell2text/dataset/pathway_labels.hpp"
#include "cell2text/dataset/shard_files.hpp"
#include "cell2text/dataset/text_stage.hpp"
#include "cell2text/io/h5ad_file.hpp"

namespace cell2text::dataset {

namespace shards_detail {

/// Labels of some cells as a column of its own: only values that occur, in their order.
inline LabelColumn labels_of(const LabelColumn& all, std::span<const std::int64_t> cells) {
  LabelColumn own{all.name, {}, {}};
  std::vector<std::int32_t> code_of(all.values.size(), -1);
  for (const std::int64_t cell : cells)
    if (all.codes[cell] >= 0) code_of[all.codes[cell]] = 0;
  for (std::size_t value = 0; value < code_of.size(); ++value)
    if (code_of[value] == 0) {
      code_of[value] = static_cast<std::int32_t>(own.values.size());
      own.values.push_back(all.values[value]);
    }
  for (const std::int64_t cell : cells) own.codes.push_back(all.codes[cell] < 0 ? -1 : code_of[all.codes[cell]]);
  return own;
}

/// A column of a text per cell; an empty one is missing.
template <class TextOf>
LabelColumn column_of(std::int64_t count, const TextOf& text_of) {
  LabelColumn column;
  std::unordered_map<std::string, std::int32_t> known;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::string text(text_of(i));
    if (text.empty()) {
      column.codes.push_back(-1);
      continue;
    }
    const auto [entry, is_new] = known.try_emplace(text, static_cast<std::int32_t>(column.values.size()));
    if (is_new) column.values.push_back(text);
    column.codes.push_back(entry->second);
  }
  return column;
}

}  // namespace shards_detail

/// Writes the files of a dataset into its folder.
class ShardWriter {
 public:
  ShardWriter(const BuildContext& context, const DatasetCells& cells, const StoredTexts& texts,
              const PathwayLabels& pathways, std::string key)
      : context_(context), cells_(cells), texts_(texts), pathways_(pathways), key_(std::move(key)) {}

  std::int64_t count() const {
    const std::int64_t each = context_.file.write.cells_per_file;
    return (cells_.size() + each - 1) / each;
  }
  std::int64_t first(std::int64_t shard) const {
    return std::min(shard * context_.file.write.cells_per_file, cells_.size());
  }
  std::filesystem::path path(std::int64_t shard) const { return context_.options.folder / shard_name(shard + 1); }

  /// Whether the file is there, complete and of these inputs.
  bool written(std::int64_t shard) const {
    std::error_code unknown;
    if (!std::filesystem::exists(path(shard), unknown)) return false;
    try {
      const hdf5::Group root = hdf5::Group::open_file(path(shard));
      return root.dataset("uns/cell2text/key").read_strings(0, 1).front() == key_;
    } catch (const InputError&) {
      return false;  // another file of that name, or half of one
    }
  }

  /// Writes one file; `progress(cells)` counts the cells of all.
  void write(std::int64_t shard) const {
    const std::int64_t begin = first(shard), end = first(shard + 1);
    H5adContents contents;
    contents.genes = context_.sources.genes();
    contents.cells = end - begin;
    for (std::int64_t i = begin; i < end; ++i) contents.nonzeros += cells_.genes[i];
    contents.gzip = context_.file.write.compression == "gzip" ? 4 : 0;
    contents.additions = additions(shard, begin, end);
    auto& totals = std::get<std::vector<double>>(contents.additions.obs.back().values);
    write_new_h5ad(path(shard), contents, [&](std::int64_t done) {
      CellBatch block = next_block(begin + done, end);
      std::ranges::copy(block.totals, totals.begin() + done);
      name_apart(block);
      context_.observer.progress("write", begin + done, cells_.size());
      return block;
    });
  }

 private:
  CellBatch next_block(std::int64_t from, std::int64_t end) const {
    constexpr std::int64_t block_cells = 4096;
    const std::int64_t source = context_.sources.source_of(cells_.cells[from]);
    const auto begin = cells_.cells.begin() + from;
    const auto last =
        std::lower_bound(begin, cells_.cells.begin() + std::min(end, from + block_cells), context_.sources.end(source));
    return context_.sources.read({begin, last});
  }

  /// Cells of two sources may have one name; the number of the source then stands behind, as in anndata.concat.
  void name_apart(CellBatch& block) const {
    if (context_.sources.count() == 1) return;
    for (std::int64_t i = 0; i < block.size(); ++i)
      block.names[i] += "-" + std::to_string(context_.sources.source_of(block.rows[i]));
  }

  H5adAdditions additions(std::int64_t shard, std::int64_t begin, std::int64_t end) const {
    using namespace shards_detail;
    const std::int64_t count = end - begin;
    const std::span cells(cells_.cells.data() + begin, static_cast<std::size_t>(count));
    H5adAdditions all;
    all.obs.push_back({"split", column_of(count, [&](std::int64_t i) {
                         return split_part_names[index_of(cells_.parts[begin + i])];
                       })});
    all.obs.push_back({"description", column_of(count, [&](std::int64_t i) { return texts_.at(begin + i); })});
    for (int which = 0; pathways_.any() && which < 2; ++which)
      all.obs.push_back({which == 0 ? "pathway_1" : "pathway_2", column_of(count, [&](std::int64_t i) {
                           const std::int32_t set = pathways_.code(begin + i, which);
                           return set < 0 ? std::string() : pathways_.sets()[set];
                         })});
    for (const auto& [role, labels] : context_.table.labels)
      if (role != "is_primary_data") all.obs.push_back({role, labels_of(labels, cells)});  // all of them are
    std::vector<std::int64_t> rows, genes;
    for (std::int64_t i = begin; i < end; ++i) {
      rows.push_back(cells_.cells[i] - context_.sources.start(context_.sources.source_of(cells_.cells[i])));
      genes.push_back(cells_.genes[i]);
    }
    all.obs.push_back({"source", column_of(count, [&](std::int64_t i) {
                         return context_.sources.name(context_.sources.source_of(cells[i]));
                       })});
    all.obs.push_back({"source_row", std::move(rows)});
    all.obs.push_back({"n_genes", std::move(genes)});
    all.obs.push_back({"n_counts", std::vector<double>(static_cast<std::size_t>(count))});  // last: filled as they come
    Value about;
    about.set("dataset", Value(context_.file.general.name));
    about.set("file", Value(shard + 1));
    about.set("key", Value(key_));
    all.uns.push_back({"cell2text", std::move(about)});
    return all;
  }

  const BuildContext& context_;
  const DatasetCells& cells_;
  const StoredTexts& texts_;
  const PathwayLabels& pathways_;
  std::string key_;
};

}  // namespace cell2text::dataset
