// A sparse matrix in an HDF5 group as both AnnData and 10x Genomics keep it: data, indices, indptr. Read by ranges of
// the axis along which it is stored; which axis that is, and how long both are, is the caller's knowledge.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "cell2text/cells/row_block.hpp"
#include "cell2text/io/hdf5.hpp"

namespace cell2text::hdf5 {

class CompressedMatrix {
 public:
  CompressedMatrix() = default;
  /// `major` entries of the stored axis, each called `entry` ("row", "column") in messages, over `minor` of the other.
  /// Checks lengths and pointers. Keeps 8 bytes per entry of the stored axis.
  CompressedMatrix(const Group& group, std::int64_t major, std::int64_t minor, std::string entry)
      : data_(group.dataset("data", cache_bytes)),
        indices_(group.dataset("indices", cache_bytes)),
        minor_(minor),
        entry_(std::move(entry)) {
    constexpr std::int64_t most = std::numeric_limits<std::int32_t>::max();
    if (major >= most || minor >= most) group.fail("has more than 2^31 rows or columns");
    const Dataset pointers = group.dataset("indptr");
    if (!data_.expect_vector().is_number()) data_.fail("holds no numbers");
    if (data_.length() != indices_.expect_vector().length())
      data_.fail("has " + std::to_string(data_.length()) + " values; 'indices' has " +
                 std::to_string(indices_.length()));
    if (pointers.expect_vector().length() != major + 1)
      pointers.fail("has " + std::to_string(pointers.length()) + " values; expected " + std::to_string(major + 1));
    starts_ = pointers.read_all<std::int64_t>();
    check_starts(pointers);
  }

  /// Where each entry of the stored axis begins [major+1].
  const std::vector<std::int64_t>& starts() const { return starts_; }

  /// Values of entries first .. first+count-1.
  std::int64_t stored(std::int64_t first, std::int64_t count) const { return starts_[first + count] - starts_[first]; }

  /// Keeps less of decompressed chunks between reads: `bytes` for each of its arrays. `group` as at opening.
  void limit_cache(const Group& group, std::size_t bytes) {
    data_ = {}, indices_ = {};  // HDF5 gives an array that is open the cache that it has
    data_ = group.dataset("data", bytes);
    indices_ = group.dataset("indices", bytes);
  }

  /// Entries first .. first+count-1 of the stored axis. Positions are checked against the shape; order within an entry
  /// and values are as in the file.
  RowBlock read(std::int64_t first, std::int64_t count) const {
    RowBlock block;
    read_onto(first, count, block);
    return block;
  }
  /// The same, behind the rows that `block` holds (RowBlock::extend).
  void read_onto(std::int64_t first, std::int64_t count, RowBlock& block) const {
    const std::int64_t begin = starts_[first], values = starts_[first + count] - begin;
    const std::int64_t before = block.extend(first, std::span(starts_).subspan(first, count + 1));
    indices_.read_onto(begin, values, block.columns);
    data_.read_onto(begin, values, block.values);
    const std::int32_t* const column = block.columns.data();
    const auto outside = [column, most = static_cast<std::uint32_t>(minor_)](std::int64_t i) {
      return static_cast<std::uint32_t>(column[i]) >= most;
    };
    if (row_block_detail::any_of(before, before + values, outside)) refuse_index(block, before, outside);
  }

 private:
  static constexpr std::size_t cache_bytes = std::size_t{32} << 20;

  void check_starts(const Dataset& pointers) const {
    if (starts_.front() != 0) pointers.fail("begins with " + std::to_string(starts_.front()) + "; expected 0");
    for (std::size_t i = 1; i < starts_.size(); ++i)
      if (starts_[i] < starts_[i - 1])
        pointers.fail("falls from " + std::to_string(starts_[i - 1]) + " to " + std::to_string(starts_[i]) +
                      " at row " + std::to_string(i - 1) +
                      " (of the stored axis); it must not fall. The file is damaged");
    if (starts_.back() > data_.length())
      pointers.fail("ends with " + std::to_string(starts_.back()) + "; only " + std::to_string(data_.length()) +
                    " values are stored. The file is damaged");
  }

  template <class Outside>
  [[noreturn]] void refuse_index(const RowBlock& block, std::int64_t i, const Outside& outside) const {
    while (!outside(i)) ++i;
    const auto at = std::ranges::upper_bound(block.starts, i) - block.starts.begin() - 1;
    indices_.fail(entry_ + " " + std::to_string(block.first_row + at) + " holds the index " +
                  std::to_string(block.columns[i]) + "; expected 0 to " + std::to_string(minor_ - 1) +
                  ". The file is damaged");
  }

  Dataset data_, indices_;
  std::int64_t minor_ = 0;
  std::string entry_;
  std::vector<std::int64_t> starts_;
};

}  // namespace cell2text::hdf5
