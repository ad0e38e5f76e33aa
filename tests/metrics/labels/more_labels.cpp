// The metric `labels` beyond three labels: sex and stage, ontologies at hand, coarser levels, and counting anew.
#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "cell2text/evaluate/bootstrap.hpp"
#include "metrics/labels/labels.hpp"
#include "support/oracle.hpp"

namespace {

using cell2text::CellFacts;
using cell2text::ConfusionTable;
using cell2text::Context;
using cell2text::InputError;
using cell2text::KnownLabels;
using cell2text::Ontology;
using cell2text::Prediction;
using cell2text::Score;
using cell2text::Scores;
using cell2text::labels::Labels;
using cell2text::labels::Levels;

using Facts = std::map<std::string, std::string>;

const char* const terms = R"(ontology: cl

[Term]
id: CL:1
name: cell

[Term]
id: CL:2
name: lymphocyte
synonym: "lymphoid cell" EXACT []
is_a: CL:1

[Term]
id: CL:3
name: T cell
synonym: "T lymphocyte" EXACT []
synonym: "big lymphocyte" BROAD []
is_a: CL:2

[Term]
id: CL:4
name: CD8 T cell, naive
is_a: CL:3

[Term]
id: CL:5
name: B cell
synonym: "T cell" EXACT []
is_a: CL:2

[Term]
id: CL:6
name: neuron
is_a: CL:1

[Term]
id: CL:7
name: old T cell
is_obsolete: true
replaced_by: CL:3

[Term]
id: CL:8
name: NK T cell
is_a: CL:3
is_a: CL:9

[Term]
id: CL:9
name: NK cell
is_a: CL:2

[Term]
id: UBERON:1
name: brain

[Term]
id: UBERON:2
name: cortex
relationship: part_of UBERON:1
)";

std::string description(const Facts& facts) {
  const auto of = [&](const char* label) -> std::optional<std::string> {
    const auto found = facts.find(label);
    return found == facts.end() ? std::nullopt : std::optional(found->second);
  };
  CellFacts all;
  all.cell_type = of("cell_type"), all.tissue = of("tissue"), all.disease = of("disease");
  all.sex = of("sex"), all.development_stage = of("development_stage");
  return *cell2text::describe(all);
}

Prediction cell_of(const Facts& truth, const Facts& said) {
  return {.cell = "c", .reference = "", .prediction = description(said), .labels = truth};
}

const Score& found(const Scores& scores, const std::string& name) {
  for (const Score& score : scores.scores)
    if (score.name == name) return score;
  FAIL("no score named " << name);
  throw 0;
}

struct OntologyFile {
  cell2text::test::TemporaryFolder folder;
  std::string path = (folder / "cl.obo").string();
  OntologyFile() { cell2text::test::write_file(path, terms); }
};

}  // namespace

TEST_CASE("labels: sex and development stage are read, the stage as its age bucket") {
  const std::vector<Prediction> cells{
      cell_of({{"cell_type", "B cell"}, {"sex", "male"}, {"development_stage", "35-year-old stage"}},
              {{"cell_type", "B cell"}, {"sex", "male"}, {"development_stage", "49-year-old stage"}}),
      cell_of({{"cell_type", "B cell"}, {"sex", "female"}, {"development_stage", "middle age"}},
              {{"cell_type", "B cell"}, {"sex", "male"}, {"development_stage", "70-year-old stage"}}),
      cell_of({{"cell_type", "B cell"}, {"sex", "unknown"}, {"development_stage", "prenatal stage"}},
              {{"cell_type", "B cell"}, {"sex", "plant"}})};
  const Scores scores = Labels({.reading = "known"}, Context{}).score(cells, {});
  CHECK(found(scores, "sex.accuracy").value == 0.5);
  CHECK(found(scores, "sex.accuracy").note == "1 of 3 cells have no known truth");
  CHECK(found(scores, "sex.unreadable").value == 0);  // of the third cell nothing was to be told
  CHECK(std::isnan(found(scores, "sex.unreadable").per_cell[2]));
  CHECK(found(scores, "development_stage.accuracy").value == 0.5);
  CHECK(scores.confusion.back().classes == std::vector<std::string>{"adulthood", "elderly stage", "middle age"});
}

