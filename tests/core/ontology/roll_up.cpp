// The deepest sure term, against brute force on graphs made anew.
#include "cell2text/ontology/roll_up.hpp"

#include <cmath>
#include <functional>

#include "core/ontology/graphs.hpp"
#include "support/oracle.hpp"

using namespace cell2text;
using test::SomeOntology;
using test::term_text;

namespace {

/// Every term is looked at, with its depth and descendants found by walking; the rules are applied one after the other.
std::optional<RollUp::Found> by_brute_force(const SomeOntology& some, const std::vector<const Term*>& terms,
                                            const std::vector<double>& probabilities, double least) {
  const OntologyGraph& graph = some.graph;
  const std::function<int(OntologyGraph::Node)> depth = [&](OntologyGraph::Node node) {
    int deepest = -1;
    for (const auto parent : graph.parents(node)) deepest = std::max(deepest, depth(parent));
    return deepest + 1;
  };
  std::optional<RollUp::Found> best;
  for (OntologyGraph::Node node = 0; node < graph.size(); ++node) {
    double sum = 0;
    bool any = false;
    for (std::size_t i = 0; i < terms.size(); ++i) {
      if (!terms[i]) continue;
      const auto own = *graph.node_of(*terms[i]);
      if (own == node || graph.is_ancestor(node, own)) sum += probabilities[i], any = true;
    }
    if (!any || sum < least - 1e-9) continue;
    const Term& term = graph.term(node);
    const int mine = depth(node), other = best ? depth(*graph.node_of(*best->term)) : -1;
    const bool better =
        !best || mine > other ||
        (mine == other && (sum > best->probability || (sum == best->probability && term.id < best->term->id)));
    if (better) best = RollUp::Found{&term, sum};
  }
  return best;
}

}  // namespace

TEST_CASE("roll-up: a term holds what its labels hold, each once, and the deepest sure one is told") {
  const SomeOntology some(term_text("R") + term_text("A", "is_a: R\n") + term_text("B", "is_a: R\n") +
                          term_text("C", "is_a: A\nis_a: B\n") + term_text("D", "is_a: A\nis_a: B\n") +
                          term_text("E", "is_a: R\n"));
  const auto term = [&](const char* id) { return some.ontology.by_id(id); };
  const RollUp roll_up(some.graph, {term("C"), term("D"), term("E"), nullptr}, "some.obo");
  const auto told = [&](const std::vector<double>& probabilities, double least) {
    const auto found = roll_up.deepest(probabilities, least);
    return found ? found->term->id : "";
  };
  CHECK(told({0.8, 0.1, 0.1, 0}, 0.7) == "C");
  CHECK(told({0.4, 0.4, 0.2, 0}, 0.7) == "A");  // C and D stand under both A and B: equal, the smaller id
  CHECK(roll_up.deepest(std::vector<double>{0.4, 0.4, 0.2, 0}, 0.7)->probability == doctest::Approx(0.8));
  CHECK(told({0.3, 0.3, 0.4, 0}, 0.7) == "R");
  CHECK(told({0.2, 0.2, 0.1, 0.5}, 0.7) == "");  // half of it has no term
  CHECK(told({0.4, 0.35, 0.2, 0.05}, 0.3) == "C");
  CHECK(told({0.1, 0.2, 0.7, 0}, 1) == "R");
}

TEST_CASE("roll-up: on random graphs, the same as brute force") {
  const auto seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  std::mt19937_64 random(seed);
  std::size_t told = 0, nothing = 0;
  for (int graph = 0; graph < 60; ++graph) {
    const std::size_t size = 12 + random() % 60;
    const SomeOntology some(test::random_obo(random, size, 1 + random() % 3));
    std::vector<const Term*> terms;
    for (std::size_t i = 0; i < 1 + random() % 12; ++i)
      terms.push_back(random() % 8 == 0 ? nullptr : &some.ontology.terms()[random() % size]);
    const RollUp roll_up(some.graph, terms, "some.obo");
    for (int draw = 0; draw < 20; ++draw) {
      std::vector<double> probabilities(terms.size());
      double sum = 0;
      // Quarters, so that sums are often equal, and exact.
      for (double& one : probabilities) sum += one = static_cast<double>(random() % 5) / 4;
      const double least = static_cast<double>(1 + random() % 8) / 8 * std::max(sum, 0.25);
      const auto found = roll_up.deepest(probabilities, least);
      const auto expected = by_brute_force(some, terms, probabilities, least);
      REQUIRE(found.has_value() == expected.has_value());
      ++(found ? told : nothing);
      if (!found) continue;
      CHECK(found->term->id == expected->term->id);
      CHECK(found->probability == expected->probability);
    }
  }
  CHECK(told > 100);
  CHECK(nothing > 10);
}

TEST_CASE("roll-up: terms that are kinds of each other in a ring are refused") {
  const SomeOntology some(term_text("A", "is_a: B\n") + term_text("B", "is_a: A\n"));
  CHECK_THROWS_WITH_AS(RollUp(some.graph, {some.ontology.by_id("A")}, "ring.obo"),
                       doctest::Contains("ring.obo: A (name of A) is a kind of itself, over 2 terms"), InputError);
}
