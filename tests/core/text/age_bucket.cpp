#include "cell2text/text/age_bucket.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <set>
#include <string>

#include "cell2text/text/obo.hpp"
#include "core/text/shared_data.hpp"

using namespace cell2text;
using namespace cell2text::test;

namespace {

std::string bucket(std::string_view stage) {
  return std::string(age_bucket(stage).value_or("none"));
}

std::string expected_for_years(int years) {
  if (years <= 1) return "infancy";
  if (years <= 4) return "early childhood";
  if (years <= 14) return "childhood";
  if (years <= 19) return "adolescence";
  if (years <= 29) return "young adulthood";
  if (years <= 49) return "adulthood";
  if (years <= 64) return "middle age";
  if (years <= 79) return "elderly stage";
  return "advanced elderly stage";
}

}  // namespace

TEST_CASE("age bucket: every age from 0 to 110 years, in both spellings") {
  for (int years = 0; years <= 110; ++years) {
    CAPTURE(years);
    CHECK(bucket(std::to_string(years) + "-year-old stage") == expected_for_years(years));
    CHECK(bucket(std::to_string(years) + "-year-old human stage") == expected_for_years(years));
  }
}

TEST_CASE("age bucket: months, weeks after fertilization and months of gestation") {
  for (int month = 1; month <= 23; ++month) CHECK(bucket(std::to_string(month) + "-month-old stage") == "infancy");
  CHECK(bucket("30-month-old stage") == "early childhood");
  const std::string ends[] = {"th", "st", "nd", "rd"};
  for (int week = 9; week <= 38; ++week) {
    CAPTURE(week);
    const std::string suffix = week < 20 || week % 10 > 3 ? "th" : ends[week % 10];
    CHECK(bucket(std::to_string(week) + suffix + " week post-fertilization stage") ==
          (week <= 16 ? "early embryonic stage" : "late embryonic stage"));
  }
  CHECK(bucket("38th week post-fertilization and over stage") == "late embryonic stage");
  CHECK(bucket("fourth LMP month stage") == "early embryonic stage");
  CHECK(bucket("fifth LMP month human stage") == "early embryonic stage");
  CHECK(bucket("sixth LMP month stage") == "late embryonic stage");
  CHECK(bucket("ninth LMP month stage") == "late embryonic stage");
}

TEST_CASE("age bucket: stages by name and by range") {
  const std::pair<const char*, const char*> table[] = {
      {"Carnegie stage 01", "early embryonic stage"},
      {"Carnegie stage 23", "early embryonic stage"},
      {"Carnegie stage 06a", "early embryonic stage"},
      {"blastula stage", "early embryonic stage"},
      {"organogenesis stage", "early embryonic stage"},
      {"embryonic stage", "early embryonic stage"},
      {"newborn stage (0-28 days)", "infancy"},
      {"newborn human stage", "infancy"},
      {"infant stage", "infancy"},
      {"nursing stage (0-11 months)", "infancy"},
      {"under-1-year-old stage", "infancy"},
      {"child stage (1-4 yo)", "early childhood"},
      {"2-4 year-old child stage", "early childhood"},
      {"2-5 year-old child stage", "early childhood"},
      {"juvenile stage (5-14 yo)", "childhood"},
      {"6-12 year-old child stage", "childhood"},
      {"pediatric stage", "childhood"},
      {"first decade stage", "childhood"},
      {"15-19 year-old", "adolescence"},
      {"adolescent stage", "adolescence"},
      {"second decade stage", "adolescence"},
      {"young adult stage", "young adulthood"},
      {"third decade stage", "young adulthood"},
      {"prime adult stage", "adulthood"},
      {"adult stage", "adulthood"},
      {"human adult stage", "adulthood"},
      {"human early adulthood stage", "adulthood"},
      {"25-44 year-old stage", "adulthood"},
      {"fifth decade stage", "adulthood"},
      {"middle aged stage", "middle age"},
      {"human middle aged stage", "middle age"},
      {"sixth decade stage", "middle age"},
      {"seventh decade stage", "elderly stage"},
      {"60-79 year-old stage", "elderly stage"},
      {"65-79 year-old human stage", "elderly stage"},
      {"late adult stage", "elderly stage"},
      {"80 year-old and over stage", "advanced elderly stage"},
      {"90 year-old and over stage", "advanced elderly stage"},
      {"ninth decade stage", "advanced elderly stage"},
      {"centenarian stage", "advanced elderly stage"},
      {"  42-YEAR-OLD   Stage ", "adulthood"},
  };
  for (const auto& [stage, expected] : table) {
    CAPTURE(stage);
    CHECK(bucket(stage) == expected);
  }
}

TEST_CASE("age bucket: what says no age, or too much, has none") {
  for (const char* stage : {"",
                            " ",
                            "unknown",
                            "na",
                            "prenatal stage",
                            "fetal stage",
                            "postnatal stage",
                            "immature stage",
                            "life cycle",
                            "Theiler stage 20",
                            "-5-year-old stage",
                            "4444-year-old stage",
                            "79-60 year-old stage",
                            "5-",
                            "5--year-old",
                            "42",
                            "42 stage",
                            "9 week post-fertilization stage",
                            "child stage (1-4 yo",
                            "twelfth decade stage",
                            "tenth LMP month stage",
                            "999999999999999999999-year-old stage",
                            "stage",
                            "human",
                            "\xff\xfe (",
                            "(",
                            " ("}) {
    CAPTURE(stage);
    CHECK(bucket(stage) == "none");
  }
}

TEST_CASE("age bucket: random text never fails") {
  const std::uint64_t seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  std::mt19937_64 random(seed);
  const std::string pieces[] = {"4",  "-",  " ",    "year-old", "stage", "(",   ")",
                                "yo", "th", "week", "month",    "third", "\xc3"};
  for (int round = 0; round < 5000; ++round) {
    std::string stage;
    for (int i = 0; i < 8; ++i) stage += pieces[random() % std::size(pieces)];
    const auto found = age_bucket(stage);
    if (found) CHECK(std::ranges::find(age_buckets, *found) != age_buckets.end());
  }
}

TEST_CASE("age bucket: of HsapDv only the stages that are too wide have none") {
  const auto path = shared_data("ontology/hsapdv-v2025-01-23.obo");
  if (!path) return;
  const Ontology stages = Ontology::read(*path);
  std::set<std::string> without;
  for (const Term& term : stages.terms())
    if (!age_bucket(term.name)) without.insert(term.name);
  CHECK(without == std::set<std::string>{"life cycle stage", "life cycle", "fetal stage", "prenatal stage",
                                         "immature stage", "postnatal stage"});
}
