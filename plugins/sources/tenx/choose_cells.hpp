// What the values of a 10x matrix are, and which of its barcodes are cells.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string>
#include <vector>

#include "cell2text/cells/finding.hpp"
#include "cell2text/cells/value_evidence.hpp"
#include "cell2text/context.hpp"
#include "choose_genes.hpp"

namespace cell2text::tenx {

/// Rows of the file with the genes alone, columns ascending. InputError, naming the row, for what cannot be counts.
inline RowBlock read_genes(const CellFile& file, const ChosenGenes& genes, std::int64_t first, std::int64_t count) {
  RowBlock block = file.read(first, count);
  sort_columns(block, file.where(), "The file is damaged: a cell has one count for a gene");
  if (const auto bad = first_bad_value(block)) {
    char value[32];
    std::snprintf(value, sizeof value, "%g", static_cast<double>(bad->value));
    throw InputError(file.where() + ": row " + std::to_string(bad->row) + " (cell '" +
                     file.barcodes(bad->row, 1).front() + "'), column " + std::to_string(bad->column) + " (gene '" +
                     file.features().ids[bad->column] + "') is " + value +
                     "; counts are 0 or more and finite. Use the matrix as Cell Ranger wrote it");
  }
  genes.select(block);
  return block;
}

/// From rows at equal distances among the stored values, so that empty barcodes, of which there may be millions, tell
/// nothing.
inline ValueJudgement judge_values(const CellFile& file, const ChosenGenes& genes) {
  constexpr std::int64_t places = 32, cells = 16;
  const std::vector<std::int64_t>& starts = file.starts();
  ValueEvidence evidence;
  for (std::int64_t i = 0, next = 0; i < places && next < file.size(); ++i) {
    const std::int64_t value = starts.back() * i / places;
    const std::int64_t row = std::ranges::upper_bound(starts, value) - starts.begin() - 1;
    const std::int64_t first = std::max(next, std::min(row, file.size() - 1));
    next = std::min(first + cells, file.size());
    RowBlock block = file.read(first, next - first);
    genes.select(block);
    for (std::int64_t at = 0; at < block.rows(); ++at)
      evidence.add_cell(std::span(block.values).subspan(block.starts[at], block.starts[at + 1] - block.starts[at]));
  }
  return evidence.judge();
}

/// Says in the log what is taken. InputError where it does not look like counts, unless `any_values`.
inline void expect_counts(const CellFile& file, const ValueJudgement& values, bool any_values, const Context& context) {
  const std::string found = file.matrix_name() + " " + values.text;
  if (!values.is_counts() && !any_values)
    throw InputError(
        file.where() + ": no matrix of raw counts: " + found + ". Use the matrix as Cell Ranger wrote it" +
        (values.is_usable() ? ". To go on with these values all the same: --force (any_values = true)" : ""));
  if (!values.is_counts())
    context.log.warning("tenx: " + found + "; taken as counts because any_values (--force) says so");
  else if (values.kind == ValueKind::unclear)
    context.log.warning("tenx: " + found + "; taken as counts, please check");
  else if (values.kind == ValueKind::corrected_counts)
    context.log.info("tenx: " + found + "; taken as counts");
}

/// Warns where most barcodes have counts of hardly any gene: a matrix of a whole experiment that was never filtered.
inline void warn_of_unfiltered(const CellFile& file, const ChosenGenes& genes, const Context& context) {
  constexpr std::int64_t few_barcodes = 10'000, few_genes = 1'000, stored = 100;
  if (file.size() < few_barcodes || genes.table->size() < few_genes) return;
  std::int64_t empty = 0;
  for (std::int64_t row = 0; row < file.size(); ++row) empty += file.starts()[row + 1] - file.starts()[row] < stored;
  if (2 * empty <= file.size()) return;
  context.log.warning("tenx: " + file.where() + ": " + with_commas(empty) + " of " + with_commas(file.size()) +
                      " barcodes (" + percent(static_cast<double>(empty) / static_cast<double>(file.size())) +
                      ") have counts of under 100 genes: the matrix looks unfiltered, most of its barcodes are empty "
                      "droplets. Use Cell Ranger's filtered matrix, or leave them out with min_counts = 500 (on the "
                      "command line: --source min_counts=500)");
}

/// The rows with at least `min_counts` counts of genes; reads the whole matrix. InputError where there are none.
inline std::vector<std::int64_t> choose_cells(const CellFile& file, const ChosenGenes& genes, std::int64_t min_counts,
                                              const Context& context) {
  constexpr std::int64_t values = std::int64_t{1} << 20;
  std::vector<std::int64_t> rows;
  double largest = 0;
  for (std::int64_t first = 0; first < file.size();) {
    const RowBlock block = read_genes(file, genes, first, rows_within(file.starts(), first, values));
    for (std::int64_t row = 0; row < block.rows(); ++row) {
      const double sum = block.sum(row);
      largest = std::max(largest, sum);
      if (sum >= static_cast<double>(min_counts)) rows.push_back(first + row);
    }
    first += block.rows();
  }
  const std::string least = with_commas(min_counts) + " counts or more (min_counts)";
  if (rows.empty())
    throw InputError(file.where() + ": none of the " + with_commas(file.size()) + " barcodes has " + least +
                     "; the most that one has is " + with_commas(static_cast<std::int64_t>(largest)));
  context.log.info("tenx: " + with_commas(std::ssize(rows)) + " of " + with_commas(file.size()) + " barcodes have " +
                   least + "; the others are left out");
  return rows;
}

}  // namespace cell2text::tenx
