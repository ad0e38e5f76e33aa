// The graph of an ontology: what is an edge, what is passed over, rings and ancestors, and finding a term.
#include "cell2text/ontology/graph.hpp"

#include "core/io/message.hpp"
#include "core/ontology/graphs.hpp"

using cell2text::find_term;
using cell2text::InputError;
using cell2text::Ontology;
using cell2text::OntologyGraph;
using cell2text::OntologyRelations;
using namespace cell2text::test;

namespace {

using GraphNodes = std::vector<OntologyGraph::Node>;

GraphNodes listed(std::span<const OntologyGraph::Node> nodes) {
  return {nodes.begin(), nodes.end()};
}

}  // namespace

TEST_CASE(
    "ontology graph: a relation is one edge in both directions, however often and in which direction it is told") {
  const SomeOntology some(term_text("A") + term_text("B", "is_a: A\nis_a: A ! again\n") +
                          term_text("C", "is_a: B\nis_a: A\nalt_id: OLD:C\n") + term_text("D") +
                          term_text("E", "is_a: OLD:C\n"));
  const OntologyGraph& graph = some.graph;
  CHECK(graph.size() == 5);
  CHECK(graph.num_edges() == 4);
  CHECK(listed(graph.neighbours(some.node("A"))) == GraphNodes{some.node("B"), some.node("C")});
  CHECK(listed(graph.neighbours(some.node("B"))) == GraphNodes{some.node("A"), some.node("C")});
  CHECK(listed(graph.neighbours(some.node("C"))) == GraphNodes{some.node("A"), some.node("B"), some.node("E")});
  CHECK(graph.neighbours(some.node("D")).empty());
  CHECK(listed(graph.parents(some.node("C"))) == GraphNodes{some.node("A"), some.node("B")});
  CHECK(graph.missing_parents() == 0);
  CHECK(graph.cycle().empty());
  CHECK(graph.term(some.node("E")).id == "E");
}

TEST_CASE("ontology graph: obsolete terms are left out; relations to them or to unknown ids are counted") {
  const SomeOntology some(term_text("A") + term_text("B", "is_obsolete: true\n") +
                          term_text("C", "is_a: A\nis_a: B\nis_a: GO:1\n"));
  CHECK(some.graph.size() == 2);
  CHECK(some.graph.num_edges() == 1);
  CHECK(some.graph.missing_parents() == 2);
  CHECK(!some.graph.node_of(*some.ontology.by_id("B")));
  CHECK(some.node("C") == 1);
}

TEST_CASE("ontology graph: parts are followed on request") {
  const std::string text = term_text("A") + term_text("B", "is_a: A\n") + term_text("C", "relationship: part_of B\n") +
                           term_text("D", "relationship: is_a_or_part_of C\n") +
                           term_text("E", "relationship: develops_from A\n");
  CHECK(SomeOntology(text).graph.num_edges() == 1);
  const SomeOntology parts(text, OntologyRelations::is_a_or_part_of);
  CHECK(parts.graph.num_edges() == 3);
  CHECK(parts.graph.is_ancestor(parts.node("A"), parts.node("D")));
}

TEST_CASE("ontology graph: a ring of relations is found and harms nothing") {
  const SomeOntology some(term_text("A", "is_a: C\n") + term_text("B", "is_a: A\n") +
                          term_text("C", "is_a: X\nis_a: B\n") + term_text("X") + term_text("D", "is_a: B\n"));
  const auto ring = some.graph.cycle();
  REQUIRE(ring.size() == 3);
  for (std::size_t i = 0; i < ring.size(); ++i) {
    const auto parents = listed(some.graph.parents(ring[i]));
    CHECK(std::ranges::find(parents, ring[(i + 1) % ring.size()]) != parents.end());
  }
  CHECK(some.graph.num_edges() == 5);
  CHECK(some.graph.is_ancestor(some.node("X"), some.node("D")));
  CHECK(!some.graph.is_ancestor(some.node("D"), some.node("X")));
  const SomeOntology own(term_text("A", "is_a: A\n") + term_text("B", "is_a: A\n"));
  CHECK(own.graph.cycle() == GraphNodes{own.node("A")});
  CHECK(own.graph.num_edges() == 1);
}

TEST_CASE("ontology graph: ancestors are all above, and not the term itself, siblings or children") {
  const SomeOntology some(term_text("A") + term_text("B", "is_a: A\n") + term_text("C", "is_a: B\n") +
                          term_text("D", "is_a: B\n"));
  CHECK(some.graph.is_ancestor(some.node("A"), some.node("C")));
  CHECK(some.graph.is_ancestor(some.node("B"), some.node("C")));
  CHECK(!some.graph.is_ancestor(some.node("C"), some.node("C")));
  CHECK(!some.graph.is_ancestor(some.node("D"), some.node("C")));
  CHECK(!some.graph.is_ancestor(some.node("C"), some.node("A")));
}

TEST_CASE("ontology graph: the hash is of the edges, whatever the terms are called") {
  const auto hash = [](const std::string& text) { return SomeOntology(text).graph.hash(); };
  const auto first = hash(term_text("A") + term_text("B", "is_a: A\n") + term_text("C", "is_a: A\n"));
  CHECK(first == hash(term_text("X") + term_text("Y", "is_a: X\n") + term_text("Z", "is_a: X\n")));
  CHECK(first != hash(term_text("A") + term_text("B", "is_a: A\n") + term_text("C", "is_a: B\n")));
  CHECK(first != hash(term_text("A") + term_text("B", "is_a: A\n") + term_text("C", "is_a: A\n") + term_text("D")));
}

TEST_CASE("ontology graph: terms without relations are refused, with the file's name") {
  for (const std::string& text : {term_text("A") + term_text("B"), term_text("A", "is_obsolete: true\n"),
                                  term_text("A") + term_text("B", "relationship: part_of A\n")}) {
    const auto message = message_of<InputError>([&] { SomeOntology some(text); });
    CHECK(has(message, "some.obo: none of its"));
    CHECK(has(message, "by is_a;"));
  }
  const Ontology ontology = Ontology::parse(term_text("A"), "x");
  CHECK(has(message_of<InputError>([&] { OntologyGraph(ontology, "x", OntologyRelations::is_a_or_part_of); }),
            "by is_a or part_of;"));
}

TEST_CASE("ontology: a term is found by id, former id, name in any case or exact synonym") {
  const Ontology ontology = Ontology::parse(
      "[Term]\nid: T:1\nname: T cell\nsynonym: \"T lymphocyte\" EXACT []\nsynonym: \"cell\" BROAD []\n\n"
      "[Term]\nid: T:2\nname: old\nis_obsolete: true\nreplaced_by: T:1\n\n"
      "[Term]\nid: T:3\nname: gone\nis_obsolete: true\n\n"
      "[Term]\nid: T:4\nname: twice\n\n[Term]\nid: T:5\nname: twice\n",
      "x");
  for (const char* text : {"T:1", "T cell", "t CELL", "t lymphocyte", "T:2"}) {
    CAPTURE(text);
    REQUIRE(find_term(ontology, text));
    CHECK(find_term(ontology, text)->id == "T:1");
  }
  for (const char* text : {"", "cell", "T:3", "gone", "twice", "T:9"}) CHECK(!find_term(ontology, text));
}
