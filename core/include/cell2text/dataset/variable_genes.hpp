// Highly variable genes as scanpy 1.11 chooses them, `pp.highly_variable_genes(flavor="seurat")`: variance over mean,
// compared among genes of like mean. Reads no counts: gene_moments.hpp does.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cell2text/dataset/gene_moments.hpp"
#include "cell2text/error.hpp"

namespace cell2text::dataset {

/// With `top` the most variable genes, without it those within the bounds (all exclusive).
struct VariableGenesOptions {
  std::optional<std::int64_t> top = 40'000;  ///< all genes that vary, where they are fewer (the paper's code)
  double min_mean = 0.0125, max_mean = 3;    ///< of log1p(mean)
  double min_dispersion = 0.5, max_dispersion = std::numeric_limits<double>::infinity();  ///< normalised
  int bins = 20;                                                                          ///< of genes of like mean
};

/// Each [genes]; scanpy's columns `means`, `dispersions`, `dispersions_norm`, `highly_variable`.
struct VariableGenes {
  std::vector<double> mean;                   ///< log1p of the mean of normalised counts
  std::vector<double> dispersion;             ///< log(variance / mean); NaN for a gene that does not vary
  std::vector<double> normalised_dispersion;  ///< standardised among the genes of its bin; NaN as above
  std::vector<std::uint8_t> highly_variable;  ///< 0 or 1

  std::int64_t num_selected() const { return std::ranges::count(highly_variable, 1); }
};

namespace variable_genes_detail {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// Which of `bins` parts of equal width each value lies in, the upper edge belonging to it: pandas.cut.
inline std::vector<std::size_t> bins_of(std::span<const double> values, int bins) {
  const auto [least, most] = std::ranges::minmax(values);
  double low = least, high = most;
  if (low == high) {
    low -= low != 0 ? 0.001 * std::abs(low) : 0.001;
    high += high != 0 ? 0.001 * std::abs(high) : 0.001;
  }
  std::vector<double> edges;
  const double step = (high - low) / bins;
  for (int i = 0; i < bins; ++i) edges.push_back(i * step + low);
  edges.push_back(high);
  if (least != most) edges.front() -= (most - least) * 0.001;
  std::vector<std::size_t> result;
  result.reserve(values.size());
  for (const double value : values)
    result.push_back(static_cast<std::size_t>(std::ranges::lower_bound(edges, value) - edges.begin()) - 1);
  return result;
}

/// Mean and deviation of the numbers of a bin. The same additions as in pandas (Kahan's and Welford's), since genes
/// that are equal there must be equal here: where all numbers are, the difference of one rounding is an infinity.
class BinStatistics {
 public:
  void add(double x) {
    const double y = x - compensation_, sum = sum_ + y;
    compensation_ = sum - sum_ - y;
    sum_ = sum;
    const double before = running_mean_;
    running_mean_ += (x - before) / static_cast<double>(++count_);
    squares_ += (x - running_mean_) * (x - before);
  }
  /// A single number of its bin is 1, as in scanpy.
  double standardised(double x) const {
    const double mean = sum_ / static_cast<double>(count_);
    if (count_ < 2) return x / mean;
    return (x - mean) / std::sqrt(squares_ / static_cast<double>(count_ - 1));
  }

 private:
  double sum_ = 0, compensation_ = 0, running_mean_ = 0, squares_ = 0;
  std::int64_t count_ = 0;
};

/// numpy.nan_to_num.
inline double number_or(double x, double if_nan) {
  constexpr double largest = std::numeric_limits<double>::max();
  return std::isnan(x) ? if_nan : std::clamp(x, -largest, largest);
}

/// The least normalised dispersion of the `top` genes; genes that tie with the last of them are in as well.
inline double cutoff(const std::vector<double>& normalised, std::int64_t top, std::int64_t cells) {
  std::vector<double> numbers;
  for (const double x : normalised)
    if (!std::isnan(x)) numbers.push_back(x);
  if (numbers.empty())
    throw InputError("none of the " + std::to_string(normalised.size()) + " genes varies among the " +
                     std::to_string(cells) + " cells, so none is highly variable; give more cells");
  const auto last = numbers.begin() + (std::min<std::int64_t>(top, static_cast<std::int64_t>(numbers.size())) - 1);
  std::ranges::nth_element(numbers, last, std::greater{});
  return *last;
}

}  // namespace variable_genes_detail

/// InputError: no cells or no genes, `top` below 1, or with `top` no gene that varies. Equal to scanpy's to the
/// rounding of the logarithm in float32: 1e-6 relative; numpy's differs by the machine.
inline VariableGenes variable_genes(const GeneMoments& moments, const VariableGenesOptions& options = {}) {
  using namespace variable_genes_detail;
  if (moments.cells() == 0 || moments.genes() == 0)
    throw InputError("variable genes are to be chosen from " + std::to_string(moments.genes()) + " genes of " +
                     std::to_string(moments.cells()) + " cells; give at least two cells, and a file with genes");
  if (options.top && *options.top < 1)
    throw InputError(std::to_string(*options.top) + " highly variable genes are asked for; at least 1 is expected");
  VariableGenes all;
  for (std::int64_t gene = 0; gene < moments.genes(); ++gene) {
    const double mean = moments.mean(gene) == 0 ? 1e-12 : moments.mean(gene);
    const double ratio = moments.variance(gene) / mean;
    all.mean.push_back(std::log1p(mean));
    all.dispersion.push_back(ratio > 0 ? std::log(ratio) : nan);
  }
  const std::vector<std::size_t> bins = bins_of(all.mean, options.bins);
  std::vector<BinStatistics> statistics(options.bins);
  for (std::size_t gene = 0; gene < bins.size(); ++gene)
    if (!std::isnan(all.dispersion[gene])) statistics[bins[gene]].add(all.dispersion[gene]);
  for (std::size_t gene = 0; gene < bins.size(); ++gene)
    all.normalised_dispersion.push_back(statistics[bins[gene]].standardised(all.dispersion[gene]));
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const double least = options.top ? cutoff(all.normalised_dispersion, *options.top, moments.cells()) : 0;
  for (std::size_t gene = 0; gene < bins.size(); ++gene) {
    const double dispersion = number_or(all.normalised_dispersion[gene], options.top ? -infinity : 0);
    const bool within = all.mean[gene] > options.min_mean && all.mean[gene] < options.max_mean &&
                        dispersion > options.min_dispersion && dispersion < options.max_dispersion;
    all.highly_variable.push_back(options.top ? dispersion >= least : within);
  }
  return all;
}

}  // namespace cell2text::dataset
