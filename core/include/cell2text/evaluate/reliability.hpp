// How far the confidences of labels can be trusted: bins of the reliability curve, expected calibration error, and
// accuracy among the surest cells. Reads no texts; knows no files.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <span>
#include <vector>

namespace cell2text {

/// What a system said of one label of one cell.
struct JudgedLabel {
  double confidence = 0;  ///< 0..1
  bool right = false;
  bool operator==(const JudgedLabel&) const = default;
};

/// The cells of one bin of the reliability curve. Sums, in which a cell may count any number of times.
struct ReliabilityBin {
  double cells = 0, confidence = 0, right = 0;
};

/// The labels by bins of equal width over 0..1. A confidence on the edge of two belongs to the lower one, as for
/// scikit-learn's calibration_curve. `times` says how often each label counts; empty: once. `bins` is 1 or more.
inline std::vector<ReliabilityBin> reliability_bins(std::span<const JudgedLabel> labels, std::size_t bins,
                                                    std::span<const double> times = {}) {
  std::vector<double> edges;  // between bins, as numpy's linspace rounds them
  for (std::size_t i = 1; i < bins; ++i) edges.push_back(static_cast<double>(i) * (1.0 / static_cast<double>(bins)));
  std::vector<ReliabilityBin> all(bins);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const double count = times.empty() ? 1 : times[i];
    ReliabilityBin& bin = all[std::ranges::lower_bound(edges, labels[i].confidence) - edges.begin()];
    bin.cells += count, bin.confidence += count * labels[i].confidence, bin.right += count * labels[i].right;
  }
  return all;
}

/// The mean over cells of how far the accuracy of their bin lies from its mean confidence (Guo et al. 2017). NaN where
/// no bin has cells.
inline double expected_calibration_error(std::span<const ReliabilityBin> bins) {
  double cells = 0, off = 0;
  for (const ReliabilityBin& bin : bins) cells += bin.cells, off += std::abs(bin.right - bin.confidence);
  return cells == 0 ? std::numeric_limits<double>::quiet_NaN() : off / cells;
}

/// The accuracy among the surest `coverage` (above 0, to 1) of the labels, which come sorted, the surest first. Of
/// labels that are as sure as the last one that counts, all count alike, with what is left; so the order among them
/// does not matter. `times` as above. NaN where nothing counts.
inline double accuracy_of_surest(std::span<const JudgedLabel> labels, double coverage,
                                 std::span<const double> times = {}) {
  const auto count = [&](std::size_t i) { return times.empty() ? 1.0 : times[i]; };
  double all = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) all += count(i);
  const double wanted = coverage * all;
  double taken = 0, right = 0;
  for (std::size_t begin = 0; begin < labels.size() && taken < wanted;) {
    double cells = 0, hits = 0;
    std::size_t end = begin;
    for (; end < labels.size() && labels[end].confidence == labels[begin].confidence; ++end)
      cells += count(end), hits += count(end) * labels[end].right;
    const double share = cells > 0 ? std::min(1.0, (wanted - taken) / cells) : 0;
    taken += share * cells, right += share * hits;
    begin = end;
  }
  return taken == 0 ? std::numeric_limits<double>::quiet_NaN() : right / taken;
}

}  // namespace cell2text
