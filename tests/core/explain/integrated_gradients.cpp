// Integrals along a way, against functions whose integrals are known.
#include "cell2text/explain/integrated_gradients.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <numeric>

#include "support/difference.hpp"
#include "support/oracle.hpp"

using namespace cell2text;

namespace {

struct Way {
  std::uint64_t seed = test::seed();
  Tensor x, baseline;
  Way() {
    torch::manual_seed(seed);
    x = torch::randn({5, 3}), baseline = torch::randn({5, 3});
  }
};

}  // namespace

TEST_CASE("gauss-legendre: exact for polynomials, up to the degree that its points allow") {
  for (const std::int64_t points : {1, 2, 3, 8, 16, 51, 512}) {
    const Quadrature rule = gauss_legendre(points);
    CAPTURE(points);
    CHECK(std::accumulate(rule.weights.begin(), rule.weights.end(), 0.0) == doctest::Approx(1).epsilon(1e-13));
    CHECK(std::ranges::is_sorted(rule.places));
    CHECK(rule.places.front() > 0);
    CHECK(rule.places.back() < 1);
    for (const std::int64_t degree : {points, 2 * points - 1}) {
      double sum = 0;
      for (std::int64_t i = 0; i < points; ++i)
        sum += rule.weights[i] * std::pow(rule.places[i], static_cast<double>(degree));
      CHECK(sum == doctest::Approx(1 / (static_cast<double>(degree) + 1)).epsilon(1e-11));
    }
  }
  double sum = 0;  // and not beyond it
  const Quadrature rule = gauss_legendre(2);
  for (std::size_t i = 0; i < 2; ++i) sum += rule.weights[i] * std::pow(rule.places[i], 4);
  CHECK(std::abs(sum - 0.2) > 1e-3);
}

TEST_CASE("integrated gradients: of a polynomial they are known, whatever is read at once") {
  const Way way;
  const Tensor weights = torch::randn({5, 3});
  const auto cubes = [&](const Tensor& points) { return (weights * points.pow(3)).sum({1, 2}); };
  const Tensor expected =
      (weights * (way.x.pow(3) - way.baseline.pow(3))).to(torch::kFloat64);  // each feature by itself
  for (const std::int64_t points : {1, 3, 100}) {
    IntegratedGradientsOptions options;
    options.points = points;
    const auto found = integrated_gradients(cubes, way.x, way.baseline, options);
    INFO("CELL2TEXT_TEST_SEED=" << way.seed);
    CHECK((found.attributions.scalar_type() == torch::kFloat64));
    CHECK(test::difference(found.attributions, expected) < 1e-4);
    CHECK(found.complete(0.01));
    CHECK(found.steps == 16);
    CHECK(found.value == doctest::Approx(cubes(way.x.unsqueeze(0)).item<double>()));
    CHECK(found.difference() == doctest::Approx(expected.sum().item<double>()).epsilon(1e-4));
  }
}

TEST_CASE("integrated gradients: points are doubled until the gap is small enough, and no further") {
  const Way way;
  const Tensor x = way.baseline + 1 + way.x.abs();
  // A step near the baseline, such as a normalising layer makes of small vectors.
  const auto steep = [&](const Tensor& points) {
    const Tensor d = points - way.baseline;
    return (d / (d.square() + 1e-6).sqrt() + d).sum({1, 2});
  };
  IntegratedGradientsOptions options;
  options.first_steps = 2;
  const auto found = integrated_gradients(steep, x, way.baseline, options);
  CHECK(found.steps > 16);
  CHECK(found.gap() <= 0.01);
  CHECK(found.complete(0.01));
  options.max_steps = 3;
  const auto cut_short = integrated_gradients(steep, x, way.baseline, options);
  CHECK(cut_short.steps == 3);
  CHECK(cut_short.gap() > 0.01);
  CHECK_FALSE(cut_short.complete(0.01));
  CHECK(cut_short.gap() ==
        doctest::Approx(std::abs(cut_short.sum() - cut_short.difference()) / std::abs(cut_short.difference())));
}

TEST_CASE("integrated gradients: of what does not depend on its input they are zero, and complete") {
  const Way way;
  const auto constant = [](const Tensor& points) { return (points * 0).sum({1, 2}) + 3; };
  const auto found = integrated_gradients(constant, way.x, way.baseline, {});
  CHECK(found.attributions.abs().max().item<double>() == 0);
  CHECK(found.gap() == 0);
  CHECK(found.complete(0.01));
  CHECK(found.steps == 16);
}

TEST_CASE("integrated gradients: what records no gradients, and NaN, are refused") {
  const Way way;
  CHECK_THROWS_WITH_AS(integrated_gradients(
                           [](const Tensor& points) {
                             return points.detach().sum({1, 2});
                           },
                           way.x, way.baseline, {}),
                       doctest::Contains("no gradient comes back"), InputError);
  CHECK_THROWS_WITH_AS(integrated_gradients(
                           [](const Tensor& points) {
                             return points.sum({1, 2}) * std::numeric_limits<double>::quiet_NaN();
                           },
                           way.x, way.baseline, {}),
                       doctest::Contains("NaN"), InputError);
}
