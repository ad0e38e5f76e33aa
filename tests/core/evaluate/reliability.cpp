// Reliability by hand: bins and their edges, the error, the accuracy of the surest.
#include "cell2text/evaluate/reliability.hpp"

#include <doctest/doctest.h>

using namespace cell2text;

TEST_CASE("reliability: confidences fall into bins, on an edge into the lower one") {
  const std::vector<JudgedLabel> labels{{0, false}, {0.25, true}, {0.26, true}, {0.5, false}, {1, true}};
  const auto bins = reliability_bins(labels, 4);
  REQUIRE(bins.size() == 4);
  CHECK(bins[0].cells == 2);
  CHECK(bins[1].cells == 2);
  CHECK(bins[2].cells == 0);
  CHECK(bins[3].cells == 1);
  CHECK(bins[1].confidence == 0.76);
  CHECK(bins[1].right == 1);
  // |1 - .25| of 2, |1 - .76| of 2, 0 of 1
  CHECK(expected_calibration_error(bins) == doctest::Approx((0.75 + 0.24) / 5));
  const std::vector<double> times{0, 0, 3, 0, 1};
  CHECK(expected_calibration_error(reliability_bins(labels, 4, times)) == doctest::Approx(3 * 0.74 / 4));
  CHECK(std::isnan(expected_calibration_error(reliability_bins({}, 4))));
  CHECK(reliability_bins(labels, 1)[0].cells == 5);
}

TEST_CASE("reliability: the accuracy of the surest does not depend on the order of the equally sure") {
  std::vector<JudgedLabel> labels{{0.9, true}, {0.8, true}, {0.8, false}, {0.8, false}, {0.1, false}};
  CHECK(accuracy_of_surest(labels, 0.2) == 1);
  CHECK(accuracy_of_surest(labels, 0.4) == doctest::Approx((1 + 1.0 / 3) / 2));
  CHECK(accuracy_of_surest(labels, 0.8) == 0.5);
  CHECK(accuracy_of_surest(labels, 1) == 0.4);
  std::swap(labels[1], labels[3]);
  CHECK(accuracy_of_surest(labels, 0.4) == doctest::Approx((1 + 1.0 / 3) / 2));
  CHECK(accuracy_of_surest(labels, 0.5, std::vector<double>{0, 0, 0, 1, 1}) == 1);
  CHECK(std::isnan(accuracy_of_surest(labels, 0.5, std::vector<double>(5))));
  CHECK(std::isnan(accuracy_of_surest({}, 0.5)));
}
