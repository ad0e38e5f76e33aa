// The MLP adapter: shapes, padding, settings; values and gradients against torch.nn.
#include "mlp.hpp"

#include <limits>

#include "cell2text/concepts.hpp"
#include "cell2text/io/tensors.hpp"
#include "support/oracle.hpp"

using cell2text::AdapterShape;
using cell2text::BugError;
using cell2text::GeneEmbeddings;
using cell2text::ModelContext;
using cell2text::Parameters;
using cell2text::Tensor;
using cell2text::mlp::Mlp;
using cell2text::mlp::Settings;
namespace test = cell2text::test;

static_assert(cell2text::Adapter<Mlp>);

namespace {

struct Built {
  Parameters parameters;
  std::unique_ptr<Mlp> adapter;

  explicit Built(const Settings& settings, AdapterShape shape = {12, 20}, std::uint64_t seed = 3)
      : parameters(torch::kCPU, torch::kFloat32, seed) {
    ModelContext context({}, parameters, torch::kCPU);
    adapter = std::make_unique<Mlp>(settings, context, shape);
  }
};

std::vector<std::string> names(const Parameters& parameters) {
  std::vector<std::string> all;
  for (const auto& parameter : parameters.list()) all.push_back(parameter.name);
  return all;
}

double difference(const Tensor& a, const Tensor& b) {
  return (a - b).abs().max().item<double>();
}

}  // namespace

TEST_CASE("mlp: the default is two linear layers and soft tokens of length one") {
  Built built({});
  CHECK(names(built.parameters) ==
        std::vector<std::string>{"linear_1.weight", "linear_1.bias", "linear_2.weight", "linear_2.bias"});
  CHECK(built.parameters.find("linear_1.weight")->value.sizes() == at::IntArrayRef({20, 12}));
  const auto prompt = built.adapter->forward({torch::randn({2, 5, 12}) * 100, {5, 5}});
  CHECK(prompt.values_BPD.sizes() == at::IntArrayRef({2, 5, 20}));
  CHECK(prompt.lengths == std::vector<std::int64_t>{5, 5});
  CHECK(difference(prompt.values_BPD.norm(2, -1), torch::ones({2, 5})) < 1e-5);
}

TEST_CASE("mlp: the settings of the authors' code add two layer normalisations") {
  Settings settings;
  settings.layer_norm = true, settings.output_norm = "layer", settings.hidden.value = 9;
  Built built(settings);
  CHECK(names(built.parameters) == std::vector<std::string>{"linear_1.weight", "linear_1.bias", "norm_1.weight",
                                                            "norm_1.bias", "linear_2.weight", "linear_2.bias",
                                                            "norm_2.weight", "norm_2.bias"});
  CHECK(built.parameters.find("norm_1.weight")->value.sizes() == at::IntArrayRef({9}));
}

TEST_CASE("mlp: the output scale multiplies after the normalisation") {
  Settings settings;
  settings.output_scale = 7.5;
  const auto prompt = Built(settings).adapter->forward({torch::randn({1, 4, 12}), {4}});
  CHECK(difference(prompt.values_BPD.norm(2, -1), torch::full({1, 4}, 7.5)) < 1e-4);
}

TEST_CASE("mlp: linear layers start as torch.nn.Linear does") {
  Built built({}, {400, 300});
  const double bound = 1 / std::sqrt(400.0);
  for (const char* name : {"linear_1.weight", "linear_1.bias"}) {
    const Tensor value = built.parameters.find(name)->value;
    CHECK(value.abs().max().item<double>() <= bound);
    CHECK(value.abs().max().item<double>() > 0.95 * bound);
    CHECK(value.mean().abs().item<double>() < 0.1 * bound);
  }
}

TEST_CASE("mlp: NaN beyond the lengths reaches neither tokens nor gradients") {
  for (const char* norm : {"l2", "layer", "none"}) {
    Settings settings;
    settings.output_norm = norm;
    Built built(settings);
    for (auto& parameter : built.parameters.list()) parameter.value.requires_grad_(true);
    Tensor genes = torch::randn({2, 4, 12});
    genes[1].slice(0, 1).fill_(std::numeric_limits<float>::quiet_NaN());
    genes.requires_grad_(true);
    const Tensor prompt = built.adapter->forward({genes, {4, 1}}).values_BPD;
    const Tensor alone = built.adapter->forward({genes.slice(0, 1).slice(1, 0, 1), {1}}).values_BPD;
    CHECK(difference(prompt[1].slice(0, 0, 1), alone[0]) < 1e-5);
    (prompt[0].square().sum() + prompt[1][0].sum()).backward();
    for (auto& parameter : built.parameters.list()) CHECK(parameter.value.grad().isfinite().all().item<bool>());
    CHECK(genes.grad().isfinite().all().item<bool>());
  }
}

