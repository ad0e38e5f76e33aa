// A matrix inside an .h5ad file (CSR, CSC or dense), read by parts of its stored axis.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "cell2text/io/compressed_matrix.hpp"

namespace cell2text::h5ad {

/// Reads `count` entries of the stored axis at a time: rows of CSR and dense matrices, columns of CSC.
class Matrix {
 public:
  enum class Layout { csr, csc, dense };
  static constexpr std::size_t cache_bytes = std::size_t{32} << 20;  ///< for decompressed chunks of each array

  /// Opens `name` ("X", "raw/X", "layers/counts"), which must be `rows` x `columns`. Checks shape, lengths and
  /// row pointers. Keeps 8 bytes per entry of the stored axis.
  Matrix(const hdf5::Group& root, const std::string& name, std::int64_t rows, std::int64_t columns)
      : rows_(rows), columns_(columns), where_(root.file() + ": " + name) {
    if (columns >= std::numeric_limits<std::int32_t>::max() || rows >= std::numeric_limits<std::int32_t>::max())
      throw InputError(where_ + ": has more than 2^31 rows or columns");
    if (root.has_dataset(name))
      open_dense(root.dataset(name, cache_bytes));
    else
      open_sparse(root.group(name));
  }

  Layout layout() const { return layout_; }
  const std::string& where() const { return where_; }
  std::int64_t rows() const { return rows_; }
  std::int64_t columns() const { return columns_; }
  /// Entries of the stored axis, and of the other.
  std::int64_t major() const { return layout_ == Layout::csc ? columns_ : rows_; }
  std::int64_t minor() const { return layout_ == Layout::csc ? rows_ : columns_; }
  /// Stored values; of a dense matrix, all.
  std::int64_t stored() const { return layout_ == Layout::dense ? rows_ * columns_ : sparse_.starts().back(); }

  /// Stored values of some entries; of a dense matrix 0, since zeros are left out when it is read.
  std::int64_t stored(std::int64_t first, std::int64_t count) const {
    return layout_ == Layout::dense ? 0 : sparse_.stored(first, count);
  }

  /// Keeps less of decompressed chunks between reads: `bytes` for each of its arrays. `root` and `name` as at opening.
  void limit_cache(const hdf5::Group& root, const std::string& name, std::size_t bytes) {
    if (layout_ != Layout::dense) return sparse_.limit_cache(root.group(name), bytes);
    data_ = {};  // HDF5 gives an array that is open the cache that it has
    data_ = root.dataset(name, bytes);
  }

  /// The largest `count` with at most `values` stored values in entries first .. first+count-1; at least 1.
  std::int64_t entries_within(std::int64_t first, std::int64_t values) const {
    if (layout_ != Layout::dense) return rows_within(sparse_.starts(), first, values);
    return std::clamp<std::int64_t>(values / std::max<std::int64_t>(columns_, 1), 1,
                                    std::max<std::int64_t>(rows_ - first, 1));
  }

  /// Entries first .. first+count-1 of the stored axis (for CSC `columns` are row numbers). Positions are
  /// checked against the shape; order within an entry and values are as in the file.
  RowBlock read(std::int64_t first, std::int64_t count) const {
    RowBlock block;
    read_onto(first, count, block);
    return block;
  }
  /// The same, behind the rows that `block` holds (RowBlock::extend).
  void read_onto(std::int64_t first, std::int64_t count, RowBlock& block) const {
    layout_ == Layout::dense ? read_dense(first, count, block) : sparse_.read_onto(first, count, block);
  }

 private:
  static constexpr std::int64_t dense_values = std::int64_t{4} << 20;  // of a dense matrix in memory at once

  void open_dense(hdf5::Dataset data) {
    layout_ = Layout::dense;
    data_ = std::move(data);
    if (!data_.is_number()) data_.fail("holds no numbers; a matrix of counts was expected");
    if (data_.shape().size() != 2) data_.fail("has " + std::to_string(data_.shape().size()) + " axes; expected 2");
    expect_shape(data_.shape());
  }

  void open_sparse(const hdf5::Group& group) {
    std::string format = group.text_attribute("encoding-type");
    if (format.empty()) format = group.text_attribute("h5sparse_format");  // anndata before 0.7
    if (format.starts_with("csr"))
      layout_ = Layout::csr;
    else if (format.starts_with("csc"))
      layout_ = Layout::csc;
    else
      group.fail("is encoded as '" + format + "'; expected csr_matrix, csc_matrix or a dense array");
    expect_shape(group.integers_attribute(group.has_attribute("shape") ? "shape" : "h5sparse_shape"));

    sparse_ = hdf5::CompressedMatrix(group, major(), minor(), layout_ == Layout::csc ? "column" : "row");
  }

  void expect_shape(const std::vector<std::int64_t>& shape) const {
    if (shape.size() == 2 && shape[0] == rows_ && shape[1] == columns_) return;
    std::string found;
    for (const std::int64_t extent : shape) found += (found.empty() ? "" : " x ") + std::to_string(extent);
    throw InputError(where_ + ": has the shape " + found + "; obs and var say " + std::to_string(rows_) + " x " +
                     std::to_string(columns_) + ". The file is damaged");
  }

  void read_dense(std::int64_t first, std::int64_t count, RowBlock& block) const {
    block.extend(first, {});
    for (std::int64_t done = 0; done < count;) {
      const std::int64_t step = std::min(count - done, entries_within(first + done, dense_values));
      const std::vector<float> values = data_.read<float>(first + done, step);
      for (std::int64_t row = 0; row < step; ++row) {
        for (std::int64_t column = 0; column < columns_; ++column)
          if (const float value = values[row * columns_ + column]; value != 0) {
            block.columns.push_back(static_cast<std::int32_t>(column));
            block.values.push_back(value);
          }
        block.starts.push_back(static_cast<std::int64_t>(block.columns.size()));
      }
      done += step;
    }
  }

  Layout layout_ = Layout::csr;
  std::int64_t rows_, columns_;
  std::string where_;
  hdf5::Dataset data_;             ///< where it is dense
  hdf5::CompressedMatrix sparse_;  ///< else
};

}  // namespace cell2text::h5ad
