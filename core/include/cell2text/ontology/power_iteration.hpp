// Personalised PageRank as networkx.pagerank (3.x) computes it, to reproduce figures that were made with it: power
// iteration that ends at a coarse tolerance. Eight walks at once, each ending where it would alone.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "cell2text/error.hpp"
#include "cell2text/ontology/graph.hpp"
#include "cell2text/ontology/lanes.hpp"

namespace cell2text {

class PowerIteration {
 public:
  static constexpr double tolerance = 1e-6;  ///< of the summed change in one iteration, per term
  static constexpr int max_iterations = 100;

  PowerIteration(const OntologyGraph& graph, double damping) : graph_(graph), damping_(damping) {
    for (OntologyGraph::Node node = 0; node < graph.size(); ++node) {
      const std::size_t degree = graph.neighbours(node).size();
      share_.push_back(degree == 0 ? 0 : 1 / static_cast<double>(degree));
      if (degree == 0) dangling_.push_back(node);
    }
  }

  /// Sources stand in this order in a block.
  std::uint32_t place_of(OntologyGraph::Node node) const { return node; }

  /// What one thread computes with: ranks, and what each term hands to each of its neighbours, before and after.
  struct Room {
    std::vector<Lanes> rank, handed, next_handed;
  };
  Room room() const {
    const std::vector<Lanes> one(graph_.size());
    return {one, one, one};
  }

  /// ranks[i][n]: of term n in the walk that returns to sources[i], and from terms without relations goes there. At
  /// most Lanes::count sources, ascending. InputError where a walk does not settle.
  void rank(std::span<const OntologyGraph::Node> sources, std::span<double* const> ranks, Room& room) const {
    const auto n = static_cast<double>(graph_.size());
    start(room, 1 / n);
    std::array<bool, Lanes::count> settled{};
    std::size_t num_settled = 0;
    for (int iteration = 0; iteration < max_iterations; ++iteration) {
      const Lanes change = step(sources, room);
      for (std::size_t lane = 0; lane < sources.size(); ++lane) {
        if (settled[lane] || !(change[lane] < n * tolerance)) continue;
        settled[lane] = true, ++num_settled;
        for (std::size_t node = 0; node < graph_.size(); ++node) ranks[lane][node] = room.rank[node][lane];
      }
      if (num_settled == sources.size()) return;
    }
    throw InputError("tolerance \"networkx\": the ranks of a walk still change after " +
                     std::to_string(max_iterations) + " iterations, where networkx gives up too (" +
                     std::to_string(graph_.size()) + " terms, damping " + std::to_string(damping_) +
                     "); use \"exact\", which needs no iterations");
  }

 private:
  void start(Room& room, double rank) const {
    for (std::size_t node = 0; node < graph_.size(); ++node)
      for (std::size_t p = 0; p < Lanes::num_pairs; ++p) {
        room.rank[node].pairs[p] = Lanes::Pair{rank, rank};
        room.handed[node].pairs[p] = room.rank[node].pairs[p] * share_[node];
      }
  }

  /// One iteration; returns the summed change of each walk.
  Lanes step(std::span<const OntologyGraph::Node> sources, Room& room) const {
    std::array<double, Lanes::count> returning{};  // what a walk's source receives beside its neighbours' share
    for (std::size_t lane = 0; lane < sources.size(); ++lane) {
      double lost = 0;
      for (const OntologyGraph::Node node : dangling_) lost += room.rank[node][lane];
      returning[lane] = damping_ * lost + (1 - damping_);
    }
    Lanes change{};
    std::size_t source = 0;
    for (OntologyGraph::Node node = 0; node < graph_.size(); ++node) {
      Lanes sum{};
      for (const OntologyGraph::Node from : graph_.neighbours(node))
        for (std::size_t p = 0; p < Lanes::num_pairs; ++p) sum.pairs[p] += room.handed[from].pairs[p];
      for (std::size_t p = 0; p < Lanes::num_pairs; ++p) sum.pairs[p] *= damping_;
      for (; source < sources.size() && sources[source] == node; ++source)
        sum.set(source, sum[source] + returning[source]);
      add_change(sum, room.rank[node], change);
      for (std::size_t p = 0; p < Lanes::num_pairs; ++p) room.next_handed[node].pairs[p] = sum.pairs[p] * share_[node];
      room.rank[node] = sum;
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

  const OntologyGraph& graph_;
  double damping_;
  std::vector<double> share_;  // 1 / degree
  std::vector<OntologyGraph::Node> dangling_;
};

}  // namespace cell2text
