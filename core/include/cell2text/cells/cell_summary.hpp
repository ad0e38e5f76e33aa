// A sample of a file's cells, and what is remembered of it: depth and genes per cell, counts per gene. Bounded memory.
#pragma once

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "cell2text/cells/cell_batch.hpp"

namespace cell2text {

/// Ascending rows of a file: blocks of `block` neighbours (which are read together) at random places; all rows where
/// there are no more than `cells`.
inline std::vector<std::int64_t> sampled_rows(std::int64_t size, std::int64_t cells, std::uint64_t seed,
                                              std::int64_t block = 32) {
  std::vector<std::int64_t> rows;
  if (size <= cells) {
    for (std::int64_t row = 0; row < size; ++row) rows.push_back(row);
    return rows;
  }
  std::mt19937_64 random(seed);
  const std::int64_t blocks = std::max<std::int64_t>(cells / block, 1);
  for (std::int64_t i = 0; i < blocks; ++i) {  // one block somewhere in each equal part of the file
    const std::int64_t begin = size * i / blocks, end = size * (i + 1) / blocks;
    const std::int64_t slack = std::max<std::int64_t>(end - begin - block, 0);
    const auto first = begin + static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(slack + 1));
    for (std::int64_t row = first; row < std::min(first + block, end); ++row) rows.push_back(row);
  }
  return rows;
}

/// What the checks need to know of the sampled cells.
struct CellSummary {
  std::int64_t file_cells = 0;         ///< of the file; as many as were looked at, or more
  std::vector<double> totals;          ///< [sampled] counts over all genes
  std::vector<std::int64_t> genes;     ///< [sampled] expressed genes of the file
  std::vector<double> counts_of_gene;  ///< [genes] over the sample
  std::vector<std::string> names;      ///< some obs names

  std::int64_t size() const { return static_cast<std::int64_t>(totals.size()); }
  bool whole() const { return size() == file_cells; }

  void add(const CellBatch& cells) {
    counts_of_gene.resize(cells.genes->ids.size());
    for (std::int64_t cell = 0; cell < cells.size(); ++cell) {
      const auto columns = cells.columns_of(cell);
      const auto counts = cells.counts_of(cell);
      std::int64_t expressed = 0;
      for (std::size_t i = 0; i < columns.size(); ++i) {
        expressed += counts[i] > 0;
        counts_of_gene[columns[i]] += counts[i];
      }
      totals.push_back(cells.totals[cell]);
      genes.push_back(expressed);
      if (names.size() < 500) names.push_back(cells.names[cell]);
    }
  }
};

}  // namespace cell2text