TEST_CASE("labels: precision and recall stand beside F1") {
  std::vector<Prediction> cells;
  for (const auto& [truth, said] : {std::pair{"a", "a"}, {"a", "b"}, {"b", "b"}, {"b", "b"}})
    cells.push_back(cell_of({{"cell_type", truth}}, {{"cell_type", said}}));
  const Scores scores = Labels({}, Context{}).score(cells, {});
  CHECK(*found(scores, "cell_type.macro_precision").value == doctest::Approx((1 + 2.0 / 3) / 2));
  CHECK(*found(scores, "cell_type.macro_recall").value == 0.75);
  CHECK(*found(scores, "cell_type.weighted_precision").value == doctest::Approx((1 + 2.0 / 3) / 2));
  CHECK(*found(scores, "cell_type.weighted_recall").value == 0.75);
}

TEST_CASE("labels: exact synonyms and ids of the ontology stand for the term's name") {
  const OntologyFile file;
  const std::vector<Prediction> cells{
      cell_of({{"cell_type", "T cell"}}, {{"cell_type", "T lymphocyte"}}),
      cell_of({{"cell_type", "T lymphocyte"}}, {{"cell_type", "CL:3"}}),
      cell_of({{"cell_type", "lymphocyte"}}, {{"cell_type", "big lymphocyte"}}),  // a broad synonym is another thing
      cell_of({{"cell_type", "t CELL"}}, {{"cell_type", "T cell"}})};
  const Scores scores = Labels({.reading = "known", .ontology = file.path}, Context{}).score(cells, {});
  CHECK(found(scores, "cell_type.accuracy").per_cell == std::vector<float>{1, 1, 0, 1});
  CHECK(found(scores, "cell_type.unreadable").value == 0.25);
  REQUIRE_FALSE(scores.confusion.empty());
  CHECK(scores.confusion[0].classes == std::vector<std::string>{"T cell", "lymphocyte"});
  CHECK(scores.confusion[0].ids == std::vector<std::string>{"CL:3", "CL:2"});
  const Scores without = Labels({.reading = "known"}, Context{}).score(cells, {});
  CHECK(found(without, "cell_type.accuracy").value == 0);
  CHECK(without.confusion[0].ids.empty());
}

TEST_CASE("labels: at a coarser level names count as the most specific chosen term above them") {
  const OntologyFile file;
  const std::vector<Prediction> cells{
      cell_of({{"cell_type", "CD8 T cell, naive"}, {"tissue", "cortex"}},
              {{"cell_type", "T cell"}, {"tissue", "brain"}}),
      cell_of({{"cell_type", "B cell"}, {"tissue", "blood"}}, {{"cell_type", "lymphocyte"}, {"tissue", "brain"}}),
      cell_of({{"cell_type", "neuron"}}, {{"cell_type", "cell"}})};
  const Scores scores =
      Labels({.reading = "known", .ontology = file.path, .level = {"CL:2", "CL:3", "UBERON:1"}}, Context{})
          .score(cells, {});
  CHECK(found(scores, "cell_type.accuracy").value == 0);
  CHECK(*found(scores, "level.cell_type.accuracy").value == doctest::Approx(2.0 / 3));
  CHECK(found(scores, "level.tissue.accuracy").value == 0.5);
  bool has_table = false;
  for (const ConfusionTable& table : scores.confusion)
    if (table.label == "level.cell_type") {
      has_table = true;
      CHECK(table.classes == std::vector<std::string>{"T cell", "cell", "lymphocyte", "neuron"});
    }
  CHECK(has_table);
  for (const Score& score : scores.scores) CHECK_FALSE(score.name.starts_with("level.disease"));
}

