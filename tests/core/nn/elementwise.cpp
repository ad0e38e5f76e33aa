// What stands between the products of a transformer: own kernels at every level, and their gradients, against LibTorch.
#include <doctest/doctest.h>
#include <torch/csrc/autograd/autograd.h>

#include <functional>
#include <string>
#include <vector>

#include "cell2text/nn/gated.hpp"
#include "cell2text/nn/rms_norm.hpp"
#include "cell2text/nn/rope.hpp"
#include "support/oracle.hpp"

using namespace cell2text;

namespace {

/// The elementwise kernels of a level; every level that this machine has.
struct ElementwiseKernels {
  cpu::Level level;
  std::function<void(const float*, const float*, float*, std::int64_t)> silu, gelu;
  std::function<void(const float*, const float*, const float*, float*, float*, std::int64_t)> silu_back, gelu_back;
  std::function<float(const float*, const float*, double, float*, std::int64_t)> norm;
  std::function<void(const float*, const float*, const float*, float, float*, float*, std::int64_t)> norm_back;
  std::function<void(const float*, const float*, const float*, float*, std::int64_t)> rotate;
};

#define ELEMENTWISE_OF(space)                                                                                      \
  {                                                                                                                \
    cpu::Level::space, cpu::space::gated_product<false>, cpu::space::gated_product<true>,                          \
        cpu::space::gated_product_backward<false>, cpu::space::gated_product_backward<true>, cpu::space::rms_norm, \
        cpu::space::rms_norm_backward, cpu::space::rotate                                                          \
  }

std::vector<ElementwiseKernels> elementwise_kernels() {
  std::vector<ElementwiseKernels> all{ELEMENTWISE_OF(plain)};
#ifdef CELL2TEXT_X86_KERNELS
  if (cpu::best_level() >= cpu::Level::avx2) all.push_back(ELEMENTWISE_OF(avx2));
  if (cpu::best_level() >= cpu::Level::avx512) all.push_back(ELEMENTWISE_OF(avx512));
#endif
  return all;
}

const float* data(const Tensor& x) {
  return x.const_data_ptr<float>();
}
float* data(Tensor& x) {
  return x.mutable_data_ptr<float>();
}

Tensor reference_gate(const Tensor& gate, bool gelu) {
  return gelu ? at::gelu(gate, "tanh") : at::silu(gate);
}

/// At most 1e-6, of the larger of the reference's values and 1. The reference is best computed in float64.
void check_close(const Tensor& ours, const Tensor& theirs) {
  const double worst = ((ours - theirs).abs() / theirs.abs().clamp_min(1)).max().item<double>();
  CHECK(worst < 1e-6);
}

}  // namespace

TEST_CASE("gated: values and gradients at every level are those of LibTorch, whatever the length") {
  torch::manual_seed(test::seed());
  INFO("seed " << test::seed());
  for (const ElementwiseKernels& kernels : elementwise_kernels())
    for (const bool gelu : {false, true})
      for (const std::int64_t n : {1, 3, 16, 17, 255, 1000}) {
        CAPTURE(std::string(cpu::name_of(kernels.level)));
        CAPTURE(gelu);
        CAPTURE(n);
        const Tensor gate = torch::randn({n}) * 6, up = torch::randn({n}), d = torch::randn({n});
        const Tensor gate_64 = gate.to(torch::kFloat64).requires_grad_(),
                     up_64 = up.to(torch::kFloat64).requires_grad_();
        const Tensor reference = reference_gate(gate_64, gelu) * up_64;
        reference.backward(d.to(torch::kFloat64));
        Tensor y = torch::full({n}, 9.0f), d_gate = y.clone(), d_up = y.clone();
        (gelu ? kernels.gelu : kernels.silu)(data(gate), data(up), data(y), n);
        (gelu ? kernels.gelu_back : kernels.silu_back)(data(d), data(gate), data(up), data(d_gate), data(d_up), n);
        check_close(y, reference.detach());
        check_close(d_gate, gate_64.grad());
        check_close(d_up, up_64.grad());
      }
}

TEST_CASE("gated: very large and very small gates are as they should be, and NaN is not hidden") {
  const Tensor gate = torch::tensor({-1e30f, -200.0f, -88.5f, -1e-20f, 0.0f, 1e-20f, 88.5f, 200.0f, 1e18f});
  const Tensor up = torch::full({9}, 2.0f), bad = torch::full({9}, std::nanf(""));
  for (const ElementwiseKernels& kernels : elementwise_kernels()) {
    Tensor y = torch::zeros({9});
    kernels.silu(data(gate), data(up), data(y), 9);
    CHECK(at::allclose(y, at::silu(gate) * up, 1e-6, 1e-4));
    kernels.gelu(data(gate), data(up), data(y), 9);
    CHECK(at::allclose(y, at::gelu(gate, "tanh") * up, 1e-6, 1e-4));
    kernels.silu(data(bad), data(up), data(y), 9);
    CHECK(y.isnan().all().item<bool>());
  }
}

TEST_CASE("gated: autograd sees the same as with LibTorch's operations, in threads and for other types") {
  torch::manual_seed(test::seed());
  for (const auto function : {GateFunction::silu, GateFunction::gelu_tanh}) {
    const Tensor gate = torch::randn({60, 1100}).requires_grad_(), up = torch::randn({60, 1100}).requires_grad_();
    const Tensor d = torch::randn({60, 1100});
    const auto gradients = torch::autograd::grad({gated(gate, up, function)}, {gate, up}, {d});
    const Tensor reference = reference_gate(gate, function == GateFunction::gelu_tanh) * up;
    const auto expected = torch::autograd::grad({reference}, {gate, up}, {d});
    CHECK(at::allclose(gradients[0], expected[0], 1e-5, 1e-5));
    CHECK(at::allclose(gradients[1], expected[1], 1e-5, 1e-5));
    torch::NoGradGuard no_grad;
    check_close(gated(gate, up, function), reference);
    check_close(gated(gate.t(), up.t(), function), reference.t());
    CHECK((gated(gate.to(torch::kBFloat16), up.to(torch::kBFloat16), function).scalar_type() == torch::kBFloat16));
  }
}

