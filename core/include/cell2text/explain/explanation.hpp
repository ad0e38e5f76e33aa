// What an explanation says: of each label, what each gene of the cell had to do with it.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <numeric>
#include <optional>
#include <vector>

#include "cell2text/explain/cell_dependence.hpp"
#include "cell2text/explain/cell_genes.hpp"
#include "cell2text/explain/written_labels.hpp"

namespace cell2text {

/// Where the way of the integral begins.
/// mean: each gene's vector is the mean over the genes of the other cells (of this one where there are no others): a
/// gene of which nothing is known. It lies among the vectors that the decoder has learned to read.
/// zero: each is zero. No cell has such a vector, and a normalising layer turns the first step away from zero into a
/// leap, so that the integral needs many more points.
enum class ExplainBaseline { mean, zero };

/// What is attributed to, summed for each gene.
/// soft_tokens: where the adapter makes one of each gene. gene_embeddings: what the adapter reads, where it does not
/// (one that pools). gene_names: the decoder's tokens of a gene's name, where a model is told genes by name.
enum class AttributedTo { soft_tokens, gene_embeddings, gene_names };

struct GeneAttribution {
  CellGene gene;
  double attribution = 0;                        ///< natural log units of the label's probability
  std::optional<double> without = std::nullopt;  ///< log probability of the label without the gene, where it was tried
};

struct ExplainedLabel {
  WrittenLabel label;
  double baseline_log_probability = 0;
  double sum = 0;  ///< of the attributions
  double gap = 0;
  std::int64_t steps = 0;
  bool complete = false;               ///< whether the gap that was asked for is reached
  CellDependence dependence;           ///< with the label's log probability
  std::vector<GeneAttribution> genes;  ///< in the order in which the model reads them
};

/// Numbers of a label's genes, the largest attributions first, whichever way they go.
inline std::vector<std::size_t> genes_by_size(const ExplainedLabel& label) {
  std::vector<std::size_t> order(label.genes.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, std::greater{}, [&](std::size_t g) { return std::abs(label.genes[g].attribution); });
  return order;
}

struct CellExplanation {
  AttributedTo to = AttributedTo::soft_tokens;
  std::int64_t baseline_cells = 0;  ///< whose mean the baseline is, this one not among them; 0: this one's, or zero
  std::vector<ExplainedLabel> labels;
};

}  // namespace cell2text
