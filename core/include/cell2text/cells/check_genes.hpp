// Findings on the genes of a file: which way round the matrix is, how they are named, how many there are and how many
// an encoder knows.
#pragma once

#include <algorithm>
#include <numeric>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "cell2text/cells/cell_summary.hpp"
#include "cell2text/cells/check_species.hpp"
#include "cell2text/cells/finding.hpp"
#include "cell2text/cells/value_kind.hpp"

namespace cell2text {

/// With fewer genes than the first, a file was cut to the highly variable ones or the like; with fewer than the second,
/// genes that few cells express were left out.
inline constexpr std::int64_t cut_below_genes = 6'000, whole_from_genes = 12'000;

/// What the checks of genes look at.
struct GeneEvidence {
  const GeneTable& genes;
  const CellSummary& cells;
  const std::vector<MatrixInfo>& matrices;
  std::optional<std::vector<bool>> known;  ///< [genes] by the encoder; nothing where there is none, or it cannot say
  std::optional<std::vector<bool>> known_cells;  ///< the same of `cells.names`, were they genes
  std::string totals_column;                     ///< obs column with counts over all genes; empty: there is none
};

namespace check_genes_detail {

inline double share_of(const std::vector<bool>& flags) {
  return flags.empty() ? 0 : static_cast<double>(std::ranges::count(flags, true)) / static_cast<double>(flags.size());
}

/// Cells named like genes, genes like barcodes: the matrix lies on its side.
inline std::optional<Finding> transposed(const GeneEvidence& e, const GeneNameSummary& names) {
  const auto genes_in_rows = std::ranges::count_if(
      e.cells.names, [](const std::string& name) { return is_ensembl_gene(parse_gene_name(name).name); });
  const bool barcodes = names.barcodes * 2 > e.genes.size();
  const bool like_genes = genes_in_rows * 2 > std::ssize(e.cells.names) && !e.cells.names.empty();
  const bool known_rows = e.known_cells && share_of(*e.known_cells) > 0.3 && e.known && share_of(*e.known) < 0.01;
  if (!barcodes && !like_genes && !known_rows) return std::nullopt;
  const std::string cell = e.cells.names.empty() ? "" : e.cells.names.front();
  return Finding{
      "orientation",
      Severity::error,
      "the genes seem to be in the rows: a cell is called '" + cell + "', a gene '" + e.genes.ids.front() + "'",
      "one cell per row (obs), one gene per column (var)",
      "Turn the file in Python: import anndata; anndata.read_h5ad(\"cells.h5ad\").T.write_h5ad(\"turned.h5ad\")",
      true};
}

inline Finding naming(const GeneEvidence& e, const GeneNameSummary& names) {
  const bool ensembl = e.genes.kind == GeneTable::Kind::ensembl;
  std::string text = ensembl ? "Ensembl ids" : "gene symbols";
  if (!e.genes.ids.empty()) text += " (" + e.genes.ids.front() + ", ...)";
  if (names.versioned > 0) text += "; versions (.12) are left out";
  if (names.prefixed > 0) text += "; the prefix '" + names.largest_prefix + "' is left out";
  return {"genes.names",
          ensembl ? Severity::ok : Severity::note,
          text,
          ensembl ? "" : "Ensembl ids are safer: symbols change, and some are lost",
          ensembl ? "" : "If you have the ids, in scanpy: adata.var[\"gene_ids\"] = ids",
          false};
}

inline Finding number(const GeneEvidence& e) {
  const std::int64_t n = e.genes.size();
  if (n >= whole_from_genes) return {"genes.number", Severity::ok, with_commas(n) + " genes", "", "", false};
  const MatrixInfo* larger = nullptr;
  for (const MatrixInfo& matrix : e.matrices)
    if (!matrix.used && matrix.genes > n && (!larger || matrix.genes > larger->genes)) larger = &matrix;
  std::string fix = "Use the file from before it was cut (before adata[:, adata.var.highly_variable])";
  if (n >= cut_below_genes && !larger)
    return {"genes.number",
            Severity::note,
            with_commas(n) + " genes; a whole transcriptome has 20,000 or more",
            "",
            "Where genes that few cells express were left out, little is lost; the encoder cannot use them",
            false};
  if (larger && larger->values.is_counts())
    fix =
        larger->name + " holds counts of " + with_commas(larger->genes) + " genes: use --source counts=" + larger->name;
  else if (larger)
    fix += "; " + larger->name + " has " + with_commas(larger->genes) + " genes, but " + larger->values.text;
  return {
      "genes.number",
      Severity::warning,
      "only " + with_commas(n) + " genes: the file was cut, perhaps to the highly variable ones",
      "20,000 or more. The encoder ranks a cell's genes, and what was cut is missing from the ranks; a cell's total " +
          (e.totals_column.empty() ? "is that of these genes only" : "comes from obs column '" + e.totals_column + "'"),
      fix,
      false};
}

inline std::optional<Finding> duplicates(const GeneTable& genes) {
  std::unordered_set<std::string> seen;
  std::int64_t twice = 0;
  std::string example;
  for (const std::string& id : genes.ids) {
    const GeneName gene = parse_gene_name(id);
    if (gene.name.empty() || seen.emplace(gene.name).second) continue;
    if (++twice == 1) example = gene.name;
  }
  if (twice == 0) return std::nullopt;
  return Finding{"genes.duplicates",
                 Severity::note,
                 with_commas(twice) + (twice == 1 ? " column repeats" : " columns repeat") +
                     " the gene of another (such as '" + example + "'); their counts are added up",
                 "",
                 "",
                 false};
}

inline Finding knowledge(const GeneEvidence& e) {
  const auto& known = *e.known;
  const auto genes = std::ranges::count(known, true);
  double counts = 0, all = 0;
  for (std::size_t i = 0; i < known.size() && i < e.cells.counts_of_gene.size(); ++i) {
    all += e.cells.counts_of_gene[i];
    if (known[i]) counts += e.cells.counts_of_gene[i];
  }
  const double share = all > 0 ? counts / all : share_of(known);
  Finding finding{"genes.known",
                  Severity::ok,
                  "the encoder knows " + with_commas(genes) + " of the " + with_commas(std::ssize(known)) + " genes" +
                      (all > 0 ? ", with " + percent(share) + " of the counts" : ""),
                  "",
                  "",
                  true};
  if (genes > 0 && share >= 0.5) return finding;
  finding.severity = genes == 0 ? Severity::error : Severity::warning;
  finding.expected = "most of the counts";
  const std::string first = e.genes.ids.empty() ? "" : "'" + e.genes.ids.front() + "'";
  finding.fix = "The names of the genes (the first is " + first + ") should be human Ensembl ids such as " +
                "ENSG00000141510. Where a column of var has them: --source gene_ids=COLUMN";
  return finding;
}

}  // namespace check_genes_detail

inline Findings check_genes(const GeneEvidence& evidence) {
  using namespace check_genes_detail;
  Findings all;
  const GeneNameSummary names = summarise_gene_names(evidence.genes, evidence.cells.counts_of_gene);
  if (auto finding = transposed(evidence, names)) return {*finding};  // nothing else can be said of such a file
  all.push_back(number(evidence));
  all.push_back(naming(evidence, names));
  for (Finding& finding : check_species(evidence.genes, names, evidence.known.value_or(std::vector<bool>())))
    all.push_back(std::move(finding));
  if (auto finding = duplicates(evidence.genes)) all.push_back(*finding);
  if (evidence.known) all.push_back(knowledge(evidence));
  return all;
}

}  // namespace cell2text
