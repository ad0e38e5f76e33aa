// Gauss-Legendre quadrature: where on [0,1] a function is looked at, and what each look counts.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>
#include <vector>

namespace cell2text {

struct Quadrature {
  std::vector<double> places;   ///< ascending, inside (0,1)
  std::vector<double> weights;  ///< they sum to 1
};

/// The rule of `points` >= 1 points, exact for polynomials up to degree 2 points - 1. The roots of the Legendre
/// polynomial are found by Newton's method from their asymptotic places.
inline Quadrature gauss_legendre(std::int64_t points) {
  const auto n = static_cast<double>(points);
  Quadrature rule{std::vector<double>(points), std::vector<double>(points)};
  for (std::int64_t i = 0; i < points; ++i) {
    double x = -std::cos(std::numbers::pi * (static_cast<double>(i) + 0.75) / (n + 0.5)), slope = 0;
    for (int round = 0; round < 100; ++round) {
      double value = 1, before = 0;  // of the polynomials of degrees k and k - 1 at x
      for (std::int64_t k = 0; k < points; ++k) {
        const auto degree = static_cast<double>(k);
        const double next = ((2 * degree + 1) * x * value - degree * before) / (degree + 1);
        before = value, value = next;
      }
      slope = n * (x * value - before) / (x * x - 1);
      const double step = value / slope;
      x -= step;
      if (std::abs(step) < 1e-15) break;
    }
    rule.places[i] = (1 + x) / 2;
    rule.weights[i] = 1 / ((1 - x * x) * slope * slope);  // half of that on [-1,1]
  }
  return rule;
}

}  // namespace cell2text
