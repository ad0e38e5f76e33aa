// What a label may be called, and which names mean the same.
#include "cell2text/evaluate/label_names.hpp"

#include <doctest/doctest.h>

#include "cell2text/evaluate/known_labels.hpp"

using cell2text::CellNames;
using cell2text::KnownLabels;
using cell2text::LabelNames;
using cell2text::Ontology;

namespace {

const char* const named_terms = R"(ontology: cl

[Term]
id: CL:1
name: lymphocyte
synonym: "lymphoid cell" EXACT []

[Term]
id: CL:2
name: T cell
synonym: "T lymphocyte" EXACT []
synonym: "big lymphocyte" BROAD []

[Term]
id: CL:3
name: B cell
synonym: "T cell" EXACT []

[Term]
id: CL:4
name: old T cell
is_obsolete: true
replaced_by: CL:2

[Term]
id: UBERON:2
name: cortex
)";

}  // namespace

TEST_CASE("label names: a synonym that is another term's name, or broad, names nothing") {
  const Ontology ontology = Ontology::parse(named_terms, "terms");
  KnownLabels known;
  add_terms(known, ontology);
  CHECK(known.synonyms["cell_type"] == KnownLabels::Texts{{"T lymphocyte", "T cell"}, {"lymphoid cell", "lymphocyte"}});
  CHECK(known.ids["tissue"].at("cortex") == "UBERON:2");
  CHECK_FALSE(known.ids["cell_type"].contains("old T cell"));
  const LabelNames names("cell_type", {{"b cell"}, std::nullopt, {"odd one"}}, known);
  CHECK(names.name_of("b cell") == "B cell");
  CHECK(names.name_of("cl:3") == "B cell");
  CHECK(names.name_of("ODD ONE") == "odd one");
  CHECK_FALSE(names.name_of("nobody").has_value());
  CHECK(names.texts().front() == "b cell");  // the truth's spelling is preferred
  CHECK(names.ids_of({"odd one"}).empty());
  CHECK(names.ids_of({"odd one", "T cell"}) == std::vector<std::string>{"", "CL:2"});

  KnownLabels all;
  add_terms(all, ontology, "disease");
  CHECK(all.ids["disease"].size() == 4);
  CHECK(all.ids.size() == 1);
}

TEST_CASE("label names: what says that a name is not known is none") {
  KnownLabels known;
  known.values["cell_type"] = {"unknown", "B cell", " na "};
  CHECK(LabelNames("cell_type", {}, known).texts() == std::vector<std::string>{"B cell"});
  const std::vector<cell2text::Prediction> cells{
      {.cell = "a", .reference = "", .prediction = "", .labels = {{"cell_type", "B cell"}}},
      {.cell = "b", .reference = "", .prediction = "", .labels = {{"cell_type", "unknown"}}},
      {.cell = "c", .reference = "", .prediction = "", .labels = {{"tissue", "blood"}}}};
  CHECK((true_names(cells, "cell_type") == CellNames{{"B cell"}, std::nullopt, std::nullopt}));
}
