// Percentile bootstrap intervals of scores, and of the difference of two systems' scores on the same cells. The
// resampling is resample.hpp's; nothing here knows what is scored.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "cell2text/error.hpp"
#include "cell2text/evaluate/prediction.hpp"
#include "cell2text/evaluate/resample.hpp"
#include "cell2text/quantile.hpp"

namespace cell2text {

struct Interval {
  double low = 0;
  double high = 0;
};

namespace bootstrap_detail {

inline void check_level(double level) {
  if (!(level > 0 && level < 1))
    throw InputError("a bootstrap at level " + std::to_string(level) + "; a level between 0 and 1 is needed");
}

/// Of the values that say something; nothing where none does.
inline std::optional<Interval> interval_of(std::vector<double> values, double level) {
  std::erase_if(values, [](double value) { return !std::isfinite(value); });
  if (values.empty()) return std::nullopt;
  std::sort(values.begin(), values.end());
  const double tail = (1 - level) / 2;
  const std::span<const double> sorted(values);
  return Interval{sorted_quantile(sorted, tail), sorted_quantile(sorted, 1 - tail)};
}

}  // namespace bootstrap_detail

/// Fills `low` and `high` of every score of `all` that has a value, values per cell or a recount, and no interval yet.
/// All scores are of the same `num_cells` cells, and see the same resamples. `groups` and errors as `resample`;
/// InputError for a level outside (0, 1).
inline void add_intervals(std::span<Scores* const> all, std::size_t num_cells, const BootstrapSettings& settings = {},
                          std::span<const std::string> groups = {}) {
  bootstrap_detail::check_level(settings.level);
  const std::vector<const Scores*> constant(all.begin(), all.end());
  auto resampled = resample(constant, num_cells, settings, groups);
  for (std::size_t part = 0; part < all.size(); ++part)
    for (std::size_t i = 0; i < resampled[part].size(); ++i) {
      Score& score = all[part]->scores[i];
      if (score.low || score.high) continue;
      if (const auto interval = bootstrap_detail::interval_of(std::move(resampled[part][i]), settings.level))
        score.low = interval->low, score.high = interval->high;
    }
}

/// Whose each cell is, for `groups` of the functions above. Empty, so that cells are drawn one by one, where fewer than
/// two donors are known; otherwise cells of unknown donor count as one donor's.
inline std::vector<std::string> donor_groups(std::span<const Prediction> predictions) {
  std::set<std::string> donors;
  std::vector<std::string> groups;
  for (const Prediction& one : predictions) {
    if (!one.donor.empty()) donors.insert(one.donor);
    groups.push_back(one.donor);
  }
  if (donors.size() < 2) groups.clear();
  return groups;
}

}  // namespace cell2text
