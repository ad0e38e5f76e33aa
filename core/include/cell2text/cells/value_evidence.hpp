// Judges from a sample of cells what the values of a matrix are: counts, counts corrected for ambient RNA or estimated,
// normalised, logged, scaled. Knows nothing of files and tensors.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cell2text/cells/value_kind.hpp"

namespace cell2text {

/// Collects a sample. A few hundred cells tell; memory is some 100 bytes a cell.
class ValueEvidence {
 public:
  /// The stored values of one cell; zeros may be among them.
  void add_cell(std::span<const float> values) {
    add_values(values);
    Cell cell;
    double smallest = std::numeric_limits<double>::infinity(), largest = 0;
    for (const double value : values) {
      if (value == 0) continue;
      ++cell.nonzero;
      cell.fractions |= !is_whole(value);
      smallest = std::min(smallest, value), largest = std::max(largest, value), cell.sums[0] += value;
    }
    if (cell.nonzero < 5 || !(smallest > 0) || !std::isfinite(largest)) return;
    for (std::size_t t = 1; t < transforms; ++t) cell.sums[t] = cell.fractions ? undone_sum(values, t) : std::nan("");
    cell.flat = largest - smallest < 1e-4 * largest;
    if (cell.fractions && !cell.flat && cell.nonzero >= 8)
      for (std::size_t t = 0; t < transforms; ++t) cell.stepped[t] = is_stepped(values, t, smallest);
    cells_.push_back(cell);
  }

  /// Values that are not those of one cell, such as a column of a matrix: no sums are judged.
  void add_values(std::span<const float> values) {
    for (const double value : values) {
      if (!std::isfinite(value)) {
        ++not_finite_;
        continue;
      }
      if (value == 0) continue;
      ++nonzero_;
      negative_ += value < 0;
      whole_ += is_whole(value);
      above_half_ += value > 0.5, near_whole_ += value > 0.5 && std::abs(value - std::round(value)) < 0.05;
      largest_ = std::max(largest_, value), smallest_ = std::min(smallest_, value);
      for (std::size_t t = 1; t < transforms; ++t) add_undone(t, value);
    }
  }

  double largest() const { return largest_; }
  double whole_share() const { return share(whole_, nonzero_); }

  ValueJudgement judge() const {
    using enum ValueKind;
    if (not_finite_ > 0) return {not_finite, "holds NaN or infinite values"};
    if (negative_ > 0)
      return {scaled, "holds negative values (smallest " + number(smallest_) + "): scaled or centred, not counts"};
    if (nonzero_ == 0) return {empty, "holds only zeros"};
    if (whole_share() >= 0.999) return {counts, ""};
    for (std::size_t t = 1; t < transforms; ++t)
      if (undone_[t] > 0 && share(whole_undone_[t], undone_[t]) >= 0.999)
        return {logged, "looks like the logarithm of counts (" + about_values() + "; " + undo_names[t] +
                            " gives whole numbers), not counts"};
    if (const auto t = constant_sums()) return normalised_by(*t, "sums to about " + number(median_sum(*t)));
    if (whole_share() >= 0.2) return corrected_by("whole numbers among fractions, sums that differ freely");
    if (const auto t = steps())
      return normalised_by(*t, "the values of a cell are multiples of one fraction", " in each cell");
    if (flat_share() > 0.5)
      return {normalised, "looks normalised (all values of a cell are one and the same fraction), not counts"};
    return by_scale();
  }

 private:
  // What undoes a normalisation's last step: nothing, or one of the logarithms of x + 1 that are in use.
  static constexpr std::size_t transforms = 4;
  static constexpr std::array<const char*, transforms> undo_names = {"", "exp(x) - 1", "2^x - 1", "10^x - 1"};
  static constexpr double log_ceiling = 25;  // log2 of a million is 20

  static double undone(std::size_t transform, double value) {
    if (transform == 0) return value;
    if (value > log_ceiling) return std::numeric_limits<double>::infinity();
    return transform == 1 ? std::expm1(value) : transform == 2 ? std::exp2(value) - 1 : std::pow(10.0, value) - 1;
  }

  static double undone_sum(std::span<const float> values, std::size_t transform) {
    double sum = 0;
    for (const double value : values)
      if (value != 0) sum += undone(transform, value);
    return sum;
  }

  struct Cell {
    std::int64_t nonzero = 0;
    bool fractions = false, flat = false;
    std::array<double, transforms> sums{};  // NaN after an undone logarithm where all values are whole
    std::array<bool, transforms> stepped{};
  };

  static bool is_whole(double value) {
    const double nearest = std::round(value);
    return nearest >= 1 && std::abs(value - nearest) < 1e-4;
  }
  // Beyond some hundreds, float32 logarithms no longer tell one whole number from its neighbours' middle.
  void add_undone(std::size_t transform, double value) {
    const double x = undone(transform, value);
    if (x > 300) return;
    ++undone_[transform];
    whole_undone_[transform] += std::round(x) >= 1 && std::abs(x - std::round(x)) < 1e-3;
  }
  static double share(std::int64_t part, std::int64_t whole) {
    return static_cast<double>(part) / static_cast<double>(std::max<std::int64_t>(whole, 1));
  }
  static std::string number(double value) {
    char text[32];
    std::snprintf(text, sizeof text, std::abs(value) < 1e6 ? "%.6g" : "%.3g",
                  std::abs(value) >= 1000 ? std::round(value) : value);
    if (value > 99 && value < 1e15) std::snprintf(text, sizeof text, "%.0f", value);
    return text;
  }

