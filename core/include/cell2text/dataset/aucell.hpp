// AUCell (Aibar et al. 2017, doi:10.1038/nmeth.4463): how far the genes of a set stand among the most expressed of a
// cell. The cutoff, its rounding and the largest area are those of ctxcore 0.2 (recovery.py). Which sets are scored is
// gene_sets.hpp's, what follows from the scores pathway_choice.hpp's.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/cells/cell_draws.hpp"
#include "cell2text/cells/keyed_sort.hpp"
#include "cell2text/error.hpp"

namespace cell2text::dataset {

/// How genes of one count, most of all the many without any, follow each other in a ranking.
enum class Ties {
  expected,  ///< in random order, of which the mean over all orders is computed
  seeded,    ///< in an order that seed and cell decide
  column,    ///< by column, which favours in every cell the sets whose genes stand first in the file
};

/// How many of the first ranks count: ctxcore's `derive_rank_cutoff`. InputError where the share of the genes is no
/// rank at all, or all of them.
inline std::int64_t aucell_cutoff(std::int64_t genes, double share) {
  const double cutoff =
      std::nearbyint(share * static_cast<double>(genes));  // a half goes to the even side, as in Python
  if (!(cutoff >= 1 && cutoff < static_cast<double>(genes)))
    throw InputError("the top " + std::to_string(share) + " of " + std::to_string(genes) +
                     " genes is no part of a ranking: at least one gene must lie inside and one outside. Select more "
                     "genes, or change the share");
  return static_cast<std::int64_t>(cutoff) - 1;
}

/// Scores cells against sets of genes. Built once; `score` may be called from several threads.
class Aucell {
 public:
  /// What decides the order of ties where it is seeded.
  struct TieOrder {
    std::uint64_t seed = 0, cell = 0;  ///< cell: cell_key of its name
  };

  /// Memory of one thread, kept between cells.
  class Scratch {
    friend Aucell;
    using Drawn = std::pair<std::uint64_t, std::int32_t>;  // a gene's place among its ties
    std::vector<KeyedItem> items, other;
    std::vector<Drawn> drawn;
    std::vector<double> area;
    std::vector<std::int64_t> expressed;
    std::vector<std::uint16_t> whole;  // counts as whole numbers
    std::vector<std::int32_t> tally;   // genes of each count, then the rank of the next of them; 0 between cells
    std::vector<double> area_of;       // by count: what a gene of it adds
  };

  /// `sets`: columns of each set, each once; a set without any scores 0 everywhere. `selected` [columns of the data]: 0
  /// for a gene that takes no part in the ranking. `share` of the selected genes that counts. InputError as
  /// aucell_cutoff; BugError where a set has a gene that is not selected.
  Aucell(std::span<const std::vector<std::int32_t>> sets, std::span<const std::uint8_t> selected, Ties ties,
         double share = 0.05)
      : ties_(ties), selected_(selected.begin(), selected.end()), first_set_(selected.size() + 1) {
    genes_ = static_cast<std::int64_t>(selected_.size()) - std::ranges::count(selected_, 0);
    depth_ = aucell_cutoff(genes_, share);
    std::vector<std::vector<std::int32_t>> sets_of(selected.size());
    for (std::size_t set = 0; set < sets.size(); ++set) {
      for (const std::int32_t column : sets[set]) {
        if (!selected[column])
          throw BugError("gene set " + std::to_string(set) + " has column " + std::to_string(column) +
                         ", which is not among the " + std::to_string(genes_) + " genes that are ranked");
        sets_of[column].push_back(static_cast<std::int32_t>(set));
      }
      set_sizes_.push_back(static_cast<std::int64_t>(sets[set].size()));
    }
    for (std::size_t column = 0; column < sets_of.size(); ++column) {
      sets_.insert(sets_.end(), sets_of[column].begin(), sets_of[column].end());
      first_set_[column + 1] = static_cast<std::int32_t>(sets_.size());
    }
  }

  Ties ties() const { return ties_; }
  std::int64_t num_sets() const { return static_cast<std::int64_t>(set_sizes_.size()); }
  std::int64_t num_genes() const { return genes_; }  ///< selected ones

  /// The scores of one cell, each in [0, 1], to `out` [num_sets]. Columns ascend; counts >= 0, raw or of any scale that
  /// keeps their order.
  void score(std::span<const std::int32_t> columns, std::span<const float> counts, TieOrder order, std::span<float> out,
             Scratch& scratch) const {
    scratch.area.assign(set_sizes_.size(), 0);
    scratch.expressed.assign(set_sizes_.size(), 0);
    const bool counted = ties_ != Ties::seeded && are_small_and_whole(counts, scratch);
    const std::int64_t n =
        counted ? add_counted(columns, scratch) : add_ranked(rank(columns, counts, scratch), order, scratch);
    if (n < depth_) add_zeros(columns, counts, n, order, scratch);
    for (std::size_t set = 0; set < set_sizes_.size(); ++set) {
      const double most = static_cast<double>((depth_ + 1) * set_sizes_[set]);  // ctxcore's, as in R: one rank too many
      out[set] = most > 0 ? static_cast<float>(scratch.area[set] / most) : 0;
    }
  }

