// What is held out: named values, and what stands below them in an ontology.
#include "cell2text/dataset/holdout.hpp"

#include "core/dataset/random_labels.hpp"
#include "core/io/message.hpp"

using namespace cell2text;
using dataset::held_out_values;
using dataset::HeldOut;
using dataset::HoldoutSettings;

namespace {

const char* const small_cells = R"(format-version: 1.2

[Term]
id: CL:1
name: lymphocyte

[Term]
id: CL:2
name: T cell
synonym: "T lymphocyte" EXACT []
is_a: CL:1

[Term]
id: CL:3
name: helper T cell
is_a: CL:2

[Term]
id: CL:4
name: B cell
is_a: CL:1

[Term]
id: CL:5
name: old T cell
is_obsolete: true
replaced_by: CL:2
)";

struct HoldoutFixture {
  Ontology ontology = Ontology::parse(small_cells, "small.obo");
  OntologyGraph graph{ontology, "small.obo"};
  dataset::TermTree tree{&ontology, &graph};
  LabelColumn types =
      test::column_of_texts("cell_type", {"T cell", "helper T cell", "B cell", "", "odd cell", "T lymphocyte", "CL:3"});
  LabelColumn assays = test::column_of_texts("assay", {"10x", "10x", "10x", "10x", "other", "other", ""});
  std::vector<std::int64_t> cells{0, 1, 2, 3, 4, 5, 6};
  dataset::LabelView labels{.assay = &assays, .cell_type = &types, .cells = cells};

  std::vector<std::int64_t> rows(const HoldoutSettings& settings) const {
    const std::vector<HeldOut> held = held_out_values(labels, settings, tree, {});
    std::vector<std::int64_t> found;
    for (const std::int64_t row : cells)
      if (std::ranges::any_of(held, [&](const HeldOut& one) { return one.has(row); })) found.push_back(row);
    return found;
  }
};

using Rows = std::vector<std::int64_t>;

}  // namespace

TEST_CASE_FIXTURE(HoldoutFixture,
                  "holdout: a cell type is held out with all that stands below it, by name, synonym or id") {
  CHECK(rows({.cell_type = {"T cell"}}) == Rows{0, 1, 5, 6});
  CHECK(rows({.cell_type = {"CL:2"}}) == Rows{0, 1, 5, 6});
  CHECK(rows({.cell_type = {"CL:5"}}) == Rows{0, 1, 5, 6});
  CHECK(rows({.cell_type = {"helper T cell"}}) == Rows{1, 6});
  CHECK(rows({.cell_type = {"lymphocyte"}}) == Rows{0, 1, 2, 5, 6});  // of which no cell is itself
  CHECK(rows({.cell_type = {"odd cell"}}) == Rows{4});                // of which the ontology knows nothing
  CHECK(rows({}).empty());
}

TEST_CASE_FIXTURE(HoldoutFixture, "holdout: without descendants a value is held out as it is written") {
  CHECK(rows({.cell_type = {"T cell"}, .descendants = false}) == Rows{0});
  CHECK(rows({.assay = {"other"}}) == Rows{4, 5});
  CHECK(rows({.assay = {"other"}, .cell_type = {"B cell"}}) == Rows{2, 4, 5});
}

TEST_CASE_FIXTURE(HoldoutFixture, "holdout: a name of no cell, a missing column and a missing ontology are told") {
  const auto fault = [&](const HoldoutSettings& settings) {
    return test::message_of<InputError>([&] { rows(settings); });
  };
  CHECK(fault({.cell_type = {"T cel"}}) ==
        "split.holdout.cell_type has 'T cel', but no cell is of it or of a term below "
        "it; did you mean 'T cell'?");
  CHECK(test::has(fault({.assay = {"Smart-seq2"}}), "no cell is of it; write it as obs column 'assay' does"));
  cells = {0, 4};
  labels.cells = cells;
  CHECK(test::has(fault({.cell_type = {"B cell"}}), "'B cell', but no cell is of it"));  // in the file, not in play
  CHECK(test::has(fault({.dataset = {"d"}}),
                  "split.holdout.dataset names values, but the cells have no column of the "
                  "dataset; name it, or leave that key out"));
  labels.tissue = &types;
  CHECK(test::has(fault({.tissue = {"lung"}}),
                  "split.holdout.tissue is to be held out with its descendants, but there "
                  "is no ontology of it"));
}
