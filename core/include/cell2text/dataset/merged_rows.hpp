// A source's gene columns as columns of a common gene table: rows are renumbered, columns of one gene added up, stored
// zeros left out.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "cell2text/cells/cell_batch.hpp"

namespace cell2text::dataset {

/// The common column of each column of a source.
class GeneColumns {
 public:
  void add(std::int32_t common) { common_.push_back(common); }
  /// After the last `add`: looks whether rows keep their order under the new numbers.
  void close() { ascending_ = std::ranges::adjacent_find(common_, std::ranges::greater_equal{}) == common_.end(); }

  /// Rewrites the batch's columns and counts.
  void apply(CellBatch& batch) const {
    if (ascending_)
      renumber(batch);
    else
      merge(batch);
  }

 private:
  void renumber(CellBatch& batch) const {
    std::int64_t to = 0, from = 0;
    for (std::int64_t cell = 0; cell < batch.size(); ++cell) {
      for (const std::int64_t end = batch.row_starts[cell + 1]; from < end; ++from) {
        if (batch.counts[from] == 0) continue;
        batch.columns[to] = common_[batch.columns[from]];
        batch.counts[to++] = batch.counts[from];
      }
      batch.row_starts[cell + 1] = to;
    }
    batch.columns.resize(to), batch.counts.resize(to);
  }

  void merge(CellBatch& batch) const {
    std::vector<std::pair<std::int32_t, float>> row;
    std::int64_t to = 0, from = 0;
    for (std::int64_t cell = 0; cell < batch.size(); ++cell) {
      row.clear();
      for (const std::int64_t end = batch.row_starts[cell + 1]; from < end; ++from)
        if (batch.counts[from] != 0) row.emplace_back(common_[batch.columns[from]], batch.counts[from]);
      std::ranges::stable_sort(row, {}, [](const auto& one) { return one.first; });
      const std::int64_t first = to;
      for (const auto& [column, count] : row) {
        if (to > first && batch.columns[to - 1] == column) {
          batch.counts[to - 1] += count;
          continue;
        }
        batch.columns[to] = column;
        batch.counts[to++] = count;
      }
      batch.row_starts[cell + 1] = to;
    }
    batch.columns.resize(to), batch.counts.resize(to);
  }

  std::vector<std::int32_t> common_;
  bool ascending_ = true;
};

}  // namespace cell2text::dataset
