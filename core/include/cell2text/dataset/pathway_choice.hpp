// From a cell's scores to the pathways that its text tells: which are active, which of all stay, which two a cell gets.
// Scores come cell by cell, in two passes; what is kept is a number for each set. Scoring is aucell.hpp's.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "cell2text/dataset/aucell.hpp"
#include "cell2text/error.hpp"
#include "cell2text/quantile.hpp"

namespace cell2text::dataset {

/// The first pass: in how many cells each set is active, which is where it scores above 0 and at or above a quantile
/// of all the sets' scores in the cell (at 0.95 with 50 sets: the three highest). One per thread.
class PathwayActivity {
 public:
  explicit PathwayActivity(std::int64_t sets, double active_quantile = 0.95)
      : quantile_(active_quantile), active_(sets) {}

  /// The scores of a cell, all sets' of them: 0 for those that are not available.
  void add(std::span<const float> scores) {
    ++cells_;
    if (scores.empty()) return;
    scratch_.assign(scores.begin(), scores.end());
    const double least = quantile(std::span(scratch_), quantile_);
    for (std::size_t set = 0; set < scores.size(); ++set) active_[set] += scores[set] > 0 && scores[set] >= least;
  }
  /// BugError where it counts other sets.
  void merge(const PathwayActivity& other) {
    if (other.active_.size() != active_.size())
      throw BugError("activity of " + std::to_string(active_.size()) + " gene sets cannot take in that of " +
                     std::to_string(other.active_.size()));
    for (std::size_t set = 0; set < active_.size(); ++set) active_[set] += other.active_[set];
    cells_ += other.cells_;
  }

  std::int64_t cells() const { return cells_; }
  /// [sets] cells in which it is active.
  const std::vector<std::int64_t>& active() const { return active_; }

  /// [sets] 1 for those active in at least this share of the cells; of no cells none.
  std::vector<std::uint8_t> retained(double min_share = 0.005) const {
    std::vector<std::uint8_t> retained;
    for (const std::int64_t active : active_)
      retained.push_back(cells_ > 0 && active > 0 &&
                         static_cast<double>(active) / static_cast<double>(cells_) >= min_share);
    return retained;
  }

 private:
  double quantile_;
  std::vector<std::int64_t> active_;
  std::int64_t cells_ = 0;
  std::vector<float> scratch_;
};

/// The sets that a cell's text tells; -1: none.
struct TopTwo {
  std::int32_t first = -1, second = -1;
  bool operator==(const TopTwo&) const = default;
  /// Whether both are the same, in either order.
  bool same_sets(const TopTwo& other) const {
    return *this == other || (first == other.second && second == other.first);
  }
};

/// The second pass: the two highest of the retained sets that score above 0, of equals the earlier in the file.
inline TopTwo top_two(std::span<const float> scores, std::span<const std::uint8_t> retained) {
  TopTwo top;
  const auto score = [&](std::int32_t set) { return set < 0 ? 0 : scores[set]; };
  for (std::int32_t set = 0; set < static_cast<std::int32_t>(scores.size()); ++set) {
    if (!retained[set]) continue;
    if (scores[set] > score(top.first))
      top.second = top.first, top.first = set;
    else if (scores[set] > score(top.second))
      top.second = set;
  }
  return top;
}

/// What a cell would be told under different orders of its ties.
using SeededTopTwos = std::array<TopTwo, 10>;

/// With the seeds `first_seed` and on. `cell`: cell_key of its name. BugError where the ties are not seeded.
inline SeededTopTwos seeded_top_twos(const Aucell& aucell, std::span<const std::int32_t> columns,
                                     std::span<const float> counts, std::uint64_t cell,
                                     std::span<const std::uint8_t> retained, std::uint64_t first_seed,
                                     Aucell::Scratch& scratch) {
  if (aucell.ties() != Ties::seeded) throw BugError("orders of ties are compared without seeds to tell them apart");
  SeededTopTwos all;
  std::vector<float> scores(aucell.num_sets());
  for (TopTwo& top : all) {
    aucell.score(columns, counts, {first_seed++, cell}, scores, scratch);
    top = top_two(scores, retained);
  }
  return all;
}

/// In how many cells the two sets depend on the order of ties. One per thread.
class PathwayStability {
 public:
  void add(const SeededTopTwos& cell) {
    ++cells_;
    changed_ += !std::ranges::all_of(cell, [&](const TopTwo& top) { return top.same_sets(cell[0]); });
    reordered_ += !std::ranges::all_of(cell, [&](const TopTwo& top) { return top == cell[0]; });
  }
  void merge(const PathwayStability& other) {
    cells_ += other.cells_, changed_ += other.changed_, reordered_ += other.reordered_;
  }

  std::int64_t cells() const { return cells_; }
  /// Share of the cells of which some seed chooses other sets than another seed; 0 of no cells.
  double changed() const { return cells_ > 0 ? static_cast<double>(changed_) / static_cast<double>(cells_) : 0; }
  /// The same, where the same two in the other order count as changed too.
  double reordered() const { return cells_ > 0 ? static_cast<double>(reordered_) / static_cast<double>(cells_) : 0; }

 private:
  std::int64_t cells_ = 0, changed_ = 0, reordered_ = 0;
};

}  // namespace cell2text::dataset
