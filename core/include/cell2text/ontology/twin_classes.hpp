// Terms with the same neighbours. No walk can tell such twins apart: it has the same rank at each of them, but for the
// term that it returns to, and walks that return to one or the other are the same with the two exchanged. Leaves below
// the same parent are twins, so that an ontology has a quarter fewer classes than terms. Knows nothing of walks.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "cell2text/ontology/graph.hpp"

namespace cell2text {

/// Classes 0, 1, ... in the order of their first terms. Terms without relations are twins, too.
class TwinClasses {
 public:
  using Class = std::uint32_t;
  using Node = OntologyGraph::Node;

  explicit TwinClasses(const OntologyGraph& graph) {
    std::map<std::span<const Node>, Class, BySequence> known;
    for (Node node = 0; node < graph.size(); ++node) {
      const auto neighbours = graph.neighbours(node);
      const auto [found, fresh] = known.try_emplace(neighbours, static_cast<Class>(first_.size()));
      if (fresh) first_.push_back(node), members_.emplace_back();
      members_[found->second].push_back(node);
      class_of_.push_back(found->second);
    }
    for (const Node node : first_) {
      degrees_.push_back(static_cast<double>(graph.neighbours(node).size()));
      auto& around = neighbours_.emplace_back();
      // Who has a term as neighbour has its twins as well, so the first of each class stands for it.
      for (const Node one : graph.neighbours(node))
        if (first_[class_of_[one]] == one) around.push_back(class_of_[one]);
    }
  }

  std::size_t size() const { return first_.size(); }
  std::size_t num_terms() const { return class_of_.size(); }
  Class class_of(Node node) const { return class_of_[node]; }
  std::span<const Node> members(Class one) const { return members_[one]; }
  /// How many terms each of the class is related to.
  double degree(Class one) const { return degrees_[one]; }
  /// The classes that these terms make up.
  std::span<const Class> neighbours(Class one) const { return neighbours_[one]; }

 private:
  struct BySequence {
    bool operator()(std::span<const Node> a, std::span<const Node> b) const {
      return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end());
    }
  };

  std::vector<Class> class_of_;
  std::vector<Node> first_;
  std::vector<std::vector<Node>> members_;
  std::vector<double> degrees_;
  std::vector<std::vector<Class>> neighbours_;
};

/// A walk that returns to a term of the class `source`; to its twins it is the same with the two exchanged.
struct ClassWalk {
  TwinClasses::Class source = 0;
  std::span<const double> ranks;  ///< of each term of a class, but for the term that the walk returns to
  double own = 0;                 ///< rank of that one; where it has no twin, ranks[source] too

  /// ranks_of_terms[n], of each term of the graph, in the walk that returns to `node`.
  void spread(const TwinClasses& classes, TwinClasses::Node node, std::span<double> ranks_of_terms) const {
    for (TwinClasses::Node one = 0; one < classes.num_terms(); ++one)
      ranks_of_terms[one] = ranks[classes.class_of(one)];
    ranks_of_terms[node] = own;
  }
};

}  // namespace cell2text
