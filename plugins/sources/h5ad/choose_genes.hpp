// Finds the gene ids (Ensembl where the file has them) and symbols of a var table.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cell2text/cells/cell_batch.hpp"
#include "cell2text/cells/gene_names.hpp"
#include "cell2text/context.hpp"
#include "cell2text/io/anndata.hpp"

namespace cell2text::h5ad {

namespace detail {

inline bool all_numbers(const std::vector<std::string>& ids) {
  return std::ranges::all_of(
      ids, [](const std::string& id) { return std::ranges::all_of(id, [](char c) { return c >= '0' && c <= '9'; }); });
}

inline std::vector<std::string> text_column(const anndata::DataFrame& var, const std::string& column) {
  const LabelColumn labels = var.labels(column);
  std::vector<std::string> values;
  for (std::int64_t i = 0; i < labels.size(); ++i) values.push_back(labels.at(i).value_or(""));
  return values;
}
inline bool is_text_column(const anndata::DataFrame& var, const std::string& column) {
  return var.has(column) && var.type(column) == ColumnInfo::Type::text;
}

inline void find_ids(const anndata::DataFrame& var, const std::string& key, const std::vector<std::string>& index,
                     GeneTable& genes, std::string& origin) {
  if (key != "auto") {
    origin = key == "index" ? "the index" : "column '" + key + "'";
    genes.ids = key == "index" ? index : text_column(var, key);
  } else if (mostly_ensembl(index)) {
    origin = "the index";
    genes.ids = index;
  } else {
    for (const char* column : {"gene_ids", "feature_id", "ensembl_id", "gene_id"}) {
      if (!is_text_column(var, column)) continue;
      std::vector<std::string> ids = text_column(var, column);
      if (!mostly_ensembl(ids)) continue;
      origin = std::string("column '") + column + "'";
      genes.ids = std::move(ids);
      break;
    }
  }
  genes.kind = mostly_ensembl(genes.ids) ? GeneTable::Kind::ensembl : GeneTable::Kind::symbol;
}

/// Fills the symbols; returns where they come from.
inline std::string find_symbols(const anndata::DataFrame& var, const std::vector<std::string>& index,
                                GeneTable& genes) {
  const bool index_is_text = !mostly_ensembl(index) && !all_numbers(index);
  if (!genes.ids.empty() || !index_is_text) {
    for (const char* column : {"feature_name", "gene_symbols", "gene_symbol", "gene_name", "gene_names"}) {
      if (!is_text_column(var, column)) continue;
      genes.symbols = text_column(var, column);
      return std::string("column '") + column + "'";
    }
  }
  if (index_is_text) genes.symbols = index;
  return "the index";
}

}  // namespace detail

/// `key` is "auto", "index" or a column. Ids are Ensembl ids from the index or a usual column, else symbols.
/// Logs where they come from. InputError where the table names no gene.
inline std::shared_ptr<const GeneTable> choose_genes(const anndata::DataFrame& var, const std::string& key,
                                                     const Context& context) {
  auto genes = std::make_shared<GeneTable>();
  const std::vector<std::string> index = var.index(0, var.size());
  std::string origin;
  detail::find_ids(var, key, index, *genes, origin);
  const std::string symbol_origin = detail::find_symbols(var, index, *genes);
  if (genes->ids.empty()) {
    genes->ids = genes->symbols;
    origin = symbol_origin;
  }
  if (genes->ids.empty())
    var.group().fail(
        "names no genes: the index holds only numbers, and there is none of the columns gene_ids, feature_id, "
        "ensembl_id, gene_id, feature_name, gene_symbols. Name the column with the key 'gene_ids'");
  if (genes->kind == GeneTable::Kind::symbol && key != "auto") genes->symbols = genes->ids;
  context.log.info(std::string("h5ad: ") + (genes->kind == GeneTable::Kind::ensembl ? "Ensembl ids" : "gene symbols") +
                   " of " + std::to_string(genes->size()) + " genes from " + origin + " of '" + var.group().path() +
                   "'");
  return genes;
}

}  // namespace cell2text::h5ad
