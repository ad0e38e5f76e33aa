// Cells with made-up counts, for tests of what is computed from counts alone.
#pragma once

#include <algorithm>
#include <cmath>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "cell2text/cells/cell_batch.hpp"

namespace cell2text::test {

/// Cells of dense rows [B][G], zeros left out.
inline CellBatch batch_of(const std::vector<std::vector<float>>& rows, std::int64_t genes) {
  auto table = std::make_shared<GeneTable>();
  for (std::int64_t gene = 0; gene < genes; ++gene) table->ids.push_back("gene-" + std::to_string(gene));
  table->kind = GeneTable::Kind::symbol;
  CellBatch batch{table, {}, {}, {0}, {}, {}, {}};
  for (const auto& row : rows) {
    batch.rows.push_back(batch.size());
    batch.names.push_back("cell-" + std::to_string(batch.size()));
    double total = 0;
    for (std::int64_t gene = 0; gene < genes; ++gene) {
      if (row[gene] == 0) continue;
      batch.columns.push_back(static_cast<std::int32_t>(gene));
      batch.counts.push_back(row[gene]);
      total += row[gene];
    }
    batch.totals.push_back(total);
    batch.row_starts.push_back(static_cast<std::int64_t>(batch.columns.size()));
  }
  return batch;
}

inline double uniform(std::mt19937_64& random) {
  return static_cast<double>(random() >> 11) * 0x1p-53;
}

/// Counts as cells have them: genes of very different means, most counts 0 or 1, some large; a gene in
/// `every_nth_empty` has none at all.
inline std::vector<std::vector<float>> made_up_counts(std::mt19937_64& random, std::int64_t cells, std::int64_t genes,
                                                      double depth = 1, std::int64_t every_nth_empty = 9) {
  std::vector<double> means;
  for (std::int64_t gene = 0; gene < genes; ++gene)
    means.push_back(gene % every_nth_empty == 0 ? 0
                                                : depth * std::exp(3 * uniform(random) - 3) / (1 - uniform(random)));
  std::vector<std::vector<float>> rows(cells, std::vector<float>(genes));
  for (auto& row : rows) {
    const double size = 0.3 + uniform(random);
    for (std::int64_t gene = 0; gene < genes; ++gene)
      row[gene] = static_cast<float>(std::floor(-means[gene] * size * std::log(1 - uniform(random))));
  }
  return rows;
}

}  // namespace cell2text::test
