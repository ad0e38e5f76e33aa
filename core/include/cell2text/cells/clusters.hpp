// Clusters of cells as a column of the file names them, and some cells of each. None is computed here.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cell2text/cells/cell_batch.hpp"
#include "cell2text/cells/stratified_choice.hpp"
#include "cell2text/error.hpp"

namespace cell2text {

/// More distinct values than this are no clusters.
inline constexpr std::size_t most_clusters = 1000;

struct Clusters {
  std::vector<std::string> names;   ///< of clusters with cells, in order: by number where all are numbers
  std::vector<std::int32_t> codes;  ///< [cells] which cluster; -1: none
};

namespace clusters_detail {

inline std::optional<std::int64_t> whole_number(const std::string& text) {
  std::int64_t number = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
  return fault == std::errc() && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

inline void sort_names(std::vector<std::string>& names) {
  if (std::ranges::all_of(names, [](const std::string& name) { return whole_number(name).has_value(); }))
    std::ranges::sort(names, {}, [](const std::string& name) { return std::pair(*whole_number(name), name); });
  else
    std::ranges::sort(names);
}

}  // namespace clusters_detail

/// InputError, naming `file` and the column, where it has no values, more than `most_clusters`, or, being a column of
/// numbers, one that is not whole.
inline Clusters clusters_of(const LabelColumn& column, bool numbers, const std::string& file) {
  const std::string where = file + ": column '" + column.name + "'";
  std::vector<std::int64_t> cells(column.values.size());
  for (const std::int32_t code : column.codes)
    if (code >= 0) ++cells[code];
  Clusters clusters;
  for (std::size_t i = 0; i < cells.size(); ++i)
    if (cells[i] > 0) clusters.names.push_back(column.values[i]);
  if (clusters.names.empty()) throw InputError(where + " has no value in any cell; clusters are expected");
  if (clusters.names.size() > most_clusters)
    throw InputError(where + " has " + std::to_string(clusters.names.size()) + " values; clusters are at most " +
                     std::to_string(most_clusters) + ". Is it another column that holds them?");
  for (const std::string& name : clusters.names)
    if (numbers && !clusters_detail::whole_number(name))
      throw InputError(where + " holds the number " + name + "; clusters are names or whole numbers");
  clusters_detail::sort_names(clusters.names);
  std::vector<std::int32_t> places(column.values.size(), -1);
  for (std::size_t i = 0; i < clusters.names.size(); ++i)
    places[std::ranges::find(column.values, clusters.names[i]) - column.values.begin()] = static_cast<std::int32_t>(i);
  for (const std::int32_t code : column.codes) clusters.codes.push_back(code < 0 ? -1 : places[code]);
  return clusters;
}

/// `wanted` cells of each cluster, all where it has no more; rows ascending. What is drawn of one cluster does not
/// depend on the others, and a choice of more cells holds that of fewer.
inline std::vector<std::int64_t> cells_of_each(const Clusters& clusters, std::int64_t wanted, std::uint64_t seed) {
  std::vector<std::vector<std::int64_t>> members(clusters.names.size());
  for (std::size_t row = 0; row < clusters.codes.size(); ++row)
    if (clusters.codes[row] >= 0) members[clusters.codes[row]].push_back(static_cast<std::int64_t>(row));
  std::vector<std::int64_t> chosen;
  for (const auto& rows : members) {
    const auto some = stratified_choice(rows, wanted, seed, [](std::int64_t) { return std::nullopt; });
    chosen.insert(chosen.end(), some.begin(), some.end());
  }
  std::ranges::sort(chosen);
  return chosen;
}

}  // namespace cell2text
