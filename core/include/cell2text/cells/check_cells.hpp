// Findings on the depth of a file's cells: empty ones, shallow ones, a matrix that was never filtered.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "cell2text/cells/cell_summary.hpp"
#include "cell2text/cells/finding.hpp"
#include "cell2text/quantile.hpp"

namespace cell2text {

namespace check_cells_detail {

/// A quantile as a whole number in words.
template <class T>
std::string quantile_text(std::vector<T> values, double share) {
  return with_commas(static_cast<std::int64_t>(quantile(std::span(values), share) + 0.5));
}

/// "12 cells (1.7%)", or "about 1,200 cells (1.2%)" where only a sample was seen.
inline std::string cells_text(std::int64_t found, const CellSummary& cells) {
  const double share = static_cast<double>(found) / static_cast<double>(cells.size());
  const auto scaled = static_cast<std::int64_t>(share * static_cast<double>(cells.file_cells) + 0.5);
  return (cells.whole() ? "" : "about ") + with_commas(cells.whole() ? found : scaled) + " cells (" + percent(share) +
         ")";
}

}  // namespace check_cells_detail

/// `cut`: the file holds a part of the genes only, so that genes per cell say little; and where the totals are those of
/// these genes (`partial_totals`), counts per cell too.
inline Findings check_cells(const CellSummary& cells, bool cut, bool partial_totals) {
  using namespace check_cells_detail;
  Findings all;
  if (cells.size() == 0) return all;
  const auto share = [&](std::int64_t n) { return static_cast<double>(n) / static_cast<double>(cells.size()); };
  std::int64_t empty = 0, shallow = 0, near_empty = 0;
  for (std::int64_t cell = 0; cell < cells.size(); ++cell) {
    empty += cells.totals[cell] <= 0;
    near_empty += cells.totals[cell] < 100;
    shallow += cells.totals[cell] < 500 || (!cut && cells.genes[cell] < 200);
  }
  all.push_back({"cells.depth", Severity::ok,
                 "counts per cell: median " + quantile_text(cells.totals, 0.5) + " (5% have fewer than " +
                     quantile_text(cells.totals, 0.05) + "); genes per cell: median " + quantile_text(cells.genes, 0.5),
                 "", "", false});
  if (empty == cells.size()) {
    all.push_back({"cells.empty", Severity::error, "no cell has any counts", "cells with counts",
                   "Write the file again with its counts", false});
    return all;
  }
  if (share(near_empty) > 0.5) {
    all.push_back(
        {"cells.unfiltered", Severity::warning,
         cells_text(near_empty, cells) + " have under 100 counts: the matrix looks unfiltered, most of its " +
             "barcodes are empty droplets",
         "cells only",
         "Use the filtered matrix (cellranger: filtered_feature_bc_matrix.h5), or leave them out: of 10x files "
         "with --source min_counts=500 (in an experiment file: min_counts = 500), of others in scanpy: "
         "sc.pp.filter_cells(adata, min_genes=200)",
         false});
  } else if (shallow > 0) {
    const bool many = share(shallow) > 0.1 && !partial_totals;
    all.push_back({"cells.shallow", many ? Severity::warning : Severity::note,
                   cells_text(shallow, cells) + " have under 500 counts" + (cut ? "" : " or under 200 genes") +
                       (partial_totals ? ", those of the genes in the file" : "; their descriptions rest on little"),
                   many ? "500 counts and 200 genes or more" : "",
                   many ? "To leave them out, in scanpy: sc.pp.filter_cells(adata, min_genes=200); "
                          "sc.pp.filter_cells(adata, min_counts=500)"
                        : "",
                   false});
  }
  if (empty > 0)
    all.push_back(
        {"cells.empty", Severity::note,
         cells_text(empty, cells) + " have no counts at all; they stay in the output with the status no_counts", "",
         "To leave them out, in scanpy: sc.pp.filter_cells(adata, min_counts=1)", false});
  return all;
}

}  // namespace cell2text
