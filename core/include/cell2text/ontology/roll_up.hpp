// From probabilities of labels to the deepest ontology term that is sure: where no cell type is, the kind of cell may
// be. Knows no texts; the terms are text/obo.hpp's, their relations graph.hpp's.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/error.hpp"
#include "cell2text/ontology/graph.hpp"

namespace cell2text {

/// For a fixed list of labels. A term's probability is the sum over the labels that are the term or stand below it,
/// each counted once, by however many ways it is reached. A term's depth is the length of the longest way up to a term
/// that is a kind of nothing, so that a term is always deeper than what it is a kind of.
class RollUp {
 public:
  struct Found {
    const Term* term;
    double probability;
  };

  /// `terms[i]` is label i's, of the graph's ontology; null where it has none, and then counts for nothing. The graph
  /// must outlive this. InputError, naming `source`, where terms are kinds of each other in a ring.
  RollUp(const OntologyGraph& graph, const std::vector<const Term*>& terms, const std::string& source) : graph_(graph) {
    if (const auto ring = graph.cycle(); !ring.empty())
      throw InputError(source + ": " + graph.term(ring.front()).id + " (" + graph.term(ring.front()).name +
                       ") is a kind of itself, over " + std::to_string(ring.size()) +
                       " terms; an ontology without such a ring is needed");
    std::map<Node, std::vector<std::uint32_t>> labels;
    for (std::size_t i = 0; i < terms.size(); ++i)
      if (const auto node = terms[i] ? graph.node_of(*terms[i]) : std::nullopt)
        for (const Node above : with_ancestors(*node)) labels[above].push_back(static_cast<std::uint32_t>(i));
    std::vector<int> depths(graph.size(), -1);
    for (auto& [node, below] : labels) candidates_.push_back({node, depth(node, depths), std::move(below)});
    std::ranges::stable_sort(candidates_, [&](const Candidate& a, const Candidate& b) {
      return a.depth != b.depth ? a.depth > b.depth : graph.term(a.node).id < graph.term(b.node).id;
    });
  }

  /// The deepest term whose probability is `least` or more, within 1e-9 for rounding; of equally deep ones the more
  /// probable, then the one with the smaller id. Nothing where there is none. `probabilities`: one for each label.
  std::optional<Found> deepest(std::span<const double> probabilities, double least) const {
    std::optional<Found> found;
    int depth = -1;
    for (const Candidate& one : candidates_) {
      if (found && one.depth < depth) break;
      double sum = 0;
      for (const std::uint32_t label : one.labels) sum += probabilities[label];
      if (sum < least - 1e-9 || (found && sum <= found->probability)) continue;
      found = Found{&graph_.term(one.node), sum};
      depth = one.depth;
    }
    return found;
  }

 private:
  using Node = OntologyGraph::Node;

  /// A label's term, or one above it.
  struct Candidate {
    Node node;
    int depth;
    std::vector<std::uint32_t> labels;  // that are the term or below it
  };

  std::vector<Node> with_ancestors(Node node) const {
    std::vector<Node> found{node};
    for (std::size_t i = 0; i < found.size(); ++i)
      for (const Node parent : graph_.parents(found[i]))
        if (std::ranges::find(found, parent) == found.end()) found.push_back(parent);
    return found;
  }

  int depth(Node node, std::vector<int>& depths) const {
    std::vector<Node> open{node};
    while (!open.empty()) {
      const Node next = open.back();
      int above = -1;
      bool known = true;
      for (const Node parent : graph_.parents(next)) {
        if (depths[parent] < 0) open.push_back(parent), known = false;
        above = std::max(above, depths[parent]);
      }
      if (!known) continue;
      depths[next] = above + 1;
      open.pop_back();
    }
    return depths[node];
  }

  const OntologyGraph& graph_;
  std::vector<Candidate> candidates_;  // the deepest first, then by id
};

}  // namespace cell2text
