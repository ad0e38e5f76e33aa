// What a run's embeddings will take of the cache, and how many of them are there, from a sample of its cells.
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <system_error>
#include <vector>

#include "cell2text/cells/cell_loader.hpp"
#include "cell2text/model.hpp"

namespace cell2text {

struct EmbeddingNeed {
  std::int64_t cells = 0, sampled = 0, present = 0;  ///< present: of those sampled
  double genes = 0;                                  ///< vectors of a cell, mean
  std::int64_t width = 0;
  double bytes = 0;          ///< of all cells
  double missing_bytes = 0;  ///< of those that are not there
  double limit = 0, free_bytes = 0;

  bool fits_limit() const { return bytes <= limit; }
  bool fits_disk() const { return missing_bytes <= free_bytes; }
};

namespace need_detail {

/// How many vectors the encoder gives of a cell: one per gene, or one for all. Seen from the cell with the fewest genes
/// that are enough to tell.
struct VectorsOfCell {
  std::int64_t special = 0, most = 0, element_bytes = 4;
  bool pooled = false;

  VectorsOfCell(const Model& model, const GeneTokens& sample) : special(sample.special_tokens), most(model.max_genes) {
    std::int64_t chosen = -1;
    for (std::int64_t b = 0; b < sample.size(); ++b)
      if (sample.lengths[b] - special >= 2 && (chosen < 0 || sample.lengths[b] < sample.lengths[chosen])) chosen = b;
    if (chosen < 0) return;
    torch::NoGradGuard no_grad;
    const GeneEmbeddings genes = model.encoder->encode(loader_detail::select(sample, {chosen}));
    element_bytes = static_cast<std::int64_t>(genes.values_BGE.element_size());
    pooled = genes.lengths[0] == 1;
  }
  std::int64_t operator()(std::int64_t tokens) const {
    const std::int64_t genes = std::clamp<std::int64_t>(tokens - special, 0, most);
    return pooled ? std::min<std::int64_t>(genes, 1) : genes;
  }
};

}  // namespace need_detail

/// Tokenises up to `most` of `rows`, evenly spread, and encodes one. The model must have a cache. Errors as those of
/// source and encoder.
inline EmbeddingNeed embedding_need(const SourceHandle& source, const Model& model,
                                    const std::vector<std::int64_t>& rows, std::int64_t most = 200) {
  EmbeddingNeed need;
  need.cells = static_cast<std::int64_t>(rows.size());
  need.sampled = std::min(need.cells, most);
  need.width = model.encoder->width();
  need.limit = static_cast<double>(model.cache->folder().limit());
  std::error_code ignored;
  const auto space = std::filesystem::space(model.cache->folder().path(), ignored);
  need.free_bytes = static_cast<double>(space.available);
  if (need.cells == 0) return need;
  std::vector<std::int64_t> sample;
  for (std::int64_t i = 0; i < need.sampled; ++i) sample.push_back(rows[i * need.cells / need.sampled]);
  GeneTokens tokens = model.encoder->tokenize(source.read(sample));
  tokens.wanted_genes = model.max_genes;
  const need_detail::VectorsOfCell vectors(model, tokens);
  const auto keys = model.cache->keys_of(tokens);
  for (std::int64_t b = 0; b < need.sampled; ++b) {
    const auto there = model.cache->look_up(keys[b]);
    const std::int64_t genes = there ? there->genes : vectors(tokens.lengths[b]);
    const auto bytes = static_cast<double>(EmbeddingFolder::charged(
        there ? file_bytes(*there) : file_bytes({}) + genes * need.width * vectors.element_bytes));
    need.genes += static_cast<double>(genes);
    need.bytes += bytes;
    if (there) ++need.present;
    if (!there) need.missing_bytes += bytes;
  }
  const double sampled = static_cast<double>(need.sampled), scale = static_cast<double>(need.cells) / sampled;
  need.genes /= sampled;
  need.bytes *= scale, need.missing_bytes *= scale;
  return need;
}

}  // namespace cell2text