  // Counts divided by one number per cell stay multiples of the smallest value, which stands for one molecule, or few.
  static bool is_stepped(std::span<const float> values, std::size_t transform, double smallest) {
    const double base = undone(transform, smallest);
    for (int molecules = 1; molecules <= 3; ++molecules) {
      std::int64_t nonzero = 0, stepped = 0;
      for (const double value : values) {
        if (value == 0) continue;
        const double ratio = undone(transform, value) / base * molecules;
        ++nonzero;
        stepped += std::abs(ratio - std::round(ratio)) < 0.01 + 1e-5 * ratio && ratio < 1e4;
      }
      if (stepped * 100 >= nonzero * 99) return true;
    }
    return false;
  }

  std::string about_values() const { return "fractions, largest " + number(largest_); }

  double median_sum(std::size_t transform) const { return quantile(transform, 0.5); }
  double quantile(std::size_t transform, double q) const {
    std::vector<double> sums;
    for (const Cell& cell : cells_)
      if (!std::isnan(cell.sums[transform])) sums.push_back(cell.sums[transform]);
    if (sums.size() < 3) return std::numeric_limits<double>::infinity();
    const auto at = sums.begin() + static_cast<std::ptrdiff_t>(q * static_cast<double>(sums.size() - 1) + 0.5);
    std::ranges::nth_element(sums, at);
    return *at;
  }

  // The transform after which nine cells in ten have the same sum.
  std::optional<std::size_t> constant_sums() const {
    for (std::size_t t = 0; t < transforms; ++t) {
      const double low = quantile(t, 0.05), high = quantile(t, 0.95);
      if (std::isfinite(high) && high - low < 0.01 * high) return t;
    }
    return std::nullopt;
  }

  std::optional<std::size_t> steps() const {
    std::int64_t judged = 0;
    std::array<std::int64_t, transforms> stepped{};
    for (const Cell& cell : cells_) {
      if (!cell.fractions || cell.flat || cell.nonzero < 8) continue;
      ++judged;
      for (std::size_t t = 0; t < transforms; ++t) stepped[t] += cell.stepped[t];
    }
    const auto best = std::ranges::max_element(stepped);
    if (judged < 3 || *best * 10 < judged * 8) return std::nullopt;
    return static_cast<std::size_t>(best - stepped.begin());
  }

  double flat_share() const {
    return share(std::ranges::count_if(cells_, [](const Cell& cell) { return cell.flat && cell.fractions; }),
                 std::ssize(cells_));
  }

  ValueJudgement normalised_by(std::size_t transform, const std::string& what, const std::string& where = "") const {
    if (transform == 0) {
      const std::string each = where.empty() ? "every cell " : "";
      return {ValueKind::normalised, "looks normalised (" + each + what + "), not counts"};
    }
    return {ValueKind::logged, "looks log-normalised (" + about_values() + "; " + undo_names[transform] +
                                   (where.empty() ? " " + what + " in every cell" : ": " + what) + "), not counts"};
  }
  ValueJudgement corrected_by(const std::string& why) const {
    return {ValueKind::corrected_counts, "holds corrected or estimated counts (" + about_values() + "; " + why + ")"};
  }

  // Deeper cells have more genes, and in counts also more per gene; in logarithms of normalised values, less.
  // The slope of log(sum) over log(genes) is thus above 1 for counts and below 1 for logarithms.
  std::optional<double> depth_slope() const {
    double n = 0, x = 0, y = 0, xx = 0, xy = 0;
    for (const Cell& cell : cells_) {
      const double genes = std::log(static_cast<double>(cell.nonzero)), sum = std::log(cell.sums[0]);
      ++n, x += genes, y += sum, xx += genes * genes, xy += genes * sum;
    }
    const double variance = n > 0 ? xx / n - x / n * x / n : 0;
    if (n < 30 || variance < 0.02) return std::nullopt;
    return (xy / n - x / n * y / n) / variance;
  }

  ValueJudgement by_scale() const {
    const bool large = largest_ > log_ceiling;
    const auto slope = depth_slope();
    if (slope && *slope > 1.05) return corrected_by("cells with more genes have more per gene, as counts do");
    if (near_whole_share() > (large ? 0.3 : 0.45)) return corrected_by("most a little off whole numbers");
    if (large && sum_spread() > 0.25) return corrected_by("of the size of counts, sums that differ freely");
    if (large)
      return {ValueKind::unclear, "holds fractions of the size of counts (largest " + number(largest_) +
                                      ", hardly a whole number): corrected counts, or TPM, FPKM or the like"};
    if (slope && *slope < 0.95)
      return {ValueKind::logged,
              "looks log-normalised (" + about_values() + "; cells with more genes have less per gene), not counts"};
    return {ValueKind::unclear, "holds small fractions (largest " + number(largest_) +
                                    "): corrected counts of shallow cells, or logarithms"};
  }

  // Standard deviation of the natural logarithm of the cells' sums; of FPKM some 0.1, of counts 0.3 to 1.
  double sum_spread() const {
    double n = 0, sum = 0, squares = 0;
    for (const Cell& cell : cells_) {
      const double x = std::log(cell.sums[0]);
      ++n, sum += x, squares += x * x;
    }
    return n < 8 ? 0 : std::sqrt(std::max(squares / n - sum / n * sum / n, 0.0));
  }

  // Of the values above 1/2, those within 0.05 of a whole number: one in ten where values are spread evenly.
  double near_whole_share() const { return share(near_whole_, above_half_); }

  std::int64_t nonzero_ = 0, whole_ = 0, above_half_ = 0, near_whole_ = 0, negative_ = 0, not_finite_ = 0;
  std::array<std::int64_t, transforms> undone_{}, whole_undone_{};  // values whose logarithm was undone, whole ones
  double largest_ = 0, smallest_ = 0;
  std::vector<Cell> cells_;
};

}  // namespace cell2text
