// A lab's own names: the map's file, and columns of labels as predictions.
#include "cell2text/evaluate/label_map.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "support/oracle.hpp"

namespace {

using cell2text::LabelColumn;
using cell2text::LabelColumns;
using cell2text::LabelledCells;
using cell2text::LabelMap;
using cell2text::Ontology;
using cell2text::test::says;

const Ontology& ontology() {
  static const Ontology read = Ontology::parse(
      "[Term]\nid: CL:1\nname: B cell\nsynonym: \"B lymphocyte\" EXACT []\n"
      "[Term]\nid: CL:2\nname: T cell\n[Term]\nid: CL:3\nname: old cell\nis_obsolete: true\n",
      "test");
  return read;
}

LabelMap map_of(const std::string& csv, const Ontology* terms = nullptr) {
  const cell2text::test::TemporaryFolder folder;
  cell2text::test::write_file(folder / "map.csv", csv);
  return LabelMap(folder / "map.csv", terms);
}

std::string why_not(const std::string& csv, const Ontology* terms = nullptr) {
  try {
    map_of(csv, terms);
  } catch (const cell2text::InputError& error) {
    return error.what();
  }
  return "";
}

LabelColumns columns(LabelColumn predicted, LabelColumn truth) {
  std::vector<std::string> cells;
  for (std::size_t i = 0; i < truth.codes.size(); ++i) cells.push_back("c" + std::to_string(i));
  return {cells, std::move(predicted), std::move(truth)};
}

}  // namespace

TEST_CASE("label map: labels get the name of an id's term, or the name given; empty targets map nothing") {
  const LabelMap map = map_of("label,id,name\nB,CL:1,\n\"T, odd\",,T cell\nunsure,,\n", &ontology());
  CHECK(map.name("B") == "B cell");
  CHECK(map.name("T, odd") == "T cell");
  CHECK(map.name("unsure") == "unsure");
  CHECK_FALSE(map.has("unsure"));
  CHECK(map_of("label,id\nB,CL:1\n").name("B") == "CL:1");
}

TEST_CASE("label map: a wrong table is refused, with its line") {
  CHECK(says(why_not("label,cell\nB,x\n"), "has the columns 'label', 'cell'"));
  CHECK(says(why_not("id,name\nCL:1,x\n"), "'label' and one of 'id' and 'name' are needed"));
  CHECK(says(why_not("label,id\nB,CL:1\nT,CL:77\n", &ontology()), "map.csv:3: the ontology has no current term"));
  CHECK(says(why_not("label,id\nB,CL:3\n", &ontology()), "CL:3"));
  CHECK(says(why_not("label,name\nB,x\nB,y\n"), "map.csv:3: 'B' is mapped to 'y' and, before, to 'x'"));
  CHECK(why_not("label,name\nB,x\nB,x\n").empty());
}

TEST_CASE("label columns: names are mapped, cells of unknown truth left out, and odd labels told") {
  LabelColumns two = columns({"p", {"B", "CL:2", "blob", "unknown"}, {0, 1, 2, 3, -1, 0}},
                             {"t", {"B lymphocyte", "T cell", "unknown"}, {0, 1, 1, 1, 0, 2}});
  two.donors = LabelColumn{"donor_id", {"d", "unknown"}, {0, 0, 1, -1, 0, 0}};
  const LabelledCells found = cell2text::label_cells(two, map_of("label,id\nB,CL:1\n", &ontology()), &ontology());
  REQUIRE(found.predictions.size() == 5);
  CHECK(found.predictions[0].labels.at("cell_type") == "B cell");
  CHECK(found.predictions[0].prediction == "This sample consists of a B cell.");
  CHECK(found.predictions[1].prediction == "This sample consists of a T cell.");
  CHECK(found.predictions[3].prediction.empty());
  CHECK(found.predictions[4].prediction.empty());
  CHECK(found.predictions[0].donor == "d");
  CHECK(found.predictions[2].donor.empty());
  CHECK(found.unknown == std::vector<std::string>{"blob"});
  CHECK(found.names == std::vector<std::string>{"B cell", "T cell", "blob"});
}

TEST_CASE("label columns: no truth, or nothing in common, is refused") {
  CHECK_THROWS_WITH_AS(cell2text::label_cells(columns({"p", {"B"}, {0}}, {"t", {}, {-1}}), {}, nullptr),
                       doctest::Contains("no cell has a known label in 't'"), cell2text::InputError);
  CHECK_THROWS_WITH_AS(cell2text::label_cells(columns({"p", {"B"}, {0}}, {"t", {"B cell"}, {0}}), {}, nullptr),
                       doctest::Contains("no label of 'p' occurs in 't'"), cell2text::InputError);
}
