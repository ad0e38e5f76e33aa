// Personalised PageRank as networkx.pagerank (3.x) computes it, to reproduce figures that were made with it: power
// iteration that ends at a coarse tolerance. Eight walks at once, each ending where it would alone.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/error.hpp"
#include "cell2text/ontology/graph.hpp"
#include "cell2text/ontology/lanes.hpp"

namespace cell2text {

class PowerIteration {
 public:
  static constexpr double tolerance = 1e-6;  ///< of the summed change in one iteration, per term
  static constexpr int max_iterations = 100;

  PowerIteration(const OntologyGraph& graph, double damping) : damping_(damping) {
    choose_order(graph);
    for (std::uint32_t place = 0; place < order_.size(); ++place) {
      const auto neighbours = graph.neighbours(order_[place]);
      share_.push_back(neighbours.empty() ? 0 : 1 / static_cast<double>(neighbours.size()));
      if (neighbours.empty()) dangling_.push_back(place);
      for (const OntologyGraph::Node one : neighbours) from_.push_back(place_[one]);
      std::sort(from_.begin() + static_cast<std::ptrdiff_t>(offsets_.back()), from_.end());
      offsets_.push_back(from_.size());
    }
  }

  /// Sources stand in this order in a block.
  std::uint32_t place_of(OntologyGraph::Node node) const { return place_[node]; }

  /// What one thread computes with: ranks, and what each term hands to each of its neighbours, before and after.
  struct Room {
    std::vector<Lanes> rank, handed, next_handed;
  };
  Room room() const {
    const std::vector<Lanes> one(order_.size());
    return {one, one, one};
  }

  /// ranks[i][n]: of term n in the walk that returns to sources[i], and from terms without relations goes there. At
  /// most Lanes::count sources, in the order of their places. InputError where a walk does not settle.
  void rank(std::span<const OntologyGraph::Node> sources, std::span<double* const> ranks, Room& room) const {
    const auto n = static_cast<double>(order_.size());
    start(room, 1 / n);
    std::array<bool, Lanes::count> settled{};
    std::size_t num_settled = 0;
    for (int iteration = 0; iteration < max_iterations; ++iteration) {
      const Lanes change = step(sources, room);
      for (std::size_t lane = 0; lane < sources.size(); ++lane) {
        if (settled[lane] || !(change[lane] < n * tolerance)) continue;
        settled[lane] = true, ++num_settled;
        for (std::size_t place = 0; place < order_.size(); ++place) ranks[lane][order_[place]] = room.rank[place][lane];
      }
      if (num_settled == sources.size()) return;
    }
    throw InputError("tolerance \"networkx\": the ranks of a walk still change after " +
                     std::to_string(max_iterations) + " iterations, where networkx gives up too (" +
                     std::to_string(order_.size()) + " terms, damping " + std::to_string(damping_) +
                     "); use \"exact\", which needs no iterations");
  }

 private:
  /// In the order of a walk down from the first term: what is near in the ontology is then near in memory.
  void choose_order(const OntologyGraph& graph) {
    constexpr auto none = static_cast<std::uint32_t>(-1);
    place_.assign(graph.size(), none);
    std::vector<OntologyGraph::Node> open;
    for (OntologyGraph::Node start = 0; start < graph.size(); ++start) {
      open.push_back(start);
      while (!open.empty()) {
        const OntologyGraph::Node node = open.back();
        open.pop_back();
        if (place_[node] != none) continue;
        place_[node] = static_cast<std::uint32_t>(order_.size());
        order_.push_back(node);
        for (const OntologyGraph::Node one : graph.neighbours(node)) open.push_back(one);
      }
    }
  }

  void start(Room& room, double rank) const {
    for (std::size_t place = 0; place < order_.size(); ++place)
      for (std::size_t p = 0; p < Lanes::num_pairs; ++p) {
        room.rank[place].pairs[p] = Lanes::Pair{rank, rank};
        room.handed[place].pairs[p] = room.rank[place].pairs[p] * share_[place];
      }
  }

  /// One iteration; returns the summed change of each walk.
  Lanes step(std::span<const OntologyGraph::Node> sources, Room& room) const {
    std::array<double, Lanes::count> returning{};  // what a walk's source receives beside its neighbours' share
    for (std::size_t lane = 0; lane < sources.size(); ++lane) {
      double lost = 0;
      for (const std::uint32_t place : dangling_) lost += room.rank[place][lane];
      returning[lane] = damping_ * lost + (1 - damping_);
    }
    Lanes change{};
    std::size_t source = 0;
    for (std::uint32_t place = 0; place < order_.size(); ++place) {
      Lanes sum{};
      for (std::size_t e = offsets_[place]; e < offsets_[place + 1]; ++e)
        for (std::size_t p = 0; p < Lanes::num_pairs; ++p) sum.pairs[p] += room.handed[from_[e]].pairs[p];
      for (std::size_t p = 0; p < Lanes::num_pairs; ++p) sum.pairs[p] *= damping_;
      for (; source < sources.size() && place_[sources[source]] == place; ++source)
        sum.set(source, sum[source] + returning[source]);
      add_change(sum, room.rank[place], change);
      for (std::size_t p = 0; p < Lanes::num_pairs; ++p)
        room.next_handed[place].pairs[p] = sum.pairs[p] * share_[place];
      room.rank[place] = sum;
    }
    std::swap(room.handed, room.next_handed);
    return change;
  }

  static void add_change(const Lanes& now, const Lanes& before, Lanes& change) {
    for (std::size_t p = 0; p < Lanes::num_pairs; ++p) {
      const Lanes::Pair difference = now.pairs[p] - before.pairs[p], opposite = -difference;
      change.pairs[p] += difference > opposite ? difference : opposite;
    }
  }

  double damping_;
  std::vector<OntologyGraph::Node> order_;  // the term at each place
  std::vector<std::uint32_t> place_;        // the inverse
  std::vector<std::size_t> offsets_{0};     // by place, into `from_`
  std::vector<std::uint32_t> from_;         // places of neighbours
  std::vector<double> share_;               // 1 / degree
  std::vector<std::uint32_t> dangling_;     // places
};

}  // namespace cell2text
