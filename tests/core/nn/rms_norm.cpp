#include "cell2text/nn/rms_norm.hpp"

#include <doctest/doctest.h>

using cell2text::Parameter;
using cell2text::RmsNorm;

TEST_CASE("rms_norm: a row by hand") {
  Parameter weight{"w", torch::tensor({1.0f, 2.0f}), false};
  const auto x = torch::tensor({{3.0f, 4.0f}});  // mean of squares 12.5
  const auto y = RmsNorm(weight, 0)(x);
  CHECK(y[0][0].item<double>() == doctest::Approx(3 / std::sqrt(12.5)));
  CHECK(y[0][1].item<double>() == doctest::Approx(2 * 4 / std::sqrt(12.5)));
  const auto shifted = RmsNorm(weight, 0, true)(x);
  CHECK(shifted[0][1].item<double>() == doctest::Approx(3 * 4 / std::sqrt(12.5)));
}

TEST_CASE("rms_norm: a row of zeros stays zero") {
  Parameter weight{"w", torch::ones({4}), false};
  CHECK(RmsNorm(weight, 1e-5)(torch::zeros({2, 4})).equal(torch::zeros({2, 4})));
}

TEST_CASE("rms_norm: bfloat16 is computed in float32 and keeps its dtype") {
  Parameter weight{"w", torch::ones({64}).to(torch::kBFloat16), false};
  const auto x = (torch::rand({3, 64}) * 1000).to(torch::kBFloat16);
  const auto y = RmsNorm(weight, 1e-5)(x);
  CHECK((y.scalar_type() == torch::kBFloat16));
  Parameter wide{"w", torch::ones({64}), false};
  CHECK(at::allclose(y.to(torch::kFloat32), RmsNorm(wide, 1e-5)(x.to(torch::kFloat32)), 1e-2, 1e-2));
  CHECK((RmsNorm(weight, 1e-5, true)(x).scalar_type() == torch::kBFloat16));
}