TEST_CASE("rms_norm: values and gradients at every level are those of LibTorch, whatever the width") {
  torch::manual_seed(test::seed());
  INFO("seed " << test::seed());
  for (const ElementwiseKernels& kernels : elementwise_kernels())
    for (const std::int64_t n : {1, 5, 16, 31, 64, 1000}) {
      CAPTURE(std::string(cpu::name_of(kernels.level)));
      CAPTURE(n);
      const Tensor x = torch::randn({n}).requires_grad_(), scale = torch::randn({n}).requires_grad_();
      const Tensor d = torch::randn({n}), reference = at::rms_norm(x, {n}, scale, 1e-5);
      reference.backward(d);
      Tensor y = torch::full({n}, 9.0f), d_x = y.clone(), d_scale = torch::ones({n});
      const float r = kernels.norm(data(x), data(scale), 1e-5, data(y), n);
      kernels.norm_back(data(d), data(x), data(scale), r, data(d_x), data(d_scale), n);
      check_close(y, reference.detach());
      CHECK(at::allclose(d_x, x.grad(), 1e-5, 1e-5));
      check_close(d_scale - 1, scale.grad());
      kernels.norm_back(data(d), data(x), data(scale), r, data(y), nullptr, n);
      CHECK(y.equal(d_x));
    }
}

TEST_CASE("rms_norm: autograd sees the same as with LibTorch's operation, for a trained and for a frozen scale") {
  torch::manual_seed(test::seed());
  for (const bool plus_one : {false, true}) {
    Parameter weight{"w", torch::randn({96}).requires_grad_(), true};
    const Tensor x = torch::randn({3, 50, 96}).requires_grad_(), d = torch::randn({3, 50, 96});
    const Tensor reference = at::rms_norm(x, {96}, plus_one ? weight.value + 1 : weight.value, 1e-6);
    const auto expected = torch::autograd::grad({reference}, {x, weight.value}, {d});
    const RmsNorm norm(weight, 1e-6, plus_one);
    const auto gradients = torch::autograd::grad({norm(x)}, {x, weight.value}, {d});
    CHECK(at::allclose(gradients[0], expected[0], 1e-5, 1e-5));
    CHECK(at::allclose(gradients[1], expected[1], 1e-5, 1e-5));
    const auto again = torch::autograd::grad({norm(x)}, {x, weight.value}, {d});
    CHECK(again[1].equal(gradients[1]));
    weight.value = weight.value.detach();
    CHECK(torch::autograd::grad({norm(x)}, {x}, {d})[0].equal(gradients[0]));
    CHECK(at::allclose(norm(x.transpose(0, 1)), reference.transpose(0, 1), 1e-5, 1e-5));
  }
}

TEST_CASE("rope: in one pass, at every level, as with LibTorch's operations") {
  torch::manual_seed(test::seed());
  for (const std::int64_t C : {2, 6, 32, 64, 100}) {
    CAPTURE(C);
    Rope rope(C, 10000);
    const Tensor x = torch::randn({2, 5, 3, C}), positions = torch::randint(0, 900, {2, 5}, torch::kInt64);
    const RopeTables tables = rope.at(positions, torch::kCPU, torch::kFloat32);
    const Tensor recorded = Rope::apply(x.clone().requires_grad_(), tables).detach();
    check_close(Rope::apply(x, tables), recorded);
    check_close(Rope::apply(x.transpose(0, 1), {tables.cos_BT1C.transpose(0, 1), tables.sin_BT1C.transpose(0, 1)}),
                recorded.transpose(0, 1));
    for (const ElementwiseKernels& kernels : elementwise_kernels()) {
      Tensor y = torch::zeros({C});
      kernels.rotate(data(x), data(tables.cos_BT1C), data(tables.sin_BT1C), data(y), C / 2);
      check_close(y, recorded[0][0][0]);
    }
  }
}

TEST_CASE("rounded products: only while asked for, and only where the CPU can") {
  torch::manual_seed(test::seed());
  const Tensor x = torch::randn({100, 64}).requires_grad_(), d = torch::randn({100, 48});
  const Tensor weight = torch::randn({48, 64}).to(torch::kBFloat16);
  const auto gradient = [&] { return torch::autograd::grad({linear_map(x, weight)}, {x}, {d})[0]; };
  const Tensor exact = linear_map(x, weight).detach(), exact_gradient = gradient();
  {
    const RoundedProducts none(false);
    CHECK_FALSE(RoundedProducts::on());
    const RoundedProducts rounded;
    CHECK(RoundedProducts::on() == RoundedProducts::possible());
    const Tensor y = linear_map(x, weight).detach();
    CHECK((y.scalar_type() == torch::kFloat32));
    CHECK(y.equal(exact) == !RoundedProducts::possible());
    CHECK(at::allclose(y, exact, 2e-2, 2e-1));
    CHECK(at::allclose(gradient(), exact_gradient, 2e-2, 2e-1));
  }
  CHECK_FALSE(RoundedProducts::on());
  CHECK(linear_map(x, weight).equal(exact));
  CHECK(gradient().equal(exact_gradient));
}
