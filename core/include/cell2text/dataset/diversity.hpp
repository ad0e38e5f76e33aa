// How evenly cells are spread over the values of a label (paper, Table 5): Shannon's entropy, normalised.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "cell2text/dataset/label_view.hpp"

namespace cell2text::dataset {

/// H / log2(K) of how many cells each category has, K being the categories that have any: 1 where all have as many, 0
/// for one category or none. In [0, 1].
inline double normalised_diversity(std::span<const std::int64_t> counts) {
  double total = 0, present = 0, entropy = 0;
  for (const std::int64_t count : counts) total += static_cast<double>(count), present += count > 0;
  if (present <= 1) return 0;
  for (const std::int64_t count : counts)
    if (const double share = static_cast<double>(count) / total; count > 0) entropy -= share * std::log2(share);
  return std::clamp(entropy / std::log2(present), 0.0, 1.0);
}

/// A line of the table "before and after".
struct DiversityChange {
  std::string role;
  std::int64_t categories_before = 0, categories_after = 0;  ///< that have any cell
  double before = 0, after = 0;                              ///< normalised_diversity
};

/// The diversity of each column over the cells before and after sampling; cells of no category are passed over.
inline std::vector<DiversityChange> diversity_changes(const std::vector<Categories>& columns,
                                                      std::span<const std::int64_t> before,
                                                      std::span<const std::int64_t> after) {
  std::vector<DiversityChange> table;
  const auto present = [](const std::vector<std::int64_t>& counts) {
    return std::ranges::count_if(counts, [](std::int64_t count) { return count > 0; });
  };
  for (const Categories& column : columns) {
    const auto counts_before = count_cells(column, before), counts_after = count_cells(column, after);
    table.push_back({column.role, present(counts_before), present(counts_after), normalised_diversity(counts_before),
                     normalised_diversity(counts_after)});
  }
  return table;
}

}  // namespace cell2text::dataset
