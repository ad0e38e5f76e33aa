// Flat groups of parameters, Adam on them, clipping, and learning rates over time.
#include "cell2text/train/optimizer.hpp"

#include "support/oracle.hpp"

using cell2text::BugError;
using cell2text::FlatGroup;
using cell2text::Init;
using cell2text::Optimizer;
using cell2text::Parameter;
using cell2text::Parameters;
using cell2text::Tensor;
using cell2text::TrainingSettings;
namespace test = cell2text::test;

namespace {

struct Toy {
  Parameters parameters{torch::kCPU, torch::kFloat32, 7};
  Parameter& matrix = parameters.declare("matrix", {3, 4}, Init::normal(1));
  Parameter& vector = parameters.declare("vector", {5}, Init::normal(1));
  Parameter& other = parameters.declare("other", {2, 2}, Init::normal(1));
  Parameter& frozen = parameters.declare("frozen", {6}, Init::normal(1));

  Toy() {
    parameters.set_trainable(true);
    frozen.trainable = false;
  }
};

}  // namespace

TEST_CASE("flat groups: trainable matrices and vectors become views on one buffer each, with their values") {
  Toy toy;
  const Tensor matrix = toy.matrix.value.clone(), vector = toy.vector.value.clone(), other = toy.other.value.clone();
  auto groups = cell2text::flat_groups({&toy.parameters});
  REQUIRE(groups.size() == 2);
  CHECK(groups[0].parameters() == std::vector<Parameter*>{&toy.matrix, &toy.other});
  CHECK(groups[1].parameters() == std::vector<Parameter*>{&toy.vector});
  CHECK(groups[0].count() == 16);
  CHECK(torch::equal(toy.matrix.value, matrix));
  CHECK(torch::equal(toy.other.value, other));
  CHECK(torch::equal(toy.vector.value, vector));
  CHECK(!toy.frozen.value.requires_grad());
  CHECK(toy.matrix.value.requires_grad());
  CHECK(toy.matrix.value.is_leaf());
  groups[0].values().fill_(2);
  CHECK(torch::equal(toy.other.value, torch::full({2, 2}, 2.0)));
  CHECK(torch::equal(toy.vector.value, vector));
}

TEST_CASE("flat groups: backward adds to the buffer in place, again and again") {
  Toy toy;
  auto groups = cell2text::flat_groups({&toy.parameters});
  const void* data = groups[0].gradients().data_ptr();
  for (int pass = 0; pass < 2; ++pass) {
    ((toy.matrix.value * 3).sum() + (toy.other.value * 5).sum() + toy.vector.value.sum()).backward();
    CHECK(toy.matrix.value.grad().data_ptr() == data);
  }
  CHECK(torch::equal(groups[0].gradients(), torch::cat({torch::full({12}, 6.0), torch::full({4}, 10.0)})));
  CHECK(torch::equal(groups[1].gradients(), torch::full({5}, 2.0)));
  groups[0].zero_gradients();
  CHECK(torch::equal(toy.other.value.grad(), torch::zeros({2, 2})));
}

TEST_CASE("flat groups: release keeps the values and ends the recording of gradients") {
  Toy toy;
  const Tensor matrix = toy.matrix.value.clone();
  {
    auto groups = cell2text::flat_groups({&toy.parameters});
    for (FlatGroup& group : groups) group.release();
  }
  CHECK(torch::equal(toy.matrix.value, matrix));
  CHECK(!toy.matrix.value.requires_grad());
  CHECK(!toy.matrix.value.grad().defined());
}

TEST_CASE("flat groups: parameters of two bytes are copies of float32 values, and so are their gradients") {
  Toy toy;
  for (Parameter* parameter : {&toy.matrix, &toy.vector}) parameter->value = parameter->value.to(torch::kBFloat16);
  const Tensor matrix = toy.matrix.value.clone();
  auto groups = cell2text::flat_groups({&toy.parameters});
  REQUIRE(groups.size() == 3);  // a type and a form each
  Optimizer optimizer(groups, {});
  CHECK(torch::equal(toy.matrix.value, matrix));
  CHECK((optimizer.value(toy.matrix).scalar_type() == torch::kFloat32));
  optimizer.value(toy.matrix).add_(1e-4);  // too little to show
  optimizer.publish();
  CHECK(torch::equal(toy.matrix.value, matrix));
  optimizer.value(toy.matrix).fill_(3);
  optimizer.publish();
  CHECK(torch::equal(toy.matrix.value, torch::full({3, 4}, 3.0, torch::kBFloat16)));

  for (int pass = 0; pass < 300; ++pass) {  // two bytes hold no sum of 300 ones
    (toy.matrix.value.sum() + toy.other.value.sum()).backward();
    optimizer.collect_gradients();
  }
  const auto gradient = groups[0].view(groups[0].gradients(), toy.matrix);
  REQUIRE(gradient);
  CHECK(torch::equal(*gradient, torch::full({3, 4}, 300.0)));
  CHECK(torch::equal(toy.other.value.grad(), torch::full({2, 2}, 300.0)));
  for (int step = 0; step < 10; ++step) optimizer.step(1e-4);
  CHECK(optimizer.value(toy.matrix)[0][0].item<double>() < 3 - 5e-4);  // small steps add up
  CHECK_THROWS_AS(optimizer.value(toy.frozen), BugError);
  for (FlatGroup& group : groups) group.release();
  CHECK((toy.matrix.value.scalar_type() == torch::kBFloat16));
}

