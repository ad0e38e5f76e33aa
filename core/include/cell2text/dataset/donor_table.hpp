// How many cells each donor has, and of which categories: what a split by donor looks at.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

#include "cell2text/dataset/label_view.hpp"

namespace cell2text::dataset {

/// Donors of some cells. A category is its role's offset plus its number within the role.
struct DonorTable {
  std::vector<std::int64_t> cells;                ///< [donors]; 0 for donors of none of these cells
  std::vector<std::size_t> offsets;               ///< [roles + 1] first category of each role
  std::vector<std::vector<std::int32_t>> having;  ///< [donors] distinct categories

  /// Donors of any of the cells, the smallest first, then in their own order.
  std::vector<std::int32_t> by_size() const {
    std::vector<std::int32_t> order(cells.size());
    std::iota(order.begin(), order.end(), 0);
    std::erase_if(order, [&](std::int32_t donor) { return cells[donor] == 0; });
    std::ranges::stable_sort(order, {}, [&](std::int32_t donor) { return cells[donor]; });
    return order;
  }
};

/// The table of the cells in `rows`, each of which has a donor. O(N) time, 8 bytes a cell while it works.
inline DonorTable donor_table(std::span<const std::int64_t> rows, const LabelColumn& donors,
                              const std::vector<Categories>& roles) {
  DonorTable table{std::vector<std::int64_t>(donors.values.size()), {0}, {}};
  for (const Categories& role : roles) table.offsets.push_back(table.offsets.back() + role.size());
  table.having.resize(donors.values.size());
  for (const std::int64_t row : rows) ++table.cells[donors.codes[row]];

  std::vector<std::int64_t> by_donor(rows.size()), next(donors.values.size());
  std::exclusive_scan(table.cells.begin(), table.cells.end(), next.begin(), std::int64_t{0});
  for (const std::int64_t row : rows) by_donor[next[donors.codes[row]]++] = row;

  std::vector<std::int32_t> last_donor(table.offsets.back(), -1);  // that was seen with each category
  for (const std::int64_t row : by_donor)
    for (std::size_t r = 0; r < roles.size(); ++r) {
      const std::int32_t category = roles[r].at(row), donor = donors.codes[row];
      if (category < 0) continue;
      const std::size_t at = table.offsets[r] + static_cast<std::size_t>(category);
      if (last_donor[at] == donor) continue;
      last_donor[at] = donor;
      table.having[donor].push_back(static_cast<std::int32_t>(at));
    }
  return table;
}

}  // namespace cell2text::dataset
