// The metric `pagerank` on texts of the template: names, synonyms, what is unmapped, unknown or never trained on.
#include "metrics/pagerank/pagerank.hpp"

#include <cmath>

#include "core/io/message.hpp"
#include "core/ontology/graphs.hpp"
#include "support/oracle.hpp"

using cell2text::CellFacts;
using cell2text::Context;
using cell2text::InputError;
using cell2text::KnownLabels;
using cell2text::Prediction;
using cell2text::Score;
using cell2text::Scores;
using cell2text::pagerank::PageRankSimilarity;
using namespace cell2text::test;

namespace {

std::string stanza(const std::string& id, const std::string& name, const std::string& lines = "") {
  return "[Term]\nid: " + id + "\nname: " + name + "\n" + lines + "\n";
}

// cell - leukocyte - (T cell - CD8-positive, alpha-beta T cell | B cell), cell - neuron
const std::string cells_obo = stanza("C:0", "cell") + stanza("C:1", "leukocyte", "is_a: C:0\n") +
                              stanza("C:2", "T cell", "is_a: C:1\nsynonym: \"T lymphocyte\" EXACT []\n") +
                              stanza("C:3", "CD8-positive, alpha-beta T cell", "is_a: C:2\n") +
                              stanza("C:4", "B cell", "is_a: C:1\n") + stanza("C:5", "neuron", "is_a: C:0\n");

std::string text_of(const std::string& cell_type, const std::string& tissue = "blood",
                    const std::string& disease = "normal") {
  CellFacts facts;
  facts.cell_type = cell_type;
  facts.tissue = tissue;
  facts.disease = disease;
  return *cell2text::describe(facts);
}

Prediction scored(const std::string& truth, const std::string& predicted) {
  return {.cell = "c", .reference = "", .prediction = text_of(predicted), .labels = {{"cell_type", truth}}};
}

const Score& named(const Scores& scores, const std::string& name) {
  for (const Score& score : scores.scores)
    if (score.name == name) return score;
  FAIL("no score named " << name);
  throw 0;
}

/// Scores with an ontology of this text.
Scores score(const std::string& obo, const std::vector<Prediction>& predictions, const KnownLabels& known = {},
             PageRankSimilarity::Settings settings = {}) {
  const TemporaryFolder folder;
  write_file(folder / "some.obo", obo);
  settings.ontology = (folder / "some.obo").string();
  return PageRankSimilarity(settings, Context{}).score(predictions, known);
}

}  // namespace

TEST_CASE("pagerank: the right name is 1, a near one more than a far one, and the value is the mean of the cells") {
  const Scores scores = score(cells_obo, {scored("T cell", "T cell"), scored("T cell", "leukocyte"),
                                          scored("T cell", "B cell"), scored("T cell", "neuron")});
  const Score& similarity = named(scores, "similarity");
  REQUIRE(similarity.per_cell.size() == 4);
  CHECK(similarity.per_cell[0] == 1);
  for (int i = 0; i < 3; ++i) CHECK(similarity.per_cell[i] > similarity.per_cell[i + 1]);
  const auto& p = similarity.per_cell;
  CHECK(*similarity.value == doctest::Approx((p[0] + p[1] + p[2] + p[3]) / 4));
  CHECK(similarity.note.empty());
  CHECK(named(scores, "unmapped_predictions").value == 0);
  CHECK(named(scores, "unmapped_truth").value == 0);
}

