// Accuracy, precision, recall and F1 worked out by hand.
#include "metrics/labels/classification.hpp"

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <vector>

using cell2text::InputError;
using cell2text::labels::Classification;
using cell2text::labels::classify;

namespace {

using Truth = std::vector<std::string>;
using Predicted = std::vector<std::optional<std::string>>;

}  // namespace

TEST_CASE("classification: scores of three classes, one only predicted") {
  const Classification c = classify(Truth{"b", "a", "a", "b"}, Predicted{"b", "a", "b", "c"});
  CHECK(c.accuracy == 0.5);
  CHECK(c.averages.majority == 0.5);
  CHECK(c.unreadable == 0);
  REQUIRE(c.classes.size() == 3);
  CHECK(c.classes[0].name == "a");
  CHECK(c.classes[0].scores.precision == 1);
  CHECK(c.classes[0].scores.recall == 0.5);
  CHECK(c.classes[0].scores.f1 == doctest::Approx(2.0 / 3));
  CHECK(c.classes[1].scores.f1 == 0.5);
  CHECK(c.classes[2].scores.f1 == 0);
  CHECK(c.classes[2].support == 0);
  CHECK(c.averages.macro.f1 == doctest::Approx((2.0 / 3 + 0.5) / 3));
  CHECK(c.averages.weighted.f1 == doctest::Approx((2.0 / 3 + 0.5) / 2));
  CHECK(c.confusion == std::vector<std::vector<std::int64_t>>{{1, 1, 0, 0}, {0, 1, 1, 0}, {0, 0, 0, 0}});
}

TEST_CASE("classification: an unreadable prediction is wrong, and no class of its own") {
  const Classification c = classify(Truth{"a", "a", "b"}, Predicted{"a", std::nullopt, std::nullopt});
  CHECK(c.accuracy == doctest::Approx(1.0 / 3));
  CHECK(c.averages.majority == doctest::Approx(2.0 / 3));
  CHECK(c.unreadable == doctest::Approx(2.0 / 3));
  CHECK(c.classes.size() == 2);
  CHECK(c.averages.macro.precision == 0.5);
  CHECK(c.averages.macro.f1 == doctest::Approx(1.0 / 3));
  CHECK(c.confusion == std::vector<std::vector<std::int64_t>>{{1, 0, 1}, {0, 0, 1}});
}

TEST_CASE("classification: averages of counted classes leave out those that do not occur") {
  using cell2text::labels::ClassCounts;
  const std::vector<ClassCounts> counts{{1, 1, 2}, {1, 3, 2}, {}};
  const auto averages = cell2text::labels::averages_of(counts);
  CHECK(averages.macro.precision == doctest::Approx((1 + 1.0 / 3) / 2));
  CHECK(averages.weighted.recall == 0.5);
  CHECK(averages.majority == 0.5);
  CHECK(cell2text::labels::averages_of({}).macro.f1 == 0);
}

TEST_CASE("classification: each cell's classes are kept") {
  const Classification c = classify(Truth{"b", "a"}, Predicted{"a", std::nullopt});
  REQUIRE(c.cells.size() == 2);
  CHECK(c.cells[0].truth == 1);
  CHECK(c.cells[0].predicted == 0);
  CHECK(c.cells[1].predicted == 2);
}

TEST_CASE("classification: no cells, or not one prediction per cell, are refused") {
  CHECK_THROWS_AS(classify(Truth{}, Predicted{}), InputError);
  CHECK_THROWS_AS(classify(Truth{"a"}, Predicted{}), InputError);
}
