// Personalised PageRank as networkx.pagerank (3.x) computes it, to reproduce figures that were made with it: power
// iteration that ends at a coarse tolerance. Eight walks at once, each ending where it would alone.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/error.hpp"
#include "cell2text/ontology/lane_loops.hpp"
#include "cell2text/ontology/lanes.hpp"
#include "cell2text/ontology/twin_classes.hpp"

namespace cell2text {

/// All terms start with the same rank, and twins but for the source receive the same in each iteration; the source
/// receives what they do, and the share of the walk that returns. So a class needs one number, and a walk one more.
class PowerIteration {
 public:
  using Class = TwinClasses::Class;
  static constexpr double tolerance = 1e-6;  ///< of the summed change in one iteration, per term
  static constexpr int max_iterations = 100;

  PowerIteration(const TwinClasses& classes, double damping)
      : classes_(classes), damping_(damping), num_terms_(static_cast<double>(classes.num_terms())) {
    choose_order();
    for (const Class one : order_) {
      const auto m = static_cast<double>(classes.members(one).size());
      handing_.push_back(m / classes.degree(one));
      degrees_.push_back(classes.degree(one));
      for (const Class other : classes.neighbours(one)) from_.push_back(place_[other]);
      std::sort(from_.begin() + static_cast<std::ptrdiff_t>(offsets_.back()), from_.end());
      offsets_.push_back(from_.size());
    }
  }

  /// Sources stand in this order in a block.
  std::uint32_t place_of(Class one) const { return place_[one]; }

  /// What one thread computes with: what each place hands to each of its neighbours, before and after.
  struct Room {
    std::vector<Lanes> handed, next_handed;
  };
  Room room() const {
    const std::vector<Lanes> one(order_.size());
    return {one, one};
  }

  /// Sets ranks[i], room for each class, and own[i], both as ClassWalk has them, of the walk that returns to
  /// sources[i], and from terms without relations goes there. At most Lanes::count different sources, in the order of
  /// their places. InputError where a walk does not settle.
  void rank(std::span<const Class> sources, std::span<double* const> ranks, std::span<double> own, Room& room) const {
    Block block = start(sources, room);
    std::size_t num_settled = 0;
    for (int iteration = 0; iteration < max_iterations; ++iteration) {
      const Lanes change = step(block, room, iteration == 0);
      for (std::size_t lane = 0; lane < sources.size(); ++lane) {
        if (block.settled[lane] || !(change[lane] < num_terms_ * tolerance)) continue;
        block.settled[lane] = true, ++num_settled;
        own[lane] = collect(block, lane, sources[lane], room, ranks[lane]);
      }
      if (num_settled == sources.size()) return;
    }
    throw InputError("tolerance \"networkx\": the ranks of a walk still change after " +
                     std::to_string(max_iterations) + " iterations, where networkx gives up too (" +
                     std::to_string(classes_.num_terms()) + " terms, damping " + std::to_string(damping_) +
                     "); use \"exact\", which needs no iterations");
  }

 private:
  /// What the walks of a block have beside their ranks at places.
  struct Block {
    std::array<cpu::WalkStep::Source, Lanes::count> sources;
    std::array<double, Lanes::count> members, degrees;  // of the sources' classes
    std::array<double, Lanes::count> returning;         // what a source received beyond its twins
    std::array<bool, Lanes::count> settled;
    std::size_t count;
  };

  bool has_relations(const Block& block, std::size_t lane) const { return block.sources[lane].place < order_.size(); }

  /// In the order of a walk down from the first term: what is near in the ontology is then near in memory. Terms
  /// without relations have no place among the others, but one behind them.
  void choose_order() {
    constexpr auto none = static_cast<std::uint32_t>(-1);
    place_.assign(classes_.size(), none);
    std::vector<Class> open;
    for (Class start = 0; start < classes_.size(); ++start) {
      if (classes_.degree(start) == 0) {
        num_without_relations_ = static_cast<double>(classes_.members(start).size());
        continue;
      }
      open.push_back(start);
      while (!open.empty()) {
        const Class one = open.back();
        open.pop_back();
        if (place_[one] != none) continue;
        place_[one] = static_cast<std::uint32_t>(order_.size());
        order_.push_back(one);
        for (const Class other : classes_.neighbours(one)) open.push_back(other);
      }
    }
    std::ranges::stable_sort(order_, {}, [&](Class one) { return classes_.neighbours(one).size(); });
    for (std::uint32_t i = 0; i < order_.size(); ++i) place_[order_[i]] = i;
    std::ranges::replace(place_, none, static_cast<std::uint32_t>(order_.size()));
  }

