// The names of a file's cells in memory, where they take little of it: HDF5 reads texts one by one, each from a heap.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace cell2text::h5ad {

/// Names in the order of the rows, one after the other: their bytes and 4 more each.
class KeptNames {
 public:
  /// Where all names would take more than `limit` bytes (at most 4 GiB), none is kept.
  explicit KeptNames(std::size_t limit) : limit_(limit) {}

  /// The names of rows first, first+1, ... Those of rows that are known, or that do not follow on them, are passed
  /// over.
  void add(std::int64_t first, const std::vector<std::string>& names) {
    if (first != size()) return;
    for (const std::string& name : names) {
      const std::size_t bytes = text_.size() + name.size() + (ends_.size() + 1) * sizeof(ends_[0]);
      if (bytes > limit_) return give_up();
      text_ += name;
      ends_.push_back(static_cast<std::uint32_t>(text_.size()));
    }
  }

  std::int64_t size() const { return static_cast<std::int64_t>(ends_.size()); }

  /// Of a row below `size()`.
  std::string operator[](std::int64_t row) const {
    const std::size_t begin = row > 0 ? ends_[row - 1] : 0;
    return text_.substr(begin, ends_[row] - begin);
  }

 private:
  void give_up() { *this = KeptNames(0); }

  std::size_t limit_;
  std::string text_;
  std::vector<std::uint32_t> ends_;  ///< of each name in `text_`
};

}  // namespace cell2text::h5ad
