// How the similarities of all pairs are distributed: the paper's Table 6, Figures 9 and 10, and its two fits. What it
// fitted the paper does not say; with tolerance "networkx" these two give what it reports (slope .67, R2 .862; R2
// .930).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "cell2text/ontology/rank_logs.hpp"
#include "cell2text/ontology/similarity.hpp"
#include "cell2text/ontology/similarity_counts.hpp"
#include "cell2text/quantile.hpp"

namespace cell2text {

/// Over all ordered pairs, each term with itself included.
struct SimilarityStatistics {
  double mean = 0, median = 0, sd = 0, p95 = 0, p99 = 0;  ///< sd of the whole, percentiles interpolated
  std::vector<double> edges;                              ///< of 50 equal bins, 0 to 1
  std::vector<std::int64_t> pairs;  ///< in each bin; an edge belongs to the bin above, 1 to the last
  std::vector<double> share_up_to;  ///< of pairs at or below each edge
  LineFit
      log_log;  ///< log of the share of pairs at least as similar, over log of the similarity; each pair of terms once
  LineFit rank_frequency;  ///< log of how many pairs have a similarity, to 6 decimals, over log of its rank among these
};

namespace statistics_detail {

inline constexpr int num_bins = 50;
inline double edge(int i) {
  return static_cast<double>(i) / num_bins;
}

/// The values among which quantiles and edges lie.
struct Near {
  quantile_detail::Place median, p95, p99;

  explicit Near(std::int64_t n) {
    const auto at = [n](double share) { return quantile_detail::place(static_cast<std::size_t>(n), share); };
    median = at(0.5), p95 = at(0.95), p99 = at(0.99);
  }
};

inline double quantile_of(const SimilarityCounts& counts, const quantile_detail::Place& place) {
  const auto below = static_cast<std::int64_t>(place.below);
  const double low = counts.value_at(below), high = counts.value_at(std::min(below + 1, counts.num_pairs() - 1));
  return quantile_detail::between(low, high, place.t);
}

/// Histogram and cumulative curve.
inline void add_curves(const SimilarityCounts& counts, SimilarityStatistics& out) {
  for (int i = 0; i <= num_bins; ++i) {
    const std::int64_t below = counts.num_below(edge(i)), up_to = counts.num_up_to(edge(i));
    if (i > 0) out.pairs.back() = (i == num_bins ? up_to : below) - out.pairs.back();
    if (i < num_bins) out.pairs.push_back(below);
    out.edges.push_back(edge(i));
    out.share_up_to.push_back(static_cast<double>(up_to) / static_cast<double>(counts.num_pairs()));
  }
}

}  // namespace statistics_detail

/// Statistics of values in 0..1, at least one. `each(row, f)` calls f(value, pairs, pairs_once) for the values of a
/// row, below `num_rows`, the same at each call: how many ordered pairs have the value, and how many where each pair of
/// terms counts once. Called from several threads, twice for each row. Memory does not grow with the number of values.
template <class Each>
SimilarityStatistics similarity_statistics(std::size_t num_rows, const Each& each) {
  using namespace statistics_detail;
  SimilarityCounts counts(num_rows, each);
  const auto n = static_cast<double>(counts.num_pairs());
  SimilarityStatistics out;
  out.mean = counts.sum() / n;
  out.sd = std::sqrt(std::max(0.0, counts.sum_of_squares() / n - out.mean * out.mean));
  const Near near(counts.num_pairs());
  for (const auto& place : {near.median, near.p95, near.p99})
    counts.look_closer_at_rank(static_cast<std::int64_t>(place.below));
  for (int i = 0; i <= num_bins; ++i) counts.look_closer_at(edge(i));
  counts.look_closer(num_rows, each);
  out.median = quantile_of(counts, near.median), out.p95 = quantile_of(counts, near.p95);
  out.p99 = quantile_of(counts, near.p99);
  add_curves(counts, out);
  out.log_log = counts.share_above();
  out.rank_frequency = counts.rank_frequency();
  return out;
}

/// Of all pairs; of a pair of terms the similarity from the one that stands first in the file counts for `log_log`.
inline SimilarityStatistics similarity_statistics(const SimilarityMatrix& matrix) {
  const TwinClasses& classes = matrix.classes();
  return similarity_statistics(classes.size(), [&](std::size_t from, const auto& f) {
    const auto source = static_cast<TwinClasses::Class>(from);
    const auto members = static_cast<std::int64_t>(classes.members(source).size());
    // Of the pairs with a term of each class, those where the source stands first.
    std::vector<std::int64_t> once(classes.size());
    std::int64_t before = 0;
    for (OntologyGraph::Node node = 0; node < classes.num_terms(); ++node) {
      once[classes.class_of(node)] += before;
      if (classes.class_of(node) == source) ++before;
    }
    const auto similarities = matrix.of_classes(source);
    for (TwinClasses::Class to = 0; to < classes.size(); ++to) {
      const auto others = static_cast<std::int64_t>(classes.members(to).size()) - (to == source);
      if (others > 0) f(similarities[to], members * others, once[to]);
    }
    f(1.0f, members, 0);
  });
}

}  // namespace cell2text
