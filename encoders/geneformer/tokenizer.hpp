// From raw counts to Geneformer's gene tokens: looks up the columns of a source, ranks and frames its cells.
// The ranking is the core's (cells/gene_ranker.hpp); no tensors here, geneformer.hpp pads the result.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/cells/cell_batch.hpp"
#include "cell2text/cells/gene_ranker.hpp"
#include "cell2text/cells/log_known_genes.hpp"
#include "cell2text/cells/per_gene_table.hpp"
#include "cell2text/context.hpp"
#include "cell2text/error.hpp"
#include "dictionary.hpp"

namespace cell2text::geneformer {

/// What is known of B cells whose tokens have been written.
struct RankedCells {
  std::vector<std::int64_t> lengths;      ///< [B] tokens, special ones included
  std::vector<std::int64_t> known_genes;  ///< [B] expressed genes of the dictionary, before the cut
};

/// How cells become tokens. V2 frames a cell by <cls> and <eos>; V1 has neither.
struct TokenizerOptions {
  bool framed = true;
  std::int64_t max_tokens = 4096;  ///< the frame included; at least 3
};

/// Ranks the genes of cells. Const calls are safe from several threads.
class GeneTokenizer {
 public:
  /// Takes a dictionary and options that fit it. InputError where a frame is asked for and the dictionary has none.
  /// The log hears of each source once: how many of its genes are known.
  GeneTokenizer(std::shared_ptr<const GeneDictionary> dictionary, TokenizerOptions options, Log log = {})
      : dictionary_(std::move(dictionary)), options_(options), log_(log) {
    if (!options_.framed) return;
    for (const auto& [name, id] : {std::pair{"<cls>", &cls_}, std::pair{"<eos>", &eos_}}) {
      const auto found = dictionary_->special(name);
      if (!found)
        throw InputError(dictionary_->paths().tokens.string() + ": no token '" + name +
                         "', which version 'v2' puts around a cell; set version = 'v1', or name a V2 dictionary");
      *id = static_cast<std::int32_t>(*found);
    }
  }

  /// No cell of these has more tokens than this.
  std::int64_t width_of(const CellBatch& cells) const {
    std::size_t most = 0;
    for (std::int64_t cell = 0; cell < cells.size(); ++cell) most = std::max(most, cells.columns_of(cell).size());
    return std::min(static_cast<std::int64_t>(most) + frame(), options_.max_tokens);
  }

  /// Writes the tokens of cell i to rows + i * width, width at least width_of(cells); what follows them stays as it is.
  /// Known genes with counts above zero, ranked by count / median, descending, ties by column, cut to max_tokens.
  /// Counts of columns that are one gene (mapped or duplicate ids) are summed first.
  RankedCells tokenize(const CellBatch& cells, std::int64_t* rows, std::int64_t width) const {
    const auto columns = columns_of(cells.genes);
    GeneRanker ranker(*columns);
    RankedCells out;
    const auto limit = static_cast<std::size_t>(options_.max_tokens - frame());
    for (std::int64_t cell = 0; cell < cells.size(); ++cell, rows += width) {
      const std::int64_t before = options_.framed ? 1 : 0;
      const auto ranked = ranker.rank(cells.columns_of(cell), cells.counts_of(cell), limit, rows + before);
      if (options_.framed) rows[0] = cls_, rows[1 + ranked.written] = eos_;
      out.known_genes.push_back(ranked.known);
      out.lengths.push_back(ranked.written + frame());
    }
    return out;
  }

  /// The columns of a gene table, looked up at the first call with it and then remembered while the table lives.
  std::shared_ptr<const RankedColumns> columns_of(const std::shared_ptr<const GeneTable>& genes) const {
    return columns_.of(genes, [this](const GeneTable& table) { return look_up(table); });
  }

  const GeneDictionary& dictionary() const { return *dictionary_; }
  const TokenizerOptions& options() const { return options_; }

 private:
  std::int64_t frame() const { return options_.framed ? 2 : 0; }

  RankedColumns look_up(const GeneTable& genes) const {
    std::vector<std::pair<std::int64_t, double>> columns;
    for (const Gene* gene : dictionary_->find(genes))
      columns.emplace_back(gene ? gene->token : -1, gene ? 1 / gene->median : 0);
    const RankedColumns table = RankedColumns::of(columns);
    log_known_genes(log_, "geneformer", genes, table.num_known, "human Ensembl ids");
    return table;
  }

  std::shared_ptr<const GeneDictionary> dictionary_;
  TokenizerOptions options_;
  Log log_;
  std::int32_t cls_ = -1, eos_ = -1;
  PerGeneTable<RankedColumns> columns_;
};

}  // namespace cell2text::geneformer
