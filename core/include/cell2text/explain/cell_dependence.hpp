// Whether a label comes from the cell at all: how probable it is when other cells stand in the cell's place.
#pragma once

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

namespace cell2text {

struct CellDependence {
  /// A label's probability has hardly changed where it stayed within a tenth: |ln p - ln p'| < ln 1.1.
  static constexpr double hardly = 0.0953101798;

  double log_probability = 0;  ///< of the label for the cell itself, given the text before it
  std::vector<double> others;  ///< and for each of the other cells, given the same text

  /// The largest |ln p - ln p'|; nothing without other cells.
  std::optional<double> largest_change() const {
    if (others.empty()) return std::nullopt;
    double largest = 0;
    for (const double other : others) largest = std::max(largest, std::abs(other - log_probability));
    return largest;
  }
  /// False where no other cell changes the probability: the alarm. Without other cells nothing is known against it.
  bool from_cell() const { return others.empty() || *largest_change() >= hardly; }
};

}  // namespace cell2text
