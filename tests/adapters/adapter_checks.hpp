// What every adapter must hold to, checked alike: padding, empty cells, dropout, forms of the result, saving; and the
// comparison with a case that a script has computed.
#pragma once

#include <ATen/Parallel.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "cell2text/concepts.hpp"
#include "cell2text/io/tensors.hpp"
#include "cell2text/io/value_json.hpp"
#include "support/difference.hpp"
#include "support/oracle.hpp"

namespace cell2text::test {

/// An adapter with its parameters, which record gradients.
template <Adapter A>
struct Built {
  Parameters parameters;
  std::unique_ptr<A> adapter;

  explicit Built(const typename A::Settings& settings = {}, AdapterShape shape = {12, 20}, std::uint64_t seed = 3)
      : parameters(torch::kCPU, torch::kFloat32, seed) {
    at::set_num_threads(1);  // on tensors this small, threads that wait for each other cost more than they do
    ModelContext context({}, parameters, torch::kCPU);
    adapter = std::make_unique<A>(settings, context, shape);
    for (auto& parameter : parameters.list()) parameter.value.requires_grad_(true);
  }
  SoftPrompt operator()(const Tensor& genes_BGE, const std::vector<std::int64_t>& lengths) const {
    return adapter->forward({genes_BGE, lengths});
  }
  const Tensor& value(const std::string& name) {
    auto* parameter = parameters.find(name);
    if (!parameter) FAIL("no parameter is called " << name);
    return parameter->value;
  }
};

inline std::vector<std::string> names(const Parameters& parameters) {
  std::vector<std::string> all;
  for (const auto& parameter : parameters.list()) all.push_back(parameter.name);
  return all;
}

/// Settings read from a table, which must have no fault.
template <class Settings>
Settings settings_of(const Value& table) {
  Settings settings;
  SettingsFaults faults;
  read_fields(table, settings, faults, "adapter.");
  faults.raise();
  return settings;
}

template <class Settings>
std::size_t faults_of(const Value& table) {
  Settings settings;
  SettingsFaults faults;
  read_fields(table, settings, faults, "adapter.");
  return faults.list.size();
}

/// What the largest difference is beside the largest value; `small`: below this, values count as if they were so large.
inline double relative_difference(const Tensor& a, const Tensor& b, double small = 0) {
  return difference(a.to(torch::kFloat64), b.to(torch::kFloat64)) /
         std::max({b.abs().max().item<double>(), small, 1e-30});
}

inline bool finite(const Tensor& x) {
  return x.isfinite().all().item<bool>();
}

/// Cells of unequal lengths, one of them without any gene: alone and in a batch they give the same tokens and the same
/// gradients, whatever lies beyond the lengths.
template <Adapter A>
void check_padding(const typename A::Settings& settings) {
  const auto seed = test::seed();
  INFO("seed " << seed);
  torch::manual_seed(seed);
  const std::vector<std::int64_t> lengths = {6, 1, 0, 3};
  Built<A> together(settings), apart(settings);
  Tensor genes = torch::randn({4, 6, 12});
  for (std::int64_t b = 0; b < 4; ++b) {
    const auto bad = b == 3 ? std::numeric_limits<float>::infinity() : std::numeric_limits<float>::quiet_NaN();
    genes[b].slice(0, lengths[b]).fill_(bad);
  }
  genes.requires_grad_(true);
  const auto prompt = together(genes, lengths);
  CHECK(finite(prompt.values_BPD));
  const Tensor upstream = torch::randn_like(prompt.values_BPD);
  Tensor sum = torch::zeros({});
  for (std::int64_t b = 0; b < 4; ++b) {
    const auto alone = apart(genes.detach().narrow(0, b, 1).narrow(1, 0, lengths[b]), {lengths[b]});
    CHECK(alone.lengths[0] == prompt.lengths[b]);
    CHECK((lengths[b] == 0) == (prompt.lengths[b] == 0));
    const Tensor tokens = prompt.values_BPD[b].slice(0, 0, prompt.lengths[b]),
                 weights = upstream[b].slice(0, 0, prompt.lengths[b]);
    if (lengths[b] > 0) CHECK(relative_difference(tokens, alone.values_BPD[0]) < 2e-6);
    sum = sum + (tokens * weights).sum();
    if (lengths[b] > 0) (alone.values_BPD[0] * weights).sum().backward();
  }
  sum.backward();
  double scale = 0;
  for (auto& parameter : apart.parameters.list())
    scale = std::max(scale, parameter.value.grad().abs().max().template item<double>());
  for (auto& parameter : apart.parameters.list()) {
    INFO(parameter.name);
    const Tensor gradient = together.value(parameter.name).grad();
    CHECK(finite(gradient));
    CHECK(relative_difference(gradient, parameter.value.grad(), 1e-2 * scale) < 2e-5);
  }
  CHECK(finite(genes.grad()));
  for (std::int64_t b = 0; b < 4; ++b) {
    const Tensor beyond = genes.grad()[b].slice(0, lengths[b]);
    CHECK(beyond.count_nonzero().item<std::int64_t>() == 0);
    if (lengths[b] > 0) CHECK(genes.grad()[b].slice(0, 0, lengths[b]).count_nonzero().item<std::int64_t>() > 0);
  }
}

/// The three forms of the result, and its scale.
template <Adapter A>
void check_forms(typename A::Settings settings, const std::string& norm) {
  const Tensor genes = torch::randn({2, 5, 12}) * 10;
  settings.output_norm = "none", settings.output_scale = 1;
  Built<A> none(settings);
  const Tensor plain = none(genes, {5, 5}).values_BPD.detach();
  CHECK(none.parameters.find(norm + ".weight") == nullptr);
  CHECK(plain.size(2) == 20);
  settings.output_norm = "l2", settings.output_scale = 7.5;
  const Tensor l2 = Built<A>(settings)(genes, {5, 5}).values_BPD.detach();
  CHECK(difference(l2, 7.5 * plain / plain.norm(2, -1, true)) < 1e-5);
  settings.output_norm = "layer", settings.output_scale = 0.5;
  Built<A> layer(settings);
  const Tensor normalised = layer(genes, {5, 5}).values_BPD.detach();
  CHECK(difference(normalised, 0.5 * at::layer_norm(plain, {20})) < 1e-5);
  CHECK(layer.value(norm + ".weight").sizes() == at::IntArrayRef({20}));
  CHECK(layer.value(norm + ".bias").sizes() == at::IntArrayRef({20}));
}

/// `settings` with a share to drop: used in training alone, and not the same in two cells of a batch.
template <Adapter A>
void check_dropout(const typename A::Settings& settings) {
  Built<A> built(settings);
  const Tensor genes = torch::randn({1, 6, 12}).repeat({2, 1, 1});
  const Tensor plain = built(genes, {6, 6}).values_BPD;
  CHECK(difference(plain, built(genes, {6, 6}).values_BPD) == 0);
  CHECK(difference(plain[0], plain[1]) < 1e-6);
  built.adapter->set_training(true);
  const Tensor dropped = built(genes, {6, 6}).values_BPD;
  CHECK(difference(plain, dropped) > 0.01);
  CHECK(difference(dropped[0], dropped[1]) > 0.01);
  built.adapter->set_training(false);
  CHECK(difference(plain, built(genes, {6, 6}).values_BPD) == 0);
}

/// Batches without any gene, and embeddings that do not fit.
template <Adapter A>
void check_edges(const typename A::Settings& settings) {
  Built<A> built(settings);
  const auto none = built(torch::zeros({2, 0, 12}), {0, 0});
  CHECK(none.values_BPD.sizes() == at::IntArrayRef({2, 0, 20}));
  CHECK(none.lengths == std::vector<std::int64_t>{0, 0});
  const auto empty = built(torch::zeros({2, 3, 12}), {0, 0});
  CHECK(empty.lengths == std::vector<std::int64_t>{0, 0});
  CHECK(finite(empty.values_BPD));
  CHECK_THROWS_AS(built(torch::zeros({1, 2, 13}), {2}), BugError);
  CHECK_THROWS_AS(built(torch::zeros({1, 2, 12}), {2, 2}), BugError);
  const Tensor genes = torch::randn({1, 4, 12});
  const Tensor half = built(genes.to(torch::kBFloat16), {4}).values_BPD;  // an encoder may compute in a smaller type
  CHECK((half.scalar_type() == torch::kFloat32));
  CHECK(difference(half, built(genes, {4}).values_BPD) < 0.1);
}

/// What is saved and loaded into an adapter of another start gives the same tokens.
template <Adapter A>
void check_save_and_load(const typename A::Settings& settings) {
  const TemporaryFolder folder;
  torch::NoGradGuard no_grad;  // with gradients, which loaded values do not record, other kernels are used
  Built<A> one(settings), other(settings, {12, 20}, 99);
  const Tensor genes = torch::randn({2, 4, 12});
  const Tensor expected = one(genes, {4, 2}).values_BPD;
  CHECK(difference(expected, other(genes, {4, 2}).values_BPD) > 1e-3);
  one.parameters.save(folder / "adapter.safetensors");
  other.parameters.load(folder / "adapter.safetensors");
  CHECK(difference(expected, other(genes, {4, 2}).values_BPD) == 0);
}

/// Tokens and gradients of `built` beside those of FOLDER/case.safetensors, in which genes, lengths, prompt, upstream
/// and gradient.NAME lie. Weights are expected to be in place.
template <Adapter A>
void check_case(Built<A>& built, const TensorFiles& files) {
  const Tensor lengths_B = files.tensor("lengths"), expected = files.tensor("prompt");
  const std::vector<std::int64_t> lengths(lengths_B.const_data_ptr<std::int64_t>(),
                                          lengths_B.const_data_ptr<std::int64_t>() + lengths_B.numel());
  const Tensor genes = files.tensor("genes").clone().requires_grad_(true);
  const auto prompt = built(genes, lengths);
  REQUIRE(prompt.values_BPD.sizes() == expected.sizes());
  double worst = 0;
  for (std::size_t b = 0; b < lengths.size(); ++b) {
    const auto row = static_cast<std::int64_t>(b);
    worst = std::max(worst, relative_difference(prompt.values_BPD[row].slice(0, 0, prompt.lengths[b]),
                                                expected[row].slice(0, 0, prompt.lengths[b])));
  }
  CHECK(worst < 1e-5);
  (prompt.values_BPD * files.tensor("upstream")).sum().backward();
  double scale = 0, worst_gradient = 0;
  for (auto& parameter : built.parameters.list())
    scale = std::max(scale, files.tensor("gradient." + parameter.name).abs().max().template item<double>());
  for (auto& parameter : built.parameters.list()) {
    INFO(parameter.name);
    const double error =  // keys' biases have no gradient: what they get is rounding of others'
        relative_difference(parameter.value.grad(), files.tensor("gradient." + parameter.name), 0.1 * scale);
    CHECK(error < 1e-5);
    worst_gradient = std::max(worst_gradient, error);
  }
  const double of_genes = relative_difference(genes.grad(), files.tensor("gradient.genes"));
  CHECK(of_genes < 1e-5);
  MESSAGE("relative differences: tokens " << worst << ", gradients " << worst_gradient << ", of genes " << of_genes);
}

/// Puts the case's weights in place.
template <Adapter A>
void take_weights(Built<A>& built, const TensorFiles& files) {
  for (auto& parameter : built.parameters.list()) {
    const Tensor weight = files.tensor("weight." + parameter.name);
    REQUIRE(weight.sizes() == parameter.value.sizes());
    parameter.value = weight.clone().requires_grad_(true);
  }
}

}  // namespace cell2text::test
