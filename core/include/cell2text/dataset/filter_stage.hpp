// The stage `filter` on disk: labels first, then the number of genes that each cell left expresses.
#pragma once

#include <charconv>
#include <set>
#include <system_error>

#include "cell2text/dataset/build_context.hpp"
#include "cell2text/dataset/filter.hpp"

namespace cell2text::dataset {

namespace filter_detail {

/// Genes of each cell that could be read. A damaged source, where these may be passed over, has none from the first bad
/// block on; all of its cells are dropped then.
inline std::vector<std::int32_t> count_genes(const BuildContext& context, const std::vector<std::int64_t>& cells,
                                             std::set<std::int64_t>& damaged) {
  std::vector<std::int32_t> genes(cells.size(), 0);
  Pass pass = context.pass("filter", std::ssize(cells));
  pass.damaged = [&](std::int64_t source, const std::exception& error) {
    if (!context.options.skip_damaged) return false;
    context.log.warning("left out: " + std::string(error.what()));
    damaged.insert(source);
    return true;
  };
  for_each_block(
      context.sources, cells, pass,
      [](const CellBlock& block) {
        std::vector<std::int32_t> counts;
        for (std::int64_t cell = 0; cell < block.cells.size(); ++cell)
          counts.push_back(static_cast<std::int32_t>(block.cells.columns_of(cell).size()));
        return std::pair(block.first, std::move(counts));
      },
      [&](const auto& found) { std::ranges::copy(found.second, genes.begin() + found.first); });
  return genes;
}

/// The same as an obs column has them.
inline std::vector<std::int32_t> genes_in_column(const BuildContext& context, const std::vector<std::int64_t>& cells,
                                                 const std::string& column) {
  const auto refuse = [&](const std::string& what) {
    throw InputError("filter.genes_column: " + what + "; name an obs column of whole numbers, or leave the key out");
  };
  if (!context.sources.has_column(column)) refuse("no source has the obs column '" + column + "'");
  const LabelColumn labels = context.sources.labels(column);
  std::vector<std::int32_t> of_value, genes;
  for (const std::string& value : labels.values) {
    std::int32_t number = -1;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error != std::errc() || end != value.data() + value.size() || number < 0)
      refuse("obs column '" + column + "' holds '" + value + "'");
    of_value.push_back(number);
  }
  for (const std::int64_t cell : cells) genes.push_back(labels.codes[cell] < 0 ? 0 : of_value[labels.codes[cell]]);
  return genes;
}

inline Table table_of(std::int64_t all, const std::vector<DroppedCells>& dropped) {
  Table table{{"rule", "dropped", "left"}, {{"all cells", "0", std::to_string(all)}}};
  std::int64_t left = all;
  for (const DroppedCells& one : dropped)
    table.rows.push_back({one.rule + (one.applies ? "" : " (no such column)"), std::to_string(one.cells),
                          std::to_string(left -= one.cells)});
  return table;
}

inline std::string in_words(const std::vector<DroppedCells>& dropped) {
  std::string text;
  for (const DroppedCells& one : dropped)
    if (one.cells > 0) text += (text.empty() ? "" : ", ") + one.rule + " " + std::to_string(one.cells);
  return text;
}

}  // namespace filter_detail

/// Leaves cells.safetensors (`cells`, numbered over all sources, and `genes` that each expresses). InputError where no
/// cell is left.
inline Stage filter_stage(const BuildContext& context, const std::string& sources_key) {
  const FilterSettings& settings = context.file.filter;
  const StageKey key = StageKey("filter", 1)
                           .on(sources_key)
                           .settings(context.file.columns)
                           .settings(settings)
                           .on(context.options.skip_damaged ? "skip damaged" : "");
  return context.stage("filter", key, [&](const std::filesystem::path& folder) {
    std::vector<DroppedCells> dropped;
    const auto candidates = filter_by_labels(context.table, settings, dropped);
    std::set<std::int64_t> damaged;
    const auto counted = settings.genes_column
                             ? filter_detail::genes_in_column(context, candidates, *settings.genes_column)
                             : filter_detail::count_genes(context, candidates, damaged);
    DroppedCells unread{"in a damaged source", 0, true}, poor{"too few genes", 0, true};
    std::vector<std::int64_t> cells;
    std::vector<std::int32_t> genes;
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      if (damaged.contains(context.sources.source_of(candidates[i]))) {
        ++unread.cells;
      } else if (counted[i] < settings.minimum_genes) {
        ++poor.cells;
      } else {
        cells.push_back(candidates[i]), genes.push_back(counted[i]);
      }
    }
    dropped.push_back(unread), dropped.push_back(poor);
    if (cells.empty())
      throw InputError("no cell of " + std::to_string(context.table.cells) + " passes the filter: " +
                       filter_detail::in_words(dropped) + ". Change [filter], or the columns that [columns] names");
    write_table(folder, filter_detail::table_of(context.table.cells, dropped));
    write_safetensors(folder / "cells.safetensors", {array_item("cells", cells), array_item("genes", genes)});
    return nlohmann::json{
        {"cells", cells.size()}, {"of", context.table.cells}, {"dropped", filter_detail::in_words(dropped)}};
  });
}

}  // namespace cell2text::dataset
