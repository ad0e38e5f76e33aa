// The MLP adapter: shapes, padding, settings; values and gradients against torch.nn.
#include "adapters/mlp/mlp.hpp"

#include "adapters/adapter_checks.hpp"

namespace cell2text::mlp {

using Built = test::Built<Mlp>;
using test::difference;
using test::names;

static_assert(Adapter<Mlp>);

TEST_CASE("mlp: the default is two linear layers and soft tokens of length one") {
  Built built;
  CHECK(names(built.parameters) ==
        std::vector<std::string>{"linear_1.weight", "linear_1.bias", "linear_2.weight", "linear_2.bias"});
  CHECK(built.value("linear_1.weight").sizes() == at::IntArrayRef({20, 12}));
  const auto prompt = built(torch::randn({2, 5, 12}) * 100, {5, 5});
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
  CHECK(built.value("norm_1.weight").sizes() == at::IntArrayRef({9}));
}

TEST_CASE("mlp: layers are numbered, and the output's normalisation is the last") {
  Settings settings;
  settings.layers = 3, settings.layer_norm = true, settings.output_norm = "layer", settings.hidden.value = 9;
  Built three(settings);
  CHECK(names(three.parameters) == std::vector<std::string>{"linear_1.weight", "linear_1.bias", "norm_1.weight",
                                                            "norm_1.bias", "linear_2.weight", "linear_2.bias",
                                                            "norm_2.weight", "norm_2.bias", "linear_3.weight",
                                                            "linear_3.bias", "norm_3.weight", "norm_3.bias"});
  CHECK(three.value("linear_2.weight").sizes() == at::IntArrayRef({9, 9}));
  CHECK(three.value("linear_3.weight").sizes() == at::IntArrayRef({20, 9}));
  settings.layers = 1;
  Built one(settings);
  CHECK(names(one.parameters) ==
        std::vector<std::string>{"linear_1.weight", "linear_1.bias", "norm_1.weight", "norm_1.bias"});
  CHECK(one.value("linear_1.weight").sizes() == at::IntArrayRef({20, 12}));
}

TEST_CASE("mlp: linear layers start as torch.nn.Linear does") {
  Built built({}, {400, 300});
  const double bound = 1 / std::sqrt(400.0);
  for (const char* name : {"linear_1.weight", "linear_1.bias"}) {
    const Tensor value = built.value(name);
    CHECK(value.abs().max().item<double>() <= bound);
    CHECK(value.abs().max().item<double>() > 0.95 * bound);
    CHECK(value.mean().abs().item<double>() < 0.1 * bound);
  }
}

TEST_CASE("mlp: padding, batches without genes, dropout, forms, saving") {
  for (const char* norm : {"l2", "layer", "none"})
    for (const std::int64_t layers : {1, 2, 3}) {
      INFO(norm << " " << layers);
      Settings settings;
      settings.output_norm = norm, settings.layers = layers, settings.layer_norm = layers == 3;
      test::check_padding<Mlp>(settings);
    }
  Settings settings;
  settings.layers = 3;
  test::check_edges<Mlp>(settings);
  test::check_save_and_load<Mlp>(settings);
  test::check_forms<Mlp>(settings, "norm_3");
  test::check_forms<Mlp>({}, "norm_2");
  settings.dropout = 0.5;
  test::check_dropout<Mlp>(settings);
}

TEST_CASE("mlp: a vector of zeros has no NaN in its gradient") {
  Built built;
  {
    torch::NoGradGuard no_grad;
    for (auto& parameter : built.parameters.list()) parameter.value.zero_();
  }
  const Tensor prompt = built(torch::zeros({1, 2, 12}), {2}).values_BPD;
  CHECK(prompt.abs().max().item<double>() == 0);
  prompt.sum().backward();
  for (auto& parameter : built.parameters.list()) CHECK(test::finite(parameter.value.grad()));
}

TEST_CASE("mlp: settings outside their choices and ranges are refused") {
  Value table;
  for (const auto& [key, value] :
       std::vector<std::pair<std::string, Value>>{{"layers", {std::int64_t{0}, {}}},
                                                  {"activation", {std::string("swish"), {}}},
                                                  {"output_norm", {std::string("batch"), {}}},
                                                  {"dropout", {1.0, {}}},
                                                  {"hidden", {std::int64_t{0}, {}}},
                                                  {"output_scale", {0.0, {}}}})
    table.set(key, value);
  CHECK(test::faults_of<Settings>(table) == 6);
}

TEST_CASE("mlp: a table as models were saved with, before there were layers, means the same") {
  Value table;
  table.set("hidden", {std::string("auto"), {}});
  table.set("activation", {std::string("gelu"), {}});
  table.set("layer_norm", {false, {}});
  table.set("dropout", {0.0, {}});
  table.set("output_norm", {std::string("l2"), {}});
  table.set("output_scale", {6.0, {}});
  const auto settings = test::settings_of<Settings>(table);
  CHECK(settings.layers == 2);
  CHECK(settings.output_scale == 6);
}

TEST_CASE("oracle: mlp: values and gradients are those of torch.nn") {
  const auto seed = test::seed();
  INFO("seed " << seed);
  struct Case {
    std::int64_t layers;
    const char *activation, *output_norm;
    bool layer_norm;
    double scale;
  };
  for (const Case& c : {Case{2, "gelu", "l2", false, 1.0}, Case{2, "relu", "none", false, 0.5},
                        Case{2, "gelu", "layer", true, 3.0}, Case{4, "gelu", "layer", true, 1.0}}) {
    std::vector<std::string> arguments = {"--layers",       std::to_string(c.layers),
                                          "--hidden",       "15",
                                          "--activation",   c.activation,
                                          "--output-norm",  c.output_norm,
                                          "--output-scale", std::to_string(c.scale)};
    if (c.layer_norm) arguments.push_back("--layer-norm");
    const auto folder = test::oracle("mlp.py", seed, arguments);
    const auto files = TensorFiles::open(folder / "case.safetensors");
    Settings settings;
    settings.layers = c.layers, settings.hidden.value = 15, settings.activation = c.activation;
    settings.output_norm = c.output_norm, settings.layer_norm = c.layer_norm, settings.output_scale = c.scale;
    Built built(settings);
    test::take_weights(built, files);
    test::check_case(built, files);
  }
}

}  // namespace cell2text::mlp
