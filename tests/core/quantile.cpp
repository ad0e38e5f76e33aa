// Quantiles: at a value, between two, of one alone; of sorted values and of any.
#include "cell2text/quantile.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <random>
#include <vector>

TEST_CASE("quantile: between neighbours it is interpolated, at the ends it is the first and the last") {
  const std::vector<float> values{1, 2, 4, 8};
  const auto of = [&](double share) { return cell2text::sorted_quantile(std::span(values), share); };
  CHECK(of(0) == 1);
  CHECK(of(1) == 8);
  CHECK(of(0.5) == 3);
  CHECK(of(1.0 / 3) == doctest::Approx(2));
  CHECK(of(0.9) == doctest::Approx(6.8));
  const std::vector<double> alone{7};
  CHECK(cell2text::sorted_quantile(std::span(alone), 0.3) == 7);
}

TEST_CASE("quantile: values in any order give what the sorted ones give") {
  std::vector<std::int64_t> five{4, 1, 100, 3, 2};
  CHECK(cell2text::quantile(std::span(five), 0.9) == doctest::Approx(61.6));  // numpy.percentile(..., 90)
  std::mt19937_64 random(std::random_device{}());
  for (int repeat = 0; repeat < 200; ++repeat) {
    std::vector<double> values(1 + random() % 20);
    for (double& value : values) value = static_cast<double>(random() % 50) / 7;
    std::vector<double> sorted = values;
    std::ranges::sort(sorted);
    const double share = repeat % 4 == 0 ? 1 : static_cast<double>(random() % 1000) / 1000;
    CHECK(cell2text::quantile(std::span(values), share) ==
          cell2text::sorted_quantile(std::span<const double>(sorted), share));
  }
}
