// Which genes moved each label of a cell's description: attributions, what they are measured from, whether the label
// comes from the cell at all, and what becomes of it without single genes.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <numeric>
#include <utility>
#include <vector>

#include "cell2text/cells/select_tokens.hpp"
#include "cell2text/explain/explanation.hpp"
#include "cell2text/explain/genes_apart.hpp"
#include "cell2text/explain/integrated_gradients.hpp"
#include "cell2text/explain/told_genes.hpp"

namespace cell2text {

struct ExplainOptions {
  IntegratedGradientsOptions gradients;
  ExplainBaseline baseline = ExplainBaseline::mean;
  std::int64_t drop_one = 0;                             ///< genes of each label that are left out one at a time
  std::int64_t tokens_at_once = 1 << 12;                 ///< of the decoder's sequences; one sequence at least
  std::function<void(std::int64_t done)> on_label = {};  ///< told how many labels are attributed; may throw
};

/// The cell, a batch of one with a gene that the encoder knows, and those that are put in its place.
struct CellsToExplain {
  const CellBatch& cell;
  const CellBatch& others;  ///< may be none
  GivenLabels given = {};   ///< what the prompt tells of the cell, and then of the others too
};

namespace explain_detail {

class Explainer {
 public:
  Explainer(const Model& model, const CellsToExplain& cells, const std::vector<std::int64_t>& text,
            const ExplainOptions& options)
      : model_(model), cell_(cells.cell), given_(cells.given), text_(text), options_(options) {
    torch::NoGradGuard no_grad;
    const GeneTokens tokens = model.encoder->tokenize(cell_);
    if (model.told_genes)
      read_told_genes(tokens);
    else
      read_genes(tokens);
    x_ = read(tokens).vectors_NX;
    const Tensor mean_X = read_others(cells.others);
    baseline_ = options.baseline == ExplainBaseline::zero ? torch::zeros_like(x_) : mean_X.expand_as(x_);
    if (options.baseline == ExplainBaseline::mean) out_.baseline_cells = cells.others.size();
  }

  CellExplanation explain(const std::vector<WrittenLabel>& labels) {
    for (const WrittenLabel& label : labels) {
      out_.labels.push_back(explain(label));
      if (options_.on_label) options_.on_label(std::ssize(out_.labels));
    }
    if (options_.drop_one > 0 && genes_.size() > 1) drop_genes();
    return std::move(out_);
  }

 private:
  /// A cell as the decoder reads it, and what is attributed to: soft tokens, or gene embeddings [N,X].
  struct ReadCell {
    SoftPrompt soft;
    Tensor vectors_NX;
  };

  GeneEmbeddings embeddings(const GeneTokens& one) const {
    GeneEmbeddings genes = model_.encode(one);
    genes.values_BGE = genes.values_BGE.narrow(1, 0, genes.lengths[0]).contiguous();
    return genes;
  }

  ReadCell read(const GeneTokens& one) const {
    if (out_.to == AttributedTo::gene_names) {
      const SoftPrompt soft = model_.soft_prompt(one);
      return {soft, soft.values_BPD[0]};
    }
    const GeneEmbeddings genes = embeddings(one);
    const SoftPrompt soft = model_.adapter->forward(genes);
    return {soft, (out_.to == AttributedTo::soft_tokens ? soft.values_BPD : genes.values_BGE)[0]};
  }

  void read_told_genes(const GeneTokens& tokens) {
    out_.to = AttributedTo::gene_names;
    ToldGenes told = told_genes(model_, cell_, tokens);
    genes_ = std::move(told.genes), gene_of_ = std::move(told.of_token);
  }

  void read_genes(const GeneTokens& tokens) {
    const GeneEmbeddings genes = embeddings(tokens);
    genes_ = cell_genes(*model_.encoder, cell_, tokens, genes.lengths[0], model_.max_genes);
    gene_of_.resize(genes_.size());
    std::iota(gene_of_.begin(), gene_of_.end(), std::size_t{0});
    if (!keeps_genes_apart(*model_.adapter, genes)) out_.to = AttributedTo::gene_embeddings;
  }

