// Cells in any order from a file that is read by ranges of rows.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/cells/cell_batch.hpp"
#include "cell2text/cells/row_block.hpp"
#include "cell2text/io/row_range.hpp"

namespace cell2text {

/// The rows asked for, in any order and perhaps twice, as ascending ranges without gaps.
inline std::vector<RowRange> row_ranges(std::span<const std::int64_t> rows) {
  std::vector<std::int64_t> sorted(rows.begin(), rows.end());
  std::ranges::sort(sorted);
  std::vector<RowRange> ranges;
  for (const std::int64_t row : sorted) {
    if (ranges.empty() || row > ranges.back().first + ranges.back().count)
      ranges.push_back({row, 1});
    else
      ranges.back().count = row - ranges.back().first + 1;
  }
  return ranges;
}

/// InputError, naming `file`, where a row is none of 0 .. size-1.
inline void expect_rows(std::span<const std::int64_t> rows, std::int64_t size, const std::string& file) {
  for (const std::int64_t row : rows)
    if (row < 0 || row >= size)
      throw InputError(file + ": row " + std::to_string(row) + " was asked for; rows are 0 to " +
                       std::to_string(size - 1));
}

/// Which of the ranges holds a row that one of them does hold.
inline std::size_t range_of(const std::vector<RowRange>& ranges, std::int64_t row) {
  return static_cast<std::size_t>(std::ranges::upper_bound(ranges, row, {}, &RowRange::first) - ranges.begin() - 1);
}

namespace read_rows_detail {

inline void gather(const std::vector<RowBlock>& blocks, const std::vector<RowRange>& ranges, CellBatch& batch) {
  batch.row_starts = {0};
  for (const std::int64_t row : batch.rows) {
    const RowBlock& block = blocks[range_of(ranges, row)];
    const std::int64_t at = row - block.first_row, begin = block.starts[at], end = block.starts[at + 1];
    batch.columns.insert(batch.columns.end(), block.columns.begin() + begin, block.columns.begin() + end);
    batch.counts.insert(batch.counts.end(), block.values.begin() + begin, block.values.begin() + end);
    batch.row_starts.push_back(static_cast<std::int64_t>(batch.columns.size()));
  }
}

}  // namespace read_rows_detail

/// Cells in the order of `rows`, of which a row may be named more than once; `read(first, count)` gives a RowBlock.
/// Rows, counts and totals (the rows' sums) are set, names and genes are not. Memory is that of the cells asked for.
template <class Read>
CellBatch read_rows(std::span<const std::int64_t> rows, const Read& read) {
  const std::vector<RowRange> ranges = row_ranges(rows);
  std::vector<RowBlock> blocks;
  for (const RowRange& range : ranges) blocks.push_back(read(range.first, range.count));
  CellBatch batch;
  batch.rows.assign(rows.begin(), rows.end());
  for (const std::int64_t row : rows) {
    const RowBlock& block = blocks[range_of(ranges, row)];
    batch.totals.push_back(block.sum(row - block.first_row));
  }
  if (ranges.size() == 1 && std::ranges::adjacent_find(rows, std::ranges::greater_equal{}) == rows.end()) {
    batch.row_starts = std::move(blocks.front().starts);  // the block's rows are those of the batch
    batch.columns = std::move(blocks.front().columns), batch.counts = std::move(blocks.front().values);
  } else {
    read_rows_detail::gather(blocks, ranges, batch);
  }
  return batch;
}

/// The names of `rows` in their order; `names_of(first, count)` gives those of a range.
template <class NamesOf>
std::vector<std::string> read_names(std::span<const std::int64_t> rows, const NamesOf& names_of) {
  const std::vector<RowRange> ranges = row_ranges(rows);
  std::vector<std::vector<std::string>> parts;
  for (const RowRange& range : ranges) parts.push_back(names_of(range.first, range.count));
  std::vector<std::string> all;
  for (const std::int64_t row : rows) {
    const std::size_t at = range_of(ranges, row);
    all.push_back(parts[at][static_cast<std::size_t>(row - ranges[at].first)]);
  }
  return all;
}

}  // namespace cell2text
