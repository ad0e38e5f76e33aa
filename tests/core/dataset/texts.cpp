// The texts of a dataset: template, definitions, pathways, sentences of one's own.
#include "cell2text/dataset/texts.hpp"

#include "cell2text/dataset/pathway_labels.hpp"
#include "support/oracle.hpp"

using namespace cell2text;
namespace test = cell2text::test;
using dataset::CellTable;

TEST_CASE("dataset texts: the template over the table, with the ontology's definition and pathways") {
  const test::TemporaryFolder folder;
  test::write_file(
      folder / "cl.obo",
      "format-version: 1.2\n\n[Term]\nid: CL:1\nname: B cell\ndef: \"A lymphocyte that makes antibodies.\" []\n");
  CellTable table;
  table.cells = 2;
  table.labels = {{"cell_type", {"cell_type", {"b-cell", "odd cell"}, {0, 1}}},
                  {"cell_type_ontology_term_id", {"", {"CL:1"}, {0, -1}}},
                  {"tissue", {"", {"lung"}, {0, -1}}},
                  {"disease", {"", {"normal"}, {0, 0}}}};
  dataset::TextSettings settings;
  settings.ontology = (folder / "cl.obo").string();
  dataset::CellTexts texts(table, settings);
  CHECK(texts.text(0, {"Genes up.", "Genes down."}).value() ==
        "This sample consists of a b-cell, lymphocyte that makes antibodies. It originates from the lung of a normal "
        "individual. This cell is associated with Genes up. Additionally, it involves Genes down.");
  CHECK(texts.text(1, {}).value().starts_with("This sample consists of an odd cell. It originates from a normal"));

  test::write_file(folder / "sentences.tsv", "A\tGenes of a.\nB\tGenes of b.\n");
  const std::string sentences = (folder / "sentences.tsv").string();
  const dataset::PathwayLabels pathways("key", {"A", "B", "C"}, {1, 0, -1, -1}, sentences);
  CHECK(pathways.names(0) == std::vector<std::string>{"B", "A"});
  CHECK(pathways.sentences(0) == std::vector<std::string>{"Genes of b.", "Genes of a."});
  CHECK(pathways.names(1).empty());
  CHECK(pathways.told() == std::vector<std::string>{"A", "B"});
  CHECK_THROWS_WITH_AS(dataset::PathwayLabels("key", {"A", "C"}, {1, -1}, sentences), doctest::Contains("gene set C"),
                       InputError);
}

TEST_CASE("dataset texts: sentences of one's own tell what tissues and diseases are") {
  const test::TemporaryFolder folder;
  test::write_file(folder / "uberon.obo",
                   "format-version: 1.2\n\n[Term]\nid: UBERON:1\nname: lung\ndef: \"A {paired} organ.\" []\n");
  test::write_file(folder / "mondo.obo",
                   "format-version: 1.2\n\n[Term]\nid: MONDO:1\nname: influenza\ndef: \"An infection.\" []\n");
  CellTable table;
  table.cells = 3;
  table.labels = {{"cell_type", {"cell_type", {"B cell"}, {0, 0, 0}}},
                  {"tissue", {"", {"lung", "skin"}, {0, 1, -1}}},
                  {"tissue_ontology_term_id", {"", {"UBERON:1", "UBERON:2"}, {0, 1, -1}}},
                  {"disease", {"", {"normal", "influenza", "influenza and COVID-19"}, {0, 1, 2}}}};
  dataset::TextSettings settings;
  settings.tissue_ontology = (folder / "uberon.obo").string();
  settings.disease_ontology = (folder / "mondo.obo").string();
  settings.tissue_sentence = "{name}: {definition}.";
  settings.disease_sentence = "Its disease is {definition}";
  settings.validate();
  dataset::CellTexts texts(table, settings);
  CHECK(texts.text(0, {"Genes up."}).value() ==
        "This sample consists of a B cell. It originates from the lung of a normal individual. lung: {paired} "
        "organ. This cell is associated with Genes up.");
  CHECK(texts.text(1, {}).value() ==
        "This sample consists of a B cell. It originates from the skin of an individual with influenza. Its disease is "
        "infection.");
  CHECK(texts.text(2, {}).value() ==
        "This sample consists of a B cell. It originates from an individual with influenza and COVID-19.");

  for (const char* words : {"The {name}.", "{definition} of {tissue}", "{definition}}", "no words"}) {
    settings.tissue_sentence = words;
    CHECK_THROWS_WITH_AS(settings.validate(), doctest::Contains("{definition}"), InputError);
  }
  settings.tissue_sentence = "{definition}";
  settings.tissue_ontology.reset();
  CHECK_THROWS_WITH_AS(settings.validate(), doctest::Contains("descriptions.tissue_ontology"), InputError);
}
