// Personalised PageRank to rounding: the stationary equation solved with one factorisation for all terms.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "cell2text/ontology/lanes.hpp"
#include "cell2text/ontology/sparse_cholesky.hpp"
#include "cell2text/ontology/twin_classes.hpp"

namespace cell2text {

/// The ranks r = (1 - d) e + d A D^-1 r of a walk over the graph A with degrees D that returns to term e with
/// probability 1 - d at each step. With r = D z this is (D - d A) z = (1 - d) e, symmetric and positive definite.
/// Summed over the m twins of each class and divided by m it stays so, and is smaller: with Z the sums, (D / m - d A) Z
/// = (1 - d) e / m. A term without relations keeps the walk for itself.
class ExactPageRank {
 public:
  using Class = TwinClasses::Class;

  /// `damping` is at least 0 and below 1.
  ExactPageRank(const TwinClasses& classes, double damping)
      : classes_(classes), damping_(damping), factor_(equations(classes, damping)) {}

  /// A place of a class such that blocks of sources with near places are solved sooner.
  std::uint32_t place_of(Class one) const { return factor_.position_of(one); }

  /// What one thread computes with.
  struct Room {
    std::vector<Lanes> solution;
  };
  Room room() const { return {std::vector<Lanes>(classes_.size())}; }

  /// Sets ranks[i], room for each class, and own[i], both as ClassWalk has them, of the walk that returns to
  /// sources[i]. At most Lanes::count different sources.
  void rank(std::span<const Class> sources, std::span<double* const> ranks, std::span<double> own, Room& room) const {
    std::vector<Lanes>& solution = room.solution;
    std::fill(solution.begin(), solution.end(), Lanes{});
    std::size_t first = factor_.size();
    for (std::size_t lane = 0; lane < sources.size(); ++lane) {
      const std::size_t place = place_of(sources[lane]);
      solution[place].set(lane, (1 - damping_) / num_members(sources[lane]));
      first = std::min(first, place);
    }
    factor_.solve(solution, first);
    for (std::size_t place = 0; place < factor_.size(); ++place) {
      const Class one = factor_.row_at(place);
      const double factor = classes_.degree(one) / num_members(one);
      for (std::size_t lane = 0; lane < sources.size(); ++lane) ranks[lane][one] = solution[place][lane] * factor;
    }
    for (std::size_t lane = 0; lane < sources.size(); ++lane) {
      const double m = num_members(sources[lane]), returning = 1 - damping_;
      double& others = ranks[lane][sources[lane]];  // so far the mean over the class
      if (classes_.degree(sources[lane]) == 0)
        own[lane] = 1, others = m == 1 ? 1 : 0;
      else if (m == 1)
        own[lane] = others;
      else
        others -= returning / m, own[lane] = others + returning;
    }
  }

 private:
  double num_members(Class one) const { return static_cast<double>(classes_.members(one).size()); }

  static SparseSymmetric equations(const TwinClasses& classes, double damping) {
    SparseSymmetric matrix;
    for (Class one = 0; one < classes.size(); ++one) {
      const double degree = classes.degree(one);
      matrix.diagonal.push_back(degree == 0 ? 1 : degree / static_cast<double>(classes.members(one).size()));
      auto& row = matrix.rows.emplace_back();
      for (const Class other : classes.neighbours(one)) row.emplace_back(other, -damping);
    }
    return matrix;
  }

  const TwinClasses& classes_;
  double damping_;
  SparseCholesky factor_;
};

}  // namespace cell2text
