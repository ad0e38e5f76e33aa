// Looks at a file of cells, and at a model where there is one, and says what is wrong before the work begins.
// What is looked for is said in cells/check_*.hpp and memory_need.hpp; printing is the caller's.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cell2text/cells/cell_summary.hpp"
#include "cell2text/cells/check_cells.hpp"
#include "cell2text/cells/check_columns.hpp"
#include "cell2text/cells/check_genes.hpp"
#include "cell2text/cells/check_values.hpp"
#include "cell2text/generate/settings.hpp"
#include "cell2text/memory_need.hpp"
#include "cell2text/model.hpp"

namespace cell2text {

struct DoctorOptions {
  std::int64_t sampled_cells = 2048;
  std::uint64_t seed = 0;
};

/// What was found, and the sizes that an estimate of memory needs.
struct CellReport {
  Findings findings;
  std::int64_t cells = 0, genes = 0;
  bool turned = false;  ///< genes in the rows: nothing else can be said of such a file
  WorkSizes work;       ///< gene_tokens, soft_tokens, cell_values and cells are set
};

namespace doctor_detail {

inline std::string totals_column(const SourceHandle& source) {
  for (const char* name : {"n_counts", "total_counts", "nCount_RNA"})
    if (source.has_column(name)) return name;
  return "";
}

/// Totals from an obs column where it has more than the row's sum: the file may hold a part of the genes.
inline void raise_totals(CellSummary& cells, const std::vector<std::int64_t>& rows, const LabelColumn& column) {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto text = column.at(rows[i]);
    const double total = text ? std::strtod(text->c_str(), nullptr) : 0;
    if (std::isfinite(total)) cells.totals[i] = std::max(cells.totals[i], total);
  }
}

inline double longest(const GeneTokens& tokens) {
  return tokens.lengths.empty() ? 0 : static_cast<double>(std::ranges::max(tokens.lengths));
}

}  // namespace doctor_detail

/// Judges values, genes and cells from a sample of random rows. `encoder` may be null: then what it would know is not
/// judged. The source should be open with whatever values it has (any_values).
inline CellReport examine_cells(const SourceHandle& source, const EncoderHandle* encoder,
                                const DoctorOptions& options = {}) {
  using namespace doctor_detail;
  CellReport report;
  report.work.gene_tokens = report.work.cell_values = 0;
  report.cells = source.size();
  const auto genes = source.genes();
  report.genes = genes->size();
  const std::vector<MatrixInfo> matrices = source.matrices();
  report.findings = check_values(matrices, !encoder || encoder->needs_counts());
  const auto used = std::ranges::find(matrices, true, &MatrixInfo::used);
  const bool readable = used == matrices.end() || used->values.is_usable() || used->values.kind == ValueKind::empty;

  // An encoder may refuse a kind of gene names altogether.
  std::optional<std::vector<bool>> known;
  std::optional<Finding> refusal;
  if (encoder) {
    try {
      known = encoder->known(*genes);
    } catch (const InputError& error) {
      refusal = Finding{"genes.known", Severity::error, error.what(), "", "", false};
    }
  }

  CellSummary cells;
  cells.file_cells = report.cells;
  std::vector<std::int64_t> rows = sampled_rows(report.cells, options.sampled_cells, options.seed);
  constexpr std::size_t step = 256;  // cells in memory at once
  for (std::size_t first = 0; readable && first < rows.size(); first += step) {
    const CellBatch batch = source.read(std::span(rows).subspan(first, std::min(step, rows.size() - first)));
    cells.add(batch);
    for (std::int64_t cell = 0; cell < batch.size(); ++cell)
      report.work.cell_values = std::max(report.work.cell_values, static_cast<double>(batch.counts_of(cell).size()));
    if (encoder && !refusal)
      report.work.gene_tokens = std::max(report.work.gene_tokens, longest(encoder->tokenize(batch)));
  }
  const bool cut = report.genes < cut_below_genes;
  const std::string column = totals_column(source);
  if (cut && !column.empty() && readable) raise_totals(cells, rows, source.labels(column));

  GeneEvidence evidence{*genes, cells, matrices, known, {}, column};
  if (known) evidence.known_cells = encoder->known({cells.names, {}, genes->kind});
  for (Finding& finding : check_genes(evidence)) report.findings.push_back(std::move(finding));
  report.work.soft_tokens = report.work.gene_tokens;
  report.work.cells = static_cast<double>(report.cells);
  report.turned = report.findings.back().check == "orientation";
  if (report.turned) return report;
  if (refusal) report.findings.push_back(*refusal);
  if (encoder && !refusal && !known)
    report.findings.push_back(
        {"genes.known", Severity::note, "the encoder does not say which genes it knows", "", "", false});
  for (Finding& finding : check_cells(cells, cut, cut && column.empty())) report.findings.push_back(std::move(finding));
  return report;
}

