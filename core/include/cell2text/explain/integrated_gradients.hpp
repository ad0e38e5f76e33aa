// Integrated gradients (Sundararajan, Taly, Yan 2017): how much each feature of an input has to do with a value, as the
// gradient's integral along the straight way from a baseline. The attributions sum to what the value differs by; how
// well they do is measured, and the integral refined until it is good enough.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>

#include "cell2text/explain/gauss_legendre.hpp"
#include "cell2text/generate/rows.hpp"
#include "cell2text/shapes.hpp"

namespace cell2text {

/// Points [N,...] -> values [N], with gradients recorded; value i depends on point i alone.
using PointFunction = std::function<Tensor(const Tensor& points)>;

struct IntegratedGradientsOptions {
  double gap = 0.01;              ///< completeness gap to be reached
  std::int64_t first_steps = 16;  ///< points of the first integral; each further one has twice as many
  std::int64_t max_steps = 512;   ///< and no more than this
  std::int64_t points = 8;        ///< read at once; what is needed of memory grows with it
};

struct IntegratedGradients {
  /// A sum that misses the difference by less than this (natural log units) is right whatever the gap: both are then
  /// rounding errors of float32.
  static constexpr double rounding = 1e-5;

  Tensor attributions;  ///< of the input's shape, float64, on the CPU
  double value = 0, baseline_value = 0;
  std::int64_t steps = 0;  ///< points of the integral

  double difference() const { return value - baseline_value; }
  double sum() const { return attributions.sum().item<double>(); }
  /// |sum - difference| / |difference|; 0 where both are 0.
  double gap() const {
    const double miss = std::abs(sum() - difference());
    return miss == 0 ? 0 : miss / std::abs(difference());
  }
  bool complete(double wanted) const { return gap() <= wanted || std::abs(sum() - difference()) < rounding; }
};

namespace integrated_gradients_detail {

inline std::vector<double> plain(const Tensor& values_N) {
  const Tensor all = values_N.detach().to(torch::kCPU, torch::kFloat64).contiguous();
  std::vector<double> values(all.const_data_ptr<double>(), all.const_data_ptr<double>() + all.numel());
  if (std::ranges::any_of(values, [](double value) { return std::isnan(value); })) refuse_nan();
  return values;
}

/// d values / d points, [N,...]. InputError where none is recorded.
inline Tensor gradients(const PointFunction& f, const Tensor& points) {
  torch::AutoGradMode record(true);
  const Tensor leaf = points.detach().requires_grad_(true);
  const Tensor values_N = f(leaf);
  if (values_N.requires_grad()) values_N.sum().backward();
  if (!leaf.grad().defined())
    throw InputError(
        "no gradient comes back through this model: its decoder or adapter detaches what it reads, or computes without "
        "recording gradients, so that nothing can be attributed to genes; make its forward differentiable (cell2text "
        "plugins check finds such parts)");
  return leaf.grad();
}

inline Tensor attributions(const PointFunction& f, const Tensor& x, const Tensor& baseline, std::int64_t steps,
                           std::int64_t at_once) {
  const Quadrature rule = gauss_legendre(steps);
  std::vector<std::int64_t> shape(static_cast<std::size_t>(x.dim()) + 1, 1);
  shape.front() = steps;
  const auto column = [&](const std::vector<double>& all) {
    return torch::tensor(all, torch::kFloat64).to(x.device()).view(shape);
  };
  const Tensor places = column(rule.places).to(x.scalar_type()), weights = column(rule.weights), way = x - baseline;
  Tensor integral = torch::zeros(x.sizes(), x.options().dtype(torch::kFloat64));
  for (std::int64_t first = 0; first < steps; first += at_once) {
    const std::int64_t n = std::min(at_once, steps - first);
    const Tensor slopes = gradients(f, baseline + places.narrow(0, first, n) * way).to(torch::kFloat64);
    integral += (slopes * weights.narrow(0, first, n)).sum(0);
  }
  return (integral * way.to(torch::kFloat64)).to(torch::kCPU);
}

}  // namespace integrated_gradients_detail

/// Of f at `x`, on the way from `baseline` (of its shape and type). Doubles the points until the gap is small enough,
/// or there may be no more. InputError where f records no gradients, or gives NaN.
inline IntegratedGradients integrated_gradients(const PointFunction& f, const Tensor& x, const Tensor& baseline,
                                                const IntegratedGradientsOptions& options) {
  using namespace integrated_gradients_detail;
  IntegratedGradients result;
  {
    torch::NoGradGuard no_grad;
    const auto values = plain(f(torch::stack({x, baseline})));
    result.value = values[0], result.baseline_value = values[1];
  }
  for (result.steps = std::min(options.first_steps, options.max_steps);;
       result.steps = std::min(2 * result.steps, options.max_steps)) {
    result.attributions = attributions(f, x, baseline, result.steps, options.points);
    if (result.complete(options.gap) || result.steps == options.max_steps) return result;
  }
}

}  // namespace cell2text
