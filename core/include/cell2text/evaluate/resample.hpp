// Scores of cells that are drawn with replacement: in each resample the same cells for every score. What is made of the
// values, intervals or differences, is bootstrap.hpp's.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "cell2text/error.hpp"
#include "cell2text/evaluate/prediction.hpp"
#include "cell2text/parallel/threads.hpp"

namespace cell2text {

struct BootstrapSettings {
  std::uint64_t seed = 0;
  std::int64_t resamples = 1000;
  double level = 0.95;  ///< share of the resampled values inside the interval
};

/// [score][resample] of one Scores: NaN where a resample says nothing, empty where the score cannot be resampled.
using ResampledScores = std::vector<std::vector<double>>;

namespace resample_detail {

/// Draws cells, or whole groups of them, one resample after the other. Written out by hand: the standard library's
/// distributions differ between implementations.
class Draws {
 public:
  Draws(std::size_t num_cells, std::uint64_t seed, std::span<const std::string> groups) : random_(seed) {
    std::vector<std::string> names(groups.begin(), groups.end());
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    for (const std::string& group : groups)
      group_of_.push_back(
          static_cast<std::uint32_t>(std::lower_bound(names.begin(), names.end(), group) - names.begin()));
    unit_times_.resize(groups.empty() ? num_cells : names.size());
  }

  void skip(std::int64_t resamples) {
    random_.discard(static_cast<unsigned long long>(resamples) * ((unit_times_.size() + 1) / 2));
  }
  /// How often each cell is drawn in the next resample.
  const std::vector<float>& next() {
    std::fill(unit_times_.begin(), unit_times_.end(), 0.0f);
    const std::uint64_t n = unit_times_.size();
    for (std::uint64_t i = 0; i < n; i += 2) {
      const std::uint64_t bits = random_();
      ++unit_times_[((bits >> 32) * n) >> 32];
      if (i + 1 < n) ++unit_times_[((bits & 0xffffffffu) * n) >> 32];
    }
    if (group_of_.empty()) return unit_times_;
    times_.resize(group_of_.size());
    for (std::size_t cell = 0; cell < times_.size(); ++cell) times_[cell] = unit_times_[group_of_[cell]];
    return times_;
  }

 private:
  std::mt19937_64 random_;
  std::vector<std::uint32_t> group_of_;  // [cell], empty where each cell stands for itself
  std::vector<float> unit_times_, times_;
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

/// Means over cells. Columns with the same missing cells share the count of the others.
class Means {
 public:
  void add(std::span<const float> per_cell, std::vector<double>& target) {
    std::vector<float> values(per_cell.begin(), per_cell.end()), present(per_cell.size(), 1);
    for (std::size_t i = 0; i < values.size(); ++i)
      if (!std::isfinite(values[i])) values[i] = present[i] = 0;
    auto same = std::find(present_.begin(), present_.end(), present);
    if (same == present_.end()) same = present_.insert(same, std::move(present));
    columns_.push_back({std::move(values), static_cast<std::size_t>(same - present_.begin()), &target});
  }
  void write(const std::vector<float>& times, std::size_t resample) const {
    std::vector<double> drawn;
    for (const auto& present : present_) drawn.push_back(weighted_sum(times, present));
    for (const Column& column : columns_)
      if (drawn[column.present] > 0)
        (*column.target)[resample] = weighted_sum(times, column.values) / drawn[column.present];
  }

 private:
  struct Column {
    std::vector<float> values;
    std::size_t present;
    std::vector<double>* target;
  };
  std::vector<Column> columns_;
  std::vector<std::vector<float>> present_;
};

/// Scores that are counted anew.
class Recounts {
 public:
  /// `targets`: one per name of the recount, null where its values are not wanted.
  void add(const Recount& recount, std::vector<std::vector<double>*> targets) {
    recounts_.push_back({&recount, std::move(targets)});
  }
  void write(const std::vector<float>& times, std::size_t resample) const {
    std::vector<double> counts, values;
    for (const auto& [recount, targets] : recounts_) {
      counts.assign(recount->num_outcomes, 0);
      for (std::size_t cell = 0; cell < times.size(); ++cell)
        counts[recount->outcome[cell]] += static_cast<double>(times[cell]);
      values.assign(targets.size(), std::numeric_limits<double>::quiet_NaN());
      recount->values(counts, values);
      for (std::size_t i = 0; i < targets.size(); ++i)
        if (targets[i]) (*targets[i])[resample] = values[i];
    }
  }