TEST_CASE("pagerank: a cell's value is the similarity from the predicted term to the true one") {
  const auto predicted_true = score(cells_obo, {scored("B cell", "leukocyte")});
  const SomeOntology some(cells_obo);
  const cell2text::SimilarityMatrix matrix(some.graph, {});
  const float there = matrix.at(some.node("C:1"), some.node("C:4")),
              back = matrix.at(some.node("C:4"), some.node("C:1"));
  CHECK(std::abs(there - back) > 0.01);
  CHECK(named(predicted_true, "similarity").per_cell[0] == doctest::Approx(there).epsilon(1e-5));
  PageRankSimilarity::Settings settings;
  settings.damping = 0.5, settings.tau = 0.01;
  const auto other = score(cells_obo, {scored("B cell", "leukocyte")}, {}, settings);
  const cell2text::SimilarityMatrix expected(some.graph, {{0.5, {}}, 0.01});
  CHECK(named(other, "similarity").per_cell[0] ==
        doctest::Approx(expected.at(some.node("C:1"), some.node("C:4"))).epsilon(1e-5));
  settings.tolerance = "networkx";
  const float iterated =
      named(score(cells_obo, {scored("B cell", "leukocyte")}, {}, settings), "similarity").per_cell[0];
  const cell2text::SimilarityMatrix networkx(some.graph, {{0.5, cell2text::PageRankTolerance::networkx}, 0.01});
  CHECK(iterated == doctest::Approx(networkx.at(some.node("C:1"), some.node("C:4"))).epsilon(1e-7));
  CHECK(iterated != named(other, "similarity").per_cell[0]);
}

TEST_CASE("pagerank: exact synonyms, other case and names with commas are their terms") {
  const Scores scores =
      score(cells_obo, {scored("T cell", "T lymphocyte"), scored("t CELL", "T cell"), scored("C:2", "T cell"),
                        scored("CD8-positive, alpha-beta T cell", "CD8-positive, alpha-beta T cell")});
  CHECK(named(scores, "similarity").value == 1);
  const Scores others = score(cells_obo + stanza("C:6", "plasma cell", "is_a: C:4\nsynonym: \"B cell\" EXACT []\n"),
                              {scored("B cell", "C:4"), scored("B cell", "B cell"), scored("C:4", "b cell")});
  CHECK(named(others, "similarity").per_cell == std::vector<float>{1, 1, 1});
}

TEST_CASE("pagerank: names that the ontology does not have count as 0 and are reported") {
  KnownLabels known;
  known.values["cell_type"] = {"lab cell"};
  std::vector<Prediction> predictions{scored("T cell", "T cell"), scored("T cell", "lab cell"),
                                      scored("my cell", "T cell"), scored("my cell", "my cell")};
  predictions.push_back(scored("T cell", "B cell"));
  predictions.back().prediction = "no such sentence";
  const Scores scores = score(cells_obo, predictions, known);
  const Score& similarity = named(scores, "similarity");
  CHECK(similarity.per_cell == std::vector<float>{1, 0, 0, 0, 0});
  CHECK(*similarity.value == doctest::Approx(0.2));
  CHECK(similarity.note == "2 of 5 cells have a true name that the ontology does not have: counted as 0");
  CHECK(*named(scores, "unmapped_predictions").value == doctest::Approx(0.6));
  CHECK(*named(scores, "unmapped_truth").value == doctest::Approx(0.4));
  CHECK(!named(scores, "unmapped_truth").higher_is_better);
}

TEST_CASE("pagerank: cells of unknown truth have no value, and without any other there is none") {
  const Scores some = score(cells_obo, {scored("unknown", "T cell"), scored("B cell", "B cell")});
  CHECK(std::isnan(named(some, "similarity").per_cell[0]));
  CHECK(named(some, "similarity").value == 1);
  for (const auto& predictions : {std::vector<Prediction>{},
                                  {scored("unknown", "T cell")},
                                  {{.cell = "c", .reference = "", .prediction = "x", .labels = {}}}}) {
    const Scores none = score(cells_obo, predictions);
    for (const char* name : {"similarity", "unmapped_predictions", "unmapped_truth"}) {
      CHECK(!named(none, name).value);
      CHECK(named(none, name).per_cell.empty());
      CHECK(named(none, name).note == "no cell has a known truth");
    }
  }
}

