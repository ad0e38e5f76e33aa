// Quantiles of numbers, as numpy.quantile gives them: interpolated between the two neighbours.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>

namespace cell2text {

namespace quantile_detail {

/// Where a share of `size` values lies: behind value `below`, by `t` of the way to the next.
struct Place {
  std::size_t below;
  double t;
};
inline Place place(std::size_t size, double share) {
  const double at = share * static_cast<double>(size - 1);
  const auto below = static_cast<std::size_t>(at);
  return {below, at - static_cast<double>(below)};
}

/// From whichever end is nearer, so that t = 1 gives `high` to the last digit.
inline double between(double low, double high, double t) {
  return t < 0.5 ? low + (high - low) * t : high - (high - low) * (1 - t);
}

}  // namespace quantile_detail

/// The share (0 to 1) of sorted values, of which there is at least one.
template <class T>
double sorted_quantile(std::span<const T> sorted, double share) {
  const auto [below, t] = quantile_detail::place(sorted.size(), share);
  const auto high = sorted[std::min(below + 1, sorted.size() - 1)];
  return quantile_detail::between(static_cast<double>(sorted[below]), static_cast<double>(high), t);
}

/// The same of values in any order, which are reordered; in linear time.
template <class T>
double quantile(std::span<T> values, double share) {
  const auto [below, t] = quantile_detail::place(values.size(), share);
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(below);
  std::ranges::nth_element(values, at);
  const auto low = static_cast<double>(*at);
  return t <= 0 ? low : quantile_detail::between(low, static_cast<double>(*std::min_element(at + 1, values.end())), t);
}

}  // namespace cell2text
