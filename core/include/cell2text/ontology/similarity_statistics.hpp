// How the similarities of all pairs are distributed: the paper's Table 6, Figures 9 and 10, and its two fits. What it
// fitted the paper does not say; with tolerance "networkx" these two give what it reports (slope .67, R2 .862; R2
// .930).
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

#include "cell2text/ontology/many_logs.hpp"
#include "cell2text/ontology/similarity.hpp"
#include "cell2text/parallel/threads.hpp"
#include "cell2text/quantile.hpp"

namespace cell2text {

/// A least-squares line.
struct LineFit {
  double slope = 0, r_squared = 0;
};

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

/// Sorts numbers that are not negative, whose bits have their order. LSD radix sort: a third of std::sort's time.
inline void sort_floats(std::vector<float>& values) {
  constexpr int digit_bits = 11, passes = 3;
  constexpr std::uint32_t digits = 1u << digit_bits;
  const auto digit = [](float value, int pass) {
    return (std::bit_cast<std::uint32_t>(value) >> (pass * digit_bits)) & (digits - 1);
  };
  std::vector<std::size_t> places(passes * digits);  // where the next value of a digit goes
  for (const float value : values)
    for (int pass = 0; pass < passes; ++pass) ++places[pass * digits + digit(value, pass)];
  std::vector<float> other(values.size());
  for (int pass = 0; pass < passes; ++pass) {
    const std::span place(places.data() + pass * digits, digits);
    std::size_t start = 0;
    for (std::size_t& one : place) start += std::exchange(one, start);
    for (const float value : values) other[place[digit(value, pass)]++] = value;
    values.swap(other);
  }
}

/// What a line through points follows from.
struct Sums {
  double n = 0, x = 0, y = 0, xx = 0, yy = 0, xy = 0;

  void add(double px, double py) { ++n, x += px, y += py, xx += px * px, yy += py * py, xy += px * py; }
  void add(const Sums& o) { n += o.n, x += o.x, y += o.y, xx += o.xx, yy += o.yy, xy += o.xy; }

  LineFit line() const {
    const double var_x = xx - x * x / n, var_y = yy - y * y / n, covariance = xy - x * y / n;
    constexpr double rounding = 1e-12;  // of numbers that are all the same
    if (!(n >= 2 && var_x > rounding * xx && var_y > rounding * yy)) return {};
    return {covariance / var_x, covariance * covariance / (var_x * var_y)};
  }
};

/// Through the logarithms of point(i) -> (x, y) for 0..n. The same sums for any number of threads.
template <class Point>
LineFit fit_logs(std::size_t n, const Point& point) {
  constexpr std::size_t piece = 1 << 12;
  std::vector<Sums> sums(n / piece + 1);
  parallel_pieces(static_cast<std::int64_t>(sums.size()), 16, [&](std::int64_t first, std::int64_t last) {
    std::vector<double> xs(piece), ys(piece);
    for (auto p = static_cast<std::size_t>(first); p < static_cast<std::size_t>(last); ++p) {
      const std::size_t count = std::min(piece, n - p * piece);
      for (std::size_t i = 0; i < count; ++i) std::tie(xs[i], ys[i]) = point(p * piece + i);
      take_logs(std::span(xs).first(count)), take_logs(std::span(ys).first(count));
      for (std::size_t i = 0; i < count; ++i) sums[p].add(xs[i], ys[i]);
    }
  });
  Sums all;
  for (const Sums& one : sums) all.add(one);
  return all.line();
}

/// Sum of f of each, in four lanes: one would wait for each addition.
template <class F>
double sum_of(std::span<const float> values, const F& f) {
  double lanes[4] = {};
  std::size_t i = 0;
  for (; i + 4 <= values.size(); i += 4)
    for (std::size_t k = 0; k < 4; ++k) lanes[k] += f(values[i + k]);
  for (; i < values.size(); ++i) lanes[0] += f(values[i]);
  return (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]);
}

