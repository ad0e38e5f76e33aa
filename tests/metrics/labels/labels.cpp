// The metric `labels` on texts of the template: both readings, unknown truth, labels that say nothing.
#include "metrics/labels/labels.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

using cell2text::CellFacts;
using cell2text::ConfusionTable;
using cell2text::Context;
using cell2text::KnownLabels;
using cell2text::Prediction;
using cell2text::Score;
using cell2text::Scores;
using cell2text::labels::Labels;

namespace {

struct Cell {
  std::string cell_type, tissue = "blood", disease = "normal";
};

std::string text_of(const Cell& cell) {
  CellFacts facts;
  facts.cell_type = cell.cell_type;
  facts.tissue = cell.tissue;
  facts.disease = cell.disease;
  return *cell2text::describe(facts);
}

Prediction with_text(const Cell& truth, const std::string& text) {
  return {.cell = "c",
          .reference = text_of(truth),
          .prediction = text,
          .labels = {{"cell_type", truth.cell_type}, {"tissue", truth.tissue}, {"disease", truth.disease}}};
}
Prediction scored(const Cell& truth, const Cell& predicted) {
  return with_text(truth, text_of(predicted));
}

const Score& named(const Scores& scores, const std::string& name) {
  for (const Score& score : scores.scores)
    if (score.name == name) return score;
  FAIL("no score named " << name);
  throw 0;
}
const ConfusionTable& table_of(const Scores& scores, const std::string& label) {
  for (const ConfusionTable& table : scores.confusion)
    if (table.label == label) return table;
  FAIL("no table of " << label);
  throw 0;
}

const Cell cd8{"CD8-positive, alpha-beta T cell"}, cd8_memory{"CD8-positive, alpha-beta memory T cell"}, b{"B cell"};
const KnownLabels known{{{"cell_type", {"monocyte", "B cell"}}, {"disease", {"COVID-19"}}}};

Scores score(const std::vector<Prediction>& predictions, const Labels::Settings& settings = {}) {
  return Labels(settings, Context{}).score(predictions, known);
}

}  // namespace

TEST_CASE("labels: the known reading keeps names with commas whole") {
  const Scores scores = score({scored(cd8, cd8), scored(cd8_memory, cd8), scored(b, b), scored(b, Cell{"monocyte"})});
  CHECK(named(scores, "cell_type.accuracy").value == 0.5);
  CHECK(named(scores, "cell_type.accuracy").per_cell == std::vector<float>{1, 0, 1, 0});
  CHECK(named(scores, "cell_type.majority").value == 0.5);
  CHECK(named(scores, "cell_type.unreadable").value == 0);
  CHECK_FALSE(named(scores, "cell_type.unreadable").higher_is_better);
  CHECK(*named(scores, "cell_type.weighted_f1").value == doctest::Approx((2.0 / 3 + 2.0 * 2 / 3) / 4));
  CHECK(*named(scores, "cell_type.macro_f1").value == doctest::Approx((2.0 / 3 + 2.0 / 3) / 4));
  const ConfusionTable& table = table_of(scores, "cell_type");
  CHECK(table.classes == std::vector<std::string>{"B cell", cd8.cell_type, cd8_memory.cell_type, "monocyte"});
  CHECK(table.counts[0] == std::vector<std::int64_t>{1, 0, 0, 1, 0});
  CHECK(table.counts[2] == std::vector<std::int64_t>{0, 1, 0, 0, 0});
}

TEST_CASE("labels: the paper's reading cuts names, merges them, and says so") {
  const std::vector<Prediction> predictions{scored(cd8, cd8), scored(cd8_memory, cd8), scored(b, b), scored(b, b)};
  const Scores obs = score(predictions, {.reading = "paper"});
  CHECK(named(obs, "paper.cell_type.accuracy").value == 0.5);
  CHECK(named(obs, "paper.cell_type.accuracy").note == "2 of 4 cells have a name that this reading cuts: never right");
  CHECK(named(obs, "paper.cell_type.merged_names").value == 2);
  CHECK(named(obs, "paper.cell_type.merged_names").unit == "names");
  CHECK(named(obs, "paper.tissue.merged_names").value == 0);

  const Scores text = score(predictions, {.reading = "paper", .truth = "text"});
  CHECK(named(text, "paper.cell_type.accuracy").value == 1.0);
  CHECK(named(text, "paper.cell_type.accuracy").note == "");
  CHECK(table_of(text, "paper.cell_type").classes == std::vector<std::string>{"b", "cd8-positive"});
}

