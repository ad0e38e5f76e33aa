// The graph of an ontology's current terms: who is related to whom, for similarity, and who stands above whom. Walks on
// it are pagerank.hpp's; names and definitions stay with the Ontology.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cell2text/error.hpp"
#include "cell2text/io/xxh64.hpp"
#include "cell2text/text/obo.hpp"

namespace cell2text {

/// Which relations are edges. `is_a_or_part_of` is for anatomies (Uberon), where parts matter as much as kinds.
enum class OntologyRelations { is_a, is_a_or_part_of };

/// Terms as numbers 0, 1, ... in the order of the file, without obsolete ones. The ontology must outlive the graph.
class OntologyGraph {
 public:
  using Node = std::uint32_t;

  /// InputError, naming `source`, where no current term is related to another one: there is no similarity then.
  OntologyGraph(const Ontology& ontology, const std::string& source,
                OntologyRelations relations = OntologyRelations::is_a);

  std::size_t size() const { return terms_.size(); }
  /// Pairs of terms that are related, whatever the direction.
  std::size_t num_edges() const { return neighbours_.all.size() / 2; }
  const Term& term(Node node) const { return *terms_[node]; }
  /// The number of a term of this ontology; nothing where it is obsolete.
  std::optional<Node> node_of(const Term& term) const {
    const Node node = nodes_[static_cast<std::size_t>(&term - first_term_)];
    return node == none ? std::nullopt : std::optional(node);
  }

  /// Related terms in either direction, ascending, each once, never the term itself.
  std::span<const Node> neighbours(Node node) const { return neighbours_.of(node); }
  /// What the term is a kind (or part) of, as far as the file has it.
  std::span<const Node> parents(Node node) const { return parents_.of(node); }

  /// Relations that were passed over: to an id that the file does not define, or whose term is obsolete.
  std::size_t missing_parents() const { return missing_parents_; }
  /// Terms each of which is a kind of the next, and the last of the first; empty where there is no such ring. An error
  /// of the ontology, which a walk in both directions does not notice.
  std::vector<Node> cycle() const;
  /// Whether `ancestor` stands above `descendant`, over any number of relations. No term is its own ancestor.
  bool is_ancestor(Node ancestor, Node descendant) const;

  /// Of the edges; the same graph has the same hash on every machine.
  std::uint64_t hash() const {
    const std::uint64_t seed = xxh64(std::as_bytes(std::span(neighbours_.offsets)));
    return xxh64(std::as_bytes(std::span(neighbours_.all)), seed);
  }

 private:
  static constexpr Node none = static_cast<Node>(-1);

  /// Lists of nodes, one per node, in one array.
  struct Lists {
    std::vector<std::uint64_t> offsets{0};
    std::vector<Node> all;

    std::span<const Node> of(Node node) const {
      return std::span(all).subspan(offsets[node], offsets[node + 1] - offsets[node]);
    }
    void append(std::vector<Node>& list) {
      std::ranges::sort(list);
      list.erase(std::unique(list.begin(), list.end()), list.end());
      all.insert(all.end(), list.begin(), list.end());
      offsets.push_back(all.size());
    }
  };

  void add_parents(const Ontology& ontology, const std::vector<std::string>& ids, std::vector<Node>& parents);

  const Term* first_term_;
  std::vector<const Term*> terms_;
  std::vector<Node> nodes_;  // of each term of the ontology
  Lists parents_, neighbours_;
  std::size_t missing_parents_ = 0;
};

inline OntologyGraph::OntologyGraph(const Ontology& ontology, const std::string& source, OntologyRelations relations)
    : first_term_(ontology.terms().data()), nodes_(ontology.terms().size(), none) {
  for (std::size_t i = 0; i < ontology.terms().size(); ++i)
    if (!first_term_[i].obsolete) {
      nodes_[i] = static_cast<Node>(terms_.size());
      terms_.push_back(first_term_ + i);
    }
  std::vector<std::vector<Node>> related(terms_.size());
  for (Node node = 0; node < terms_.size(); ++node) {
    std::vector<Node> parents;
    add_parents(ontology, terms_[node]->is_a, parents);
    if (relations == OntologyRelations::is_a_or_part_of) add_parents(ontology, terms_[node]->part_of, parents);
    for (const Node parent : parents)
      if (parent != node) related[node].push_back(parent), related[parent].push_back(node);
    parents_.append(parents);
  }
  for (std::vector<Node>& list : related) neighbours_.append(list);
  if (num_edges() == 0)
    throw InputError(source + ": none of its " + std::to_string(terms_.size()) +
                     " current terms is related to another one of the file" +
                     (relations == OntologyRelations::is_a ? " by is_a" : " by is_a or part_of") +
                     "; an ontology with its relations is expected, not a list of terms");
}

inline void OntologyGraph::add_parents(const Ontology& ontology, const std::vector<std::string>& ids,
                                       std::vector<Node>& parents) {
  for (const std::string& id : ids) {
    const Term* parent = ontology.by_id(id);
    const auto node = parent ? node_of(*parent) : std::nullopt;
    if (node)
      parents.push_back(*node);
    else
      ++missing_parents_;
  }
}

inline std::vector<OntologyGraph::Node> OntologyGraph::cycle() const {
  enum class State : std::uint8_t { fresh, on_the_way, done };
  std::vector<State> states(size(), State::fresh);
  std::vector<std::pair<Node, std::size_t>> way;  // a term, and how many of its parents were looked at
  const auto enter = [&](Node node) {
    states[node] = State::on_the_way;
    way.emplace_back(node, 0);
  };
  for (Node start = 0; start < size(); ++start) {
    if (states[start] == State::fresh) enter(start);
    while (!way.empty()) {
      auto& [node, looked_at] = way.back();
      if (looked_at == parents(node).size()) {
        states[node] = State::done;
        way.pop_back();
        continue;
      }
      const Node parent = parents(node)[looked_at++];
      if (states[parent] == State::fresh) {
        enter(parent);
      } else if (states[parent] == State::on_the_way) {
        std::vector<Node> ring;
        for (auto at = std::ranges::find(way, parent, &std::pair<Node, std::size_t>::first); at != way.end(); ++at)
          ring.push_back(at->first);
        return ring;
      }
    }
  }
  return {};
}

inline bool OntologyGraph::is_ancestor(Node ancestor, Node descendant) const {
  if (ancestor == descendant) return false;
  std::vector<bool> seen(size());
  std::vector<Node> open{descendant};
  while (!open.empty()) {
    const Node node = open.back();
    open.pop_back();
    for (const Node parent : parents(node)) {
      if (parent == ancestor) return true;
      if (!seen[parent]) seen[parent] = true, open.push_back(parent);
    }
  }
  return false;
}

/// The term that a person means: by id (an obsolete one's replacement), by name in any case, by exact synonym. Null
/// where there is none, or where the text names several.
inline const Term* find_term(const Ontology& ontology, std::string_view text) {
  const Term* term = ontology.current(text);
  return term ? term : ontology.by_label(text);
}

}  // namespace cell2text
