// Quantiles of values that are sorted already.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>

namespace cell2text {

/// The share q (0 to 1) of sorted values, of which there is at least one, interpolated between neighbours.
template <class T>
double sorted_quantile(std::span<const T> sorted, double q) {
  const double at = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const double low = sorted[below], high = sorted[std::min(below + 1, sorted.size() - 1)];
  return low + (at - static_cast<double>(below)) * (high - low);
}

}  // namespace cell2text
