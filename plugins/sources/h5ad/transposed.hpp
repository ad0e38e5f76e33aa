// A CSC matrix turned once into CSR in a temporary file, within a fixed amount of memory.
// The source is read twice: once to count, once to deal values out into buckets of rows.
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

#include "cell2text/io/spilled_rows.hpp"
#include "matrix.hpp"

namespace cell2text::h5ad {

namespace detail {

/// Calls `visit(row, column, value)` for each stored value.
template <class Visit>
void each_value(const Matrix& columns, std::int64_t memory_bytes, const Visit& visit) {
  const std::int64_t values = std::max<std::int64_t>(1, memory_bytes / 4 / 16);  // HDF5 needs room to convert
  for (std::int64_t first = 0; first < columns.columns();) {
    const std::int64_t count = columns.entries_within(first, values);
    const RowBlock block = columns.read(first, count);
    for (std::int64_t column = 0; column < count; ++column)
      for (std::int64_t at = block.starts[column]; at < block.starts[column + 1]; ++at)
        visit(block.columns[at], static_cast<std::int32_t>(first + column), block.values[at]);
    first += count;
  }
}

}  // namespace detail

/// The rows of a CSC matrix. Columns come in ascending order, and so do each row's values. EnvironmentError where the
/// disk has no room.
inline SpilledRows transpose(const Matrix& columns, std::int64_t memory_bytes) {
  std::vector<std::int64_t> starts(static_cast<std::size_t>(columns.rows()) + 1, 0);
  detail::each_value(columns, memory_bytes, [&](std::int32_t row, std::int32_t, float) { ++starts[row + 1]; });
  std::partial_sum(starts.begin(), starts.end(), starts.begin());
  return deal_out_rows(
      std::move(starts), [&](const auto& visit) { detail::each_value(columns, memory_bytes, visit); }, memory_bytes,
      ", or write the file by rows in Python: adata.X = adata.X.tocsr()");
}

}  // namespace cell2text::h5ad
