// Findings on whose genes a file holds: one species or a mixture, told by Ensembl ids, genome prefixes, or the case of
// letters of symbols.
#pragma once

#include <algorithm>
#include <cctype>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "cell2text/cells/cell_summary.hpp"
#include "cell2text/cells/finding.hpp"
#include "cell2text/cells/gene_names.hpp"

namespace cell2text {

/// What the names of a gene table say.
struct GeneNameSummary {
  std::map<std::string, std::int64_t> genes_of;  ///< by species, where a name says it
  std::map<std::string, double> counts_of;       ///< the same, counts of the sample
  std::string largest_prefix, example;           ///< "GRCh38_", and a name that has it
  std::int64_t prefixed = 0, versioned = 0, capitals = 0, mouse_case = 0, barcodes = 0;
};

namespace check_species_detail {

// "GAPDH", "HLA-A", "C1orf112": human symbols. "Gapdh", "mt-Nd1": mouse and rat symbols.
inline bool is_capital_symbol(std::string_view symbol) {
  const auto letters = std::ranges::count_if(symbol, [](unsigned char c) { return std::isalpha(c); });
  return letters >= 2 && std::ranges::none_of(symbol, [](unsigned char c) { return std::islower(c); });
}
inline bool is_mouse_symbol(std::string_view symbol) {
  if (symbol.starts_with("mt-")) return symbol.size() > 3 && std::isupper(static_cast<unsigned char>(symbol[3]));
  if (symbol.size() < 3 || !std::isupper(static_cast<unsigned char>(symbol.front()))) return false;
  const auto upper = std::ranges::count_if(symbol, [](unsigned char c) { return std::isupper(c); });
  const auto lower = std::ranges::count_if(symbol, [](unsigned char c) { return std::islower(c); });
  return upper == 1 && lower >= 1;
}
inline bool is_barcode(std::string_view name) {
  const auto bases = std::min(name.find_first_not_of("ACGT"), name.size());
  return bases >= 12 && (bases == name.size() || name[bases] == '-' || name[bases] == '_');
}

}  // namespace check_species_detail

inline GeneNameSummary summarise_gene_names(const GeneTable& genes, const std::vector<double>& counts_of_gene) {
  using namespace check_species_detail;
  GeneNameSummary all;
  std::map<std::string, std::int64_t> prefixes;
  for (std::size_t i = 0; i < genes.ids.size(); ++i) {
    const GeneName gene = parse_gene_name(genes.ids[i]);
    if (!gene.prefix.empty()) {
      ++all.prefixed;
      const std::int64_t n = ++prefixes[std::string(gene.prefix)];
      if (all.largest_prefix.empty() || n > prefixes[all.largest_prefix])
        all.largest_prefix = gene.prefix, all.example = genes.ids[i];
    }
    all.versioned += !gene.version.empty();
    if (*gene.species) {
      ++all.genes_of[gene.species];
      all.counts_of[gene.species] += i < counts_of_gene.size() ? counts_of_gene[i] : 0;
    }
    if (genes.kind == GeneTable::Kind::symbol) {
      all.capitals += is_capital_symbol(gene.name);
      all.mouse_case += is_mouse_symbol(gene.name);
      all.barcodes += is_barcode(genes.ids[i]);
    }
  }
  return all;
}

namespace check_species_detail {

inline Finding mixture(const GeneNameSummary& names, const std::string& second, double share) {
  std::string list;
  for (const auto& [species, n] : names.genes_of)
    list += (list.empty() ? "" : " and ") + with_commas(n) + " " + species;
  const bool prefixed = names.prefixed > 0;
  const std::string human = prefixed ? "adata = adata[:, adata.var_names.str.match(\"GRCh3[78]|hg[0-9]+\")].copy()"
                                     : "adata = adata[:, adata.var_names.str.startswith(\"ENSG\")].copy()";
  return {"genes.species",
          share >= 0.05 ? Severity::error : Severity::warning,
          "a mixture of species: " + list + " genes; " + percent(share) + " of the counts are of " + second + " genes",
          "genes of one species; a description of such a cell means nothing",
          "In scanpy, keep the genes of one species, and the cells whose counts are mostly of it: " + human,
          true};
}

}  // namespace check_species_detail

/// Whose genes they are. `known` tells whether the encoder knows each column, empty where nobody can say.
inline Findings check_species(const GeneTable& genes, const GeneNameSummary& names, const std::vector<bool>& known) {
  const double num_genes = static_cast<double>(std::max<std::int64_t>(genes.size(), 1));
  const auto most = std::ranges::max_element(names.genes_of, {}, [](const auto& one) { return one.second; });
  if (most != names.genes_of.end() && static_cast<double>(most->second) > 0.02 * num_genes) {
    double counts = 0, of_first = 0;
    std::string second;
    std::int64_t second_genes = 0;
    for (const auto& [species, n] : names.genes_of) {
      counts += names.counts_of.at(species);
      if (species == most->first)
        of_first = names.counts_of.at(species);
      else if (n > second_genes)
        second = species, second_genes = n;
    }
    if (static_cast<double>(second_genes) > 0.02 * num_genes)
      return {check_species_detail::mixture(names, second, counts > 0 ? 1 - of_first / counts : 0)};
    if (most->first == "human") return {{"genes.species", Severity::ok, "human genes", "", "", false}};
    const bool known_any = std::ranges::find(known, true) != known.end();
    return {{"genes.species", known.empty() || known_any ? Severity::warning : Severity::error,
             "genes of " + most->first + " (" + genes.ids.front() + ")",
             "human genes, which the published encoders were trained on",
             "Use human data, or translate the ids to human orthologs (for example with Ensembl BioMart) and add up "
             "the counts of genes that share one",
             true}};
  }
  if (genes.kind == GeneTable::Kind::ensembl) return {};
  if (static_cast<double>(names.mouse_case) > 0.5 * num_genes)
    return {
        {"genes.species", Severity::warning, "symbols written as those of mouse or rat are (" + genes.ids.front() + ")",
         "human genes, written in capitals (GAPDH). An encoder that ignores case takes them for their human namesakes",
         "Use human data, or translate the genes to human orthologs (for example with Ensembl BioMart)", true}};
  if (static_cast<double>(names.capitals) > 0.5 * num_genes)
    return {{"genes.species", Severity::ok, "symbols written as human ones are", "", "", false}};
  return {};
}

}  // namespace cell2text
