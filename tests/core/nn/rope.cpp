#include "cell2text/nn/rope.hpp"

#include <doctest/doctest.h>

using cell2text::Rope;
using cell2text::RopeScaling;

namespace {
torch::Tensor arange_rows(std::int64_t rows, std::int64_t length) {
  return torch::arange(length, torch::kInt64).expand({rows, length});
}
}  // namespace

TEST_CASE("rope: position 0 leaves a vector as it is, others keep its length") {
  Rope rope(8, 10000);
  const auto x = torch::randn({2, 5, 3, 8});
  const auto y = Rope::apply(x, rope.at(arange_rows(2, 5), torch::kCPU, torch::kFloat32));
  CHECK(at::allclose(y.select(1, 0), x.select(1, 0)));
  CHECK(at::allclose(y.norm(2, -1), x.norm(2, -1), 1e-5, 1e-6));
  CHECK_FALSE(at::allclose(y.select(1, 4), x.select(1, 4)));
}

TEST_CASE("rope: products depend on the distance of positions alone") {
  Rope rope(16, 500);
  const auto q = torch::randn({1, 1, 1, 16}), k = torch::randn({1, 1, 1, 16});
  const auto turned = [&](const torch::Tensor& x, std::int64_t position) {
    return Rope::apply(x, rope.at(torch::full({1, 1}, position, torch::kInt64), torch::kCPU, torch::kFloat32));
  };
  const double near = (turned(q, 7) * turned(k, 3)).sum().item<double>();
  const double far = (turned(q, 907) * turned(k, 903)).sum().item<double>();
  CHECK(near == doctest::Approx(far).epsilon(1e-3));
}

TEST_CASE("rope: the first pair turns by one radian per position") {
  Rope rope(4, 10000);
  const auto x = torch::tensor({1.0f, 0.0f, 0.0f, 0.0f}).view({1, 1, 1, 4});
  const auto y = Rope::apply(x, rope.at(torch::full({1, 1}, 2, torch::kInt64), torch::kCPU, torch::kFloat32)).flatten();
  CHECK(y[0].item<double>() == doctest::Approx(std::cos(2.0)));
  CHECK(y[2].item<double>() == doctest::Approx(std::sin(2.0)));
}

TEST_CASE("rope: linear and llama3 scaling") {
  const auto plain = Rope::frequencies(64, 500000, {});
  RopeScaling scaling{.kind = RopeScaling::Kind::linear, .factor = 4};
  CHECK(at::allclose(Rope::frequencies(64, 500000, scaling), plain / 4));
  scaling = {RopeScaling::Kind::llama3, 32, 1, 4, 8192};
  const auto stretched = Rope::frequencies(64, 500000, scaling);
  CHECK(stretched[0].item<float>() == plain[0].item<float>());                            // short waves stay
  CHECK(stretched[31].item<double>() == doctest::Approx(plain[31].item<double>() / 32));  // long ones slow down
  CHECK((stretched <= plain).all().item<bool>());
}

TEST_CASE("rope: the table grows, and follows the dtype asked for") {
  Rope rope(8, 10000);
  const auto before = rope.at(arange_rows(1, 3), torch::kCPU, torch::kFloat32);
  const auto far = rope.at(torch::full({1, 1}, 5000, torch::kInt64), torch::kCPU, torch::kFloat32);
  CHECK(far.cos_BT1C.size(1) == 1);
  CHECK(rope.at(arange_rows(1, 3), torch::kCPU, torch::kFloat32).cos_BT1C.equal(before.cos_BT1C));
  CHECK((rope.at(arange_rows(1, 3), torch::kCPU, torch::kBFloat16).sin_BT1C.scalar_type() == torch::kBFloat16));
}

TEST_CASE("rope: an odd head width and a position below 0 are refused") {
  CHECK_THROWS_AS(Rope(7, 10000), cell2text::InputError);
  Rope rope(8, 10000);
  CHECK_THROWS_AS(rope.at(torch::full({1, 1}, -1, torch::kInt64), torch::kCPU, torch::kFloat32), cell2text::BugError);
}
