// The stage `filter`: which cells may be taken, by their labels.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/dataset/cell_table.hpp"
#include "cell2text/text/description.hpp"

namespace cell2text::dataset {

/// What one rule left out, of the cells that the rules before it had kept.
struct DroppedCells {
  std::string rule;
  std::int64_t cells = 0;
  bool applies = true;  ///< false where no source has the column
};

namespace filter_detail {

/// Whether a cell stays, by the value of one column (nothing: missing).
struct Rule {
  std::string name, role;
  std::function<bool(const std::optional<std::string>&)> keeps;
  bool needed = false;  ///< without the column no cell can pass
};

inline std::vector<Rule> rules(const FilterSettings& settings) {
  std::vector<Rule> all;
  const auto listed = [](const std::vector<std::string>& list) {
    return [names = std::set<std::string>(list.begin(), list.end())](const std::string& value) {
      return names.contains(value);
    };
  };
  using Given = std::optional<std::string>;
  if (!settings.organisms.empty())
    all.push_back({"another species", "organism", [in = listed(settings.organisms)](const Given& value) {
                     return !known_value(value) || in(*value);
                   }});
  if (settings.primary_data)
    all.push_back(
        {"not primary data", "is_primary_data", [](const Given& value) { return !value || lower(*value) != "false"; }});
  if (!settings.tissue_types.empty())
    all.push_back({"another tissue type", "tissue_type", [in = listed(settings.tissue_types)](const Given& value) {
                     return !known_value(value) || in(*value);
                   }});
  for (const std::string& role : settings.known)
    all.push_back({"unknown " + role, role, [](const Given& value) { return known_value(value).has_value(); }, true});
  all.push_back({"excluded assay", "assay",
                 [in = listed(settings.excluded_assays)](const Given& value) { return !value || !in(*value); }});
  all.push_back({"excluded dataset", "dataset_id",
                 [in = listed(settings.excluded_datasets)](const Given& value) { return !value || !in(*value); }});
  return all;
}

}  // namespace filter_detail

/// The cells that pass every rule on labels, ascending; what each rule left out is added to `dropped`, in order. A rule
/// whose column no source has drops nothing, but for labels that must be known: without the column, none is.
inline std::vector<std::int64_t> filter_by_labels(const CellTable& table, const FilterSettings& settings,
                                                  std::vector<DroppedCells>& dropped) {
  std::vector<std::uint8_t> stays(static_cast<std::size_t>(table.cells), 1);
  for (const filter_detail::Rule& rule : filter_detail::rules(settings)) {
    const LabelColumn* column = table.find(rule.role);
    dropped.push_back({rule.name, 0, column || rule.needed});
    if (!column && !rule.needed) continue;
    std::vector<std::uint8_t> keeps{static_cast<std::uint8_t>(rule.keeps(std::nullopt))};  // the first: missing
    if (column)
      for (const std::string& value : column->values) keeps.push_back(static_cast<std::uint8_t>(rule.keeps(value)));
    for (std::int64_t cell = 0; cell < table.cells; ++cell) {
      if (!stays[cell] || keeps[column ? column->codes[cell] + 1 : 0]) continue;
      stays[cell] = 0;
      ++dropped.back().cells;
    }
  }
  std::vector<std::int64_t> cells;
  for (std::int64_t cell = 0; cell < table.cells; ++cell)
    if (stays[cell]) cells.push_back(cell);
  return cells;
}

}  // namespace cell2text::dataset
