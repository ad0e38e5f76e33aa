// A few rows of a matrix in CSR as they come from a file, and the checks that every row passes.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cell2text/error.hpp"

namespace cell2text {

/// Rows first_row .. of a matrix in CSR; `starts` begins at 0.
struct RowBlock {
  std::int64_t first_row = 0;
  std::vector<std::int64_t> starts = {0};  ///< [rows+1]
  std::vector<std::int32_t> columns;
  std::vector<float> values;

  std::int64_t rows() const { return static_cast<std::int64_t>(starts.size()) - 1; }

  /// Adds rows from `first` on of a matrix whose rows there begin at `of` [added+1]; their columns and values are the
  /// caller's to add. Rows before them may stand elsewhere in the matrix: `first_row` then names the added ones alone.
  /// Returns how many values there were.
  std::int64_t extend(std::int64_t first, std::span<const std::int64_t> of) {
    const std::int64_t before = starts.back();
    first_row = first - rows();
    for (std::size_t i = 1; i < of.size(); ++i) starts.push_back(before + of[i] - of[0]);
    return before;
  }
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

/// Of rows that begin at `starts` [rows+1]: the largest `count` with at most `values` values in rows first ..
/// first+count-1; at least 1.
inline std::int64_t rows_within(const std::vector<std::int64_t>& starts, std::int64_t first, std::int64_t values) {
  const auto end = std::upper_bound(starts.begin() + first, starts.end(), starts[first] + values);
  return std::max<std::int64_t>(1, end - starts.begin() - first - 1);
}

namespace row_block_detail {

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

}  // namespace row_block_detail

/// Sorts the columns of each row from the `from`th on. InputError, naming `where` (file and matrix), the row and what to do, where a
/// column occurs twice.
inline void sort_columns(RowBlock& block, const std::string& where, const std::string& what_to_do,
                         std::int64_t from = 0) {
  for (std::int64_t row = from; row < block.rows(); ++row) {
    const std::int64_t begin = block.starts[row], end = block.starts[row + 1];
    const std::int32_t* const column = block.columns.data();
    if (!row_block_detail::any_of(begin + 1, end, [=](std::int64_t i) { return column[i] <= column[i - 1]; })) continue;
    if (!std::is_sorted(block.columns.begin() + begin, block.columns.begin() + end))
      row_block_detail::sort_row(block, begin, end);
    const auto last = block.columns.begin() + end;
    if (const auto twin = std::adjacent_find(block.columns.begin() + begin, last); twin != last)
      throw InputError(where + ": row " + std::to_string(block.first_row + row) + " holds column " +
                       std::to_string(*twin) + " twice. " + what_to_do);
  }
}

/// A value that is negative, NaN or infinite.
struct BadValue {
  std::int64_t row = 0, column = 0;
  float value = 0;
};

/// The first of a block of rows, from the `from`th on.
inline std::optional<BadValue> first_bad_value(const RowBlock& block, std::int64_t from = 0) {
  // Bits above those of the largest float: negative, infinite or NaN, or minus zero, which is none of them.
  constexpr auto largest = std::bit_cast<std::uint32_t>(std::numeric_limits<float>::max());
  const float* const value = block.values.data();
  if (!row_block_detail::any_of(block.starts[from], static_cast<std::int64_t>(block.values.size()),
                                [=](std::int64_t i) { return std::bit_cast<std::uint32_t>(value[i]) > largest; }))
    return std::nullopt;
  for (std::int64_t row = from; row < block.rows(); ++row)
    for (std::int64_t i = block.starts[row]; i < block.starts[row + 1]; ++i)
      if (!(block.values[i] >= 0) || std::isinf(block.values[i]))
        return BadValue{block.first_row + row, block.columns[i], block.values[i]};
  return std::nullopt;
}

}  // namespace cell2text
