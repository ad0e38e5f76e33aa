// Labels as facts of the description template.
#include "cell2text/baselines/label_text.hpp"

#include <doctest/doctest.h>

using namespace cell2text;

namespace {

std::string text_of(const LabelAnswers& answers, std::int64_t cell) {
  return describe(facts_of_labels(answers, cell)).value_or("");
}

}  // namespace

TEST_CASE("label text: the template of the labels that are known; empty without a cell type") {
  const std::vector<LabelColumn> labels{{"cell_type", {"B cell"}, {0, 0, -1}},
                                        {"tissue", {"blood"}, {0, -1, 0}},
                                        {"disease", {"COVID-19"}, {0, -1, 0}},
                                        {"development_stage", {"newborn human stage"}, {-1, -1, 0}}};
  const std::vector<LabelColumn> pathways{{"pathway_1", {"Genes up."}, {0, -1, 0}},
                                          {"pathway_2", {"Genes down."}, {0, -1, 0}}};
  CHECK(text_of({labels, pathways}, 0) ==
        "This sample consists of a B cell. It originates from the blood of an individual with COVID-19. This cell is "
        "associated with Genes up. Additionally, it involves Genes down.");
  CHECK(text_of({labels, pathways}, 1) == "This sample consists of a B cell.");
  CHECK(text_of({labels, pathways}, 2).empty());
  CHECK(text_of({{}, {}}, 0).empty());
}

TEST_CASE("label text: an age bucket is told as it is, and a stage as its bucket") {
  for (const std::string_view bucket : age_buckets) {
    const std::vector<LabelColumn> labels{{"cell_type", {"B cell"}, {0}},
                                          {"development_stage", {std::string(bucket)}, {0}}};
    CHECK(text_of({labels, {}}, 0) ==
          "This sample consists of a B cell. It originates from an individual during " + std::string(bucket) + ".");
  }
  const std::vector<LabelColumn> stage{{"cell_type", {"B cell"}, {0}},
                                       {"development_stage", {"42-year-old stage"}, {0}}};
  CHECK(text_of({stage, {}}, 0).ends_with(" during adulthood."));
}
