#include "cell2text/text/description.hpp"

#include <doctest/doctest.h>

#include <string>

#include "core/io/message.hpp"
#include "core/text/shared_data.hpp"

using namespace cell2text;
using namespace cell2text::test;

namespace {

constexpr DescriptionStyle authors{DescriptionStyle::Preset::authors};

CellFacts example() {
  return {
      .cell_type = "ciliated columnar cell of tracheobronchial tree",
      .cell_type_definition =
          "A multi-ciliated epithelial cell located in the trachea and bronchi, characterized by a columnar shape and "
          "motile cilia on its apical surface. These cilia facilitate mucociliary clearance by moving mucus and "
          "trapped particles toward the pharynx.",
      .tissue = "lung parenchyma",
      .tissue_general = "lung",
      .disease = "normal",
      .sex = "male",
      .development_stage = "67-year-old stage",
      .pathway_descriptions = {"Genes mediating programmed cell death (apoptosis) by activation of caspases.",
                               "Genes down-regulated in response to ultraviolet (UV) radiation."}};
}

const std::string example_text =
    "This sample consists of a ciliated columnar cell of tracheobronchial tree, multi-ciliated epithelial cell located "
    "in "
    "the trachea and bronchi, characterized by a columnar shape and motile cilia on its apical surface. These cilia "
    "facilitate mucociliary clearance by moving mucus and trapped particles toward the pharynx. It originates from the "
    "lung parenchyma of a normal male during elderly stage. This cell is associated with Genes mediating programmed "
    "cell "
    "death (apoptosis) by activation of caspases. Additionally, it involves Genes down-regulated in response to "
    "ultraviolet (UV) radiation.";

}  // namespace

TEST_CASE("description: the paper's example comes out character for character") {
  CHECK(describe(example()) == example_text);
  CHECK(describe(example(), authors) == example_text);
  // The same text as it stands in the paper, where that is at hand.
  const auto paper = shared_data("../paper/cell2text.txt");
  if (paper) CHECK(has(read_file(*paper), "\n" + *describe(example()) + "\n"));
}

TEST_CASE("description: a cell without a cell type has none") {
  for (const char* value : {"", "  ", "unknown", "Unknown", "na"}) {
    CellFacts facts = example();
    facts.cell_type = value;
    CHECK_FALSE(describe(facts));
  }
  CHECK_FALSE(describe({}));
}

TEST_CASE("description: what is not known is left out") {
  CellFacts facts{.cell_type = "T cell"};
  CHECK(describe(facts) == "This sample consists of a T cell.");
  facts.tissue = "unknown";
  facts.tissue_general = "blood";
  CHECK(describe(facts) == "This sample consists of a T cell. It originates from the blood of an individual.");
  facts.disease = "normal";
  CHECK(describe(facts) == "This sample consists of a T cell. It originates from the blood of a normal individual.");
  facts.disease = "COVID-19";
  CHECK(describe(facts) ==
        "This sample consists of a T cell. It originates from the blood of an individual with COVID-19.");
  facts.sex = "female";
  facts.development_stage = "unknown";
  CHECK(describe(facts) == "This sample consists of a T cell. It originates from the blood of a female with COVID-19.");
  facts.disease = "na";
  facts.development_stage = "3-year-old stage";
  CHECK(describe(facts) ==
        "This sample consists of a T cell. It originates from the blood of a female during early childhood.");
  facts.tissue_general = "unknown";
  CHECK(describe(facts) == "This sample consists of a T cell. It originates from a female during early childhood.");
  facts.sex = std::nullopt;
  facts.cell_type_definition = "unknown";
  CHECK(describe(facts) ==
        "This sample consists of a T cell. It originates from an individual during early childhood.");
}

TEST_CASE("description: articles and periods") {
  CellFacts facts{.cell_type = "endothelial cell", .cell_type_definition = "An endothelial cell."};
  CHECK(describe(facts) == "This sample consists of an endothelial cell, endothelial cell.");
  CHECK(describe(facts, authors) == "This sample consists of a endothelial cell, endothelial cell.");
  facts = {.cell_type = "Ito cell", .cell_type_definition = "a cell\n of  the liver"};
  CHECK(describe(facts) == "This sample consists of an Ito cell, cell of the liver.");
  facts = {.cell_type = "cell", .cell_type_definition = "Any cell."};
  CHECK(describe(facts) == "This sample consists of a cell, Any cell.");
  facts.cell_type_definition = "A .";
  CHECK(describe(facts) == "This sample consists of a cell.");
}

TEST_CASE("description: pathways bring their period or are given one; more than two are refused") {
  CellFacts facts{.cell_type = "cell", .pathway_descriptions = {"Genes of one kind"}};
  CHECK(describe(facts) == "This sample consists of a cell. This cell is associated with Genes of one kind.");
  facts.pathway_descriptions = {"unknown", "Genes of two."};
  CHECK(describe(facts) == "This sample consists of a cell. This cell is associated with Genes of two.");
  facts.pathway_descriptions = {"a.", "b.", "c."};
  CHECK(has(message_of<InputError>([&] { describe(facts); }), "two pathways at most, 3 were given"));
}

TEST_CASE("description: the authors' preset cuts tissue and disease, and has no word for an unknown sex") {
  const CellFacts facts{.cell_type = "immature B cell",
                        .tissue = "lobe of lung, left",
                        .disease = "diabetes mellitus, type 2",
                        .development_stage = "30-year-old stage"};
  CHECK(describe(facts) ==
        "This sample consists of an immature B cell. It originates from the lobe of lung, left of an individual with "
        "diabetes mellitus, type 2 during adulthood.");
  CHECK(describe(facts, authors) ==
        "This sample consists of a immature B cell. It originates from the lobe of lung of a with diabetes mellitus "
        "during adulthood.");
}
