// Similarity of terms: its definition on small graphs, and the paper's Table 6 on the Cell Ontology.
#include "cell2text/ontology/similarity.hpp"

#include <chrono>

#include "cell2text/ontology/similarity_statistics.hpp"
#include "core/io/message.hpp"
#include "core/ontology/graphs.hpp"
#include "core/text/shared_data.hpp"
#include "support/oracle.hpp"

using namespace cell2text;
using namespace cell2text::test;

TEST_CASE("similarity: the logarithm of exact ranks, scaled over all pairs, one for a term and itself") {
  const auto number = seed();
  INFO("CELL2TEXT_TEST_SEED=" << number);
  std::mt19937_64 random(number);
  for (const std::size_t components : {1, 3}) {
    const SomeOntology some(random_obo(random, 50, components) + term_text("alone"));
    const std::size_t n = some.graph.size();
    const double tau = 1e-3;
    double lowest = 1e9, highest = 0;
    Dense logs(n);
    for (OntologyGraph::Node from = 0; from < n; ++from)
      for (const double rank : dense_ranks(some.graph, from, 0.8)) {
        logs[from].push_back(std::log1p(std::max(rank, 0.0) / tau));
        lowest = std::min(lowest, logs[from].back());
        if (!some.graph.neighbours(from).empty()) highest = std::max(highest, logs[from].back());
      }
    const SimilarityOptions options{{0.8, PageRankTolerance::exact}, tau};
    const SimilarityMatrix matrix(some.graph, options);
    const RankRange range = rank_range(some.graph, options.pagerank);
    CHECK(range.lowest == matrix.range().lowest);
    CHECK(range.highest == matrix.range().highest);
    each_similarity(
        some.graph, all_nodes(some.graph), range, options, [&](std::size_t from, std::span<const double> similarities) {
          for (std::size_t to = 0; to < n; ++to) {
            const double expected = from == to ? 1 : (logs[from][to] - lowest) / (highest - lowest);
            if (!(std::abs(similarities[to] - expected) < 1e-9) || !(std::abs(matrix.at(from, to) - expected) < 1e-6))
              FAIL_CHECK(from << " to " << to << ": " << similarities[to] << ", in the matrix " << matrix.at(from, to)
                              << ", expected " << expected);
          }
        });
    std::vector<float> row(n);
    for (OntologyGraph::Node from = 0; from < n; ++from) {
      matrix.row(from, row);
      for (OntologyGraph::Node to = 0; to < n; ++to) REQUIRE(row[to] == matrix.at(from, to));
    }
    const auto alone = some.node("alone");
    CHECK(matrix.at(alone, alone) == 1);
    CHECK(matrix.at(alone, 0) == 0);
    CHECK(matrix.at(0, alone) == 0);
  }
}

TEST_CASE("similarity: a term without relations does not set the scale of the others") {
  const std::string related = term_text("A") + term_text("B", "is_a: A\n") + term_text("C", "is_a: A\n");
  const SomeOntology without(related + term_text("D") + term_text("E", "is_a: D\n")),
      with(related + term_text("alone"));
  CHECK(with.graph.size() == 4);
  const RankRange range = rank_range(with.graph, {});
  CHECK(range.lowest == 0);
  CHECK(range.highest < 0.6);
  CHECK(SimilarityMatrix(with.graph, {}).at(1, 0) ==
        doctest::Approx(SimilarityMatrix(without.graph, {}).at(1, 0)).epsilon(0.1));
}

TEST_CASE("similarity: a tau that is not above zero is refused") {
  const SomeOntology some(term_text("A") + term_text("B", "is_a: A\n"));
  for (const double tau : {0.0, -1.0, std::nan(""), HUGE_VAL})
    CHECK(has(message_of<InputError>([&] { SimilarityMatrix(some.graph, {{}, tau}); }), "a tau of "));
}

TEST_CASE(
    "similarity: the paper's Table 6, exactly and as networkx has it, its two fits, in under two seconds with "
    "reading") {
  struct Expected {
    PageRankTolerance tolerance;
    double mean, median, sd, p95, p99;
  };
  for (const Expected& expected : {Expected{PageRankTolerance::exact, 0.0468, 0.0120, 0.0881, 0.2172, 0.4393},
                                   Expected{PageRankTolerance::networkx, 0.0490, 0.0158, 0.0867, 0.2154, 0.4382}}) {
    const auto started = std::chrono::steady_clock::now();
    const Ontology ontology = Ontology::read(source_dir() / "data/demo/cl.obo");
    const OntologyGraph graph(ontology, "cl.obo");
    const SimilarityStatistics all = similarity_statistics(SimilarityMatrix(graph, {{0.9, expected.tolerance}, 1e-4}));
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - started;
    CHECK(graph.size() == 3129);
    CHECK(graph.num_edges() == 4350);
    const auto near = [](double ours, double papers) { return std::abs(ours - papers) <= 0.00005001; };
    CAPTURE(all.mean);
    CHECK(near(all.mean, expected.mean));
    CAPTURE(all.median);
    CHECK(near(all.median, expected.median));
    CAPTURE(all.sd);
    CHECK(near(all.sd, expected.sd));
    CAPTURE(all.p95);
    CHECK(near(all.p95, expected.p95));
    CAPTURE(all.p99);
    CHECK(near(all.p99, expected.p99));
    MESSAGE("all pairs of 3,129 terms with their statistics: "
            << took.count() << " s ("
            << std::string(expected.tolerance == PageRankTolerance::exact ? "exact" : "networkx") << ")");
    if (expected.tolerance == PageRankTolerance::networkx) {
      CHECK(all.log_log.slope == doctest::Approx(-0.67).epsilon(0.007));
      CHECK(all.log_log.r_squared == doctest::Approx(0.862).epsilon(0.0006));
      CHECK(all.rank_frequency.r_squared == doctest::Approx(0.930).epsilon(0.0006));
    }
    CHECK(took.count() < 8);  // under 2 on a quiet machine; a busy one must not fail this
  }
}

TEST_CASE("similarity: the Cell Ontology of the demo is the one that the paper's figures were recomputed on") {
  const auto path = shared_data("ontology/cl-v2025-07-30.obo");
  if (path) CHECK(read_file(*path) == read_file(source_dir() / "data/demo/cl.obo"));
}
