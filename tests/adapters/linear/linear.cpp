// The linear adapter: names, padding, forms; values and gradients against torch.nn.
#include "adapters/linear/linear.hpp"

#include "adapters/adapter_checks.hpp"

namespace cell2text::linear {

using Built = test::Built<Linear>;

static_assert(Adapter<Linear>);

TEST_CASE("linear: one linear layer, one soft token per gene") {
  Built built;
  CHECK(test::names(built.parameters) == std::vector<std::string>{"linear.weight", "linear.bias"});
  CHECK(built.value("linear.weight").sizes() == at::IntArrayRef({20, 12}));
  const auto prompt = built(torch::randn({2, 5, 12}), {5, 3});
  CHECK(prompt.values_BPD.sizes() == at::IntArrayRef({2, 5, 20}));
  CHECK(prompt.lengths == std::vector<std::int64_t>{5, 3});
  CHECK(test::difference(prompt.values_BPD.norm(2, -1), torch::ones({2, 5})) < 1e-5);
}

TEST_CASE("linear: padding, batches without genes, forms, saving") {
  test::check_padding<Linear>({});
  test::check_edges<Linear>({});
  test::check_forms<Linear>({}, "output_norm");
  test::check_save_and_load<Linear>({});
}

TEST_CASE("linear: its settings are the form of soft tokens alone") {
  const auto fields = describe_settings<Settings>();
  REQUIRE(fields.size() == 2);
  CHECK(fields[0].name == "output_norm");
  CHECK(fields[1].name == "output_scale");
  Value table;
  table.set("hidden", {std::int64_t{3}, {}});
  CHECK(test::faults_of<Settings>(table) == 1);
}

TEST_CASE("oracle: linear: values and gradients are those of torch.nn") {
  const auto seed = test::seed();
  INFO("seed " << seed);
  for (const char* norm : {"l2", "layer"}) {
    const auto folder = test::oracle("mlp.py", seed,
                                     {"--layers", "1", "--linear", "--hidden", "1", "--activation", "relu",
                                      "--output-norm", norm, "--output-scale", "2.5"});
    const auto files = TensorFiles::open(folder / "case.safetensors");
    Settings settings;
    settings.output_norm = norm, settings.output_scale = 2.5;
    Built built(settings);
    test::take_weights(built, files);
    test::check_case(built, files);
  }
}

}  // namespace cell2text::linear
