// Personalised PageRank to rounding: the stationary equation solved with one factorisation for all terms.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "cell2text/ontology/graph.hpp"
#include "cell2text/ontology/lanes.hpp"
#include "cell2text/ontology/sparse_cholesky.hpp"

namespace cell2text {

/// The ranks r = (1 - d) e + d A D^-1 r of a walk over the graph A with degrees D that returns to term e with
/// probability 1 - d at each step. With r = D z this is (D - d A) z = (1 - d) e, symmetric and positive definite. A
/// term without relations keeps the walk for itself.
class ExactPageRank {
 public:
  /// `damping` is at least 0 and below 1.
  ExactPageRank(const OntologyGraph& graph, double damping)
      : graph_(graph), damping_(damping), factor_(equations(graph, damping)) {}

  /// A place of `node` such that blocks of terms with near places are solved sooner.
  std::uint32_t place_of(OntologyGraph::Node node) const { return factor_.position_of(node); }

  /// What one thread computes with.
  struct Room {
    std::vector<Lanes> solution;
  };
  Room room() const { return {std::vector<Lanes>(graph_.size())}; }

  /// ranks[i][n]: of term n in the walk that returns to sources[i]. At most Lanes::count sources.
  void rank(std::span<const OntologyGraph::Node> sources, std::span<double* const> ranks, Room& room) const {
    std::vector<Lanes>& solution = room.solution;
    std::fill(solution.begin(), solution.end(), Lanes{});
    std::size_t first = factor_.size();
    for (std::size_t lane = 0; lane < sources.size(); ++lane) {
      const std::size_t place = place_of(sources[lane]);
      solution[place].set(lane, 1 - damping_);
      first = std::min(first, place);
    }
    factor_.solve(solution, first);
    for (std::size_t place = 0; place < factor_.size(); ++place) {
      const std::uint32_t node = factor_.row_at(place);
      const auto degree = static_cast<double>(graph_.neighbours(node).size());
      for (std::size_t lane = 0; lane < sources.size(); ++lane) ranks[lane][node] = solution[place][lane] * degree;
    }
    for (std::size_t lane = 0; lane < sources.size(); ++lane)
      if (graph_.neighbours(sources[lane]).empty()) ranks[lane][sources[lane]] = 1;
  }

 private:
  static SparseSymmetric equations(const OntologyGraph& graph, double damping) {
    SparseSymmetric matrix;
    for (OntologyGraph::Node node = 0; node < graph.size(); ++node) {
      const auto neighbours = graph.neighbours(node);
      matrix.diagonal.push_back(neighbours.empty() ? 1 : static_cast<double>(neighbours.size()));
      auto& row = matrix.rows.emplace_back();
      for (const OntologyGraph::Node one : neighbours) row.emplace_back(one, -damping);
    }
    return matrix;
  }

  const OntologyGraph& graph_;
  double damping_;
  SparseCholesky factor_;
};

}  // namespace cell2text
