// Descriptions by row: a column of the file, or the template with labels and ontology.
#include "cell2text/baselines/inputs.hpp"
#include "cell2text/baselines/label_text.hpp"
#include "cell2text/text/description_source.hpp"
#include "support/oracle.hpp"
#include "support/toy_cells.hpp"

using cell2text::DescriptionSettings;
using cell2text::DescriptionSource;
using cell2text::InputError;
namespace test = cell2text::test;

namespace {

cell2text::SourceHandle source_with(const std::vector<std::string>& columns, std::size_t cells) {
  return test::toy_source(std::vector<std::int64_t>(cells, 3), columns);
}

constexpr const char* obo = R"(format-version: 1.2
data-version: releases/2025-01-01

[Term]
id: CL:1
name: B cell
def: "A lymphocyte of B lineage." []

[Term]
id: CL:2
name: T cell
synonym: "T-cell" EXACT []
def: "A lymphocyte that matures in the thymus." []

[Term]
id: CL:3
name: old B cell
def: "Not to be told." []
is_obsolete: true
replaced_by: CL:1

[Term]
id: CL:4
name: lost cell
def: "Not to be told either." []
is_obsolete: true

[Term]
id: CL:5
name: plain cell
)";

}  // namespace

TEST_CASE("description source: the template is filled from the label columns") {
  const auto source = source_with({"cell_type=B cell|T cell|?", "tissue=blood|?|blood", "tissue_general=x|lymph node|x",
                                   "disease=normal|COVID-19|normal", "sex=female|?|male"},
                                  3);
  const DescriptionSource descriptions(source, {});
  CHECK(descriptions.text(0) == "This sample consists of a B cell. It originates from the blood of a normal female.");
  CHECK(descriptions.text(1) ==
        "This sample consists of a T cell. It originates from the lymph node of an individual with COVID-19.");
  CHECK(!descriptions.text(2));
  CHECK(descriptions.label("sex", 0) == "female");
  CHECK(!descriptions.label("sex", 1));
  CHECK(!descriptions.label("development_stage", 0));
  CHECK(!descriptions.ontology());
}

TEST_CASE("description source: the authors' preset follows their wording") {
  const auto source = source_with({"cell_type=epithelial cell", "tissue=blood"}, 1);
  CHECK(DescriptionSource(source, {}).text(0) ==
        "This sample consists of an epithelial cell. It originates from the blood of an individual.");
  DescriptionSettings settings;
  settings.preset = "authors";
  CHECK(DescriptionSource(source, settings).text(0)->starts_with("This sample consists of a epithelial cell."));
}

TEST_CASE("description source: columns of other names are found by the settings") {
  DescriptionSettings settings;
  settings.cell_type = "celltype", settings.tissue = "organ";
  const DescriptionSource descriptions(
      source_with({"celltype=B cell", "organ=spleen", "celltype_ontology_term_id=CL:1"}, 1), settings);
  CHECK(descriptions.text(0) == "This sample consists of a B cell. It originates from the spleen of an individual.");
  CHECK(descriptions.ontology_id("cell_type", 0) == "CL:1");
}

TEST_CASE("description source: a description column is taken as it stands") {
  const auto source = source_with(
      {"description=A fine cell.|?|A third.", "cell_type=B cell|B cell|B cell", "other=One.|Two.|Three."}, 3);
  const DescriptionSource descriptions(source, {});
  CHECK(descriptions.text(0) == "A fine cell.");
  CHECK(!descriptions.text(1));
  CHECK(descriptions.label("cell_type", 0) == "B cell");
  DescriptionSettings settings;
  settings.column = "other";
  CHECK(DescriptionSource(source, settings).text(1) == "Two.");
}

TEST_CASE("description source: an empty description is none") {
  const DescriptionSource descriptions(source_with({"description=A fine cell.| |unknown"}, 3), {});
  CHECK(descriptions.text(0));
  CHECK(!descriptions.text(1));
  CHECK(!descriptions.text(2));
}

TEST_CASE("description source: missing columns are named, with the nearest that is there") {
  CHECK_THROWS_WITH_AS(DescriptionSource(source_with({"cell_typ=B cell"}, 1), {}),
                       doctest::Contains("no obs column 'cell_type', and no description column"), InputError);
  CHECK_THROWS_WITH_AS(DescriptionSource(source_with({"cell_typ=B cell"}, 1), {}),
                       doctest::Contains("did you mean 'cell_typ'?"), InputError);
  DescriptionSettings settings;
  settings.column = "caption";
  CHECK_THROWS_WITH_AS(
      DescriptionSource(source_with({"cell_type=B cell", "captions=x"}, 1), settings),
      doctest::Contains("descriptions.column: the file has no obs column 'caption'; did you mean 'captions'?"),
      InputError);
}

