// Which genes moved each label of a cell's description: attributions, what they are measured from, whether the label
// comes from the cell at all, and what becomes of it without single genes.
#pragma once

#include <functional>
#include <map>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/cells/select_tokens.hpp"
#include "cell2text/explain/cell_dependence.hpp"
#include "cell2text/explain/cell_genes.hpp"
#include "cell2text/explain/genes_apart.hpp"
#include "cell2text/explain/integrated_gradients.hpp"
#include "cell2text/explain/written_labels.hpp"

namespace cell2text {

/// Where the way of the integral begins.
/// mean: each gene's vector is the mean over the genes of the other cells (of this one where there are no others): a
/// gene of which nothing is known. It lies among the vectors that the decoder has learned to read.
/// zero: each is zero. No cell has such a vector, and a normalising layer turns the first step away from zero into a
/// leap, so that the integral needs many more points.
enum class ExplainBaseline { mean, zero };

struct ExplainOptions {
  IntegratedGradientsOptions gradients;
  ExplainBaseline baseline = ExplainBaseline::mean;
  std::int64_t drop_one = 0;                             ///< genes of each label that are left out one at a time
  std::int64_t tokens_at_once = 1 << 12;                 ///< of the decoder's sequences; one sequence at least
  std::function<void(std::int64_t done)> on_label = {};  ///< told how many labels are attributed; may throw
};

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
  bool soft_tokens = true;          ///< what is attributed to: soft tokens, or (pooling adapters) the adapter's input
  std::int64_t baseline_cells = 0;  ///< whose mean the baseline is, this one not among them; 0: this one's, or zero
  std::vector<ExplainedLabel> labels;
};

/// The cell, a batch of one with a gene that the encoder knows, and those that are put in its place.
struct CellsToExplain {
  const CellBatch& cell;
  const CellBatch& others;  ///< may be none
};

namespace explain_detail {

class Explainer {
 public:
  Explainer(const Model& model, const CellsToExplain& cells, const std::vector<std::int64_t>& text,
            const ExplainOptions& options)
      : model_(model), cell_(cells.cell), text_(text), options_(options) {
    torch::NoGradGuard no_grad;
    if (!model.adapter)
      throw InputError(
          "this model is told genes by name and has no soft tokens, so that nothing can be attributed to them; a model "
          "with an encoder and an adapter is needed");
    const GeneTokens tokens = model.encoder->tokenize(cell_);
    const GeneEmbeddings genes = one_cell(model.encode(tokens));
    genes_ = cell_genes(*model.encoder, cell_, tokens, genes.lengths[0], model.max_genes);
    out_.soft_tokens = keeps_genes_apart(*model.adapter, genes);
    x_ = vectors(genes);
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
  static GeneEmbeddings one_cell(GeneEmbeddings genes) {
    genes.values_BGE = genes.values_BGE.narrow(1, 0, genes.lengths[0]).contiguous();
    return genes;
  }

  /// What is attributed to, of one cell: its soft tokens or gene embeddings [G,X].
  Tensor vectors(const GeneEmbeddings& genes) const {
    return (out_.soft_tokens ? model_.adapter->forward(genes).values_BPD : genes.values_BGE)[0];
  }

  /// Points of the way that are read together: fewer where their sequences are long.
  std::int64_t points_at_once() const {
    const std::int64_t length =
        std::ssize(model_.pieces.before) + x_.size(0) + std::ssize(model_.pieces.after) + std::ssize(text_);
    return std::clamp<std::int64_t>(options_.tokens_at_once / length, 1, options_.gradients.points);
  }

  /// Keeps the soft prompts of the others. Returns the mean [X] of what is attributed to, over all their genes, or over
  /// this cell's where there are no others.
  Tensor read_others(const CellBatch& others) {
    if (others.size() == 0) return x_.mean(0);
    const GeneTokens tokens = model_.encoder->tokenize(others);
    Tensor sum_X = torch::zeros({x_.size(1)}, x_.options().dtype(torch::kFloat64));
    std::int64_t seen = 0;
    for (std::int64_t b = 0; b < others.size(); ++b) {
      const GeneEmbeddings genes = one_cell(model_.encode(loader_detail::select(tokens, {b})));
      const Tensor vectors_GX = vectors(genes);
      sum_X += vectors_GX.to(torch::kFloat64).sum(0);
      seen += vectors_GX.size(0);
      others_.push_back(model_.adapter->forward(genes));
    }
    return (sum_X / seen).to(x_.scalar_type());
  }

  /// The soft prompts that points [N,G,X] of the way stand for.
  SoftPrompt soft_prompt(const Tensor& points_NGX) const {
    const std::vector<std::int64_t> lengths(static_cast<std::size_t>(points_NGX.size(0)), points_NGX.size(1));
    return out_.soft_tokens ? SoftPrompt{points_NGX, lengths} : model_.adapter->forward({points_NGX, lengths});
  }

  std::vector<double> log_probabilities(const std::vector<SoftPrompt>& prompts, const TextSpan& span) const {
    torch::NoGradGuard no_grad;
    std::vector<double> all;
    for (const SoftPrompt& prompt : prompts)
      for (const double one : integrated_gradients_detail::plain(span_log_probabilities(model_, prompt, text_, span)))
        all.push_back(one);
    return all;
  }

  ExplainedLabel explain(const WrittenLabel& label) const {
    ExplainedLabel out;
    out.label = label;
    IntegratedGradientsOptions options = options_.gradients;
    options.points = points_at_once();
    const auto found = integrated_gradients(
        [&](const Tensor& points_NGX) {
          return span_log_probabilities(model_, soft_prompt(points_NGX), text_, label.span);
        },
        x_, baseline_, options);
    out.baseline_log_probability = found.baseline_value;
    out.sum = found.sum(), out.gap = found.gap(), out.steps = found.steps;
    out.complete = found.complete(options.gap);
    out.dependence = {found.value, log_probabilities(others_, label.span)};
    const Tensor of_genes_G = found.attributions.sum(1);
    for (std::size_t g = 0; g < genes_.size(); ++g)
      out.genes.push_back({genes_[g], of_genes_G[static_cast<std::int64_t>(g)].item<double>()});
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
  const std::vector<std::int64_t>& text_;
  const ExplainOptions& options_;
  CellExplanation out_;
  std::vector<CellGene> genes_;
  Tensor x_, baseline_;  // [G,X], X the width of a soft token or a gene's embedding
  std::vector<SoftPrompt> others_;
};

}  // namespace explain_detail

/// Explains some of the labels of a text, its tokens without the end token, about a cell. What is attributed to is the
/// soft tokens where the adapter makes one of each gene (keeps_genes_apart), else the gene embeddings that it reads.
/// InputError where genes cannot be told apart (cell_genes), the model has no soft tokens, or no gradient comes back.
inline CellExplanation explain_cell(const Model& model, const CellsToExplain& cells,
                                    const std::vector<std::int64_t>& text, const std::vector<WrittenLabel>& labels,
                                    const ExplainOptions& options = {}) {
  return explain_detail::Explainer(model, cells, text, options).explain(labels);
}

}  // namespace cell2text
