// Percentile bootstrap intervals of scores that are means over cells. Knows nothing of what is scored.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "cell2text/error.hpp"
#include "cell2text/evaluate/prediction.hpp"

namespace cell2text {

struct BootstrapSettings {
  std::uint64_t seed = 0;
  std::int64_t resamples = 1000;
  double level = 0.95;  ///< share of the resampled means inside the interval
};

struct Interval {
  double low = 0;
  double high = 0;
};

namespace bootstrap_detail {

/// Cells with a value, as two columns whose weighted sums give the mean of a resample.
struct Column {
  std::vector<float> value, present;

  explicit Column(std::span<const float> per_cell) : value(per_cell.size()), present(per_cell.size()) {
    for (std::size_t i = 0; i < per_cell.size(); ++i)
      if (std::isfinite(per_cell[i])) value[i] = per_cell[i], present[i] = 1;
  }
};

/// Sum of weights times values; eight running sums, because a compiler may not reorder one.
inline double weighted_sum(const std::vector<float>& weights, const std::vector<float>& values) {
  std::array<double, 8> lanes{};
  std::size_t i = 0;
  for (; i + 8 <= weights.size(); i += 8)
    for (std::size_t lane = 0; lane < 8; ++lane)
      lanes[lane] += static_cast<double>(weights[i + lane] * values[i + lane]);
  for (; i < weights.size(); ++i) lanes[0] += static_cast<double>(weights[i] * values[i]);
  return ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
}

/// How often each of `counts.size()` units is drawn in one resample with replacement. Written out by hand:
/// the standard library's distributions differ between implementations.
inline void draw(std::mt19937_64& random, std::vector<float>& counts) {
  std::fill(counts.begin(), counts.end(), 0.0f);
  const std::uint64_t n = counts.size();
  for (std::uint64_t i = 0; i < n; i += 2) {
    const std::uint64_t bits = random();
    ++counts[((bits >> 32) * n) >> 32];
    if (i + 1 < n) ++counts[((bits & 0xffffffffu) * n) >> 32];
  }
}

/// The share q of sorted values, interpolated between neighbours.
inline double quantile(const std::vector<double>& sorted, double q) {
  const double at = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (at - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

/// Groups as numbers 0, 1, ...; empty where each cell stands for itself.
inline std::vector<std::uint32_t> number_groups(std::span<const std::string> groups) {
  std::vector<std::string> names(groups.begin(), groups.end());
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  std::vector<std::uint32_t> numbers;
  for (const std::string& group : groups)
    numbers.push_back(static_cast<std::uint32_t>(std::lower_bound(names.begin(), names.end(), group) - names.begin()));
  return numbers;
}

}  // namespace bootstrap_detail

/// Intervals of the means of several columns [score][cell], all from the same resamples. NaN marks a cell without
/// a value; a column without any has no interval. `groups`, where given, names one group per cell (a donor), and
/// whole groups are drawn. The same seed gives the same intervals everywhere.
/// InputError: columns or groups of different lengths, no resamples, a level outside (0, 1).
inline std::vector<std::optional<Interval>> bootstrap_intervals(std::span<const std::vector<float>> columns,
                                                                const BootstrapSettings& settings = {},
                                                                std::span<const std::string> groups = {}) {
  if (settings.resamples < 1 || !(settings.level > 0 && settings.level < 1))
    throw InputError("a bootstrap of " + std::to_string(settings.resamples) + " resamples at level " +
                     std::to_string(settings.level) + "; at least 1 resample and a level between 0 and 1 are needed");
  std::vector<std::optional<Interval>> intervals(columns.size());
  if (columns.empty() || columns[0].empty()) return intervals;
  const std::size_t num_cells = columns[0].size();
  for (const auto& column : columns)
    if (column.size() != num_cells)
      throw InputError("a bootstrap over " + std::to_string(num_cells) + " cells was given a score of " +
                       std::to_string(column.size()) + " cells; all scores must be of the same cells");
  if (!groups.empty() && groups.size() != num_cells)
    throw InputError("a bootstrap over " + std::to_string(num_cells) + " cells was given " +
                     std::to_string(groups.size()) + " groups; one per cell is needed");

  std::vector<bootstrap_detail::Column> prepared(columns.begin(), columns.end());
  const std::vector<std::uint32_t> group_of = bootstrap_detail::number_groups(groups);
  const std::size_t num_groups = group_of.empty() ? 0 : 1 + *std::max_element(group_of.begin(), group_of.end());
  std::vector<float> times(num_cells), group_times(num_groups);
  std::vector<std::vector<double>> means(columns.size());
  std::mt19937_64 random(settings.seed);
  for (std::int64_t resample = 0; resample < settings.resamples; ++resample) {
    bootstrap_detail::draw(random, group_of.empty() ? times : group_times);
    for (std::size_t cell = 0; cell < group_of.size(); ++cell) times[cell] = group_times[group_of[cell]];
    for (std::size_t c = 0; c < columns.size(); ++c) {
      const double drawn = bootstrap_detail::weighted_sum(times, prepared[c].present);
      if (drawn > 0) means[c].push_back(bootstrap_detail::weighted_sum(times, prepared[c].value) / drawn);
    }
  }
  for (std::size_t c = 0; c < columns.size(); ++c) {
    if (means[c].empty()) continue;
    std::sort(means[c].begin(), means[c].end());
    const double tail = (1 - settings.level) / 2;
    intervals[c] = Interval{bootstrap_detail::quantile(means[c], tail), bootstrap_detail::quantile(means[c], 1 - tail)};
  }
  return intervals;
}

/// Fills `low` and `high` of every score that has a value, values per cell and no interval yet.
/// Arguments and errors as bootstrap_intervals.
inline void add_intervals(Scores& scores, const BootstrapSettings& settings = {},
                          std::span<const std::string> groups = {}) {
  std::vector<Score*> open;
  std::vector<std::vector<float>> columns;
  for (Score& score : scores.scores) {
    if (!score.value || score.per_cell.empty() || score.low || score.high) continue;
    open.push_back(&score);
    columns.push_back(score.per_cell);
  }
  const auto intervals = bootstrap_intervals(columns, settings, groups);
  for (std::size_t i = 0; i < open.size(); ++i)
    if (intervals[i]) open[i]->low = intervals[i]->low, open[i]->high = intervals[i]->high;
}

}  // namespace cell2text
