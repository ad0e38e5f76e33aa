// What the builder keeps of every cell of its sources: labels. Four bytes a cell and label.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "cell2text/cells/cell_batch.hpp"
#include "cell2text/dataset/settings.hpp"
#include "cell2text/dataset/sources.hpp"

namespace cell2text::dataset {

/// Labels of all cells of the sources by role ("cell_type", "cell_type_ontology_term_id", ...). A role that no source
/// has a column for is absent; in a source without the column its cells have none.
struct CellTable {
  std::int64_t cells = 0;
  std::map<std::string, LabelColumn> labels;

  /// The column of a role, or null.
  const LabelColumn* find(const std::string& role) const {
    const auto found = labels.find(role);
    return found == labels.end() ? nullptr : &found->second;
  }
};

namespace cell_table_detail {

/// Several diseases in one value ("COVID-19 || influenza", CELLxGENE schema 6) become words of a sentence. Two
/// spellings may become one value.
inline void join_several(LabelColumn& column) {
  std::vector<std::string> values;
  std::map<std::string, std::int32_t> known;
  std::vector<std::int32_t> codes;
  for (std::string value : column.values) {
    for (std::size_t at; (at = value.find(" || ")) != std::string::npos;) value.replace(at, 4, " and ");
    const auto [entry, is_new] = known.try_emplace(value, static_cast<std::int32_t>(values.size()));
    if (is_new) values.push_back(value);
    codes.push_back(entry->second);
  }
  for (std::int32_t& code : column.codes)
    if (code >= 0) code = codes[code];
  column.values = std::move(values);
}

/// A source without datasets of its own is one, called as its file.
inline void name_datasets(LabelColumn& column, const Sources& sources) {
  for (std::int64_t source = 0; source < sources.count(); ++source) {
    const auto begin = column.codes.begin() + sources.start(source), end = column.codes.begin() + sources.end(source);
    if (!std::all_of(begin, end, [](std::int32_t code) { return code < 0; })) continue;
    std::fill(begin, end, static_cast<std::int32_t>(column.values.size()));
    column.values.push_back(sources.name(source));
  }
}

}  // namespace cell_table_detail

/// Reads the labels of all sources. `extra`: further obs columns, kept under their own names. InputError where no
/// source has a cell type, or none an extra column.
inline CellTable read_cell_table(const Sources& sources, const ColumnSettings& columns,
                                 const std::vector<std::string>& extra) {
  CellTable table;
  table.cells = sources.size();
  const auto add = [&](const std::string& role, const std::string& column) {
    if (sources.has_column(column)) table.labels.emplace(role, sources.labels(column));
  };
  for (const auto& [role, column] : columns.roles()) {
    add(role, column);
    add(role + "_ontology_term_id", column + "_ontology_term_id");
  }
  if (!table.find("cell_type"))
    throw InputError("no source has the obs column '" + columns.cell_type +
                     "'; a description needs a cell type. Name the column with columns.cell_type" +
                     suggestion(columns.cell_type, sources.column_names()));
  if (const auto disease = table.labels.find("disease"); disease != table.labels.end())
    cell_table_detail::join_several(disease->second);
  LabelColumn& datasets = table.labels["dataset_id"];
  if (datasets.codes.empty()) datasets = {columns.dataset_id, {}, std::vector<std::int32_t>(table.cells, -1)};
  cell_table_detail::name_datasets(datasets, sources);
  for (const std::string& column : extra) {
    if (!sources.has_column(column))
      throw InputError("write.columns: no source has the obs column '" + column + "'" +
                       suggestion(column, sources.column_names()));
    add(column, column);
  }
  return table;
}

}  // namespace cell2text::dataset
