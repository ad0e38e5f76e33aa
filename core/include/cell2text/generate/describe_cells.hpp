// From tokenised cells to texts: soft prompt, generation, and what became of each cell.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cell2text/cells/cell_loader.hpp"
#include "cell2text/generate/generate.hpp"
#include "cell2text/generate/label_confidence.hpp"
#include "cell2text/model.hpp"

namespace cell2text {

/// Why a description may be missing or doubtful; in order of precedence.
enum class CellStatus { ok, no_counts, few_known_genes, unreadable, truncated };

inline const char* status_name(CellStatus status) {
  static constexpr const char* names[] = {"ok", "no_counts", "few_known_genes", "unreadable", "truncated"};
  return names[static_cast<int>(status)];
}

/// Fewer known genes than this and a cell is marked: its profile says little to the encoder.
inline constexpr std::int64_t few_genes_below = 20;

struct DescribedCell {
  std::int64_t row = 0;
  std::string name;
  std::string text;             ///< empty for no_counts, and for a cell none of whose genes is known
  double log_probability = 0;   ///< natural log of the whole text; NaN without a text
  std::int64_t genes_used = 0;  ///< gene tokens that reached the decoder
  CellStatus status = CellStatus::ok;
  LabelConfidences confidences = {};  ///< where a judge was asked; none without a text
};

/// A constraint on the texts of a batch's cells, by their rows in the source.
using ConstraintOfRows = std::function<std::shared_ptr<const Constraint>(const std::vector<std::int64_t>& rows)>;

/// What is wanted beside the texts.
struct DescribeExtras {
  const LabelJudge* judge = nullptr;  ///< asked how sure the model is of each label; null: nobody is
  ConstraintOfRows constrain = {};    ///< restricts the texts; empty: nothing does
  GivenOfRow given = {};              ///< what the prompts tell, of models whose prompt does; empty: nothing
};

/// Describes the cells of a batch. Cells without a known gene get no text; the others do not notice them.
/// `unreadable` is for the caller to set, who knows how labels are read.
inline std::vector<DescribedCell> describe_cells(const Model& model, const TokenBatch& batch,
                                                 const GenerationSettings& settings,
                                                 const DescribeExtras& wanted = {}) {
  torch::NoGradGuard no_grad;
  std::vector<DescribedCell> cells(batch.rows.size());
  std::vector<std::int64_t> with_genes;
  for (std::size_t b = 0; b < cells.size(); ++b) {
    cells[b] = {batch.rows[b], batch.names[b], "", std::nan(""), 0, CellStatus::ok};
    if (batch.totals[b] <= 0)
      cells[b].status = CellStatus::no_counts;
    else if (batch.tokens.known_genes[b] < few_genes_below)
      cells[b].status = CellStatus::few_known_genes;
    if (batch.tokens.known_genes[b] > 0) with_genes.push_back(static_cast<std::int64_t>(b));
  }
  if (with_genes.empty()) return cells;
  const bool all = with_genes.size() == cells.size();
  const SoftPrompt soft = model.soft_prompt(all ? batch.tokens : loader_detail::select(batch.tokens, with_genes));
  std::vector<std::int64_t> rows;
  std::vector<GivenLabels> given;
  for (const std::int64_t b : with_genes) rows.push_back(batch.rows[b]);
  if (wanted.given)
    for (const std::int64_t row : rows) given.push_back(wanted.given(row));
  const Sequences prompt = join(model, soft, {}, given);
  GenerationExtras extras;
  extras.drafts = model.drafts.get();
  for (const std::int64_t b : with_genes) extras.cell_keys.push_back(cell_key(batch.names[b]));
  if (wanted.constrain) extras.constraints.push_back(wanted.constrain(rows));
  std::vector<std::pair<std::int64_t, DecodingRows>> prompts;
  if (wanted.judge)
    extras.on_prompts = [&](std::int64_t first, DecodingRows read) { prompts.emplace_back(first, std::move(read)); };
  const auto generated = generate(*model.decoder, prompt.embeddings_BTD, prompt.lengths, settings, std::move(extras));
  for (std::size_t i = 0; i < with_genes.size(); ++i) {
    DescribedCell& cell = cells[with_genes[i]];
    cell.text = text_of(*model.decoder, generated[i], settings);
    cell.log_probability = generated[i].log_probability;
    cell.genes_used = std::min(soft.lengths[i], batch.tokens.known_genes[with_genes[i]]);
    if (cell.status == CellStatus::ok && !generated[i].ended) cell.status = CellStatus::truncated;
  }
  for (const auto& [first, read] : prompts) {
    std::vector<std::vector<std::int64_t>> texts;
    for (std::int64_t i = first; i < first + read.size(); ++i) texts.push_back(generated[i].tokens);
    auto confidences = wanted.judge->judge(read, texts);
    for (std::int64_t i = first; i < first + read.size(); ++i)
      cells[with_genes[i]].confidences = std::move(confidences[i - first]);
  }
  return cells;
}

}  // namespace cell2text
