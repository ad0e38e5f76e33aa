// The metric `pathways` on texts of the template: what parts mean, what counts, and tables that are refused.
#include "metrics/pathways/pathways.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "cell2text/evaluate/bootstrap.hpp"
#include "support/oracle.hpp"

using cell2text::Context;
using cell2text::InputError;
using cell2text::Prediction;
using cell2text::Score;
using cell2text::Scores;
using cell2text::pathways::KnownPathways;
using cell2text::pathways::pathway_parts;
using cell2text::pathways::Pathways;
using cell2text::test::says;
using cell2text::test::TemporaryFolder;
using cell2text::test::write_file;

namespace {

std::string hallmarks() {
  return (cell2text::test::source_dir() / "data/demo/pathways/hallmark_descriptions.tsv").string();
}

const std::string hypoxia = "Genes up-regulated in response to low oxygen levels (hypoxia).",
                  androgens = "Genes defining response to androgens.",
                  uv_up = "Genes up-regulated in response to ultraviolet (UV) radiation.";

std::string telling(const std::vector<std::string>& descriptions) {
  cell2text::CellFacts facts;
  facts.cell_type = "B cell";
  facts.pathway_descriptions = descriptions;
  return *cell2text::describe(facts);
}

Prediction cell(const std::vector<std::string>& truth, const std::string& text) {
  return {.cell = "c", .reference = telling(truth), .prediction = text, .labels = {}};
}

Scores score(const std::vector<Prediction>& cells) {
  return Pathways({.descriptions = hallmarks()}, Context{}).score(cells);
}

const Score& named(const Scores& scores, const std::string& name) {
  for (const Score& one : scores.scores)
    if (one.name == name) return one;
  FAIL("no score named " << name);
  throw 0;
}

std::string refusal(const std::string& table) {
  const TemporaryFolder folder;
  write_file(folder / "t.tsv", table);
  try {
    KnownPathways known(folder / "t.tsv");
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("pathways: the parts of a text stand behind the template's words, without their final period") {
  CHECK(pathway_parts(telling({hypoxia, androgens})) ==
        std::vector<std::string>{"genes up-regulated in response to low oxygen levels (hypoxia)",
                                 "genes defining response to androgens"});
  CHECK(pathway_parts(telling({androgens})).size() == 1);
  CHECK(pathway_parts(telling({})).empty());
  CHECK(pathway_parts("").empty());
  CHECK(pathway_parts("x. this CELL is  associated\nwith One. ADDITIONALLY, it involves two") ==
        std::vector<std::string>{"one", "two"});
  CHECK(pathway_parts("x. This cell is associated with ") == std::vector<std::string>{});
  CHECK(pathway_parts("x. This cell is associated with . Additionally, it involves .").size() == 2);
}

TEST_CASE("pathways: the same two in any order are right; one of two, a wrong one and none are not") {
  const Scores scores = score({cell({hypoxia, androgens}, telling({androgens, hypoxia})),
                               cell({hypoxia, androgens}, telling({hypoxia, uv_up})),
                               cell({hypoxia, androgens}, telling({hypoxia})), cell({hypoxia}, telling({}))});
  CHECK(named(scores, "subset_accuracy").per_cell == std::vector<float>{1, 0, 0, 0});
  CHECK(named(scores, "jaccard").per_cell == std::vector<float>{1, 1.0f / 3, 0.5, 0});
  CHECK(named(scores, "unreadable").per_cell == std::vector<float>{0, 0, 0, 1});
  CHECK(named(scores, "subset_accuracy").value == 0.25);
  // hypoxia: 3 right of 3 said and 4 true; androgens: 1 of 1 and 3; ultraviolet: said once
  CHECK(*named(scores, "macro_f1").value == doctest::Approx((6.0 / 7 + 2.0 / 4) / 3));
  CHECK(*named(scores, "weighted_f1").value == doctest::Approx((4 * 6.0 / 7 + 3 * 2.0 / 4) / 7));
  CHECK(*named(scores, "micro_f1").value == doctest::Approx(8.0 / 12));
  CHECK_FALSE(named(scores, "unreadable").higher_is_better);
}

TEST_CASE("pathways: a slightly damaged description is understood, an unlike or ambiguous one is unreadable") {
  std::string damaged = hypoxia;
  damaged.replace(damaged.find("oxygen"), 6, "oxigen");
  const Scores scores =
      score({cell({hypoxia}, telling({damaged})),
             cell({hypoxia}, telling({"GENES  up-regulated in "
                                      "response to low oxygen "
                                      "levels (hypoxia)"})),
             cell({hypoxia}, telling({"Genes of hypoxia."})), cell({hypoxia}, telling({hypoxia, "nothing known"}))});
  CHECK(named(scores, "subset_accuracy").per_cell == std::vector<float>{1, 1, 0, 0});
  CHECK(named(scores, "jaccard").per_cell == std::vector<float>{1, 1, 0, 0.5});
  CHECK(named(scores, "unreadable").per_cell == std::vector<float>{0, 0, 1, 1});
  CHECK(*named(scores, "micro_f1").value == doctest::Approx(2 * 3.0 / (3 + 4)));

  const TemporaryFolder folder;
  const std::string stem(60, 'x');
  write_file(folder / "t.tsv", "A\t" + stem + "a.\nB\t" + stem + "b.\n");
  const KnownPathways known(folder / "t.tsv");
  CHECK(known.meant(stem + "a") == 0);
  CHECK_FALSE(known.meant(stem + "c").has_value());
  CHECK(known.meant(stem + "bb") == 1);
}

TEST_CASE("pathways: the truth is the cell's list, by name or description, before its reference") {
  std::vector<Prediction> cells(5, cell({uv_up}, telling({hypoxia})));
  cells[0].pathways = {"HALLMARK_HYPOXIA"};
  cells[1].pathways = {hypoxia, "HALLMARK_HYPOXIA"};
  cells[2].pathways.emplace();
  cells[4].reference = "tells nothing";
  const Scores scores = score(cells);
  const auto& right = named(scores, "subset_accuracy");
  CHECK(right.per_cell[0] == 1);
  CHECK(right.per_cell[1] == 1);
  CHECK(right.per_cell[2] == 0);
  CHECK(right.per_cell[3] == 0);
  CHECK(std::isnan(right.per_cell[4]));
  CHECK(right.value == 0.5);
  CHECK(right.note == "1 of 5 cells have no known pathways");
  cells[2].prediction = "This sample consists of a B cell.";
  CHECK(named(score(cells), "jaccard").per_cell[2] == 1);  // nothing said of a cell that has none
  CHECK(named(score(cells), "unreadable").per_cell[2] == 0);
  cells[0].pathways = {"HALLMARK_NOBODY"};
  CHECK_THROWS_WITH_AS(score(cells), doctest::Contains("has no pathway 'HALLMARK_NOBODY', which cell 'c' names"),
                       InputError);
}

TEST_CASE("pathways: without known truth, or cells, there are no values") {
  const std::vector<std::vector<Prediction>> all{{}, {cell({}, telling({hypoxia}))}, {cell({"odd"}, "")}};
  for (const auto& cells : all) {
    const Scores scores = score(cells);
    CHECK(scores.scores.size() == 6);
    CHECK(scores.recounts.empty());
    for (const Score& one : scores.scores) {
      CHECK_FALSE(one.value.has_value());
      CHECK(one.note == (cells.empty() ? "no cells" : "no cell has known pathways"));
      CHECK(one.per_cell.empty());
    }
  }
}

TEST_CASE("pathways: what is counted anew of drawn cells is what those cells score") {
  const auto seed = cell2text::test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  std::mt19937_64 random(seed);
  const std::vector<std::string> some{hypoxia, androgens, uv_up, "no pathway at all"};
  std::vector<Prediction> cells;
  for (int i = 0; i < 40; ++i)
    cells.push_back(cell({some[random() % 4], some[random() % 3]}, telling({some[random() % 4], some[random() % 4]})));
  const Scores all = score(cells);
  REQUIRE(all.recounts.size() == 1);
  std::vector<double> times(all.recounts[0].num_outcomes), values(3, std::nan(""));
  std::vector<Prediction> drawn;
  all.recounts[0].values(times, values);
  CHECK(std::isnan(values[0]));
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const auto one = random() % cells.size();
    drawn.push_back(cells[one]);
    ++times[all.recounts[0].outcome[one]];
  }
  all.recounts[0].values(times, values);
  const Scores expected = score(drawn);
  for (std::size_t i = 0; i < 3; ++i)
    CHECK(values[i] == doctest::Approx(*named(expected, all.recounts[0].names[i]).value));
  Scores scores = all;
  Scores* const list[] = {&scores};
  cell2text::add_intervals(list, cells.size());
  for (const Score& one : scores.scores) {
    REQUIRE(one.low.has_value());
    CHECK(*one.low <= *one.value);
    CHECK(*one.value <= *one.high);
  }
}

TEST_CASE("pathways: a table that cannot be told apart or read is refused, with its line") {
  CHECK(says(refusal(""), "t.tsv holds no pathways"));
  CHECK(says(refusal("A\tx\nB y\n"), "t.tsv:2: 0 tabs"));
  CHECK(says(refusal("A\tx\ty\n"), "t.tsv:1: 2 tabs"));
  CHECK(says(refusal("A\t.\n"), "t.tsv:1: the description of A is empty"));
  CHECK(says(refusal("A\tx\nA\ty\n"), "t.tsv:2: the pathway A is listed twice"));
  CHECK(says(refusal("A\tx y.\n\nB\tX  Y\n"), "t.tsv:3: B is described like A"));
  CHECK(refusal("A\tx\r\n\nB\ty").empty());
  CHECK_THROWS_AS(KnownPathways("/nonexistent/t.tsv"), InputError);
  CHECK(KnownPathways(hallmarks()).names().size() == 50);
}
