// A few rows of a matrix in CSR as they come from a file, and the checks that every row passes.
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

#include "cell2text/error.hpp"

namespace cell2text::h5ad {

/// Rows first_row .. of a matrix in CSR; `starts` begins at 0.
struct RowBlock {
  std::int64_t first_row = 0;
  std::vector<std::int64_t> starts = {0};  ///< [rows+1]
  std::vector<std::int32_t> columns;
  std::vector<float> values;

  std::int64_t rows() const { return static_cast<std::int64_t>(starts.size()) - 1; }
  double sum(std::int64_t row) const {
    return std::accumulate(values.begin() + starts[row], values.begin() + starts[row + 1], 0.0);
  }
};

namespace detail {

inline void sort_row(RowBlock& block, std::int64_t begin, std::int64_t end) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(end - begin));
  std::iota(order.begin(), order.end(), begin);
  std::ranges::sort(order, {}, [&](std::int64_t i) { return block.columns[i]; });
  std::vector<std::int32_t> columns;
  std::vector<float> values;
  for (const std::int64_t i : order) columns.push_back(block.columns[i]), values.push_back(block.values[i]);
  std::ranges::copy(columns, block.columns.begin() + begin);
  std::ranges::copy(values, block.values.begin() + begin);
}

}  // namespace detail

/// Sorts the columns of each row. InputError, naming `where` (file and matrix) and the row, where a
/// column occurs twice.
inline void sort_columns(RowBlock& block, const std::string& where) {
  for (std::int64_t row = 0; row < block.rows(); ++row) {
    const std::int64_t begin = block.starts[row], end = block.starts[row + 1];
    if (!std::is_sorted(block.columns.begin() + begin, block.columns.begin() + end))
      detail::sort_row(block, begin, end);
    const auto last = block.columns.begin() + end;
    if (const auto twin = std::adjacent_find(block.columns.begin() + begin, last); twin != last)
      throw InputError(where + ": row " + std::to_string(block.first_row + row) + " holds column " +
                       std::to_string(*twin) +
                       " twice. In Python: adata.X.sum_duplicates(), then write the file again");
  }
}

}  // namespace cell2text::h5ad
