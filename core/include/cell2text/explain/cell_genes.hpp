// Which gene each vector of a cell's embeddings is of, for any encoder: its tokens of the cell against those of cells
// that have one of its genes each.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/plugin/handles.hpp"

namespace cell2text {

/// A gene of a cell as the encoder reads it.
struct CellGene {
  std::vector<std::int32_t> columns;  ///< of the source; several where the encoder takes them for one gene
  double count = 0;                   ///< of all of them
};

namespace cell_genes_detail {

/// For each expressed gene of cell 0, a cell that has it alone.
inline CellBatch one_gene_each(const CellBatch& cell) {
  CellBatch cells{cell.genes, {}, {}, {0}, {}, {}, {}};
  const auto columns = cell.columns_of(0);
  const auto counts = cell.counts_of(0);
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (counts[i] <= 0) continue;
    cells.rows.push_back(cell.rows[0]), cells.names.push_back(cell.names[0]);
    cells.columns.push_back(columns[i]), cells.counts.push_back(counts[i]);
    cells.row_starts.push_back(std::ssize(cells.columns));
    cells.totals.push_back(counts[i]);
  }
  return cells;
}

}  // namespace cell_genes_detail

/// The genes of the first `count` vectors of a cell, a batch of one, with its tokens. InputError where the encoder's
/// tokens do not say which gene they are of, or `count` is not how many vectors there are of its tokens' genes (it
/// hands on one vector for the whole cell, say).
inline std::vector<CellGene> cell_genes(const EncoderHandle& encoder, const CellBatch& cell, const GeneTokens& tokens,
                                        std::int64_t count, std::int64_t max_genes) {
  const std::int64_t in_tokens = std::min(tokens.lengths[0] - tokens.special_tokens, max_genes);
  if (count != in_tokens)
    throw InputError("the model's encoder gives " + std::to_string(count) + " vectors for a cell of " +
                     std::to_string(in_tokens) +
                     " genes, so that none of them is of one gene and nothing can be attributed to genes; an encoder "
                     "with level = \"gene\" is needed");
  const CellBatch singles = cell_genes_detail::one_gene_each(cell);
  const GeneTokens of_one = encoder.tokenize(singles);
  std::map<std::int64_t, CellGene> genes;  // by token
  const Tensor ids_BG = of_one.ids_BG.contiguous();
  for (std::int64_t b = 0; b < singles.size(); ++b) {
    if (of_one.known_genes[b] == 0) continue;
    if (of_one.lengths[b] - of_one.special_tokens != 1)
      throw InputError("the model's encoder makes " + std::to_string(of_one.lengths[b] - of_one.special_tokens) +
                       " tokens of the gene '" + cell.genes->ids[singles.columns[b]] +
                       "'; genes can be told apart where each is one token");
    CellGene& gene = genes[ids_BG.const_data_ptr<std::int64_t>()[b * ids_BG.size(1) + of_one.first_gene]];
    gene.columns.push_back(singles.columns[b]);
    gene.count += singles.counts[b];
  }
  std::vector<CellGene> all;
  for (std::int64_t g = 0; g < count; ++g) {
    const auto found = genes.find(tokens.ids_BG[0][tokens.first_gene + g].item<std::int64_t>());
    if (found == genes.end())
      throw InputError(
          "the model's encoder has a token in this cell that none of its genes alone gets, so that it is "
          "not known which gene it is of; an encoder whose tokens are genes is needed");
    all.push_back(found->second);
  }
  return all;
}

/// The cell, a batch of one, as if these columns had not been counted.
inline CellBatch without_columns(const CellBatch& cell, const std::vector<std::int32_t>& left_out) {
  CellBatch rest{cell.genes, cell.rows, cell.names, {0}, {}, {}, cell.totals};
  const auto columns = cell.columns_of(0);
  const auto counts = cell.counts_of(0);
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (std::ranges::count(left_out, columns[i]) > 0) {
      rest.totals[0] -= counts[i];
      continue;
    }
    rest.columns.push_back(columns[i]), rest.counts.push_back(counts[i]);
  }
  rest.row_starts.push_back(std::ssize(rest.columns));
  return rest;
}

}  // namespace cell2text
