// Finds the first value of a matrix that no count can be, and says whose it is.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include "cell2text/io/anndata.hpp"
#include "matrix.hpp"

namespace cell2text::h5ad {

/// The genes a matrix has: those of raw, or those of the file.
inline std::string var_group(const std::string& matrix) {
  return matrix.starts_with("raw/") ? "raw/var" : "var";
}

/// A value that is negative, NaN or infinite.
struct BadValue {
  std::int64_t row = 0, column = 0;
  float value = 0;
};

/// The first of a block of rows.
inline std::optional<BadValue> first_bad_value(const RowBlock& block) {
  // Bits above those of the largest float: negative, infinite or NaN, or minus zero, which is none of them.
  constexpr auto largest = std::bit_cast<std::uint32_t>(std::numeric_limits<float>::max());
  const float* const value = block.values.data();
  if (!detail::any_of(0, static_cast<std::int64_t>(block.values.size()),
                      [=](std::int64_t i) { return std::bit_cast<std::uint32_t>(value[i]) > largest; }))
    return std::nullopt;
  for (std::int64_t row = 0; row < block.rows(); ++row)
    for (std::int64_t i = block.starts[row]; i < block.starts[row + 1]; ++i)
      if (!(block.values[i] >= 0) || std::isinf(block.values[i]))
        return BadValue{block.first_row + row, block.columns[i], block.values[i]};
  return std::nullopt;
}

/// The first of a matrix in the order it is stored in; reads until it is met.
inline std::optional<BadValue> first_bad_value(const Matrix& matrix) {
  constexpr std::int64_t step = std::int64_t{1} << 20;  // values
  for (std::int64_t first = 0; first < matrix.major();) {
    const std::int64_t count = matrix.entries_within(first, step);
    if (auto bad = first_bad_value(matrix.read(first, count))) {
      if (matrix.layout() == Matrix::Layout::csc) std::swap(bad->row, bad->column);
      return bad;
    }
    first += count;
  }
  return std::nullopt;
}

/// "row 5 (cell 'AAAC-1'), column 7 (gene 'ENSG00000000003') is -3".
inline std::string text_of(const BadValue& bad, const hdf5::Group& root, const std::string& matrix) {
  const std::string cell = anndata::DataFrame(root, "obs").index(bad.row, 1).front(),
                    gene = anndata::DataFrame(root, var_group(matrix)).index(bad.column, 1).front();
  return "row " + std::to_string(bad.row) + " (cell '" + cell + "'), column " + std::to_string(bad.column) +
         " (gene '" + gene + "') is " + anndata::detail::shortest_text(bad.value);
}

}  // namespace cell2text::h5ad
