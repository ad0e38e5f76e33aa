// Ontologies made up for tests, and dense linear algebra to compare with.
#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/ontology/graph.hpp"

namespace cell2text::test {

/// An ontology and its graph; not to be moved, since the graph points into the ontology.
struct SomeOntology {
  explicit SomeOntology(const std::string& obo, OntologyRelations relations = OntologyRelations::is_a)
      : ontology(Ontology::parse(obo, "some.obo")), graph(ontology, "some.obo", relations) {}
  SomeOntology(const SomeOntology&) = delete;

  OntologyGraph::Node node(const std::string& id) const { return *graph.node_of(*ontology.by_id(id)); }

  Ontology ontology;
  OntologyGraph graph;
};

inline std::string term_text(const std::string& id, const std::string& lines = "") {
  return "[Term]\nid: " + id + "\nname: name of " + id + "\n" + lines + "\n";
}

/// `terms` terms T:0, T:1, ... in `components` parts that do not touch; some terms have no relation, some two parents.
inline std::string random_obo(std::mt19937_64& random, std::size_t terms, std::size_t components) {
  std::string text;
  for (std::size_t i = 0; i < terms; ++i) {
    std::string lines;
    const std::size_t parents = i == components ? 1 : random() % 8 == 0 ? 0 : 1 + (random() % 4 == 0);
    for (std::size_t p = 0; p < parents && i >= components; ++p)
      lines += "is_a: T:" + std::to_string(i % components + components * (random() % (i / components))) + "\n";
    text += term_text("T:" + std::to_string(i), lines);
  }
  return text;
}

using Dense = std::vector<std::vector<double>>;

/// Solves a x = b by Gauss elimination with row exchanges.
inline std::vector<double> solve_dense(Dense a, std::vector<double> b) {
  const std::size_t n = b.size();
  for (std::size_t k = 0; k < n; ++k) {
    std::size_t best = k;
    for (std::size_t i = k; i < n; ++i)
      if (std::abs(a[i][k]) > std::abs(a[best][k])) best = i;
    std::swap(a[k], a[best]), std::swap(b[k], b[best]);
    REQUIRE(a[k][k] != 0);
    for (std::size_t i = k + 1; i < n; ++i) {
      const double factor = a[i][k] / a[k][k];
      for (std::size_t j = k; j < n; ++j) a[i][j] -= factor * a[k][j];
      b[i] -= factor * b[k];
    }
  }
  for (std::size_t k = n; k-- > 0;) {
    for (std::size_t j = k + 1; j < n; ++j) b[k] -= a[k][j] * b[j];
    b[k] /= a[k][k];
  }
  return b;
}

/// What a walker's next term is, [from][to]; from a term without relations it goes to `source`.
inline Dense steps_of(const OntologyGraph& graph, OntologyGraph::Node source) {
  Dense step(graph.size(), std::vector<double>(graph.size()));
  for (OntologyGraph::Node node = 0; node < graph.size(); ++node) {
    const auto neighbours = graph.neighbours(node);
    for (const auto one : neighbours) step[node][one] = 1 / static_cast<double>(neighbours.size());
    if (neighbours.empty()) step[node][source] = 1;
  }
  return step;
}

/// The stationary ranks of the walk that returns to `source`: r = damping P^T r + (1 - damping) e.
inline std::vector<double> dense_ranks(const OntologyGraph& graph, OntologyGraph::Node source, double damping) {
  const Dense step = steps_of(graph, source);
  Dense a(graph.size(), std::vector<double>(graph.size()));
  for (std::size_t i = 0; i < graph.size(); ++i)
    for (std::size_t j = 0; j < graph.size(); ++j) a[j][i] = (i == j) - damping * step[i][j];
  std::vector<double> e(graph.size());
  e[source] = 1 - damping;
  return solve_dense(std::move(a), std::move(e));
}

}  // namespace cell2text::test