TEST_CASE("levels: of several terms above a name the most specific counts, then the first") {
  const Ontology ontology = Ontology::parse(terms, "terms");
  const auto rolled = [&](const std::vector<std::string>& level, const std::string& name) {
    return *Levels(ontology, level, "terms").rolled_up("cell_type", {{name}})[0];
  };
  CHECK(rolled({"CL:3", "CL:9"}, "NK T cell") == "T cell");
  CHECK(rolled({"CL:9", "CL:3"}, "NK T cell") == "NK cell");
  CHECK(rolled({"CL:2", "CL:9", "CL:3"}, "NK T cell") == "NK cell");
  CHECK(rolled({"CL:7"}, "CD8 T cell, naive") == "T cell");
  CHECK(rolled({"CL:3"}, "neuron") == "neuron");
  CHECK(rolled({"CL:3"}, "no term at all") == "no term at all");
  CHECK_THROWS_AS(Levels(ontology, {"CL:99"}, "terms"), InputError);
}

TEST_CASE("labels: a level without an ontology or without whole names is refused") {
  for (const char* reading : {"both", "paper"}) {
    cell2text::Value table;
    table.set("level", {cell2text::Value::Array{{std::string("CL:2"), {}}}, {}});
    table.set("reading", {std::string(reading), {}});
    if (reading == std::string("paper")) table.set("ontology", {std::string("cl.obo"), {}});
    Labels::Settings settings;
    cell2text::SettingsFaults faults;
    cell2text::read_fields(table, settings, faults, "");
    CHECK(faults.list.size() == 1);
    CHECK(faults.text().find(reading == std::string("paper") ? "'reading'" : "'ontology'") != std::string::npos);
  }
}

TEST_CASE("labels: what is counted anew of drawn cells is what those cells score") {
  const auto seed = cell2text::test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  std::mt19937_64 random(seed);
  const std::vector<std::string> names{"a", "b", "c", "d", "e"};
  std::vector<Prediction> cells;
  for (int i = 0; i < 60; ++i) {
    cells.push_back(cell_of({{"cell_type", names[random() % 5]}}, {{"cell_type", names[random() % 5]}}));
    if (random() % 6 == 0) cells.back().prediction = "nothing";
    if (random() % 6 == 0) cells.back().labels.clear();
  }
  const Labels metric({.reading = "known"}, Context{});
  KnownLabels known;  // of a name that only a text has, cells that were drawn would not know
  known.values["cell_type"] = names;
  const Scores all = metric.score(cells, known);
  REQUIRE(all.recounts.size() == 1);
  const cell2text::Recount& recount = all.recounts[0];
  for (int round = 0; round < 20; ++round) {
    std::vector<Prediction> drawn;
    std::vector<double> times(recount.num_outcomes), values(recount.names.size(), std::nan(""));
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const auto one = random() % cells.size();
      drawn.push_back(cells[one]);
      ++times[recount.outcome[one]];
    }
    const Scores expected = metric.score(drawn, known);
    recount.values(times, values);
    for (std::size_t i = 0; i < values.size(); ++i)
      CHECK(values[i] == doctest::Approx(*found(expected, recount.names[i]).value));
  }
  std::vector<double> none(recount.num_outcomes), values(recount.names.size(), std::nan(""));
  recount.values(none, values);
  CHECK(std::isnan(values[0]));

  Scores scores = all;
  Scores* const list[] = {&scores};
  cell2text::add_intervals(list, cells.size());
  for (const char* name :
       {"cell_type.accuracy", "cell_type.weighted_f1", "cell_type.macro_recall", "cell_type.majority"}) {
    const Score& score = found(scores, name);
    REQUIRE(score.low.has_value());
    CHECK(*score.low < *score.value);
    CHECK(*score.value < *score.high);
  }
}
