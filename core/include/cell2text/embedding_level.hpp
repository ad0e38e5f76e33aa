// What of a cell an encoder hands on: one vector per gene, or one for the whole cell.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "cell2text/error.hpp"
#include "cell2text/model_types.hpp"
#include "cell2text/nn/full_attention.hpp"

namespace cell2text {

/// gene: a vector for each gene. cls: the output at the cell's own token. mean: the mean over its genes' outputs.
enum class EmbeddingLevel { gene, cls, mean };

/// Of the setting `level` of an encoder.
inline const char* const embedding_level_help =
    "gene: one vector for each gene; cls: the output at <cls>, one vector for the cell; mean: of its genes' outputs; "
    "cell: cls where there is a <cls>, else mean";

/// By the setting's value. InputError for cls where the encoder puts no <cls> before a cell.
inline EmbeddingLevel embedding_level(const std::string& name, bool has_cls) {
  if (name == "cls" && !has_cls)
    throw InputError("'level' is 'cls', and this encoder has no <cls>; use 'mean' or 'cell'");
  if (name == "cell") return has_cls ? EmbeddingLevel::cls : EmbeddingLevel::mean;
  return name == "cls" ? EmbeddingLevel::cls : name == "mean" ? EmbeddingLevel::mean : EmbeddingLevel::gene;
}

/// One vector per cell, [B,1,E]: the mean over its genes. A cell without genes has length 0. Each cell is summed by
/// itself, since how many numbers there are decides how they are grouped: the same bits in any batch.
inline GeneEmbeddings mean_of_genes(const GeneEmbeddings& genes) {
  GeneEmbeddings cell;
  std::vector<Tensor> means;
  for (std::size_t b = 0; b < genes.lengths.size(); ++b) {
    const Tensor row_GE = genes.values_BGE[static_cast<std::int64_t>(b)].narrow(0, 0, genes.lengths[b]);
    cell.lengths.push_back(genes.lengths[b] > 0 ? 1 : 0);
    means.push_back(row_GE.sum(0, true) / static_cast<double>(std::max<std::int64_t>(genes.lengths[b], 1)));
  }
  cell.values_BGE = means.empty() ? genes.values_BGE.narrow(1, 0, 0) : torch::stack(means);
  return cell;
}

/// What of an encoder's outputs is handed on, how wide it is (E), and where it lies.
struct EmbeddingRule {
  EmbeddingLevel level = EmbeddingLevel::gene;
  std::int64_t width = 0;
  torch::Device device = torch::kCPU;
};

/// What an encoder answers: special tokens take part and are left out. `run(wanted)` computes the first `wanted`
/// outputs of each cell, [B,wanted,E]; <cls> is the first. At level gene the first tokens.wanted_genes are given. A
/// cell without known genes has length 0.
template <class Run>
GeneEmbeddings encode_at_level(const GeneTokens& tokens, const EmbeddingRule& rule, const Run& run) {
  expect_shape(tokens.ids_BG, {tokens.size(), -1}, "gene tokens");
  const std::int64_t num_tokens = tokens.ids_BG.size(1);
  const std::int64_t num_genes = std::max<std::int64_t>(num_tokens - tokens.special_tokens, 0);
  const bool one = rule.level == EmbeddingLevel::cls, mean = rule.level == EmbeddingLevel::mean;
  const std::int64_t asked = mean ? num_tokens : std::max<std::int64_t>(std::min(tokens.wanted_genes, num_tokens), 1);
  const std::int64_t wanted = one ? std::min<std::int64_t>(num_genes, 1) : std::min(num_genes, asked);
  GeneEmbeddings out;
  for (const std::int64_t length : tokens.lengths)
    out.lengths.push_back(std::clamp<std::int64_t>(length - tokens.special_tokens, 0, wanted));
  if (num_genes == 0)
    out.values_BGE = torch::zeros({tokens.size(), 0, rule.width}, rule.device);
  else if (one)
    out.values_BGE = run(1);
  else  // not fewer where this batch has no longer cell: how many are made decides the last bits of each
    out.values_BGE = run(std::min(tokens.first_gene + asked, num_tokens)).narrow(1, tokens.first_gene, wanted);
  return mean ? mean_of_genes(out) : out;
}

}  // namespace cell2text
