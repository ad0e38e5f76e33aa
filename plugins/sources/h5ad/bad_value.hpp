// Finds the first value of a matrix that no count can be, and says whose it is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cell2text/io/anndata.hpp"
#include "matrix.hpp"

namespace cell2text::h5ad {

/// The genes a matrix has: those of raw, or those of the file.
inline std::string var_group(const std::string& matrix) {
  return matrix.starts_with("raw/") ? "raw/var" : "var";
}

/// The first value of a matrix that no count can be, in the order it is stored in; reads until it is met.
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
