// Personalised PageRank: exact against dense linear algebra, networkx's way against the same iteration written out.
#include "cell2text/ontology/pagerank.hpp"

#include <ATen/Parallel.h>

#include "core/io/message.hpp"
#include "core/ontology/graphs.hpp"
#include "support/oracle.hpp"

using cell2text::each_pagerank;
using cell2text::InputError;
using cell2text::OntologyGraph;
using cell2text::PageRankOptions;
using cell2text::PageRankTolerance;
using namespace cell2text::test;

namespace {

constexpr PageRankTolerance both_ways[] = {PageRankTolerance::exact, PageRankTolerance::networkx};

Dense ranks_of(const OntologyGraph& graph, const std::vector<OntologyGraph::Node>& sources,
               const PageRankOptions& options) {
  Dense all(sources.size());
  each_pagerank(graph, sources, options,
                [&](std::size_t i, std::span<const double> ranks) { all[i].assign(ranks.begin(), ranks.end()); });
  return all;
}

std::vector<OntologyGraph::Node> nodes_of(const OntologyGraph& graph) {
  std::vector<OntologyGraph::Node> nodes;
  for (OntologyGraph::Node node = 0; node < graph.size(); ++node) nodes.push_back(node);
  return nodes;
}

double farthest(const std::vector<double>& a, const std::vector<double>& b) {
  REQUIRE(a.size() == b.size());
  double most = 0;
  for (std::size_t i = 0; i < a.size(); ++i) most = std::max(most, std::abs(a[i] - b[i]));
  return most;
}

/// networkx.pagerank, written out for one source.
std::vector<double> plain_iteration(const OntologyGraph& graph, OntologyGraph::Node source, double damping) {
  const Dense step = steps_of(graph, source);
  const auto n = static_cast<double>(graph.size());
  std::vector<double> rank(graph.size(), 1 / n);
  for (int iteration = 0; iteration < 100; ++iteration) {
    std::vector<double> next(graph.size());
    for (std::size_t from = 0; from < graph.size(); ++from)
      for (std::size_t to = 0; to < graph.size(); ++to) next[to] += damping * rank[from] * step[from][to];
    next[source] += 1 - damping;
    double change = 0;
    for (std::size_t i = 0; i < rank.size(); ++i) change += std::abs(next[i] - rank[i]);
    rank = next;
    if (change < n * 1e-6) return rank;
  }
  FAIL("the plain iteration does not settle");
  return rank;
}

}  // namespace

TEST_CASE("pagerank: exact ranks solve the equation of the walk, and sum to one") {
  const auto number = seed();
  INFO("CELL2TEXT_TEST_SEED=" << number);
  std::mt19937_64 random(number);
  for (int round = 0; round < 12; ++round) {
    const std::size_t components = 1 + random() % 3, terms = components + 1 + random() % 40;
    const double damping = round == 0 ? 0 : round == 1 ? 0.999 : 0.1 + 0.8 * static_cast<double>(random() % 100) / 100;
    CAPTURE(terms);
    CAPTURE(damping);
    const SomeOntology some(random_obo(random, terms, components));
    const Dense ours = ranks_of(some.graph, nodes_of(some.graph), {damping, PageRankTolerance::exact});
    for (const auto source : nodes_of(some.graph)) {
      REQUIRE(farthest(ours[source], dense_ranks(some.graph, source, damping)) < 1e-10);
      double sum = 0;
      for (const double rank : ours[source]) sum += rank;
      REQUIRE(std::abs(sum - 1) < 1e-10);
    }
  }
}

TEST_CASE("pagerank: networkx's way ends each walk at the iteration where it would end alone") {
  const auto number = seed();
  INFO("CELL2TEXT_TEST_SEED=" << number);
  std::mt19937_64 random(number);
  for (int round = 0; round < 4; ++round) {
    const std::size_t terms = 60 + random() % 80;
    const SomeOntology some(random_obo(random, terms, 1 + random() % 4));
    const Dense ours = ranks_of(some.graph, nodes_of(some.graph), {0.9, PageRankTolerance::networkx});
    for (const auto source : nodes_of(some.graph))
      REQUIRE(farthest(ours[source], plain_iteration(some.graph, source, 0.9)) < 1e-14);
  }
}

TEST_CASE("pagerank: ranks do not depend on the other sources, their order or the number of threads, to the bit") {
  const auto number = seed();
  INFO("CELL2TEXT_TEST_SEED=" << number);
  std::mt19937_64 random(number);
  const SomeOntology some(random_obo(random, 300, 2));
  auto sources = nodes_of(some.graph);
  const int threads = at::get_num_threads();
  for (const PageRankTolerance tolerance : both_ways) {
    at::set_num_threads(1);
    const Dense all = ranks_of(some.graph, sources, {0.9, tolerance});
    at::set_num_threads(2);
    CHECK(ranks_of(some.graph, sources, {0.9, tolerance}) == all);
    auto shuffled = sources;
    std::ranges::shuffle(shuffled, random);
    shuffled.push_back(shuffled.front());
    const Dense other = ranks_of(some.graph, shuffled, {0.9, tolerance});
    for (std::size_t i = 0; i < shuffled.size(); ++i) REQUIRE(other[i] == all[shuffled[i]]);
    CHECK(ranks_of(some.graph, {7}, {0.9, tolerance})[0] == all[7]);
    CHECK(ranks_of(some.graph, {}, {0.9, tolerance}).empty());
  }
  at::set_num_threads(threads);
}

TEST_CASE("pagerank: a term without relations keeps its walk for itself") {
  const SomeOntology some(term_text("A") + term_text("B", "is_a: A\n") + term_text("C"));
  const auto ranks = ranks_of(some.graph, {2}, {0.9, PageRankTolerance::exact})[0];
  CHECK(ranks == std::vector<double>{0, 0, 1});
}

TEST_CASE("pagerank: a damping outside 0..1, and walks that networkx gives up on, are refused") {
  const SomeOntology some(term_text("A") + term_text("B", "is_a: A\n"));
  for (const double damping : {-0.1, 1.0, std::nan("")})
    for (const PageRankTolerance tolerance : both_ways)
      CHECK(has(message_of<InputError>([&] { ranks_of(some.graph, {0}, {damping, tolerance}); }), "a damping of "));
  const auto message = message_of<InputError>([&] { ranks_of(some.graph, {0}, {0.9, PageRankTolerance::networkx}); });
  CHECK(has(message, "2 terms, damping 0.9"));
  CHECK(has(message, "use \"exact\""));
}
