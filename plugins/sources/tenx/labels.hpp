// A table of labels for the barcodes of a matrix: a CSV whose columns become obs columns.
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "cell2text/cells/cell_batch.hpp"
#include "cell2text/cells/finding.hpp"
#include "cell2text/context.hpp"
#include "cell2text/io/csv.hpp"

namespace cell2text::tenx {

/// Columns over all cells of the source.
struct ObsTable {
  std::vector<ColumnInfo> infos;
  std::vector<LabelColumn> columns;
};

namespace labels_detail {

/// What pandas and R write for a value that is not known.
inline bool is_missing(std::string_view value) {
  return value.empty() || value == "NA" || value == "NaN" || value == "nan";
}
inline bool is_number(const std::string& value) {
  double number = 0;
  const char* const end = value.data() + value.size();
  const auto read = std::from_chars(value.data(), end, number);
  return read.ec == std::errc() && read.ptr == end && std::isfinite(number);
}
inline bool is_boolean(const std::string& value) {
  const std::string word = lower(value);
  return word == "true" || word == "false";
}
inline ColumnInfo::Type type_of(const std::vector<std::string>& values) {
  if (values.empty()) return ColumnInfo::Type::text;
  if (std::ranges::all_of(values, is_number)) return ColumnInfo::Type::number;
  return std::ranges::all_of(values, is_boolean) ? ColumnInfo::Type::boolean : ColumnInfo::Type::text;
}

/// The column of barcodes: the one named so, else the first.
inline std::size_t barcode_column(const CsvTable& table) {
  for (const char* name : {"barcode", "cell"})
    for (std::size_t i = 0; i < table.header.size(); ++i)
      if (lower(table.header[i]) == name) return i;
  return 0;
}

using RowOf = std::unordered_map<std::string_view, std::int32_t, ViewHash, std::equal_to<>>;

/// The table's row for each barcode. InputError where one stands twice.
inline RowOf index(const CsvTable& table, std::size_t column, const std::string& source) {
  RowOf rows;
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    const auto [found, is_new] = rows.try_emplace(table.rows[i].fields[column], static_cast<std::int32_t>(i));
    if (!is_new)
      throw InputError(source + ":" + std::to_string(table.rows[i].line) + ": the barcode '" +
                       table.rows[i].fields[column] + "' stands in line " +
                       std::to_string(table.rows[static_cast<std::size_t>(found->second)].line) +
                       " already; each may have one line");
  }
  return rows;
}

/// A column over all cells; `row_of` [cells] are rows of the table, or -1. Values in order of appearance.
inline LabelColumn spread(const CsvTable& table, std::size_t column, const std::vector<std::int32_t>& row_of) {
  LabelColumn labels{table.header[column], {}, {}};
  labels.codes.reserve(row_of.size());
  std::unordered_map<std::string_view, std::int32_t> codes;
  for (const std::int32_t row : row_of) {
    const std::string_view value = row < 0 ? "" : std::string_view(table.rows[row].fields[column]);
    if (is_missing(value)) {
      labels.codes.push_back(-1);
      continue;
    }
    const auto [found, is_new] = codes.try_emplace(value, static_cast<std::int32_t>(labels.values.size()));
    if (is_new) labels.values.emplace_back(value);
    labels.codes.push_back(found->second);
  }
  return labels;
}

inline ObsTable make_columns(const CsvTable& table, std::size_t barcode, const std::vector<std::int32_t>& row_of,
                             const std::string& source, const Context& context) {
  ObsTable all;
  std::set<std::string> names;
  for (std::size_t i = 0; i < table.header.size(); ++i) {
    if (i == barcode) continue;
    if (table.header[i].empty()) {
      context.log.info("tenx: " + source + ": column " + std::to_string(i + 1) + " has no name and is left out");
      continue;
    }
    if (!names.insert(table.header[i]).second)
      throw InputError(source + ": two columns are named '" + table.header[i] + "'; names must differ");
    all.columns.push_back(spread(table, i, row_of));
    all.infos.push_back({table.header[i], type_of(all.columns.back().values)});
  }
  if (all.columns.empty())
    throw InputError(source +
                     ": has no column beside that of the barcodes; a column for each kind of label is expected");
  return all;
}

}  // namespace labels_detail

/// Reads `path` for `cells` cells; `names_of(first, count)` are their barcodes, `where` their file. A cell without a
/// line has no labels; a field that is empty, NA or NaN is missing. Logs how many found each other. InputError where
/// none did, and for a table that contradicts itself.
template <class NamesOf>
ObsTable read_labels(const std::filesystem::path& path, std::int64_t cells, const NamesOf& names_of,
                     const std::string& where, const Context& context) {
  const CsvTable table = read_csv(path);
  const std::string source = path.string();
  if (table.rows.empty())
    throw InputError(source + ": holds a header and nothing else; a line for each cell is expected");
  const std::size_t barcode = labels_detail::barcode_column(table);
  const labels_detail::RowOf rows = labels_detail::index(table, barcode, source);

  std::vector<std::int32_t> row_of;
  std::vector<bool> used(table.rows.size(), false);
  std::int64_t labelled = 0;
  constexpr std::int64_t step = 1 << 16;
  for (std::int64_t first = 0; first < cells; first += step)
    for (const std::string& name : names_of(first, std::min(step, cells - first))) {
      const auto found = rows.find(std::string_view(name));
      row_of.push_back(found == rows.end() ? -1 : found->second);
      if (found == rows.end()) continue;
      ++labelled;
      used[static_cast<std::size_t>(found->second)] = true;
    }
  const std::string example = table.rows.front().fields[barcode];
  if (labelled == 0)
    throw InputError(source + ": none of its barcodes is in " + where + ": the table has '" + example + "' (column '" +
                     table.header[barcode] + "'), the matrix '" + names_of(0, 1).front() +
                     "'. A suffix such as -1 may differ, or be missing on one side");
  const auto unused = std::ranges::count(used, false);
  context.log.info("tenx: labels of " + with_commas(labelled) + " of " + with_commas(cells) + " cells from " + source);
  if (unused > 0) {
    const auto at = static_cast<std::size_t>(std::ranges::find(used, false) - used.begin());
    context.log.warning("tenx: " + source + ": " + with_commas(unused) + " of its " + with_commas(std::ssize(used)) +
                        " barcodes are not among the cells, such as '" + table.rows[at].fields[barcode] + "'");
  }
  return labels_detail::make_columns(table, barcode, row_of, source, context);
}

}  // namespace cell2text::tenx
