// Bins of a cell's expression values by their own quantiles, as scGPT reads them
// (https://doi.org/10.1038/s41592-024-02201-0, Methods: "Expression values").
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace cell2text::scgpt {

/// What becomes of a value that several bins begin with: in a droplet cell most counts are 1, and so are the lower
/// half of all quantiles.
enum class Ties { middle, upper, random };

inline Ties ties_named(const std::string& name) {
  return name == "random" ? Ties::random : name == "upper" ? Ties::upper : Ties::middle;
}

/// Bins of the values of one cell after another; keeps its memory between them. One per thread.
class Binner {
 public:
  Binner(std::int64_t bins, Ties ties) : edges_(static_cast<std::size_t>(bins - 1)), ties_(ties) {}

  /// `values`: the expressed ones of a cell, above 0, descending; each becomes its bin, 1 .. bins - 1. Edges are the
  /// quantiles 0 .. 1 of the values, interpolated as numpy.quantile does. `draw(i)`, a number in [0, 1), is
  /// asked for random ties alone.
  template <class Draw>
  void bin(std::span<float> values, const Draw& draw) {
    if (values.empty()) return;
    find_edges(values);
    const std::size_t count = edges_.size();
    std::size_t below = 0, up_to = 0;  // edges < value, edges <= value
    for (std::size_t i = values.size(); i-- > 0;) {
      const double value = values[i];
      while (below < count && edges_[below] < value) ++below;
      while (up_to < count && edges_[up_to] <= value) ++up_to;
      values[i] = static_cast<float>(chosen(below, up_to, [&] { return draw(i); }));
    }
  }

 private:
  void find_edges(std::span<const float> descending) {
    const std::size_t n = descending.size(), last = edges_.size() - 1;
    const double step = 1.0 / static_cast<double>(last);
    for (std::size_t k = 0; k <= last; ++k) {
      const double share = k == last ? 1.0 : static_cast<double>(k) * step;
      const double place = share * static_cast<double>(n - 1);
      const auto whole = static_cast<std::size_t>(place);
      const double part = place - static_cast<double>(whole);
      const float a = descending[n - 1 - whole], b = descending[n - 1 - std::min(whole + 1, n - 1)];
      const double difference = b - a;
      edges_[k] = part >= 0.5 ? b - difference * (1 - part) : a + difference * part;
    }
  }

  // Any of below + 1 .. up_to; a value that is no edge has but one.
  template <class Draw>
  std::size_t chosen(std::size_t below, std::size_t up_to, const Draw& draw) const {
    if (up_to <= below + 1 || ties_ == Ties::upper) return up_to;
    if (ties_ == Ties::middle) return (below + 1 + up_to) / 2;
    return up_to - static_cast<std::size_t>(draw() * static_cast<double>(up_to - below));
  }

  std::vector<double> edges_;
  Ties ties_;
};

}  // namespace cell2text::scgpt
