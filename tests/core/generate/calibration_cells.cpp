// What of judged cells is fitted on, and what they say with a temperature.
#include "cell2text/generate/calibration_cells.hpp"

#include <doctest/doctest.h>

using namespace cell2text;

TEST_CASE("calibration: cells as they are judged become cases to fit on and labels to check") {
  LabelConfidence judged;
  judged.best = {{"B cell", 0.6}, {"T cell", 0.4}, {"monocyte", 0}};
  CalibrationCells cells;
  cells.add(judged, "T  cell", "B cell");
  cells.add(judged, "monocyte", "B cell");     // known, but left out by the search
  cells.add(judged, "plasma cell", "B cell");  // the model does not know it
  cells.add(judged, "B cell", std::nullopt);   // the text tells none
  cells.add(judged, "T cell", "T cell");
  CHECK(cells.size() == 5);

  const auto cases = cells.cases(1e-3);
  REQUIRE(cases.size() == 4);
  CHECK((cases[0].log_masses == std::vector<double>{std::log(0.6), std::log(0.4)}));
  CHECK(cases[0].truth == 1);
  CHECK((cases[1].log_masses == std::vector<double>{std::log(0.6), std::log(0.4), std::log(1e-3)}));
  CHECK(cases[1].truth == 2);
  CHECK(cases[2].truth == 0);
  CHECK(cases[3].truth == 1);

  const auto at = [&](double temperature) { return cells.judged(temperature); };
  CHECK(at(1)[0].confidence == doctest::Approx(0.6));
  CHECK(at(2)[0].confidence == doctest::Approx(std::sqrt(0.6) / (std::sqrt(0.6) + std::sqrt(0.4))));
  CHECK(at(0.5)[4].confidence == doctest::Approx(0.16 / 0.52));
  CHECK(at(1)[3].confidence == 0);
  std::vector<bool> right;
  for (const JudgedLabel& one : at(1)) right.push_back(one.right);
  CHECK((right == std::vector<bool>{false, false, false, false, true}));
}
