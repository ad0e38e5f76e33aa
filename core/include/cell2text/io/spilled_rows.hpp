// The rows of a sparse matrix in a temporary file: written in order, or dealt out from entries that come in any order,
// within a fixed amount of memory.
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "cell2text/cells/row_block.hpp"
#include "cell2text/io/spill_file.hpp"

namespace cell2text {

namespace spilled_rows_detail {

/// A value as the file has it: its row is known by its place.
struct RowValue {
  std::int32_t column;
  float value;
};
struct PlacedValue {
  std::int32_t row, column;
  float value;
};

inline std::filesystem::path temporary_folder() {
  std::error_code error;
  const auto folder = std::filesystem::temp_directory_path(error);
  if (error) throw EnvironmentError("no folder for temporary files: " + error.message() + "; set TMPDIR to one");
  return folder;
}
inline std::unique_ptr<SpillFile> new_file() {
  return std::make_unique<SpillFile>(temporary_folder(), "; TMPDIR chooses another folder");
}

/// EnvironmentError where the disk for temporary files has not `bytes` left: before the work, not in its midst.
inline void expect_room(std::int64_t bytes, const std::string& way_out) {
  const auto folder = temporary_folder();
  std::error_code unknown;
  const auto free = static_cast<std::int64_t>(std::filesystem::space(folder, unknown).available >> 20);
  if (!unknown && free < bytes >> 20)
    throw EnvironmentError(folder.string() + ": " + std::to_string(bytes >> 20) +
                           " MiB are needed to put a matrix in order by cells, " + std::to_string(free) +
                           " MiB are free. Set TMPDIR to a larger disk" + way_out);
}

}  // namespace spilled_rows_detail

/// Rows that can be read in any order. Keeps 8 bytes per row.
class SpilledRows {
 public:
  SpilledRows(std::unique_ptr<SpillFile> file, std::vector<std::int64_t> starts)
      : file_(std::move(file)), starts_(std::move(starts)) {}

  /// Where each row begins [rows+1].
  const std::vector<std::int64_t>& starts() const { return starts_; }

  /// Values of rows first .. first+count-1.
  std::int64_t stored(std::int64_t first, std::int64_t count) const { return starts_[first + count] - starts_[first]; }

  /// Rows first .. first+count-1, values of a row in the order in which they came.
  RowBlock read(std::int64_t first, std::int64_t count) const {
    RowBlock block;
    read_onto(first, count, block);
    return block;
  }
  /// The same, behind the rows that `block` holds (RowBlock::extend).
  void read_onto(std::int64_t first, std::int64_t count, RowBlock& block) const {
    using spilled_rows_detail::RowValue;
    block.extend(first, std::span(starts_).subspan(first, count + 1));
    std::vector<RowValue> values(static_cast<std::size_t>(stored(first, count)));
    file_->read_at(static_cast<std::uint64_t>(starts_[first]) * sizeof(RowValue),
                   std::as_writable_bytes(std::span(values)));
    for (const RowValue& one : values) block.columns.push_back(one.column), block.values.push_back(one.value);
  }

 private:
  std::unique_ptr<SpillFile> file_;
  std::vector<std::int64_t> starts_;
};

/// Writes rows as they come, one after the other. EnvironmentError where the disk is full.
class RowSpiller {
 public:
  RowSpiller() : file_(spilled_rows_detail::new_file()) {}

  void add(std::int32_t column, float value) {
    waiting_.push_back({column, value});
    if (waiting_.size() == room) flush();
  }
  void end_row() { starts_.push_back(written_ + std::ssize(waiting_)); }

  SpilledRows finish() && {
    flush();
    return {std::move(file_), std::move(starts_)};
  }

 private:
  static constexpr std::size_t room = std::size_t{1} << 17;  // values, a MiB

  void flush() {
    file_->write_at(static_cast<std::uint64_t>(written_) * sizeof waiting_[0], std::as_bytes(std::span(waiting_)));
    written_ += std::ssize(waiting_);
    waiting_.clear();
  }

