// A CSC matrix turned once into CSR in a temporary file, within a fixed amount of memory.
// The source is read twice: once to count, once to deal values out into buckets of rows.
#pragma once

#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "matrix.hpp"

namespace cell2text::h5ad {

/// A file that has no name any more: it is gone when it is closed, also after a crash.
class ScratchFile {
 public:
  ScratchFile() {
    std::error_code error;
    folder_ = std::filesystem::temp_directory_path(error).string();
    if (error) throw EnvironmentError("no folder for temporary files: " + error.message() + "; set TMPDIR to one");
    std::string pattern = folder_ + "/cell2text-XXXXXX";
    descriptor_ = mkstemp(pattern.data());
    if (descriptor_ < 0) fail("making a temporary file");
    unlink(pattern.c_str());
  }
  ScratchFile(const ScratchFile&) = delete;
  ~ScratchFile() { close(descriptor_); }

  /// Fails before the work where the disk has not `bytes` left.
  void expect_space(std::int64_t bytes) const {
    struct statvfs disk {};
    if (fstatvfs(descriptor_, &disk) != 0) return;
    const auto free = static_cast<std::int64_t>(disk.f_bavail) * static_cast<std::int64_t>(disk.f_frsize);
    if (free < bytes)
      throw EnvironmentError(folder_ + ": " + std::to_string(bytes >> 20) +
                             " MiB are needed to turn a matrix from columns "
                             "to rows, " +
                             std::to_string(free >> 20) +
                             " MiB are free. Set TMPDIR to a larger disk, or "
                             "write the file by rows in Python: adata.X = adata.X.tocsr()");
  }
  void write(const void* data, std::size_t size, std::int64_t at) const {
    for (const char* from = static_cast<const char*>(data); size > 0;) {
      const ssize_t done = pwrite(descriptor_, from, size, at);
      if (done < 0 && errno == EINTR) continue;
      if (done <= 0) fail("writing a temporary file");
      from += done, at += done, size -= static_cast<std::size_t>(done);
    }
  }
  void read(void* data, std::size_t size, std::int64_t at) const {
    for (char* to = static_cast<char*>(data); size > 0;) {
      const ssize_t done = pread(descriptor_, to, size, at);
      if (done < 0 && errno == EINTR) continue;
      if (done <= 0) fail("reading a temporary file");
      to += done, at += done, size -= static_cast<std::size_t>(done);
    }
  }

 private:
  [[noreturn]] void fail(const char* doing) const {
    throw EnvironmentError(folder_ + ": " + doing + " failed: " + std::strerror(errno) +
                           "; TMPDIR chooses another folder");
  }
  std::string folder_;
  int descriptor_ = -1;
};

/// The rows of a CSC matrix.
class TransposedMatrix {
 public:
  TransposedMatrix(const Matrix& columns, std::int64_t memory_bytes) : starts_(columns.rows() + 1, 0) {
    count_rows(columns, memory_bytes);
    file_.expect_space(columns.stored() * static_cast<std::int64_t>(sizeof(Entry) + entry_bytes));
    const std::vector<std::int64_t> buckets = choose_buckets(memory_bytes);
    const ScratchFile scratch;
    deal_out(columns, buckets, memory_bytes, scratch);
    for (std::size_t i = 0; i + 1 < buckets.size(); ++i) place(buckets[i], buckets[i + 1], scratch);
  }

  std::int64_t entries_within(std::int64_t first, std::int64_t values) const {
    const auto end = std::upper_bound(starts_.begin() + first, starts_.end(), starts_[first] + values);
    return std::max<std::int64_t>(1, end - starts_.begin() - first - 1);
  }

  RowBlock read(std::int64_t first, std::int64_t count) const {
    RowBlock block{first, {starts_.begin() + first, starts_.begin() + first + count + 1}, {}, {}};
    const std::int64_t begin = block.starts.front(), size = block.starts.back() - begin;
    for (std::int64_t& start : block.starts) start -= begin;
    block.columns.resize(size);
    block.values.resize(size);
    file_.read(block.columns.data(), size * 4, begin * 4);
    file_.read(block.values.data(), size * 4, (starts_.back() + begin) * 4);
    return block;
  }

