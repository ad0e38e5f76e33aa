// Mean and variance of each gene over cells brought to one total: what highly variable genes are chosen by
// (variable_genes.hpp). The arithmetic is that of scanpy 1.11: float32 at each step up to a cell's values and their
// squares, double for the sums, which are kept so closely that the order of the cells does not show in them.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "cell2text/cells/cell_batch.hpp"
#include "cell2text/error.hpp"

namespace cell2text::dataset {

/// The sum of a cell's counts: with the counts of all genes of the dataset, the total that scanpy's
/// `pp.normalize_total` divides by. CellBatch::totals also knows of genes that are not in the file.
inline double row_total(std::span<const float> counts) {
  double total = 0;
  for (const float count : counts) total += count;
  return total;
}

namespace gene_moments_detail {

/// What a cell's counts are divided by to add up to `target`; 1 for a cell without counts, as scanpy has it.
inline float divisor(double total, double target) {
  const float divisor = static_cast<float>(total) / static_cast<float>(target);
  return divisor == 0 ? 1 : divisor;
}

inline float log1p_of(float value) {
  return static_cast<float>(std::log1p(static_cast<double>(value)));
}

/// A count as `pp.highly_variable_genes` sees it: brought to log1p and back, which rounds twice.
inline float value_of(float count, float divisor) {
  return static_cast<float>(std::expm1(static_cast<double>(log1p_of(count / divisor))));
}

/// A sum whose rounding errors are summed as well (two-sum of Knuth).
class CarefulSum {
 public:
  void add(double value) {
    const double sum = sum_ + value, part = sum - sum_;
    error_ += (sum_ - (sum - part)) + (value - part);
    sum_ = sum;
  }
  void add(const CarefulSum& other) { add(other.sum_), error_ += other.error_; }
  double value() const { return sum_ + error_; }

 private:
  double sum_ = 0, error_ = 0;
};

}  // namespace gene_moments_detail

/// A cell's counts as scanpy's `pp.normalize_total(target_sum=target)` and `pp.log1p` leave them.
inline std::vector<float> log_normalise(std::span<const float> counts, double total, double target = 1e4) {
  const float divisor = gene_moments_detail::divisor(total, target);
  std::vector<float> values;
  values.reserve(counts.size());
  for (const float count : counts) values.push_back(gene_moments_detail::log1p_of(count / divisor));
  return values;
}

/// Sums over cells, one after another; 32 bytes a gene. One per thread: merged, they are those of all cells, for any
/// number of threads.
class GeneMoments {
 public:
  explicit GeneMoments(std::int64_t genes, double target = 1e4) : target_(target), sums_(genes) {}

  /// A cell's counts in CSR, their columns below genes(); `total` as row_total.
  void add(std::span<const std::int32_t> columns, std::span<const float> counts, double total) {
    const float divisor = gene_moments_detail::divisor(total, target_);
    known_.fill(-1);
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const float value = value_of(counts[i], divisor);
      Sums& gene = sums_[columns[i]];
      gene.values.add(value);
      gene.squares.add(value * value);  // rounded to float32, as scanpy does
    }
    ++cells_;
  }

  /// All cells of a batch, with the total of each. BugError where the batch has other genes or the totals other cells.
  void add(const CellBatch& cells, std::span<const double> totals) {
    if (cells.genes->size() != genes() || static_cast<std::int64_t>(totals.size()) != cells.size())
      throw BugError("moments of " + std::to_string(genes()) + " genes were given " +
                     std::to_string(cells.genes->size()) + " genes, and " + std::to_string(cells.size()) + " cells " +
                     std::to_string(totals.size()) + " totals");
    for (std::int64_t cell = 0; cell < cells.size(); ++cell)
      add(cells.columns_of(cell), cells.counts_of(cell), totals[cell]);
  }

  /// As if its cells had been added here. BugError where it is of other genes or another target.
  void merge(const GeneMoments& other) {
    if (other.genes() != genes() || other.target_ != target_)
      throw BugError("moments of " + std::to_string(genes()) + " genes at a total of " + std::to_string(target_) +
                     " cannot take in those of " + std::to_string(other.genes()) + " genes at " +
                     std::to_string(other.target_));
    for (std::size_t gene = 0; gene < sums_.size(); ++gene) {
      sums_[gene].values.add(other.sums_[gene].values);
      sums_[gene].squares.add(other.sums_[gene].squares);
    }
    cells_ += other.cells_;
  }

  std::int64_t genes() const { return static_cast<std::int64_t>(sums_.size()); }
  std::int64_t cells() const { return cells_; }

  /// Of the gene's normalised counts (not their logarithms) over all cells, cells without the gene included.
  double mean(std::int64_t gene) const { return sums_[gene].values.value() / static_cast<double>(cells_); }

  /// The same, with n - 1 below. Below 0 by a rounding of the squares where a gene has one value in all cells.
  double variance(std::int64_t gene) const {
    const double n = static_cast<double>(cells_), mean_of_gene = mean(gene);
    const double variance = sums_[gene].squares.value() / n - mean_of_gene * mean_of_gene;
    return cells_ == 1 ? variance : variance * (n / (n - 1));
  }

 private:
  // A cell's counts are few different numbers, and the logarithm costs more than everything else.
  float value_of(float count, float divisor) {
    const auto whole = static_cast<std::size_t>(count < static_cast<float>(known_.size()) ? count : 0);
    if (static_cast<float>(whole) != count) return gene_moments_detail::value_of(count, divisor);
    if (known_[whole] < 0) known_[whole] = gene_moments_detail::value_of(count, divisor);
    return known_[whole];
  }

  struct Sums {
    gene_moments_detail::CarefulSum values, squares;
  };
  double target_;
  std::vector<Sums> sums_;
  std::int64_t cells_ = 0;
  std::array<float, 256> known_{};  // value of each small count in the cell at hand; -1: not asked for yet
};

}  // namespace cell2text::dataset
