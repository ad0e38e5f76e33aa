// The baseline `majority`: the most frequent labels, and the cell whose description is copied.
#include "plugins/baselines/majority/majority.hpp"

#include <map>
#include <random>

#include "tests/plugins/baselines/labelled_cells.hpp"

using cell2text::BaselineCells;
using cell2text::majority::Majority;
namespace test = cell2text::test;

namespace {

BaselineCells labelled(std::vector<cell2text::LabelColumn> labels) {
  const std::int64_t size = labels.empty() ? 3 : labels.front().size();
  return {size, {}, {}, std::move(labels), {}};
}

Majority fitted(const BaselineCells& cells) {
  Majority majority({}, {});
  majority.fit(cells, {});
  return majority;
}

}  // namespace

TEST_CASE("majority: the most frequent value of each label, and the first training cell that has them") {
  const auto cells = labelled({test::column("cell_type", {"B", "A", "C", "A", "", "B", "A"}),
                               test::column("tissue", {"x", "y", "x", "x", "x", "y", "x"})});
  const auto answers = fitted(cells).predict({2, {}, {}});
  CHECK(test::texts_of(answers.labels[0]) == std::vector<std::string>{"A", "A"});
  CHECK(test::texts_of(answers.labels[1]) == std::vector<std::string>{"x", "x"});
  CHECK(answers.copied == std::vector<std::int64_t>{3, 3});
  CHECK(answers.texts.empty());
}

TEST_CASE("majority: where no training cell has all, the cell type counts before the tissue") {
  const auto cells =
      labelled({test::column("cell_type", {"A", "A", "B", "C"}), test::column("tissue", {"y", "z", "x", "x"})});
  CHECK(fitted(cells).predict({1, {}, {}}).copied == std::vector<std::int64_t>{0});
}

TEST_CASE("majority: as often, the first in the alphabet; unknown labels are no majority") {
  const auto answers =
      fitted(labelled({test::column("cell_type", {"", "", "", "b", "a", "b", "a"})})).predict({1, {}, {}});
  CHECK(test::texts_of(answers.labels[0]) == std::vector<std::string>{"a"});
  CHECK(answers.copied == std::vector<std::int64_t>{4});
}

TEST_CASE("majority: equals counting, on random labels, and stays what it is when kept") {
  const auto seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 50; ++round) {
    std::vector<std::string> values;
    std::map<std::string, int> counts;
    for (int i = 0; i < 40; ++i) values.push_back("v" + std::to_string(random() % 6)), ++counts[values.back()];
    const Majority majority = fitted(labelled({test::column("disease", values)}));
    const auto answers = majority.predict({3, {}, {}});
    int most = 0;
    for (const auto& [value, count] : counts) most = std::max(most, count);
    CHECK(counts.at(test::texts_of(answers.labels[0])[0]) == most);
    CHECK(values[answers.copied[2]] == test::texts_of(answers.labels[0])[2]);
    const test::TemporaryFolder folder;
    majority.save(folder.path());
    Majority loaded({}, {});
    loaded.load(folder.path());
    CHECK(loaded.predict({3, {}, {}}).copied == answers.copied);
    CHECK(test::texts_of(loaded.predict({3, {}, {}}).labels[0]) == test::texts_of(answers.labels[0]));
  }
}

TEST_CASE("majority: a damaged file is named") {
  const test::TemporaryFolder folder;
  Majority majority({}, {});
  CHECK_THROWS_AS(majority.load(folder.path()), cell2text::InputError);
  test::write_file(folder / "majority.json", "{\"training_cell\": \"x\", \"labels\": []}");
  CHECK_THROWS_WITH_AS(majority.load(folder.path()), doctest::Contains("'training_cell' is a text"),
                       cell2text::InputError);
}