 private:
  struct Entry {
    std::int32_t row, column;
    float value;
  };
  static constexpr std::int64_t entry_bytes = 8;  // of a placed value: column and value

  template <class Visit>
  static void stream(const Matrix& columns, std::int64_t memory_bytes, const Visit& visit) {
    const std::int64_t values = std::max<std::int64_t>(1, memory_bytes / 4 / 16);  // HDF5 needs room to convert
    for (std::int64_t first = 0; first < columns.columns();) {
      const std::int64_t count = columns.entries_within(first, values);
      visit(columns.read(first, count));
      first += count;
    }
  }

  void count_rows(const Matrix& columns, std::int64_t memory_bytes) {
    stream(columns, memory_bytes, [&](const RowBlock& block) {
      for (const std::int32_t row : block.columns) ++starts_[row + 1];
    });
    std::partial_sum(starts_.begin(), starts_.end(), starts_.begin());
  }

  /// Borders of row ranges that can be placed within half of the memory.
  std::vector<std::int64_t> choose_buckets(std::int64_t memory_bytes) const {
    const std::int64_t rows = static_cast<std::int64_t>(starts_.size()) - 1;
    const std::int64_t values =
        std::max<std::int64_t>(1, memory_bytes / 2 / static_cast<std::int64_t>(sizeof(Entry) + entry_bytes));
    std::vector<std::int64_t> borders = {0};
    while (borders.back() < rows) borders.push_back(borders.back() + entries_within(borders.back(), values));
    return borders;
  }

  void deal_out(const Matrix& columns, const std::vector<std::int64_t>& borders, std::int64_t memory_bytes,
                const ScratchFile& scratch) const {
    const std::size_t buckets = borders.size() - 1;
    const std::size_t room =
        std::max<std::size_t>(64, memory_bytes / 4 / sizeof(Entry) / std::max<std::size_t>(buckets, 1));
    std::vector<std::vector<Entry>> waiting(buckets);
    std::vector<std::int64_t> written(buckets);
    for (std::size_t i = 0; i < buckets; ++i) written[i] = starts_[borders[i]];
    const auto flush = [&](std::size_t i) {
      scratch.write(waiting[i].data(), waiting[i].size() * sizeof(Entry),
                    written[i] * static_cast<std::int64_t>(sizeof(Entry)));
      written[i] += static_cast<std::int64_t>(waiting[i].size());
      waiting[i].clear();
    };
    stream(columns, memory_bytes, [&](const RowBlock& block) {
      for (std::int64_t entry = 0; entry < block.rows(); ++entry)
        for (std::int64_t at = block.starts[entry]; at < block.starts[entry + 1]; ++at) {
          const std::int32_t row = block.columns[at];
          const std::size_t i = std::upper_bound(borders.begin(), borders.end(), row) - borders.begin() - 1;
          waiting[i].push_back({row, static_cast<std::int32_t>(block.first_row + entry), block.values[at]});
          if (waiting[i].size() >= room) flush(i);
        }
    });
    for (std::size_t i = 0; i < buckets; ++i) flush(i);
  }

  /// Columns were dealt out in ascending order, so each row's values arrive in order.
  void place(std::int64_t first_row, std::int64_t last_row, const ScratchFile& scratch) const {
    const std::int64_t begin = starts_[first_row], size = starts_[last_row] - begin;
    std::vector<Entry> entries(size);
    scratch.read(entries.data(), size * sizeof(Entry), begin * static_cast<std::int64_t>(sizeof(Entry)));
    std::vector<std::int64_t> next(starts_.begin() + first_row, starts_.begin() + last_row);
    std::vector<std::int32_t> columns(size);
    std::vector<float> values(size);
    for (const Entry& entry : entries) {
      const std::int64_t at = next[entry.row - first_row]++ - begin;
      columns[at] = entry.column;
      values[at] = entry.value;
    }
    file_.write(columns.data(), size * 4, begin * 4);
    file_.write(values.data(), size * 4, (starts_.back() + begin) * 4);
  }

  ScratchFile file_;
  std::vector<std::int64_t> starts_;
};

}  // namespace cell2text::h5ad