TEST_CASE("mlp: a vector of zeros has no NaN in its gradient") {
  Built built({});
  for (auto& parameter : built.parameters.list()) parameter.value.zero_(), parameter.value.requires_grad_(true);
  const Tensor prompt = built.adapter->forward({torch::zeros({1, 2, 12}), {2}}).values_BPD;
  CHECK(prompt.abs().max().item<double>() == 0);
  prompt.sum().backward();
  for (auto& parameter : built.parameters.list()) CHECK(parameter.value.grad().isfinite().all().item<bool>());
}

TEST_CASE("mlp: dropout acts in training alone") {
  Settings settings;
  settings.dropout = 0.5;
  Built built(settings);
  const GeneEmbeddings genes{torch::randn({1, 6, 12}), {6}};
  const Tensor plain = built.adapter->forward(genes).values_BPD;
  CHECK(difference(plain, built.adapter->forward(genes).values_BPD) == 0);
  built.adapter->set_training(true);
  CHECK(difference(plain, built.adapter->forward(genes).values_BPD) > 0.01);
}

TEST_CASE("mlp: no genes give no soft tokens") {
  const auto prompt = Built({}).adapter->forward({torch::zeros({2, 0, 12}), {0, 0}});
  CHECK(prompt.values_BPD.sizes() == at::IntArrayRef({2, 0, 20}));
}

TEST_CASE("mlp: embeddings of another width are a bug of the caller") {
  CHECK_THROWS_AS(Built({}).adapter->forward({torch::zeros({1, 2, 13}), {2}}), BugError);
  CHECK_THROWS_AS(Built({}).adapter->forward({torch::zeros({1, 2, 12}), {2, 2}}), BugError);
}

TEST_CASE("mlp: settings outside their choices and ranges are refused") {
  cell2text::SettingsFaults faults;
  cell2text::Value table;
  for (const auto& [key, value] :
       std::vector<std::pair<std::string, cell2text::Value>>{{"activation", {std::string("swish"), {}}},
                                                             {"output_norm", {std::string("batch"), {}}},
                                                             {"dropout", {1.0, {}}},
                                                             {"hidden", {std::int64_t{0}, {}}},
                                                             {"output_scale", {0.0, {}}}})
    table.set(key, value);
  Settings settings;
  cell2text::read_fields(table, settings, faults, "adapter.");
  CHECK(faults.list.size() == 5);
}

TEST_CASE("oracle: mlp: values and gradients are those of torch.nn") {
  const auto seed = test::seed();
  INFO("seed " << seed);
  struct Case {
    const char *activation, *output_norm;
    bool layer_norm;
    double scale;
  };
  for (const Case& c :
       {Case{"gelu", "l2", false, 1.0}, Case{"relu", "none", false, 0.5}, Case{"gelu", "layer", true, 3.0}}) {
    std::vector<std::string> arguments = {"--hidden",      "15",          "--activation",   c.activation,
                                          "--output-norm", c.output_norm, "--output-scale", std::to_string(c.scale)};
    if (c.layer_norm) arguments.push_back("--layer-norm");
    const auto folder = test::oracle("mlp.py", seed, arguments);
    const auto files = cell2text::TensorFiles::open(folder / "case.safetensors");
    Settings settings;
    settings.hidden.value = 15, settings.activation = c.activation, settings.output_norm = c.output_norm;
    settings.layer_norm = c.layer_norm, settings.output_scale = c.scale;
    Built built(settings);
    for (auto& parameter : built.parameters.list())
      parameter.value = files.tensor("weight." + parameter.name).clone().requires_grad_(true);
    const Tensor genes = files.tensor("genes").clone().requires_grad_(true);
    const Tensor prompt = built.adapter->forward({genes, {7, 2, 5}}).values_BPD;
    const std::vector<std::int64_t> lengths = {7, 2, 5};
    for (std::int64_t row = 0; row < 3; ++row)
      CHECK(difference(prompt[row].slice(0, 0, lengths[row]), files.tensor("prompt")[row].slice(0, 0, lengths[row])) <
            1e-5);
    (prompt * files.tensor("upstream")).sum().backward();
    for (auto& parameter : built.parameters.list()) {
      INFO(c.output_norm << " " << parameter.name);
      CHECK(difference(parameter.value.grad(), files.tensor("gradient." + parameter.name)) < 1e-4);
    }
    CHECK(difference(genes.grad(), files.tensor("gradient.genes")) < 1e-4);
  }
}
