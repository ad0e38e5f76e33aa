// Which gene each token of a prompt is of, where genes are told by name.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "cell2text/explain/cell_genes.hpp"
#include "cell2text/model.hpp"

namespace cell2text {

/// The genes of a cell that the decoder is told, in their order.
struct ToldGenes {
  std::vector<CellGene> genes;
  std::vector<std::size_t> of_token;  ///< of each token of the prompt: its gene's number
};

namespace told_genes_detail {

/// The letters of one cell of `tokens`.
inline std::string letters(const GeneTokens& tokens, std::int64_t b) {
  const Tensor ids_BG = tokens.ids_BG.contiguous();
  const auto* row = ids_BG.const_data_ptr<std::int64_t>() + b * ids_BG.size(1);
  std::string text(static_cast<std::size_t>(tokens.lengths[b]), ' ');
  std::transform(row, row + tokens.lengths[b], text.begin(), [](std::int64_t id) { return static_cast<char>(id); });
  return text;
}

}  // namespace told_genes_detail

/// Of a cell, a batch of one, with its tokens; the model has `told_genes`. A token is of the gene whose name its last
/// letter is of.
inline ToldGenes told_genes(const Model& model, const CellBatch& cell, const GeneTokens& tokens) {
  std::map<std::string, CellGene> by_name;
  const CellBatch singles = cell_genes_detail::one_gene_each(cell);
  const GeneTokens of_one = model.encoder->tokenize(singles);
  for (std::int64_t b = 0; b < singles.size(); ++b) {
    CellGene& gene = by_name[told_genes_detail::letters(of_one, b)];
    gene.columns.push_back(singles.columns[b]), gene.count += singles.counts[b];
  }
  ToldGenes told;
  std::string sentence;
  const std::string all = told_genes_detail::letters(tokens, 0);
  for (std::size_t begin = 0; begin < all.size() && std::ssize(told.genes) < *model.told_genes;) {
    const std::size_t end = std::min(all.find(' ', begin), all.size());
    const std::string name = all.substr(begin, end - begin);
    told.genes.push_back(by_name.at(name));
    sentence += (sentence.empty() ? "" : " ") + name;
    begin = end + 1;
  }
  const auto ids = encode_inside([&](const std::string& text) { return model.decoder->encode_text(text); }, sentence);
  for (std::size_t count = 1; count <= ids.size(); ++count) {
    const std::size_t written = model.decoder->decode_text(std::span(ids).first(count)).size();
    const auto end = sentence.begin() + static_cast<std::ptrdiff_t>(std::min(written, sentence.size()));
    const auto gene = static_cast<std::size_t>(std::count(sentence.begin(), end, ' '));
    told.of_token.push_back(std::min(gene, told.genes.size() - 1));
  }
  return told;
}

}  // namespace cell2text
