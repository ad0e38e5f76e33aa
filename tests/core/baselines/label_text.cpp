// Labels filled into the description template.
#include "cell2text/baselines/label_text.hpp"

#include <doctest/doctest.h>

using namespace cell2text;

TEST_CASE("label text: the template of the labels that are known; empty without a cell type") {
  const std::vector<LabelColumn> labels{{"cell_type", {"B cell"}, {0, 0, -1}},
                                        {"tissue", {"blood"}, {0, -1, 0}},
                                        {"disease", {"COVID-19"}, {0, -1, 0}},
                                        {"development_stage", {"newborn human stage"}, {-1, -1, 0}}};
  const std::vector<LabelColumn> pathways{{"pathway_1", {"Genes up."}, {0, -1, 0}},
                                          {"pathway_2", {"Genes down."}, {0, -1, 0}}};
  CHECK(text_of_labels({labels, pathways}, 0, nullptr, {}) ==
        "This sample consists of a B cell. It originates from the blood of an individual with COVID-19. This cell is "
        "associated with Genes up. Additionally, it involves Genes down.");
  CHECK(text_of_labels({labels, pathways}, 1, nullptr, {}) == "This sample consists of a B cell.");
  CHECK(text_of_labels({labels, pathways}, 2, nullptr, {}).empty());
  CHECK(text_of_labels({{}, {}}, 0, nullptr, {}).empty());
}
