// Small gene dictionaries and cells that the tests of encoders share.
#pragma once

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/cells/cell_batch.hpp"
#include "core/io/message.hpp"
#include "support/oracle.hpp"

namespace cell2text::test {

inline void write_json(const std::filesystem::path& path, const nlohmann::json& json) {
  write_file(path, json.dump());
}

/// Genes A..H (ENSG...) with tokens 4.. and the given medians, framed by <cls> and <eos> where `framed`.
inline void write_dictionaries(const std::filesystem::path& folder, const std::vector<double>& medians,
                               bool framed = true) {
  nlohmann::json tokens = {{"<pad>", 0}, {"<mask>", 1}}, median = nlohmann::json::object();
  if (framed) tokens["<cls>"] = 2, tokens["<eos>"] = 3;
  const int first = framed ? 4 : 2;
  for (std::size_t i = 0; i < medians.size(); ++i) {
    const std::string id = "ENSG" + std::to_string(i);
    tokens[id] = first + static_cast<int>(i);
    median[id] = medians[i];
  }
  write_json(folder / "token_dictionary.json", tokens);
  write_json(folder / "gene_median_dictionary.json", median);
}

inline std::shared_ptr<const GeneTable> ensembl_table(std::vector<std::string> ids) {
  GeneTable table;
  table.ids = std::move(ids);
  return std::make_shared<const GeneTable>(std::move(table));
}

/// Rows of counts over all columns, as CSR without zeros.
inline CellBatch cells_of(std::shared_ptr<const GeneTable> genes, const std::vector<std::vector<float>>& counts) {
  CellBatch cells;
  cells.genes = std::move(genes);
  cells.row_starts = {0};
  for (const auto& row : counts) {
    double total = 0;
    for (std::size_t column = 0; column < row.size(); ++column) {
      total += row[column];
      if (row[column] == 0) continue;
      cells.columns.push_back(static_cast<std::int32_t>(column));
      cells.counts.push_back(row[column]);
    }
    cells.rows.push_back(cells.size());
    cells.names.push_back("cell " + std::to_string(cells.size()));
    cells.totals.push_back(total);
    cells.row_starts.push_back(static_cast<std::int64_t>(cells.columns.size()));
  }
  return cells;
}

}  // namespace cell2text::test
