// A few rows of a matrix in CSR as they come from a file, and the checks that every row passes.
#pragma once

#include <algorithm>
#include <array>
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
  /// Added up in four lanes: one lane would wait for each addition.
  double sum(std::int64_t row) const {
    std::array<double, 4> lanes{};
    std::int64_t i = starts[row];
    for (; i + 4 <= starts[row + 1]; i += 4)
      for (int k = 0; k < 4; ++k) lanes[k] += values[i + k];
    for (; i < starts[row + 1]; ++i) lanes[0] += values[i];
    return (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]);
  }
};

namespace detail {

/// Whether f(i) holds for any i of first..last. By blocks of a fixed size, which the compiler turns into vectors.
template <class F>
bool any_of(std::int64_t first, std::int64_t last, const F& f) {
  constexpr int block = 16;
  std::uint32_t found[block] = {};
  for (; first + block <= last; first += block)
    for (int k = 0; k < block; ++k) found[k] |= f(first + k) ? 1u : 0u;
  for (; first < last; ++first) found[0] |= f(first) ? 1u : 0u;
  std::uint32_t any = 0;
  for (const std::uint32_t one : found) any |= one;
  return any != 0;
}

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
    const std::int32_t* const column = block.columns.data();
    if (!detail::any_of(begin + 1, end, [=](std::int64_t i) { return column[i] <= column[i - 1]; })) continue;
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
