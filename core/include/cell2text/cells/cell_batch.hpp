// Cells as they come from a source: raw counts in CSR, gene names, totals.
// Holds no tensors, so that readers and tokenisers compile without LibTorch.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace cell2text {

/// The genes of a source, one per column. Shared by all its batches.
struct GeneTable {
  enum class Kind { ensembl, symbol };
  std::vector<std::string> ids;      ///< Ensembl ids where `kind` is ensembl, else symbols; as written in the file
  std::vector<std::string> symbols;  ///< gene symbols, or empty where the file has none
  Kind kind = Kind::ensembl;

  std::int64_t size() const { return static_cast<std::int64_t>(ids.size()); }
};

/// B cells with their raw counts, in CSR over the columns of `genes`.
/// `columns` are ascending within a row; explicit zeros may occur; counts are >= 0 and finite.
struct CellBatch {
  std::shared_ptr<const GeneTable> genes;
  std::vector<std::int64_t> rows;        ///< [B] row of each cell in its source
  std::vector<std::string> names;        ///< [B] obs names (barcodes)
  std::vector<std::int64_t> row_starts;  ///< [B+1] offsets into `columns` and `counts`
  std::vector<std::int32_t> columns;     ///< [nnz] gene columns
  std::vector<float> counts;             ///< [nnz] raw counts, not normalised
  std::vector<double> totals;            ///< [B] counts over all genes of the cell, also those absent from the file

  std::int64_t size() const { return static_cast<std::int64_t>(rows.size()); }

  std::span<const std::int32_t> columns_of(std::int64_t cell) const {
    return std::span(columns).subspan(row_starts[cell], row_starts[cell + 1] - row_starts[cell]);
  }
  std::span<const float> counts_of(std::int64_t cell) const {
    return std::span(counts).subspan(row_starts[cell], row_starts[cell + 1] - row_starts[cell]);
  }
};

/// A column of text per cell (obs), stored as codes into its distinct values. Code -1: missing.
struct LabelColumn {
  std::string name;
  std::vector<std::string> values;  ///< distinct values
  std::vector<std::int32_t> codes;  ///< [cells]

  std::int64_t size() const { return static_cast<std::int64_t>(codes.size()); }

  /// The value of a cell, or nothing where it is missing.
  std::optional<std::string> at(std::int64_t cell) const {
    if (codes[cell] < 0) return std::nullopt;
    return values[codes[cell]];
  }
};

/// What a source knows about one obs column without reading it.
struct ColumnInfo {
  enum class Type { text, number, boolean };
  std::string name;
  Type type = Type::text;
};

}  // namespace cell2text
