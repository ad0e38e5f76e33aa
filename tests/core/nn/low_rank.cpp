// A linear layer with a low-rank addition: as the plain formula, forward and backward, and no gradient of what is
// frozen.
#include "cell2text/nn/low_rank.hpp"

#include "cell2text/nn/linear.hpp"
#include "support/difference.hpp"
#include "support/oracle.hpp"

using cell2text::Delta;
using cell2text::LinearSlot;
using cell2text::Parameter;
using cell2text::Tensor;
using cell2text::test::difference;
namespace test = cell2text::test;

namespace {

struct Layer {
  Parameter weight, bias, a, b;
  double scale;
  bool biased;

  explicit Layer(std::mt19937_64& random) : scale(0.5 + static_cast<double>(random() % 4)), biased(random() % 2) {
    const auto any = [&] { return static_cast<std::int64_t>(1 + random() % 40); };
    const std::int64_t in = any(), out = any(), rank = any();
    weight.value = torch::randn({out, in});
    bias.value = torch::randn({out});
    a.value = torch::randn({rank, in}), b.value = torch::randn({out, rank});
  }
  LinearSlot slot() {
    LinearSlot made("layer", weight, biased ? &bias : nullptr);
    made.attach({.a_rI = &a, .b_Or = &b, .scale = scale});
    return made;
  }
  /// The formula, by LibTorch's own operations.
  Tensor plain(const Tensor& x) const {
    const Tensor y = at::linear(x, weight.value.to(torch::kFloat32), biased ? bias.value : Tensor());
    return y + at::linear(at::linear(x, a.value), b.value) * scale;
  }
  std::vector<std::int64_t> shape_of_x(std::mt19937_64& random) const {
    return random() % 2
               ? std::vector<std::int64_t>{3, 7, weight.value.size(1)}
               : std::vector<std::int64_t>{1 + static_cast<std::int64_t>(random() % 300), weight.value.size(1)};
  }
};

}  // namespace

TEST_CASE("low rank: output and gradients are those of the plain formula, into new gradients and onto old ones") {
  const auto seed = test::seed();
  INFO("seed " << seed);
  torch::manual_seed(seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 20; ++round) {
    Layer layer(random);
    const LinearSlot slot = layer.slot();
    Tensor x = torch::randn(layer.shape_of_x(random));
    const bool from_below = random() % 2, gathered = random() % 2;
    const Tensor weights_of_y = torch::randn_like(layer.plain(x));
    std::vector<Tensor> gradients[2];
    Tensor outputs[2];
    for (const bool plain : {true, false}) {
      std::vector<Tensor> leaves{x = x.detach().requires_grad_(from_below)};
      for (Parameter* trained : {&layer.a, &layer.b}) {
        trained->value = trained->value.detach().requires_grad_();
        if (gathered) trained->value.mutable_grad() = torch::ones_like(trained->value);
        leaves.push_back(trained->value);
      }
      outputs[plain] = plain ? layer.plain(x) : slot(x);
      (outputs[plain] * weights_of_y).sum().backward();
      for (const Tensor& leaf : leaves)
        gradients[plain].push_back(leaf.grad().defined() ? leaf.grad().clone() : torch::zeros({1}));
    }
    CHECK(difference(outputs[0].detach(), outputs[1].detach()) < 1e-3);
    for (std::size_t i = 0; i < 3; ++i)
      CHECK(difference(gradients[0][i], gradients[1][i]) < 1e-4 * (1 + gradients[1][i].abs().max().item<double>()));
    CHECK_FALSE(layer.weight.value.grad().defined());
    torch::NoGradGuard no_grad;
    CHECK(difference(slot(x), outputs[1].detach()) < 1e-3);
  }
}

TEST_CASE("low rank: a base in bfloat16 takes float32 values, and its gradient reaches them in float32") {
  Layer layer(*std::make_unique<std::mt19937_64>(4));
  layer.weight.value = layer.weight.value.to(torch::kBFloat16);
  layer.bias.value = layer.bias.value.to(torch::kBFloat16).to(torch::kFloat32);
  const LinearSlot slot = layer.slot();
  Tensor x[2], a[2];
  for (const bool plain : {true, false}) {
    x[plain] = torch::linspace(-1, 1, 5 * layer.weight.value.size(1)).view({5, -1}).requires_grad_();
    a[plain] = layer.a.value = layer.a.value.detach().requires_grad_();
    const Tensor y = plain ? layer.plain(x[plain]) : slot(x[plain]);
    CHECK((y.scalar_type() == torch::kFloat32));
    y.square().sum().backward();
  }
  const double size = x[1].grad().abs().max().item<double>();
  CHECK(difference(x[0].grad(), x[1].grad()) < 1e-4 * size);
  CHECK(difference(a[0].grad(), a[1].grad()) < 1e-4 * a[1].grad().abs().max().item<double>());
}

TEST_CASE("low rank: a weight that is trained itself gets its gradient as well") {
  Parameter weight{"w", torch::randn({3, 4}).requires_grad_()}, a{"a", torch::randn({2, 4})},
      b{"b", torch::randn({3, 2})};
  LinearSlot slot("layer", weight);
  slot.attach({.a_rI = &a, .b_Or = &b});
  const Tensor x = torch::randn({5, 4});
  slot(x).sum().backward();
  CHECK(difference(weight.value.grad(), x.sum(0).expand({3, 4})) < 1e-5);
}