TEST_CASE("pagerank: of types never trained on it says how often an ancestor was named") {
  KnownLabels known;
  known.trained["cell_type"] = {"T lymphocyte", "B cell", "lab cell"};
  const std::string cd8 = "CD8-positive, alpha-beta T cell";
  const Scores scores = score(cells_obo,
                              {scored(cd8, "T cell"), scored(cd8, "leukocyte"), scored(cd8, cd8), scored(cd8, "B cell"),
                               scored("T cell", "leukocyte"), scored("B cell", "B cell"), scored("my cell", "cell")},
                              known);
  const Score& ancestor = named(scores, "ancestor_of_unseen");
  CHECK(*ancestor.value == doctest::Approx(0.5));
  CHECK(ancestor.per_cell[0] == 1);
  CHECK(ancestor.per_cell[1] == 1);
  CHECK(ancestor.per_cell[2] == 0);
  CHECK(ancestor.per_cell[3] == 0);
  for (std::size_t i = 4; i < 7; ++i) CHECK(std::isnan(ancestor.per_cell[i]));
  const Scores all_seen = score(cells_obo, {scored("B cell", "B cell")}, known);
  CHECK(!named(all_seen, "ancestor_of_unseen").value);
  CHECK(named(all_seen, "ancestor_of_unseen").note == "every true term was seen in training");
  const Scores unknown = score(cells_obo, {scored("B cell", "B cell")});
  CHECK(named(unknown, "ancestor_of_unseen").note == "the names that the model was trained on are not known");
}

TEST_CASE("pagerank: tissues with parts as edges") {
  const std::string obo = stanza("U:0", "organ") + stanza("U:1", "lung", "is_a: U:0\n") +
                          stanza("U:2", "lobe of lung", "relationship: part_of U:1\n") +
                          stanza("U:3", "eye", "is_a: U:0\n");
  const Prediction prediction{.cell = "c",
                              .reference = "",
                              .prediction = text_of("T cell", "lobe of lung"),
                              .labels = {{"cell_type", "T cell"}, {"tissue", "lung"}}};
  PageRankSimilarity::Settings settings;
  settings.label = "tissue";
  CHECK(*named(score(obo, {prediction}, {}, settings), "similarity").value == 0);
  settings.relations = "is_a_or_part_of";
  CHECK(*named(score(obo, {prediction}, {}, settings), "similarity").value > 0.5);
}

TEST_CASE("pagerank: a disease \"normal\" is right beside itself, wrong beside a disease, and never unmapped") {
  const std::string obo = stanza("M:0", "disease") + stanza("M:1", "COVID-19", "is_a: M:0\n");
  const auto prediction = [](const std::string& truth, const std::string& predicted) {
    return Prediction{.cell = "c",
                      .reference = "",
                      .prediction = text_of("T cell", "blood", predicted),
                      .labels = {{"cell_type", "T cell"}, {"tissue", "blood"}, {"disease", truth}}};
  };
  PageRankSimilarity::Settings settings;
  settings.label = "disease";
  const Scores scores = score(obo,
                              {prediction("normal", "normal"), prediction("normal", "COVID-19"),
                               prediction("COVID-19", "normal"), prediction("COVID-19", "COVID-19")},
                              {}, settings);
  CHECK(named(scores, "similarity").per_cell == std::vector<float>{1, 0, 0, 1});
  CHECK(named(scores, "unmapped_predictions").value == 0);
  CHECK(named(scores, "unmapped_truth").value == 0);
}

TEST_CASE("pagerank: an ontology that is missing, compressed or without relations is refused by name") {
  PageRankSimilarity::Settings settings;
  settings.ontology = "/nonexistent.obo";
  CHECK(has(message_of<InputError>([&] { PageRankSimilarity(settings, Context{}); }), "/nonexistent.obo"));
  CHECK(has(message_of<InputError>([&] { score("\x1f\x8b rest", {}); }), "gunzip"));
  CHECK(has(message_of<InputError>([&] { score(stanza("A", "a"), {}); }), "some.obo: none of its 1 current terms"));
}
