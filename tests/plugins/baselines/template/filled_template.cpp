// The baseline `template`: another baseline's labels, to be filled in by the run.
#include "plugins/baselines/template/filled_template.hpp"

#include "tests/plugins/baselines/labelled_cells.hpp"

using cell2text::filled_template::FilledTemplate;
namespace test = cell2text::test;

TEST_CASE("template: the labels and pathways that it is given are the answer, as descriptions") {
  const FilledTemplate filled({}, {});
  CHECK(filled.needs().another_labels);
  cell2text::BaselineCells cells{3, {}, {}};
  cells.labels = {test::column("cell_type", {"B cell", "", "odd cell"}), test::column("sex", {"female", "", "male"})};
  cells.pathways = {test::column("pathway_1", {"Genes up.", "Genes up.", ""})};
  const auto answers = filled.predict(cells);
  CHECK(answers.fill_template);
  REQUIRE(answers.labels.size() == 2);
  CHECK(test::texts_of(answers.labels[0]) == std::vector<std::string>{"B cell", "", "odd cell"});
  CHECK(test::texts_of(answers.labels[1]) == std::vector<std::string>{"female", "", "male"});
  CHECK(test::texts_of(answers.pathways[0]) == std::vector<std::string>{"Genes up.", "Genes up.", ""});
  CHECK(answers.texts.empty());
}