TEST_CASE("description source: definitions come by id, else by name or exact synonym; obsolete terms lead on") {
  const test::TemporaryFolder folder;
  test::write_file(folder / "cl.obo", obo);
  DescriptionSettings settings;
  settings.ontology = (folder / "cl.obo").string();
  const auto source = source_with({"cell_type=my B|T-cell|old B cell|lost cell|plain cell|B cell|T cell|unheard cell",
                                   "cell_type_ontology_term_id=CL:1|?|CL:3|CL:4|CL:5|CL:99|CL:4|CL:98"},
                                  8);
  const DescriptionSource descriptions(source, settings);
  const std::string b = ", lymphocyte of B lineage.", t = ", lymphocyte that matures in the thymus.";
  CHECK(descriptions.text(0) == "This sample consists of a my B" + b);
  CHECK(descriptions.text(1) == "This sample consists of a T-cell" + t);
  CHECK(descriptions.text(2) == "This sample consists of an old B cell" + b);
  CHECK(descriptions.text(3) == "This sample consists of a lost cell.");
  CHECK(descriptions.text(4) == "This sample consists of a plain cell.");
  CHECK(descriptions.text(5) == "This sample consists of a B cell" + b);
  CHECK(descriptions.text(6) == "This sample consists of a T cell" + t);
  CHECK(descriptions.text(7) == "This sample consists of an unheard cell.");
  REQUIRE(descriptions.ontology());
  CHECK(descriptions.ontology()->release() == "releases/2025-01-01");
}

TEST_CASE("description source: the labels that it tells, filled in, are the descriptions themselves") {
  const test::TemporaryFolder folder;
  test::write_file(folder / "cl.obo", obo);
  test::write_file(folder / "p.tsv", "UP\tGenes up.\nDOWN\tGenes down\n");
  const auto source = source_with(
      {"cell_type=my B|T-cell|epithelial cell|B cell|old B cell|plain cell|my B|T-cell",
       "cell_type_ontology_term_id=CL:1|?|CL:98|CL:99|CL:3|CL:5|CL:1|CL:4", "tissue=lobe, left|?|eye|unknown|?|x|na|?",
       "tissue_general=lung|lymph node|eye|blood|?|y|?|spleen",
       "disease=normal|COVID-19|asthma, severe|?|normal|unknown|COVID-19|normal",
       "sex=female|?|male|unknown|?|female|male|?",
       "development_stage=42-year-old stage|?|prenatal stage|7-month-old stage|third decade stage|unknown|90-year-old "
       "stage|11th week post-fertilization stage",
       "pathway_1=UP|DOWN|?|UP|?|unknown|DOWN|UP", "pathway_2=DOWN|?|?|UP|?|UP|UP|?"},
      8);
  for (const char* preset : {"paper", "authors"}) {
    DescriptionSettings settings;
    settings.preset = preset;
    settings.ontology = (folder / "cl.obo").string(), settings.pathways = (folder / "p.tsv").string();
    const DescriptionSource descriptions(source, settings);
    cell2text::BaselineCells cells{8, {}, {}};
    add_truth(cells, descriptions, {0, 1, 2, 3, 4, 5, 6, 7});
    for (std::int64_t row = 0; row < 8; ++row)
      CHECK(descriptions.text_of(cell2text::facts_of_labels({cells.labels, cells.pathways}, row)) ==
            descriptions.text(row));
    for (const cell2text::LabelColumn& column : cells.labels)
      if (column.name == "development_stage")
        CHECK(column.values == std::vector<std::string>{"adulthood", "infancy", "young adulthood",
                                                        "advanced elderly stage", "early embryonic stage"});
    CHECK(descriptions.told("tissue", 1) == "lymph node");
    CHECK_FALSE(descriptions.told("development_stage", 2).has_value());
    cell2text::CellFacts facts;
    CHECK_FALSE(descriptions.text_of(facts).has_value());
    facts.cell_type = "T cell";  // not in the file: by its name alone
    CHECK(descriptions.text_of(facts) == "This sample consists of a T cell, lymphocyte that matures in the thymus.");
  }
}

TEST_CASE("description source: pathways are told where a table describes them, by name or as they stand") {
  const test::TemporaryFolder folder;
  test::write_file(folder / "p.tsv", "UP\tGenes up.\n\nDOWN\tGenes down\n");
  const std::vector<std::string> columns{"cell_type=B cell|B cell|B cell", "pathway_1=UP|Genes down|?",
                                         "pathway_2=DOWN|unknown|?"};
  const auto source = source_with(columns, 3);
  DescriptionSettings settings;
  settings.pathways = (folder / "p.tsv").string();
  const DescriptionSource told(source, settings), silent(source, {});
  CHECK(
      told.text(0) ==
      "This sample consists of a B cell. This cell is associated with Genes up. Additionally, it involves Genes down.");
  CHECK(told.text(1) == "This sample consists of a B cell. This cell is associated with Genes down.");
  CHECK(told.text(2) == "This sample consists of a B cell.");
  CHECK(told.pathways(0) == std::vector<std::string>{"Genes up.", "Genes down"});
  CHECK(silent.text(0) == "This sample consists of a B cell.");
  CHECK(silent.pathways(0) == std::vector<std::string>{"UP", "DOWN"});
  CHECK(silent.pathways(2).empty());

  test::write_file(folder / "p.tsv", "UP\tGenes up.\n");
  CHECK_THROWS_WITH_AS(DescriptionSource(source, settings),
                       doctest::Contains("obs column 'pathway_1' holds 'Genes down', which is neither"), InputError);
  CHECK_THROWS_WITH_AS(DescriptionSource(source_with({"cell_type=B cell"}, 1), settings),
                       doctest::Contains("neither an obs column 'pathway_1' nor 'pathway_2'"), InputError);
}