  Block start(std::span<const Class> sources, Room& room) const {
    Block block{};
    block.count = sources.size();
    const double rank = 1 / num_terms_;
    for (std::size_t lane = 0; lane < sources.size(); ++lane) {
      block.sources[lane] = {place_[sources[lane]], 0, rank};
      block.members[lane] = static_cast<double>(classes_.members(sources[lane]).size());
      block.degrees[lane] = classes_.degree(sources[lane]);
    }
    for (std::size_t place = 0; place < order_.size(); ++place)
      std::ranges::fill(room.handed[place].values, rank * handing_[place]);
    return block;
  }

  /// One iteration; returns the summed change of each walk.
  Lanes step(Block& block, Room& room, bool first) const {
    const auto before = block;
    for (std::size_t lane = 0; lane < block.count; ++lane) {
      // Terms without relations hand all they have to the source, and receive nothing unless one of them is the source.
      double lost = first ? num_without_relations_ / num_terms_ : 0;
      if (!has_relations(block, lane) && !first) lost = block.returning[lane];
      block.returning[lane] = damping_ * lost + (1 - damping_);
      block.sources[lane].returning = block.returning[lane] / block.degrees[lane];
    }
    Lanes change;
    CELL2TEXT_KERNEL(walk_step,
                     {order_.size(), offsets_.data(), from_.data(), handing_.data(), degrees_.data(), damping_,
                      block.sources.data(), block.count, room.handed.data(), room.next_handed.data(), &change});
    std::swap(room.handed, room.next_handed);
    for (std::size_t lane = 0; lane < block.count; ++lane)
      change.set(lane, change[lane] + correction(before, block, lane, first));
    return change;
  }

  /// What the sum over places misses of a walk's change: the terms without relations; and where the share that returns
  /// is not what it was, the source's change and its twins', which were seen as one.
  double correction(const Block& before, const Block& now, std::size_t lane, bool first) const {
    const double start = 1 / num_terms_;
    if (!has_relations(now, lane)) {
      const double own = first ? start : before.returning[lane];
      return std::abs(now.returning[lane] - own) + (first ? (num_without_relations_ - 1) * start : 0);
    }
    double missing = first ? num_without_relations_ * start : 0;
    if (const double more = now.returning[lane] - before.returning[lane]; more != 0) {
      const double change = now.sources[lane].received - before.sources[lane].received, m = now.members[lane];
      missing += (m - 1) * std::abs(change) + std::abs(change + more) - std::abs(m * change + more);
    }
    return missing;
  }

  /// Sets the ranks of one walk by class, and returns that of its source.
  double collect(const Block& block, std::size_t lane, Class source, const Room& room, double* ranks) const {
    for (Class one = 0; one < classes_.size(); ++one)
      ranks[one] = place_[one] < order_.size() ? room.handed[place_[one]][lane] / handing_[place_[one]] : 0;
    const double others = has_relations(block, lane) ? block.sources[lane].received : 0;
    const double own = others + block.returning[lane];
    ranks[source] = block.members[lane] == 1 ? own : others;
    return own;
  }

  const TwinClasses& classes_;
  double damping_, num_terms_, num_without_relations_ = 0;
  std::vector<Class> order_;               // the class at each place
  std::vector<std::uint32_t> place_;       // the inverse
  std::vector<std::size_t> offsets_{0};    // by place, into `from_`
  std::vector<std::uint32_t> from_;        // places of neighbours
  std::vector<double> handing_, degrees_;  // by place
};

}  // namespace cell2text