TEST_CASE("flat groups: nothing to train gives no group, and mixed types in one are a bug") {
  Toy toy;
  toy.parameters.set_trainable(false);
  CHECK(cell2text::flat_groups({&toy.parameters}).empty());
  toy.vector.trainable = true;
  CHECK(cell2text::flat_groups({&toy.parameters}).size() == 1);
  toy.matrix.value = toy.matrix.value.detach().to(torch::kBFloat16);
  CHECK_THROWS_AS(FlatGroup({&toy.matrix, &toy.vector}), BugError);
}

TEST_CASE("optimizer: five steps are those of the formulas, with weight decay on matrices alone") {
  const auto seed = test::seed();
  INFO("seed " << seed);
  torch::manual_seed(seed);
  for (const std::string kind : {"adam", "adamw"}) {
    INFO(kind);
    TrainingSettings settings;
    settings.optimizer = kind, settings.weight_decay = 0.3, settings.beta_1 = 0.8, settings.beta_2 = 0.95,
    settings.epsilon = 1e-6;
    Toy toy;
    const bool decoupled = settings.optimizer == "adamw";
    struct Reference {
      Tensor value, first, second;
      double decay;
    };
    std::vector<Reference> references;
    for (const Parameter* parameter : {&toy.matrix, &toy.vector}) {
      const Tensor value = parameter->value.to(torch::kFloat64);
      references.push_back({value, torch::zeros_like(value), torch::zeros_like(value), value.dim() > 1 ? 0.3 : 0.0});
    }
    auto groups = cell2text::flat_groups({&toy.parameters});
    Optimizer optimizer(groups, settings);
    for (int step = 1; step <= 5; ++step) {
      const double rate = 0.1 / step;
      optimizer.zero_gradients();
      int i = 0;
      for (Parameter* parameter : {&toy.matrix, &toy.vector}) {
        const Tensor gradient = torch::randn(parameter->value.sizes());
        parameter->value.mutable_grad().copy_(gradient);
        Reference& r = references[i++];
        Tensor g = gradient.to(torch::kFloat64);
        if (decoupled)
          r.value = r.value * (1 - rate * r.decay);
        else
          g = g + r.decay * r.value;
        r.first = 0.8 * r.first + 0.2 * g;
        r.second = 0.95 * r.second + 0.05 * g * g;
        const Tensor root = (r.second / (1 - std::pow(0.95, step))).sqrt() + 1e-6;
        r.value = r.value - rate * (r.first / (1 - std::pow(0.8, step))) / root;
      }
      optimizer.step(rate);
    }
    CHECK((toy.matrix.value.detach() - references[0].value).abs().max().item<double>() < 1e-5);
    CHECK((toy.vector.value.detach() - references[1].value).abs().max().item<double>() < 1e-5);
  }
}

TEST_CASE("optimizer: gradients are scaled down to the norm of all groups together, never up") {
  Toy toy;
  auto groups = cell2text::flat_groups({&toy.parameters});
  Optimizer optimizer(groups, {});
  toy.matrix.value.mutable_grad().fill_(1);  // 12 values
  toy.vector.value.mutable_grad().fill_(2);  // 5 values: the norm is sqrt(12 + 20)
  const double norm = std::sqrt(32.0);
  CHECK(optimizer.clip(0) == doctest::Approx(norm));
  CHECK(optimizer.clip(10) == doctest::Approx(norm));
  CHECK(optimizer.clip(2) == doctest::Approx(norm));
  CHECK(toy.vector.value.grad()[0].item<double>() == doctest::Approx(4 / norm));
  CHECK(optimizer.clip(0) == doctest::Approx(2));
  optimizer.zero_gradients();
  CHECK(optimizer.clip(1) == 0);
}

TEST_CASE("learning rate: warm-up, then steps by epoch, a cosine to zero, or none") {
  TrainingSettings settings;
  settings.learning_rate = 1, settings.gamma = 0.5, settings.warmup_steps = 4;
  for (const char* schedule : {"step", "cosine", "constant"}) {
    settings.schedule = schedule;
    for (std::int64_t step = 0; step < 4; ++step)
      CHECK(learning_rate_at(settings, step, 3, 20) == doctest::Approx(0.25 * (step + 1)));
  }
  settings.schedule = "step";
  CHECK(learning_rate_at(settings, 4, 0, 20) == 1);
  CHECK(learning_rate_at(settings, 9, 3, 20) == doctest::Approx(0.125));
  settings.schedule = "constant";
  CHECK(learning_rate_at(settings, 19, 9, 20) == 1);
  settings.schedule = "cosine";
  CHECK(learning_rate_at(settings, 4, 0, 20) == 1);
  CHECK(learning_rate_at(settings, 12, 0, 20) == doctest::Approx(0.5));
  CHECK(learning_rate_at(settings, 20, 0, 20) == doctest::Approx(0));
  CHECK(learning_rate_at(settings, 25, 0, 20) == doctest::Approx(0));
  settings.warmup_steps = 30;  // longer than the training
  CHECK(learning_rate_at(settings, 19, 0, 20) == doctest::Approx(20.0 / 30));
  settings.warmup_steps = 0;
  CHECK(learning_rate_at(settings, 0, 0, 20) == 1);
}
