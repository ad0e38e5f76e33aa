// Judges from a sample of values whether a matrix holds raw counts, and names what it holds otherwise.
// Knows nothing of files.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "cell2text/io/anndata.hpp"
#include "row_block.hpp"

namespace cell2text::h5ad {

/// What a sample of rows (or, for a CSC matrix, of columns) shows.
class Evidence {
 public:
  /// `whole_rows`: whether the block's entries are cells, so that their sums and steps mean something.
  void add(const RowBlock& block, bool whole_rows) {
    for (std::int64_t row = 0; row < block.rows(); ++row) {
      double smallest = std::numeric_limits<double>::infinity(), sum = 0;
      std::int64_t nonzero = 0;
      for (std::int64_t i = block.starts[row]; i < block.starts[row + 1]; ++i) {
        const double value = block.values[i];
        add_value(value);
        if (value == 0) continue;
        ++nonzero, sum += value, smallest = std::min(smallest, value);
      }
      if (!whole_rows || nonzero < 10 || !(smallest > 0) || !std::isfinite(sum)) continue;
      sums_.push_back(sum);
      steps_ += std::abs(smallest - std::round(smallest)) > 0.001 && is_stepped(block, row, smallest);
    }
  }

  /// Empty where the values can be raw counts; else what they are.
  std::string objection() const {
    if (not_finite_ > 0) return "holds NaN or infinite values";
    if (negative_ > 0) return "holds negative values (smallest " + text(smallest_) + "): scaled or centred, not counts";
    if (nonzero_ == 0) return "holds only zeros";
    if (whole_share() >= 0.999) return "";
    if (largest_ < 30 && whole_share() < 0.2)
      return "looks log-normalised (fractions, largest " + text(largest_) + "), not counts";
    if (sums_are_equal()) return "looks normalised (every cell sums to about " + text(sums_.front()) + "), not counts";
    if (sums_.size() >= 3 && steps_ * 10 > sums_.size() * 9)
      return "looks normalised (the values of a cell are multiples of one fraction), not counts";
    return "";
  }
  /// Fractions that pass as counts: corrected for ambient RNA, or estimated by a pseudo-aligner.
  bool corrected() const { return objection().empty() && whole_share() < 0.999; }
  double largest() const { return largest_; }

 private:
  static std::string text(double value) { return anndata::detail::shortest_text(static_cast<float>(value)); }

  void add_value(double value) {
    if (!std::isfinite(value)) return void(++not_finite_);
    if (value == 0) return;
    ++nonzero_;
    negative_ += value < 0;
    whole_ += std::abs(value - std::round(value)) < 1e-4;
    largest_ = std::max(largest_, value);
    smallest_ = std::min(smallest_, value);
  }
  /// Counts divided by one number per cell stay multiples of the smallest value, which stands for one molecule.
  static bool is_stepped(const RowBlock& block, std::int64_t row, double smallest) {
    std::int64_t nonzero = 0, stepped = 0;
    for (std::int64_t i = block.starts[row]; i < block.starts[row + 1]; ++i) {
      const double steps = block.values[i] / smallest;
      if (steps == 0) continue;
      ++nonzero;
      stepped += std::abs(steps - std::round(steps)) < 0.01;
    }
    return stepped * 100 >= nonzero * 99;
  }
  bool sums_are_equal() const {
    if (sums_.size() < 3) return false;
    const auto [low, high] = std::ranges::minmax(sums_);
    return high - low < 0.01 * high;
  }
  double whole_share() const {
    return static_cast<double>(whole_) / static_cast<double>(std::max<std::int64_t>(nonzero_, 1));
  }

  std::int64_t nonzero_ = 0, whole_ = 0, negative_ = 0, not_finite_ = 0;
  double largest_ = 0, smallest_ = 0;
  std::vector<double> sums_;
  std::size_t steps_ = 0;
};

}  // namespace cell2text::h5ad
