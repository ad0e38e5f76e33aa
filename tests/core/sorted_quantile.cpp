// Quantiles of sorted values: at a value, between two, of one alone.
#include "cell2text/sorted_quantile.hpp"

#include <doctest/doctest.h>

#include <vector>

TEST_CASE("sorted quantile: between neighbours it is interpolated, at the ends it is the first and the last") {
  const std::vector<float> values{1, 2, 4, 8};
  const auto of = [&](double q) { return cell2text::sorted_quantile(std::span(values), q); };
  CHECK(of(0) == 1);
  CHECK(of(1) == 8);
  CHECK(of(0.5) == 3);
  CHECK(of(1.0 / 3) == doctest::Approx(2));
  CHECK(of(0.9) == doctest::Approx(6.8));
  const std::vector<double> alone{7};
  CHECK(cell2text::sorted_quantile(std::span(alone), 0.3) == 7);
}
