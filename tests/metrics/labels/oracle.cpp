// Classification scores against scikit-learn, on labels made anew.
#include "support/oracle.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "metrics/labels/classification.hpp"

using cell2text::labels::PrecisionRecallF1;

namespace {

void check_near(const PrecisionRecallF1& ours, const nlohmann::json& theirs, const std::string& what) {
  const std::array<double, 3> values{ours.precision, ours.recall, ours.f1};
  for (std::size_t i = 0; i < 3; ++i)
    if (!(std::abs(values[i] - theirs[i].get<double>()) <= 1e-9))
      FAIL_CHECK(what << " [" << i << "]: ours " << values[i] << ", scikit-learn " << theirs[i]);
}

}  // namespace

TEST_CASE("oracle: classification scores equal scikit-learn's") {
  const auto seed = cell2text::test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  const auto folder = cell2text::test::oracle("classification.py", seed);
  const auto cases = nlohmann::json::parse(cell2text::test::read_file(folder / "cases.json"));
  CHECK(cases.size() == 150);
  for (const auto& one : cases) {
    std::vector<std::optional<std::string>> predicted;
    for (const auto& name : one["predicted"])
      predicted.push_back(name.is_null() ? std::nullopt : std::optional(name.get<std::string>()));
    const auto ours = cell2text::labels::classify(one["truth"].get<std::vector<std::string>>(), predicted);
    CHECK(std::abs(ours.accuracy - one["accuracy"].get<double>()) <= 1e-9);
    check_near(ours.averages.macro, one["macro"], "macro");
    check_near(ours.averages.weighted, one["weighted"], "weighted");
    REQUIRE(ours.classes.size() == one["classes"].size());
    const auto& per_class = one["per_class"];
    for (std::size_t c = 0; c < ours.classes.size(); ++c) {
      CHECK(ours.classes[c].name == one["classes"][c].get<std::string>());
      check_near(ours.classes[c].scores, {per_class[0][c], per_class[1][c], per_class[2][c]}, ours.classes[c].name);
      CHECK(ours.classes[c].support == per_class[3][c].get<std::int64_t>());
    }
    CHECK(ours.confusion == one["confusion"].get<std::vector<std::vector<std::int64_t>>>());
  }
}
