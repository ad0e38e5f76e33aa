// Labels that training prompts tell: how often, and that a cell's share of chance is its own.
#include "cell2text/train/given_dropout.hpp"

#include <doctest/doctest.h>

#include <set>

#include "support/toy_cells.hpp"

using cell2text::DescriptionSource;
using cell2text::GivenDropout;
using cell2text::GivenLabels;
using cell2text::InputError;
namespace test = cell2text::test;

namespace {

/// 40 cells of a tissue each, of every second one the sex is known.
cell2text::SourceHandle forty_cells() {
  std::string types = "cell_type=", tissues = "tissue=", sexes = "sex=", stages = "development_stage=";
  for (int cell = 0; cell < 40; ++cell) {
    const std::string bar = cell ? "|" : "";
    types += bar + "B cell", tissues += bar + (cell % 3 ? "lung" : "blood"), sexes += bar + (cell % 2 ? "?" : "male");
    stages += bar + "25-year-old stage";
  }
  return test::toy_source(std::vector<std::int64_t>(40, 3), {types, tissues, sexes, stages});
}

}  // namespace

TEST_CASE("given dropout: each known label is hidden as often as asked, by itself, and anew in each epoch") {
  const auto source = forty_cells();
  const DescriptionSource cells(source, {});
  for (const double dropout : {0.0, 0.3, 1.0}) {
    INFO(dropout);
    const GivenDropout given(cells, {"tissue", "sex"}, dropout, 7);
    double tissues = 0, sexes = 0, both = 0;
    std::set<GivenLabels> of_first;
    constexpr int epochs = 500;
    for (std::int64_t epoch = 0; epoch < epochs; ++epoch)
      for (std::int64_t row = 0; row < 40; ++row) {
        const GivenLabels told = given(row, epoch);
        if (row == 0) of_first.insert(told);
        CHECK((told == given(row, epoch)));  // whatever was asked between
        if (told.contains("tissue")) {
          REQUIRE(told.at("tissue") == (row % 3 ? "lung" : "blood"));
          ++tissues;
        }
        if (told.contains("sex")) {
          REQUIRE(row % 2 == 0);
          ++sexes, both += told.contains("tissue");
        }
      }
    const double shown = 1 - dropout;
    CHECK(tissues / (40 * epochs) == doctest::Approx(shown).epsilon(0.05));
    CHECK(sexes / (20 * epochs) == doctest::Approx(shown).epsilon(0.05));
    CHECK(both / (20 * epochs) == doctest::Approx(shown * shown).epsilon(0.05));
    CHECK(of_first.size() == (dropout == 0.3 ? 4U : 1U));
  }
}

TEST_CASE("given dropout: another seed hides others, and a stage is told as descriptions tell it") {
  const auto source = forty_cells();
  const DescriptionSource cells(source, {});
  const GivenDropout one(cells, {"tissue"}, 0.5, 1), other(cells, {"tissue"}, 0.5, 2);
  int differ = 0;
  for (std::int64_t row = 0; row < 40; ++row) differ += one(row, 0) != other(row, 0);
  CHECK(differ > 5);
  const GivenLabels stage = GivenDropout(cells, {"development_stage"}, 0, 1)(0, 0);
  CHECK(stage.at("development_stage") == cells.told("development_stage", 0).value());
}

TEST_CASE("given dropout: a label that no training cell has is refused") {
  const auto source = forty_cells();
  const DescriptionSource cells(source, {});
  const GivenDropout given(cells, {"tissue", "sex"}, 0.5, 1);
  CHECK_NOTHROW(given.expect_known({1, 2, 3}));
  CHECK_THROWS_WITH_AS(given.expect_known({1, 3, 5}),
                       doctest::Contains("tells the sex that is given, and no training cell has a known one"),
                       InputError);
}