 private:
  struct One {
    const Recount* recount;
    std::vector<std::vector<double>*> targets;
  };
  std::vector<One> recounts_;
};

inline void check(const Score& score, std::size_t num_cells) {
  if (!score.per_cell.empty() && score.per_cell.size() != num_cells)
    throw InputError("a bootstrap over " + std::to_string(num_cells) + " cells was given the score '" + score.name +
                     "' of " + std::to_string(score.per_cell.size()) + " cells; all scores must be of the same cells");
}

inline void check(const Recount& recount, std::size_t num_cells) {
  const std::string what = "a recount of " + (recount.names.empty() ? "no score" : "'" + recount.names.front() + "'");
  if (recount.outcome.size() != num_cells)
    throw InputError("a bootstrap over " + std::to_string(num_cells) + " cells was given " + what + " over " +
                     std::to_string(recount.outcome.size()) + " cells; all scores must be of the same cells");
  for (const std::uint32_t outcome : recount.outcome)
    if (outcome >= recount.num_outcomes)
      throw InputError(what + " has the outcome " + std::to_string(outcome) + "; its outcomes are below " +
                       std::to_string(recount.num_outcomes));
  if (!recount.values) throw InputError(what + " has no function that gives its values");
}

}  // namespace resample_detail

/// The values that scores of `num_cells` cells take in each of `settings.resamples` resamples: of those with a value
/// and values per cell (NaN marks a cell without one) the mean, of those with a recount what it says. Every score of
/// every `all[i]` sees the same cells. `groups`, where given, names one group per cell (a donor), and whole groups are
/// drawn. The same seed gives the same values everywhere, on any number of threads.
/// InputError: scores, recounts or groups of other lengths, a recount with outcomes out of range, no resamples.
inline std::vector<ResampledScores> resample(std::span<const Scores* const> all, std::size_t num_cells,
                                             const BootstrapSettings& settings = {},
                                             std::span<const std::string> groups = {}) {
  if (settings.resamples < 1)
    throw InputError("a bootstrap of " + std::to_string(settings.resamples) + " resamples; at least 1 is needed");
  if (!groups.empty() && groups.size() != num_cells)
    throw InputError("a bootstrap over " + std::to_string(num_cells) + " cells was given " +
                     std::to_string(groups.size()) + " groups; one per cell is needed");
  const std::vector<double> nothing(static_cast<std::size_t>(settings.resamples),
                                    std::numeric_limits<double>::quiet_NaN());
  std::vector<ResampledScores> out(all.size());
  resample_detail::Means means;
  resample_detail::Recounts recounts;
  for (std::size_t part = 0; part < all.size(); ++part) {
    const std::vector<Score>& scores = all[part]->scores;
    out[part].resize(scores.size());
    for (std::size_t i = 0; i < scores.size(); ++i) {
      resample_detail::check(scores[i], num_cells);
      if (!scores[i].value || scores[i].per_cell.empty()) continue;
      out[part][i] = nothing;
      means.add(scores[i].per_cell, out[part][i]);
    }
    for (const Recount& recount : all[part]->recounts) {
      resample_detail::check(recount, num_cells);
      std::vector<std::vector<double>*> targets;
      for (const std::string& name : recount.names) {
        const auto found = std::ranges::find(scores, name, &Score::name);
        const bool wanted = found != scores.end() && found->value && found->per_cell.empty();
        targets.push_back(wanted ? &(out[part][found - scores.begin()] = nothing) : nullptr);
      }
      recounts.add(recount, std::move(targets));
    }
  }
  if (num_cells == 0) return out;
  const std::int64_t threads = at::get_num_threads();
  parallel_pieces(settings.resamples, (settings.resamples + threads - 1) / threads,
                  [&](std::int64_t first, std::int64_t last) {
                    resample_detail::Draws draws(num_cells, settings.seed, groups);
                    draws.skip(first);
                    for (std::int64_t one = first; one < last; ++one) {
                      const std::vector<float>& times = draws.next();
                      means.write(times, static_cast<std::size_t>(one));
                      recounts.write(times, static_cast<std::size_t>(one));
                    }
                  });
  return out;
}

}  // namespace cell2text
