// The baseline `template`: another baseline's labels as descriptions.
#include "plugins/baselines/template/filled_template.hpp"

#include "tests/plugins/baselines/labelled_cells.hpp"

using cell2text::filled_template::FilledTemplate;
namespace test = cell2text::test;

TEST_CASE("template: labels become the description, with the ontology's definition; without a cell type nothing") {
  const test::TemporaryFolder folder;
  test::write_file(
      folder / "cl.obo",
      "format-version: 1.2\n\n[Term]\nid: CL:1\nname: B cell\ndef: \"A lymphocyte of the B lineage.\" []\n");
  FilledTemplate::Settings settings;
  settings.ontology = (folder / "cl.obo").string();
  const FilledTemplate filled(settings, {});
  CHECK(filled.needs().another_labels);
  cell2text::BaselineCells cells{3, {}, {}};
  cells.labels = {test::column("cell_type", {"B cell", "", "odd cell"}),
                  test::column("tissue", {"blood", "blood", "lung"}),
                  test::column("disease", {"normal", "normal", "asthma"}), test::column("sex", {"female", "", "male"})};
  cells.pathways = {test::column("pathway_1", {"Genes up.", "Genes up.", ""})};
  const auto texts = filled.predict(cells).texts;
  REQUIRE(texts.size() == 3);
  CHECK(texts[0] ==
        "This sample consists of a B cell, lymphocyte of the B lineage. It originates from the blood of a normal "
        "female. This cell is associated with Genes up.");
  CHECK(texts[1].empty());
  CHECK(texts[2] == "This sample consists of an odd cell. It originates from the lung of a male with asthma.");
}

TEST_CASE("template: an ontology that is not there is named") {
  FilledTemplate::Settings settings;
  settings.ontology = "/nonexistent/cl.obo";
  CHECK_THROWS_WITH_AS(FilledTemplate(settings, {}), doctest::Contains("/nonexistent/cl.obo"), cell2text::InputError);
}