TEST_CASE("labels: tissue and disease are read too, and settings choose the readings") {
  const std::vector<Prediction> predictions{scored({"B cell", "lung", "COVID-19"}, {"B cell", "lung", "COVID-19"}),
                                            scored({"T cell", "blood"}, {"T cell", "lung"})};
  const Scores both = score(predictions);
  CHECK(both.scores.size() == 5 * 9 + 3 * 10);
  CHECK(both.confusion.size() == 6);  // of sex and stage no cell's truth is known
  for (const std::string prefix : {"", "paper."}) {
    CHECK(named(both, prefix + "tissue.accuracy").value == 0.5);
    CHECK(named(both, prefix + "disease.accuracy").value == 1.0);
    CHECK(named(both, prefix + "cell_type.accuracy").value == 1.0);
  }
  CHECK(score(predictions, {.reading = "known"}).scores.size() == 5 * 9);
  std::set<std::string> names;
  for (const Score& one : both.scores) names.insert(one.name);
  CHECK(names.size() == both.scores.size());
}

TEST_CASE("labels: a text without a label is wrong, never missing") {
  const Scores scores = score({with_text(b, "nothing to read"), scored(Cell{"T cell"}, Cell{"T cell"})});
  for (const std::string prefix : {"", "paper."}) {
    CHECK(named(scores, prefix + "cell_type.accuracy").value == 0.5);
    CHECK(named(scores, prefix + "cell_type.unreadable").value == 0.5);
    CHECK(named(scores, prefix + "cell_type.unreadable").per_cell == std::vector<float>{1, 0});
    CHECK(table_of(scores, prefix + "cell_type").counts[0].back() == 1);
  }
}

TEST_CASE("labels: one true value says nothing") {
  const Scores scores = score({scored(b, b), scored(cd8, cd8)});
  for (const char* name : {"tissue.accuracy", "tissue.weighted_f1", "tissue.macro_f1", "tissue.majority"}) {
    CHECK_FALSE(named(scores, name).value.has_value());
    CHECK(named(scores, name).note == "one value, says nothing");
    CHECK(named(scores, name).per_cell.empty());
  }
  CHECK(named(scores, "tissue.unreadable").value == 0);
}

TEST_CASE("labels: cells of unknown truth do not count") {
  std::vector<Prediction> predictions{scored(b, b), scored(cd8, b), scored(b, b), scored(b, b)};
  predictions[2].labels.erase("cell_type");
  predictions[3].labels["cell_type"] = "unknown";
  const Scores scores = score(predictions);
  const Score& accuracy = named(scores, "cell_type.accuracy");
  CHECK(accuracy.value == 0.5);
  CHECK(accuracy.note == "2 of 4 cells have no known truth");
  CHECK(named(scores, "cell_type.unreadable").note == accuracy.note);
  REQUIRE(accuracy.per_cell.size() == 4);
  CHECK(accuracy.per_cell[0] == 1);
  CHECK(accuracy.per_cell[1] == 0);
  CHECK(std::isnan(accuracy.per_cell[2]));
  CHECK(std::isnan(accuracy.per_cell[3]));

  for (Prediction& one : predictions) one.labels.clear();
  CHECK(named(score(predictions), "cell_type.accuracy").note == "no cell has a known truth");
  CHECK_FALSE(named(score(predictions), "paper.disease.majority").value.has_value());
  for (const char* name : {"sex.unreadable", "development_stage.unreadable", "cell_type.unreadable"}) {
    CHECK_FALSE(named(score(predictions), name).value.has_value());  // nothing is missing that is not known
    CHECK(named(score(predictions), name).note == "no cell has a known truth");
    CHECK(named(score(predictions), name).per_cell.empty());
  }
}

TEST_CASE("labels: no cells and no known names give no values") {
  const Scores scores = Labels({}, Context{}).score({}, {});
  CHECK(scores.scores.size() == 5 * 9 + 3 * 10);
  CHECK(scores.recounts.empty());
  for (const Score& one : scores.scores) {
    CHECK_FALSE(one.value.has_value());
    CHECK_FALSE(one.note.empty());
  }
  CHECK(scores.confusion.empty());
}

TEST_CASE("labels: settings describe themselves and refuse other words") {
  cell2text::Value table;
  table.set("reading", {std::string("papers"), {}});
  Labels::Settings settings;
  cell2text::SettingsFaults faults;
  cell2text::read_fields(table, settings, faults, "");
  CHECK(faults.list.size() == 1);
  CHECK(faults.text().find("'paper'") != std::string::npos);
}
