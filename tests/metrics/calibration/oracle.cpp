// Reliability curves against scikit-learn, on confidences made anew.
#include "support/oracle.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "metrics/calibration/calibration.hpp"

TEST_CASE("oracle: reliability curve and calibration error equal scikit-learn's") {
  using namespace cell2text;
  const auto seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  const auto folder = test::oracle("calibration.py", seed);
  const auto cases = nlohmann::json::parse(test::read_file(folder / "cases.json"));
  CHECK(cases.size() == 150);
  for (const auto& one : cases) {
    const auto sure = one["confidences"].get<std::vector<double>>();
    const auto right = one["right"].get<std::vector<bool>>();
    std::vector<Prediction> cells;
    for (std::size_t i = 0; i < sure.size(); ++i) {
      cells.push_back({.cell = "c",
                       .reference = "",
                       .prediction = std::string("This sample consists of a ") + (right[i] ? "B" : "T") + " cell.",
                       .labels = {{"cell_type", "B cell"}}});
      cells.back().confidences["cell_type"] = sure[i];
    }
    KnownLabels known;
    known.values["cell_type"] = {"T cell"};
    const Scores scores =
        calibration::Calibration({.bins = one["bins"].get<std::int64_t>()}, Context{}).score(cells, known);
    const auto check = [&](const std::string& name, double theirs) {
      const auto found = std::ranges::find(scores.scores, "cell_type." + name, &Score::name);
      REQUIRE(found != scores.scores.end());
      INFO(name << ": ours " << *found->value << ", theirs " << theirs);
      CHECK(std::abs(*found->value - theirs) <= 1e-9);
    };
    check("ece", one["ece"]);
    for (const auto& [percent, accuracy] : one["surest"].items()) check("accuracy_at_" + percent, accuracy);
    std::size_t occupied = 0;
    for (std::size_t bin = 0; bin < one["cells"].size(); ++bin) {
      if (one["cells"][bin] == 0) continue;
      const std::string name = "bin_" + std::to_string(bin + 1);
      check(name + ".cells", one["cells"][bin]);
      check(name + ".accuracy", one["accuracy"][occupied]);
      check(name + ".confidence", one["confidence"][occupied]);
      ++occupied;
    }
    CHECK(occupied == one["accuracy"].size());
  }
}