/// The sizes of a model, for an estimate of memory.
inline ModelSizes sizes_of(const Model& model) {
  ModelSizes sizes;
  const auto add = [&](const Parameters& parameters, double& features, double& widest, double vocabulary) {
    for (const Parameter& parameter : parameters.list()) {
      const auto bytes = static_cast<double>(parameter.value.nbytes());
      sizes.weight_bytes += bytes;
      if (parameter.trainable) sizes.trained_bytes += bytes;
      if (parameter.value.dim() != 2 || parameter.name.find("embed") != std::string::npos) continue;
      const auto out = static_cast<double>(parameter.value.size(0)), in = static_cast<double>(parameter.value.size(1));
      if (out == vocabulary) continue;  // the output layer runs on few positions at a time
      features += in + out;
      widest = std::max(widest, out);
    }
  };
  sizes.vocabulary = static_cast<double>(model.decoder->vocabulary_size());
  double none = 0;
  add(*model.encoder_parameters, sizes.encoder_features, sizes.widest_encoder, -1);
  add(*model.decoder_parameters, sizes.decoder_features, sizes.widest_decoder, sizes.vocabulary);
  add(*model.adapter_parameters, none, none, -1);
  add(*model.tuning_parameters, none, none, -1);
  sizes.encoder_width = static_cast<double>(model.encoder->width());
  sizes.decoder_width = static_cast<double>(model.decoder->width());
  sizes.state_bytes_per_token = static_cast<double>(model.decoder->state_bytes_per_token().value_or(0));
  sizes.prompt_tokens = static_cast<double>(model.pieces.before.size() + model.pieces.after.size());
  sizes.encoder_trained = !model.encoder_frozen;
  return sizes;
}

/// Whether `need_of` (memory_to_describe, memory_to_train) fits into `available` bytes in all, those that the process
/// has already included; `batch_setting` is how a user lowers the batch.
template <class Need>
Finding check_memory(const Need& need_of, const ModelSizes& model, const WorkSizes& work, double available,
                     const std::string& batch_setting) {
  const MemoryNeed need = need_of(model, work);
  const auto mib = [](double bytes) { return bytes_text(bytes); };
  Finding finding{"memory",
                  Severity::ok,
                  "needs about " + mib(need.total()) + " at its peak (weights " + mib(need.weights) + ", batches of " +
                      std::to_string(static_cast<std::int64_t>(work.batch)) + " " +
                      mib(need.training + need.activations + need.state) + ", the rest " +
                      mib(need.base + need.loading + need.texts) + "); " + mib(available) + " are available",
                  "",
                  "",
                  true};
  if (need.total() <= available) return finding;
  finding.severity = Severity::warning;
  finding.expected = "at most " + mib(available);
  const std::int64_t batch = largest_batch(need_of, model, work, available);
  finding.fix = batch > 0 ? "Use a smaller batch: " + batch_setting + std::to_string(batch)
                          : "Not even a batch of one fits. Use a machine with more memory, or a smaller model";
  return finding;
}

}  // namespace cell2text