 private:
  // The selected genes with a count, by count descending, those of one count by column.
  std::span<const KeyedItem> rank(std::span<const std::int32_t> columns, std::span<const float> counts,
                                  Scratch& scratch) const {
    if (scratch.items.size() <= columns.size())
      scratch.items.resize(columns.size() + 1), scratch.other.resize(columns.size() + 1);
    KeyedItem* const items = scratch.items.data();
    std::uint32_t least = ~0u, most = 0;
    std::size_t n = 0;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const bool kept = (selected_[columns[i]] != 0) & (counts[i] > 0);
      const std::uint32_t key = descending_key(counts[i]), all_if_kept = -std::uint32_t{kept};
      items[n] = keyed_item(key, columns[i]);
      n += kept;
      least = std::min(least, key | ~all_if_kept), most = std::max(most, key & all_if_kept);
    }
    if (n == 0) return {};
    return {sort_by_key(items, scratch.other.data(), n, least, most), n};
  }

  static constexpr std::int32_t small = 4096;  // counts below it are tallied and not sorted

  /// Leaves the counts as whole numbers.
  static bool are_small_and_whole(std::span<const float> counts, Scratch& scratch) {
    if (scratch.whole.size() < counts.size()) scratch.whole.resize(counts.size());
    std::uint16_t* const whole = scratch.whole.data();
    std::uint32_t other = 0;
    for (std::size_t i = 0; i < counts.size(); ++i) {
      const float count = counts[i] < static_cast<float>(small) ? counts[i] : 0.5f;
      const auto number = static_cast<std::int32_t>(count);
      whole[i] = static_cast<std::uint16_t>(number);
      other |= static_cast<float>(number) != count ? 1u : 0u;
    }
    return other == 0;
  }

