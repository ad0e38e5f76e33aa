#include "cell2text/nn/recompute.hpp"

#include <doctest/doctest.h>

#include "support/oracle.hpp"

using namespace cell2text;

namespace {

struct Gradients {
  Tensor y, x, a, b;
};

// Two layers with dropout between them.
Gradients gradients(bool recompute, std::uint64_t seed) {
  at::manual_seed(seed);
  const Tensor x = torch::randn({5, 8}).requires_grad_(true);
  const Tensor a = torch::randn({16, 8}).requires_grad_(true), b = torch::randn({3, 16}).requires_grad_(true);
  const auto f = [&](const Tensor& x) { return at::linear(at::dropout(at::silu(at::linear(x, a)), 0.3, true), b); };
  const Tensor once = recompute ? recomputed(x, f) : f(x);
  const Tensor y = at::dropout(once, 0.5, true);  // draws after f
  y.square().sum().backward();
  return {y.detach(), x.grad(), a.grad(), b.grad()};
}

}  // namespace

TEST_CASE("recompute: values, gradients and random numbers are the same bits") {
  const auto seed = test::seed();
  INFO("seed " << seed);
  const Gradients plain = gradients(false, seed), again = gradients(true, seed);
  CHECK(torch::equal(again.y, plain.y));
  CHECK(torch::equal(again.x, plain.x));
  CHECK(torch::equal(again.a, plain.a));
  CHECK(torch::equal(again.b, plain.b));
  CHECK(again.a.abs().sum().item<float>() > 0);
}

TEST_CASE("recompute: f runs twice with gradients, once without, and nothing but x is kept") {
  int runs = 0;
  std::weak_ptr<int> kept;
  {
    const auto alive = std::make_shared<int>(0);
    kept = alive;
    const auto f = [&runs, alive](const Tensor& x) { return ++runs, x * 2; };
    const Tensor x = torch::ones({2}).requires_grad_(true);
    {
      torch::NoGradGuard no_grad;
      recomputed(x, f);
      CHECK(runs == 1);
    }
    CHECK_FALSE(recomputed(torch::ones({2}), f).requires_grad());
    CHECK(runs == 2);
    recomputed(x, f).sum().backward();
    CHECK(runs == 4);
    CHECK(torch::equal(x.grad(), torch::full({2}, 2.0)));
  }
  CHECK(kept.expired());
}