  std::unique_ptr<SpillFile> file_;
  std::vector<spilled_rows_detail::RowValue> waiting_;
  std::int64_t written_ = 0;
  std::vector<std::int64_t> starts_ = {0};
};

namespace spilled_rows_detail {

/// Deals entries out into buckets of rows, in a file of their own, and puts each bucket in order.
class Dealer {
 public:
  Dealer(const std::vector<std::int64_t>& starts, std::int64_t memory_bytes) : starts_(starts), scratch_(new_file()) {
    const std::int64_t rows = std::ssize(starts) - 1;
    constexpr auto bytes = static_cast<std::int64_t>(sizeof(PlacedValue) + sizeof(RowValue));
    const std::int64_t values = std::max<std::int64_t>(1, memory_bytes / 2 / bytes);
    while (borders_.back() < rows) borders_.push_back(borders_.back() + rows_within(starts, borders_.back(), values));
    for (std::size_t i = 0; i + 1 < borders_.size(); ++i) written_.push_back(starts[borders_[i]]);
    waiting_.resize(written_.size());
    room_ = std::max<std::size_t>(64, static_cast<std::size_t>(memory_bytes) / 4 / sizeof(PlacedValue) /
                                          std::max<std::size_t>(written_.size(), 1));
  }

  void add(const PlacedValue& entry) {
    const auto i = static_cast<std::size_t>(std::ranges::upper_bound(borders_, entry.row) - borders_.begin() - 1);
    waiting_[i].push_back(entry);
    if (waiting_[i].size() >= room_) flush(i);
  }

  void finish(SpillFile& file) {
    for (std::size_t i = 0; i < waiting_.size(); ++i) {
      flush(i);
      waiting_[i] = {};
    }
    for (std::size_t i = 0; i < waiting_.size(); ++i) place(borders_[i], borders_[i + 1], file);
  }

 private:
  void flush(std::size_t i) {
    scratch_->write_at(static_cast<std::uint64_t>(written_[i]) * sizeof(PlacedValue),
                       std::as_bytes(std::span(waiting_[i])));
    written_[i] += std::ssize(waiting_[i]);
    waiting_[i].clear();
  }

  void place(std::int64_t first_row, std::int64_t last_row, SpillFile& file) const {
    const std::int64_t begin = starts_[first_row];
    std::vector<PlacedValue> entries(static_cast<std::size_t>(starts_[last_row] - begin));
    scratch_->read_at(static_cast<std::uint64_t>(begin) * sizeof(PlacedValue),
                      std::as_writable_bytes(std::span(entries)));
    std::vector<std::int64_t> next(starts_.begin() + first_row, starts_.begin() + last_row);
    std::vector<RowValue> values(entries.size());
    for (const PlacedValue& entry : entries)
      values[next[entry.row - first_row]++ - begin] = {entry.column, entry.value};
    file.write_at(static_cast<std::uint64_t>(begin) * sizeof(RowValue), std::as_bytes(std::span(values)));
  }

  const std::vector<std::int64_t>& starts_;
  std::unique_ptr<SpillFile> scratch_;
  std::vector<std::int64_t> borders_ = {0}, written_;
  std::vector<std::vector<PlacedValue>> waiting_;
  std::size_t room_ = 0;
};

}  // namespace spilled_rows_detail

/// Rows from entries in any order. `for_each(visit)` calls visit(row, column, value) once for each entry; `starts`
/// [rows+1] comes of how many each row has, which the caller has counted. Within a row entries keep their order.
/// EnvironmentError, with `way_out` at its end, where the disk has no room for 20 bytes an entry.
template <class ForEach>
SpilledRows deal_out_rows(std::vector<std::int64_t> starts, const ForEach& for_each, std::int64_t memory_bytes,
                          const std::string& way_out) {
  using namespace spilled_rows_detail;
  expect_room(starts.back() * static_cast<std::int64_t>(sizeof(PlacedValue) + sizeof(RowValue)), way_out);
  auto file = new_file();
  Dealer dealer(starts, memory_bytes);
  for_each([&](std::int32_t row, std::int32_t column, float value) { dealer.add({row, column, value}); });
  dealer.finish(*file);
  return {std::move(file), std::move(starts)};
}

}  // namespace cell2text