  // Ranks without sorting: how many genes have a higher count, and of those with the same how many stand before.
  // Returns how many selected genes have a count.
  std::int64_t add_counted(std::span<const std::int32_t> columns, Scratch& scratch) const {
    scratch.tally.resize(small), scratch.area_of.resize(small);
    std::int32_t* const tally = scratch.tally.data();
    const std::uint16_t* const whole = scratch.whole.data();
    std::int32_t most = 0;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      tally[whole[i]] += selected_[columns[i]];
      most = std::max<std::int32_t>(most, whole[i]);
    }
    std::int64_t rank = 0;
    for (std::int32_t count = most; count > 0; --count) {
      const std::int32_t genes = tally[count];
      if (ties_ == Ties::column)
        tally[count] = static_cast<std::int32_t>(rank);
      else if (genes > 0)
        scratch.area_of[count] = rank < depth_ ? mean_area(rank, genes) : 0;
      rank += genes;
    }
    if (ties_ == Ties::column)
      add_by_column(columns, scratch);
    else
      for (std::size_t i = 0; i < columns.size(); ++i)
        if (whole[i] > 0 && in_a_set(columns[i])) add(columns[i], scratch.area_of[whole[i]], scratch);
    std::fill(tally, tally + most + 1, 0);
    return rank;
  }

  void add_by_column(std::span<const std::int32_t> columns, Scratch& scratch) const {
    std::int32_t* const next = scratch.tally.data();
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const std::int32_t rank = next[scratch.whole[i]];
      next[scratch.whole[i]] += selected_[columns[i]];
      if (scratch.whole[i] > 0 && in_a_set(columns[i])) add(columns[i], area_at(rank), scratch);
    }
  }

  bool in_a_set(std::int32_t column) const { return first_set_[column] < first_set_[column + 1]; }

  // Of the genes in their order; returns how many they are.
  std::int64_t add_ranked(std::span<const KeyedItem> ranked, TieOrder order, Scratch& scratch) const {
    const auto n = static_cast<std::int64_t>(ranked.size());
    for (std::int64_t first = 0, end; first < std::min(n, depth_); first = end) {
      for (end = first + 1; end < n && (ranked[end] >> 32) == (ranked[first] >> 32);) ++end;
      add_group(ranked.subspan(first, end - first), first, order, scratch);
    }
    return n;
  }

  static std::int32_t column_of(KeyedItem item) { return static_cast<std::int32_t>(item & 0xffffffff); }

  // A gene at a rank below depth_ adds the ranks that are left, itself included.
  double area_at(std::int64_t rank) const { return static_cast<double>(std::max<std::int64_t>(depth_ - rank, 0)); }

  // The mean of area_at over the ranks first .. first + n - 1.
  double mean_area(std::int64_t first, std::int64_t n) const {
    const double inside = static_cast<double>(std::min(n, depth_ - first));
    return inside * (area_at(first) - (inside - 1) / 2) / static_cast<double>(n);
  }

  void add(std::int32_t column, double area, Scratch& scratch) const {
    for (std::int32_t i = first_set_[column]; i < first_set_[column + 1]; ++i) {
      scratch.area[sets_[i]] += area;
      ++scratch.expressed[sets_[i]];
    }
  }

  // Genes of one count, the first of them at rank `first`.
  void add_group(std::span<const KeyedItem> group, std::int64_t first, TieOrder order, Scratch& scratch) const {
    const auto n = static_cast<std::int64_t>(group.size());
    if (ties_ == Ties::expected || n == 1) {
      const double area = mean_area(first, n);
      for (const KeyedItem item : group) add(column_of(item), area, scratch);
    } else if (ties_ == Ties::column) {
      for (std::int64_t i = 0; i < n; ++i) add(column_of(group[i]), area_at(first + i), scratch);
    } else {
      scratch.drawn.clear();
      for (const KeyedItem item : group)
        draw(column_of(item), order, std::numeric_limits<std::uint64_t>::max(), scratch);
      add_drawn(first, scratch);
    }
  }

  // Genes without a count, the first of them at rank `first` < depth_.
  void add_zeros(std::span<const std::int32_t> columns, std::span<const float> counts, std::int64_t first,
                 TieOrder order, Scratch& scratch) const {
    const std::int64_t zeros = genes_ - first;
    if (ties_ == Ties::expected) {
      const double area = mean_area(first, zeros);
      for (std::size_t set = 0; set < set_sizes_.size(); ++set)
        scratch.area[set] += static_cast<double>(set_sizes_[set] - scratch.expressed[set]) * area;
    } else if (ties_ == Ties::column) {
      std::int64_t rank = first;
      each_zero(columns, counts, [&](std::int32_t column) {
        add(column, area_at(rank), scratch);
        return ++rank < depth_;
      });
    } else {
      // Of the draws only the lowest matter. Those below a bound are looked at, and more where they are too few.
      const double wanted = static_cast<double>(depth_ - first);
      double share = (wanted + 6 * std::sqrt(wanted)) / static_cast<double>(zeros);
      for (;; share *= 2) {
        constexpr std::uint64_t all = std::numeric_limits<std::uint64_t>::max();
        const std::uint64_t bound = share < 1 ? static_cast<std::uint64_t>(share * 0x1p64) : all;
        scratch.drawn.clear();
        each_zero(columns, counts, [&](std::int32_t column) { return draw(column, order, bound, scratch), true; });
        if (bound == all || static_cast<double>(scratch.drawn.size()) >= wanted) break;
      }
      add_drawn(first, scratch);
    }
  }

  // f(column) for the selected genes without a count, ascending, until it returns false.
  template <class F>
  void each_zero(std::span<const std::int32_t> columns, std::span<const float> counts, const F& f) const {
    std::size_t next = 0;
    for (std::int32_t column = 0; column < static_cast<std::int32_t>(selected_.size()); ++column) {
      while (next < columns.size() && (columns[next] < column || !(counts[next] > 0))) ++next;
      if (!selected_[column] || (next < columns.size() && columns[next] == column)) continue;
      if (!f(column)) return;
    }
  }

  static void draw(std::int32_t column, TieOrder order, std::uint64_t bound, Scratch& scratch) {
    const std::uint64_t drawn = draw_bits(order.seed, order.cell, static_cast<std::uint64_t>(column));
    if (drawn <= bound) scratch.drawn.emplace_back(drawn, column);
  }

  void add_drawn(std::int64_t first, Scratch& scratch) const {
    std::ranges::sort(scratch.drawn);
    for (std::size_t i = 0; i < scratch.drawn.size(); ++i)
      add(scratch.drawn[i].second, area_at(first + static_cast<std::int64_t>(i)), scratch);
  }

  Ties ties_;
  std::vector<std::uint8_t> selected_;   // [columns]
  std::vector<std::int32_t> first_set_;  // [columns + 1] where the sets of a column begin in sets_
  std::vector<std::int32_t> sets_;
  std::vector<std::int64_t> set_sizes_;
  std::int64_t genes_ = 0, depth_ = 0;  // selected genes; ctxcore's rank_cutoff
};

}  // namespace cell2text::dataset