/// The numbers of Table 6, of sorted values.
inline void add_summary(std::span<const float> sorted, SimilarityStatistics& out) {
  const auto n = static_cast<double>(sorted.size());
  out.mean = sum_of(sorted, [](double value) { return value; }) / n;
  const auto square = [mean = out.mean](double value) { return (value - mean) * (value - mean); };
  out.sd = std::sqrt(sum_of(sorted, square) / n);
  out.median = sorted_quantile(sorted, 0.5);
  out.p95 = sorted_quantile(sorted, 0.95), out.p99 = sorted_quantile(sorted, 0.99);
}

/// Histogram and cumulative curve of sorted values.
inline void add_curves(std::span<const float> sorted, SimilarityStatistics& out) {
  constexpr int num_bins = 50;
  for (int i = 0; i <= num_bins; ++i) {
    const double edge = static_cast<double>(i) / num_bins;
    const auto below = std::ranges::lower_bound(sorted, edge) - sorted.begin();
    const auto up_to = std::ranges::upper_bound(sorted, edge) - sorted.begin();
    if (i > 0) out.pairs.back() = (i == num_bins ? up_to : below) - out.pairs.back();
    if (i < num_bins) out.pairs.push_back(below);
    out.edges.push_back(edge);
    out.share_up_to.push_back(static_cast<double>(up_to) / static_cast<double>(sorted.size()));
  }
}

/// What of sorted values is above zero; no logarithm has a place for the rest.
inline std::span<const float> positive(std::span<const float> sorted) {
  return sorted.subspan(static_cast<std::size_t>(std::ranges::upper_bound(sorted, 0.0f) - sorted.begin()));
}

/// Of sorted values: how many are at least as large as each, as a share.
inline LineFit fit_share_above(std::span<const float> sorted) {
  const auto values = positive(sorted);
  const std::size_t n = values.size();
  return fit_logs(n, [&](std::size_t i) {
    return std::pair(double{values[n - 1 - i]}, static_cast<double>(i + 1) / static_cast<double>(n));
  });
}

/// Of sorted values, rounded: how often each occurs, the most frequent first.
inline LineFit fit_rank_frequency(std::span<const float> sorted) {
  std::vector<std::int64_t> counts;
  std::int64_t last = -1;
  for (const float value : positive(sorted)) {
    const auto rounded = static_cast<std::int64_t>(value * 1e6 + 0.5);
    if (counts.empty() || rounded != last) counts.push_back(0);
    last = rounded, ++counts.back();
  }
  std::ranges::sort(counts, std::ranges::greater());
  return fit_logs(counts.size(),
                  [&](std::size_t i) { return std::pair(static_cast<double>(i + 1), static_cast<double>(counts[i])); });
}

}  // namespace statistics_detail

/// Statistics of values in 0..1: of all ordered pairs, at least one, and of the pairs of two terms, each once.
inline SimilarityStatistics similarity_statistics(std::vector<float> values, std::vector<float> pairs_once) {
  using namespace statistics_detail;
  SimilarityStatistics out;
  parallel_pieces(2, 1, [&](std::int64_t first, std::int64_t last) {
    if (first == 0) {
      sort_floats(values);
      add_summary(values, out);
      add_curves(values, out);
      out.rank_frequency = fit_rank_frequency(values);
    }
    if (last == 2) {
      sort_floats(pairs_once);
      out.log_log = fit_share_above(pairs_once);
    }
  });
  return out;
}

/// Of all pairs; of a pair of terms the similarity from the one that stands first in the file counts for `log_log`.
/// Takes 12 N^2 bytes, the matrix among them.
inline SimilarityStatistics similarity_statistics(SimilarityMatrix matrix) {
  std::vector<float> pairs_once;
  pairs_once.reserve(matrix.values.size() / 2);
  for (std::size_t from = 0; from < matrix.size; ++from) {
    const auto row = std::span(matrix.values).subspan(from * matrix.size, matrix.size);
    pairs_once.insert(pairs_once.end(), row.begin() + static_cast<std::ptrdiff_t>(from) + 1, row.end());
  }
  return similarity_statistics(std::move(matrix.values), std::move(pairs_once));
}

}  // namespace cell2text
