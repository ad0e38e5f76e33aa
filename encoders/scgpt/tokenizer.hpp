// From expression values to scGPT's tokens: genes with their bins, <cls> first. No tensors here, scgpt.hpp pads the
// result.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "binning.hpp"
#include "cell2text/cells/cell_batch.hpp"
#include "cell2text/cells/cell_draws.hpp"
#include "cell2text/cells/gene_ranker.hpp"
#include "cell2text/cells/log_known_genes.hpp"
#include "cell2text/cells/per_gene_table.hpp"
#include "vocabulary.hpp"

namespace cell2text::scgpt {

struct TokenizerOptions {
  std::int64_t max_tokens = 1200;  ///< <cls> included; at least 2
  std::int64_t bins = 51;
  Ties ties = Ties::middle;
  bool sample = false;  ///< which genes where there are too many: a sample, instead of the highest
  float cls_value = -2;
  std::uint64_t seed = 0;
};

/// Where the tokens of B cells are written: rows of `width` ids and values.
struct TokenRows {
  std::int64_t* ids;
  float* values;
  std::int64_t width;
};

/// What is known of B cells whose tokens have been written.
struct WrittenCells {
  std::vector<std::int64_t> lengths;      ///< [B] tokens of each cell, <cls> included
  std::vector<std::int64_t> known_genes;  ///< [B] expressed genes of the vocabulary, before the cut
};

/// Const calls are safe from several threads.
class Tokenizer {
 public:
  Tokenizer(std::shared_ptr<const Vocabulary> vocabulary, const TokenizerOptions& options, Log log = {})
      : vocabulary_(std::move(vocabulary)), options_(options), log_(log) {}

  /// No cell of these has more tokens than this.
  std::int64_t width_of(const CellBatch& cells) const {
    std::size_t most = 0;
    for (std::int64_t cell = 0; cell < cells.size(); ++cell) most = std::max(most, cells.columns_of(cell).size());
    return std::min(static_cast<std::int64_t>(most) + 1, options_.max_tokens);
  }

  /// Known genes with values above zero, the highest first, ties by column; binned before any are left out, as scGPT
  /// does. `rows` are at least width_of(cells) wide; what follows a cell's tokens stays as it is.
  WrittenCells tokenize(const CellBatch& cells, TokenRows rows) const {
    const auto columns = columns_of(cells.genes);
    GeneRanker ranker(*columns);
    Binner binner(options_.bins, options_.ties);
    std::vector<std::int64_t> ids;
    std::vector<float> values;
    WrittenCells out;
    for (std::int64_t cell = 0; cell < cells.size(); ++cell, rows.ids += rows.width, rows.values += rows.width) {
      const auto expressed = cells.columns_of(cell);
      if (ids.size() < expressed.size()) ids.resize(expressed.size()), values.resize(expressed.size());
      const auto known = static_cast<std::size_t>(
          ranker.rank(expressed, cells.counts_of(cell), expressed.size(), ids.data(), values.data()).known);
      const Draws draws{options_.seed, cell_key(cells.names[static_cast<std::size_t>(cell)])};
      binner.bin({values.data(), known}, [&](std::size_t i) { return draws(i); });
      rows.ids[0] = vocabulary_->cls(), rows.values[0] = options_.cls_value;
      const std::size_t written = copy({ids.data(), known}, values.data(), rows, draws);
      out.known_genes.push_back(static_cast<std::int64_t>(known));
      out.lengths.push_back(static_cast<std::int64_t>(written) + 1);
    }
    return out;
  }

  const Vocabulary& vocabulary() const { return *vocabulary_; }

 private:
  struct Draws {
    std::uint64_t seed, cell;
    double operator()(std::size_t step) const { return uniform_draw(seed, cell, step); }
  };

  std::shared_ptr<const RankedColumns> columns_of(const std::shared_ptr<const GeneTable>& genes) const {
    return columns_.of(genes, [this](const GeneTable& table) {
      std::vector<std::pair<std::int64_t, double>> columns;
      for (const std::int64_t token : vocabulary_->find(table)) columns.emplace_back(token, 1);
      RankedColumns found = RankedColumns::of(columns);
      log_known_genes(log_, "scgpt", table, found.num_known, "human gene symbols");
      return found;
    });
  }

  // All genes, or as many as there is room for.
  std::size_t copy(std::span<const std::int64_t> ids, const float* values, const TokenRows& row,
                   const Draws& draws) const {
    const auto room = static_cast<std::size_t>(options_.max_tokens - 1);
    if (ids.size() <= room || !options_.sample) {
      const std::size_t n = std::min(ids.size(), room);
      std::copy_n(ids.data(), n, row.ids + 1);
      std::copy_n(values, n, row.values + 1);
      return n;
    }
    std::size_t taken = 0;  // selection sampling: each gene with the chance that still fills the room (Knuth 3.4.2 S)
    for (std::size_t i = 0; taken < room; ++i)
      if (draws(ids.size() + i) * static_cast<double>(ids.size() - i) < static_cast<double>(room - taken))
        ++taken, row.ids[taken] = ids[i], row.values[taken] = values[i];
    return taken;
  }

  std::shared_ptr<const Vocabulary> vocabulary_;
  TokenizerOptions options_;
  Log log_;
  PerGeneTable<RankedColumns> columns_;
};

}  // namespace cell2text::scgpt
