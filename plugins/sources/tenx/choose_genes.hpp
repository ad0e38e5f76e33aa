// Which features of a 10x matrix are the genes of the source: those of gene expression, of one genome where that is
// asked for. Their names are left as they are written.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/cells/cell_batch.hpp"
#include "cell2text/cells/finding.hpp"
#include "cell2text/cells/gene_names.hpp"
#include "cell2text/context.hpp"
#include "cell_file.hpp"

namespace cell2text::tenx {

/// The genes, and where the columns of the file went.
struct ChosenGenes {
  std::shared_ptr<const GeneTable> table;
  std::vector<std::int32_t> column_of;  ///< [features] the gene's column, or -1; empty where all are genes

  /// Leaves out of a block what is no gene. The columns of a row stay in their order.
  void select(RowBlock& block) const {
    if (column_of.empty()) return;
    std::int64_t kept = 0;
    for (std::int64_t row = 0, at = 0; row < block.rows(); ++row) {
      for (const std::int64_t end = block.starts[row + 1]; at < end; ++at)
        if (const std::int32_t column = column_of[block.columns[at]]; column >= 0)
          block.columns[kept] = column, block.values[kept++] = block.values[at];
      block.starts[row + 1] = kept;
    }
    block.columns.resize(kept), block.values.resize(kept);
  }
};

namespace choose_genes_detail {

/// "17 Antibody Capture, 22 Custom"
inline std::string list_of(const std::map<std::string, std::int64_t>& counts) {
  std::string all;
  for (const auto& [name, count] : counts) all += (all.empty() ? "" : ", ") + with_commas(count) + " " + name;
  return all;
}

inline void expect_genome(const CellFile& file, const std::string& genome) {
  const std::vector<std::string>& all = file.features().genomes;
  if (all.empty())
    throw InputError(file.where() + ": the features beside it name no genome, so that genome = \"" + genome +
                     "\" chooses nothing. Leave the key out, or open the .h5 of the same cells");
  if (std::ranges::find(all, genome) != all.end()) return;
  std::map<std::string, std::int64_t> counts;
  for (const std::string& name : all) ++counts[name];
  throw InputError(file.where() + ": no feature is of the genome '" + genome + "' (key 'genome'); there are " +
                   list_of(counts));
}

}  // namespace choose_genes_detail

/// Logs what is left out. Ids are the table's where most are Ensembl ids, else the names. InputError where nothing is
/// left, or where `genome` is not among the genomes.
inline ChosenGenes choose_genes(const CellFile& file, const std::optional<std::string>& genome,
                                const Context& context) {
  const FeatureTable& features = file.features();
  if (genome) choose_genes_detail::expect_genome(file, *genome);
  ChosenGenes chosen;
  auto genes = std::make_shared<GeneTable>();
  std::map<std::string, std::int64_t> left_out;
  for (std::int64_t i = 0; i < features.size(); ++i) {
    const bool expression = features.types.empty() || features.types[i] == "Gene Expression";
    const bool wanted = !genome || features.genomes[i] == *genome;
    chosen.column_of.push_back(expression && wanted ? static_cast<std::int32_t>(genes->size()) : -1);
    if (!expression) ++left_out[features.types[i]];
    if (expression && !wanted) ++left_out["genes of other genomes"];
    if (!expression || !wanted) continue;
    genes->ids.push_back(features.ids[i]);
    genes->symbols.push_back(features.names[i]);
  }
  const std::string others = choose_genes_detail::list_of(left_out);
  if (genes->ids.empty())
    throw InputError(file.where() + ": holds no genes, that is, no features of the type 'Gene Expression'; it has: " +
                     (others.empty() ? "none at all" : others));
  if (left_out.empty()) chosen.column_of.clear();
  genes->kind = mostly_ensembl(genes->ids) ? GeneTable::Kind::ensembl : GeneTable::Kind::symbol;
  if (genes->kind == GeneTable::Kind::symbol) genes->ids = genes->symbols;
  context.log.info("tenx: " + with_commas(genes->size()) + " genes, by " +
                   (genes->kind == GeneTable::Kind::ensembl ? "Ensembl ids" : "symbols") +
                   (others.empty() ? "" : "; left out: " + others));
  chosen.table = std::move(genes);
  return chosen;
}

}  // namespace cell2text::tenx
