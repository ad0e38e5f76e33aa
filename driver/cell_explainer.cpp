#include "cell_explainer.hpp"

#include <utility>

#include "cell2text/explain/described_tokens.hpp"
#include "cell2text/explain/other_cells.hpp"

namespace cell2text::driver {

namespace {

/// "cells.h5ad: cell 'AAAC-1' (row 3) ".
std::string told(const CellBatch& cell, const std::string& file) {
  return file + ": cell '" + cell.names[0] + "' (row " + std::to_string(cell.rows[0]) + ") ";
}

std::vector<std::string> names_of(const std::map<std::string, std::vector<std::string>>& known, const char* label) {
  const auto found = known.find(label);
  return found == known.end() ? std::vector<std::string>() : found->second;
}

bool is_known(const EncoderHandle& encoder, const CellBatch& cell) {
  return cell.totals[0] > 0 && encoder.tokenize(cell).known_genes[0] > 0;
}

}  // namespace

CellExplainer::CellExplainer(const Model& model, const ModelCard& card, const SourceHandle& source, std::string file,
                             DescribeExtras wanted)
    : CellExplainer(model, card, source, std::move(file), std::move(wanted), card.known_labels().values) {}

CellExplainer::CellExplainer(const Model& model, const ModelCard& card, const SourceHandle& source, std::string file,
                             DescribeExtras wanted, const Labels& known)
    : model_(model),
      card_(card),
      source_(source),
      file_(std::move(file)),
      wanted_(std::move(wanted)),
      reader_(names_of(known, "cell_type"), names_of(known, "tissue"), names_of(known, "disease")),
      questions_(*model.decoder, known) {}

CellBatch CellExplainer::cell_at(std::int64_t row) const {
  const std::vector<std::int64_t> rows{row};
  return source_.read(rows);
}

void CellExplainer::try_on(std::span<const std::int64_t> rows) const {
  for (const std::int64_t row : rows) {
    const CellBatch cell = cell_at(row);
    if (!is_known(*model_.encoder, cell)) continue;
    const std::vector<std::int64_t> no_rows, no_text;
    explain_cell(model_, {cell, source_.read(no_rows)}, no_text, {});
    return;
  }
}

CellToExplain CellExplainer::read(std::int64_t row, const std::string& text) const {
  CellToExplain one{cell_at(row), {}, {}, {}, !text.empty(), wanted_.given ? wanted_.given(row) : GivenLabels{}};
  if (one.cell.totals[0] <= 0)
    throw InputError(told(one.cell, file_) +
                     "has no counts, so that there is no description of it to explain; choose another");
  if (!is_known(*model_.encoder, one.cell))
    throw InputError(told(one.cell, file_) +
                     "has no gene that the model's encoder knows, so that there is no description of it to explain; "
                     "cell2text doctor says which genes it knows");
  one.tokens =
      text.empty() ? described_tokens(model_, one.cell, card_.generation, wanted_) : model_.decoder->encode_text(text);
  one.text = model_.decoder->decode_text(one.tokens);
  one.labels =
      written_labels(*model_.decoder, asked_places(*model_.decoder, reader_, questions_, one.tokens), one.tokens);
  return one;
}

ExplainedCell CellExplainer::explain(const CellToExplain& cell, const ExplainWishes& wishes) const {
  const CellBatch others = source_.read(other_cells(source_, *model_.encoder, cell.cell.rows[0], wishes.compare,
                                                    static_cast<std::uint64_t>(wishes.seed)));
  ExplainedCell explained{cell.cell.names[0], cell.cell.rows[0], cell.text, cell.text_given, cell.given, card_.name};
  explained.baseline = wishes.options.baseline, explained.wanted_gap = wishes.options.gradients.gap;
  explained.top = wishes.top, explained.others = others.names, explained.genes = cell.cell.genes;
  explained.explanation =
      explain_cell(model_, {cell.cell, others, cell.given}, cell.tokens, cell.labels, wishes.options);
  return explained;
}

}  // namespace cell2text::driver
