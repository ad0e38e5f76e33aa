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

namespace cell2text {

/// A range of rows.
struct RowRun {
  std::int64_t first = 0, count = 0;
};

/// The rows asked for, in any order and perhaps twice, as ascending ranges without gaps.
inline std::vector<RowRun> row_runs(std::span<const std::int64_t> rows) {
  std::vector<std::int64_t> sorted(rows.begin(), rows.end());
  std::ranges::sort(sorted);
  std::vector<RowRun> runs;
  for (const std::int64_t row : sorted) {
    if (runs.empty() || row > runs.back().first + runs.back().count)
      runs.push_back({row, 1});
    else
      runs.back().count = row - runs.back().first + 1;
  }
  return runs;
}

/// InputError, naming `file`, where a row is none of 0 .. size-1.
inline void expect_rows(std::span<const std::int64_t> rows, std::int64_t size, const std::string& file) {
  for (const std::int64_t row : rows)
    if (row < 0 || row >= size)
      throw InputError(file + ": row " + std::to_string(row) + " was asked for; rows are 0 to " +
                       std::to_string(size - 1));
}

namespace read_rows_detail {

inline std::size_t run_of(const std::vector<RowRun>& runs, std::int64_t row) {
  return static_cast<std::size_t>(std::ranges::upper_bound(runs, row, {}, &RowRun::first) - runs.begin() - 1);
}

inline void gather(const std::vector<RowBlock>& blocks, const std::vector<RowRun>& runs, CellBatch& batch) {
  batch.row_starts = {0};
  for (const std::int64_t row : batch.rows) {
    const RowBlock& block = blocks[run_of(runs, row)];
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
  const std::vector<RowRun> runs = row_runs(rows);
  std::vector<RowBlock> blocks;
  for (const RowRun& run : runs) blocks.push_back(read(run.first, run.count));
  CellBatch batch;
  batch.rows.assign(rows.begin(), rows.end());
  for (const std::int64_t row : rows) {
    const RowBlock& block = blocks[read_rows_detail::run_of(runs, row)];
    batch.totals.push_back(block.sum(row - block.first_row));
  }
  if (runs.size() == 1 && std::ranges::adjacent_find(rows, std::ranges::greater_equal{}) == rows.end()) {
    batch.row_starts = std::move(blocks.front().starts);  // the block's rows are those of the batch
    batch.columns = std::move(blocks.front().columns), batch.counts = std::move(blocks.front().values);
  } else {
    read_rows_detail::gather(blocks, runs, batch);
  }
  return batch;
}

/// The names of `rows` in their order; `names_of(first, count)` gives those of a range.
template <class NamesOf>
std::vector<std::string> read_names(std::span<const std::int64_t> rows, const NamesOf& names_of) {
  const std::vector<RowRun> runs = row_runs(rows);
  std::vector<std::vector<std::string>> parts;
  for (const RowRun& run : runs) parts.push_back(names_of(run.first, run.count));
  std::vector<std::string> all;
  for (const std::int64_t row : rows) {
    const std::size_t run = read_rows_detail::run_of(runs, row);
    all.push_back(parts[run][static_cast<std::size_t>(row - runs[run].first)]);
  }
  return all;
}

}  // namespace cell2text
