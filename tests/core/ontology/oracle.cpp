// Ranks against networkx itself, and against numpy's dense solution, on graphs made anew and on the Cell Ontology.
#include "support/oracle.hpp"

#include <nlohmann/json.hpp>

#include "cell2text/ontology/pagerank.hpp"
#include "core/ontology/graphs.hpp"

using namespace cell2text;
using namespace cell2text::test;

namespace {

/// Largest difference of one walk from what Python found; null stands for a walk that networkx gives up on.
void check_walk(const OntologyGraph& graph, OntologyGraph::Node source, const PageRankOptions& options,
                const nlohmann::json& expected, double tolerance) {
  std::vector<double> ours;
  const auto run = [&] {
    each_pagerank(graph, std::span(&source, 1), options,
                  [&](std::size_t, std::span<const double> ranks) { ours.assign(ranks.begin(), ranks.end()); });
  };
  if (expected.is_null()) {
    CHECK_THROWS_AS(run(), InputError);
    return;
  }
  run();
  REQUIRE(expected.size() == ours.size());
  double most = 0;
  for (std::size_t i = 0; i < ours.size(); ++i) most = std::max(most, std::abs(ours[i] - expected[i].get<double>()));
  CHECK(most < tolerance);
}

}  // namespace

TEST_CASE("oracle: ranks equal networkx's and the dense solution on random graphs and on the Cell Ontology") {
  const auto number = seed();
  INFO("CELL2TEXT_TEST_SEED=" << number);
  const TemporaryFolder folder = oracle("pagerank.py", number, {(source_dir() / "data/demo/cl.obo").string()});
  const auto cases = nlohmann::json::parse(read_file(folder / "cases.json"));
  CHECK(cases.size() == 13);
  int walks = 0, given_up = 0;
  for (const auto& one : cases) {
    const std::string file = one["file"];
    CAPTURE(file);
    const Ontology ontology = Ontology::read(file.front() == '/' ? std::filesystem::path(file) : folder / file);
    const OntologyGraph graph(ontology, file);
    REQUIRE(graph.size() == one["terms"].get<std::size_t>());
    CHECK(graph.num_edges() == one["edges"].get<std::size_t>());
    const double damping = one["damping"];
    for (const auto& walk : one["walks"]) {
      const std::string id = walk["source"];
      CAPTURE(id);
      const auto source = *graph.node_of(*ontology.by_id(id));
      check_walk(graph, source, {damping, PageRankTolerance::networkx}, walk["networkx"], 1e-9);
      check_walk(graph, source, {damping, PageRankTolerance::exact}, walk["exact"], 1e-9);
      ++walks, given_up += walk["networkx"].is_null();
    }
  }
  MESSAGE(walks << " walks compared, of which networkx gives up on " << given_up);
  CHECK(walks > 100);
  CHECK(given_up > 0);
  CHECK(given_up < walks / 2);
}
