// A quantile of numbers, as numpy gives it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>

namespace cell2text::dataset {

/// numpy.quantile with linear interpolation, `share` in [0, 1] (numpy.percentile: 95 is 0.95). At least one value;
/// they are reordered.
template <class T>
double quantile(std::span<T> values, double share) {
  const double position = share * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(position);
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(below);
  std::ranges::nth_element(values, at);
  const double low = static_cast<double>(*at), t = position - static_cast<double>(below);
  if (t <= 0) return low;
  const double high = static_cast<double>(*std::min_element(at + 1, values.end()));
  return t < 0.5 ? low + (high - low) * t : high - (high - low) * (1 - t);
}

}  // namespace cell2text::dataset
