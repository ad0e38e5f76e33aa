// What of a source's columns becomes the truth of a prediction.
#include "cell2text/evaluate/cell_truth.hpp"

#include <doctest/doctest.h>

#include "support/toy_cells.hpp"

using cell2text::CellTruth;
using cell2text::Prediction;

TEST_CASE("cell truth: labels, donor and pathways of the columns that a source has") {
  const auto source = cell2text::test::toy_source(
      {1, 1}, {"cell_type=B cell|T cell", "sex=male|?", "development_stage=?|infant stage", "donor_id=d1|unknown",
               "pathway_1=HALLMARK_HYPOXIA|?", "pathway_2=HALLMARK_APOPTOSIS|na"});
  const cell2text::DescriptionSource descriptions(source, {});
  const CellTruth truth(source, descriptions);
  Prediction first, second;
  truth.add_to(first, 0), truth.add_to(second, 1);
  CHECK(first.labels == std::map<std::string, std::string>{{"cell_type", "B cell"}, {"sex", "male"}});
  CHECK(second.labels ==
        std::map<std::string, std::string>{{"cell_type", "T cell"}, {"development_stage", "infant stage"}});
  CHECK(first.donor == "d1");
  CHECK(second.donor.empty());
  CHECK(first.pathways == std::vector<std::string>{"HALLMARK_HYPOXIA", "HALLMARK_APOPTOSIS"});
  CHECK(second.pathways == std::vector<std::string>());
}

TEST_CASE("cell truth: without such columns donor and pathways are unknown") {
  const auto source = cell2text::test::toy_source({1}, {"cell_type=B cell"});
  const cell2text::DescriptionSource descriptions(source, {});
  Prediction one;
  CellTruth(source, descriptions).add_to(one, 0);
  CHECK(one.donor.empty());
  CHECK_FALSE(one.pathways.has_value());
}
