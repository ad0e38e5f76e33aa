// The total counts of each cell: an obs column where it covers the counts in the file, else the row's sum.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "cell2text/cells/row_block.hpp"
#include "cell2text/context.hpp"
#include "cell2text/io/anndata.hpp"

namespace cell2text::h5ad {

/// Totals of all cells: of a column, or (no column) the sum that the caller has.
class Totals {
 public:
  Totals() = default;
  Totals(std::string column, std::string where, std::vector<double> values)
      : column_(std::move(column)), where_(std::move(where)), values_(std::move(values)) {}

  const std::string& column() const { return column_; }

  /// Whether the column holds a total for `row` that its counts in the file do not exceed. Totals of
  /// corrected counts are often rounded, hence the half.
  bool covers(std::int64_t row, double sum) const { return std::isfinite(values_[row]) && values_[row] >= sum - 0.5; }

  /// The total of a cell. InputError where the column was chosen and does not cover the row's sum.
  double of(std::int64_t row, double sum) const {
    if (column_.empty()) return sum;
    if (!covers(row, sum))
      throw InputError(where_ + ": row " + std::to_string(row) + ": '" + column_ + "' is " +
                       anndata::detail::shortest_text(values_[row]) + "; the cell's counts in the file sum to " +
                       anndata::detail::shortest_text(sum) +
                       ". A total covers all genes. Set totals = \"sum\" or \"auto\"");
    return std::max(values_[row], sum);
  }

 private:
  std::string column_, where_;
  std::vector<double> values_;
};

namespace detail {

inline std::vector<Totals> candidates(const anndata::DataFrame& obs) {
  std::vector<Totals> all;
  for (const char* column : {"n_counts", "total_counts", "nCount_RNA"})
    if (obs.has(column) && obs.type(column) == ColumnInfo::Type::number)
      all.emplace_back(column, obs.group().where(), obs.numbers(column));
  return all;
}

}  // namespace detail

/// `key` is "auto", "sum" or an obs column. With "auto" and a column of a usual name, all rows are read once
/// through `next_block(first row) -> RowBlock`, so that one rule holds for every cell of the file.
template <class NextBlock>
Totals choose_totals(const anndata::DataFrame& obs, const std::string& key, const NextBlock& next_block,
                     const Context& context) {
  if (key == "sum") return {};
  if (key != "auto") return Totals(key, obs.group().where(), obs.numbers(key));
  std::vector<Totals> left = detail::candidates(obs);
  for (std::int64_t first = 0; first < obs.size() && !left.empty();) {
    const RowBlock block = next_block(first);
    for (std::int64_t row = 0; row < block.rows(); ++row) {
      const double sum = block.sum(row);
      std::erase_if(left, [&](const Totals& totals) {
        if (totals.covers(first + row, sum)) return false;
        context.log.info("h5ad: obs column '" + totals.column() + "' is less than the row's sum in row " +
                         std::to_string(first + row) + " and is not taken for totals");
        return true;
      });
    }
    first += block.rows();
  }
  context.log.info(left.empty() ? "h5ad: totals are the sums of the rows"
                                : "h5ad: totals from obs column '" + left.front().column() + "'");
  return left.empty() ? Totals() : std::move(left.front());
}

}  // namespace cell2text::h5ad