  /// Keeps the soft prompts of the others. Returns the mean [X] of what is attributed to, over all their genes, or over
  /// this cell's where there are no others.
  Tensor read_others(const CellBatch& others) {
    if (others.size() == 0) return x_.mean(0);
    const GeneTokens tokens = model_.encoder->tokenize(others);
    Tensor sum_X = torch::zeros({x_.size(1)}, x_.options().dtype(torch::kFloat64));
    std::int64_t seen = 0;
    for (std::int64_t b = 0; b < others.size(); ++b) {
      const ReadCell other = read(loader_detail::select(tokens, {b}));
      sum_X += other.vectors_NX.to(torch::kFloat64).sum(0);
      seen += other.vectors_NX.size(0);
      others_.push_back(other.soft);
    }
    return (sum_X / seen).to(x_.scalar_type());
  }

  /// Points of the way that are read together: fewer where their sequences are long.
  std::int64_t points_at_once() const {
    const std::int64_t length =
        std::ssize(model_.pieces.before) + x_.size(0) + std::ssize(model_.pieces.after) + std::ssize(text_);
    return std::clamp<std::int64_t>(options_.tokens_at_once / length, 1, options_.gradients.points);
  }

  /// The soft prompts that points [S,N,X] of the way stand for.
  SoftPrompt soft_prompt(const Tensor& points_SNX) const {
    const std::vector<std::int64_t> lengths(static_cast<std::size_t>(points_SNX.size(0)), points_SNX.size(1));
    if (out_.to != AttributedTo::gene_embeddings) return {points_SNX, lengths};
    return model_.adapter->forward({points_SNX, lengths});
  }

  std::vector<double> log_probabilities(const std::vector<SoftPrompt>& prompts, const TextSpan& span) const {
    torch::NoGradGuard no_grad;
    std::vector<double> all;
    for (const SoftPrompt& prompt : prompts)
      for (const double one :
           integrated_gradients_detail::plain(span_log_probabilities(model_, prompt, text_, span, given_)))
        all.push_back(one);
    return all;
  }

  ExplainedLabel explain(const WrittenLabel& label) const {
    ExplainedLabel out;
    out.label = label;
    IntegratedGradientsOptions options = options_.gradients;
    options.points = points_at_once();
    const auto found = integrated_gradients(
        [&](const Tensor& points_SNX) {
          return span_log_probabilities(model_, soft_prompt(points_SNX), text_, label.span, given_);
        },
        x_, baseline_, options);
    out.baseline_log_probability = found.baseline_value;
    out.sum = found.sum(), out.gap = found.gap(), out.steps = found.steps;
    out.complete = found.complete(options.gap);
    out.dependence = {found.value, log_probabilities(others_, label.span)};
    for (const CellGene& gene : genes_) out.genes.push_back({gene});
    const Tensor shares_N = found.attributions.sum(1);
    for (std::size_t i = 0; i < gene_of_.size(); ++i)
      out.genes[gene_of_[i]].attribution += shares_N[static_cast<std::int64_t>(i)].item<double>();
    return out;
  }

  void drop_genes() {
    std::map<std::size_t, std::vector<ExplainedLabel*>> asked;
    for (ExplainedLabel& label : out_.labels) {
      std::vector<std::size_t> genes = genes_by_size(label);
      genes.resize(std::min(genes.size(), static_cast<std::size_t>(options_.drop_one)));
      for (const std::size_t g : genes) asked[g].push_back(&label);
    }
    for (const auto& [g, labels] : asked) {
      torch::NoGradGuard no_grad;
      const CellBatch rest = without_columns(cell_, genes_[g].columns);
      const SoftPrompt prompt = model_.soft_prompt(model_.encoder->tokenize(rest));
      for (ExplainedLabel* label : labels)
        label->genes[g].without = log_probabilities({prompt}, label->label.span).front();
    }
  }

  const Model& model_;
  const CellBatch& cell_;
  GivenLabels given_;
  const std::vector<std::int64_t>& text_;
  const ExplainOptions& options_;
  CellExplanation out_;
  std::vector<CellGene> genes_;
  std::vector<std::size_t> gene_of_;  // of each vector that is attributed to
  Tensor x_, baseline_;               // [N,X]
  std::vector<SoftPrompt> others_;
};

}  // namespace explain_detail

/// Explains some of the labels of a text, its tokens without the end token, about a cell. What is attributed to is the
/// soft tokens where the adapter makes one of each gene (which is tried out: keeps_genes_apart), else the gene
/// embeddings that it reads. InputError where genes cannot be told apart (cell_genes), or no gradient comes back.
inline CellExplanation explain_cell(const Model& model, const CellsToExplain& cells,
                                    const std::vector<std::int64_t>& text, const std::vector<WrittenLabel>& labels,
                                    const ExplainOptions& options = {}) {
  return explain_detail::Explainer(model, cells, text, options).explain(labels);
}

}  // namespace cell2text
