// The qformer adapter: sizes, padding, the start from a BERT; values and gradients against transformers.
#include "adapters/qformer/qformer.hpp"

#include "adapters/adapter_checks.hpp"
#include "support/bert_folder.hpp"

namespace cell2text::qformer {

using Built = test::Built<QFormer>;
using doctest::Contains;
using test::BertFolder;

static_assert(Adapter<QFormer>);

namespace {

Settings small() {
  Settings settings;
  settings.queries = 5, settings.width.value = 16, settings.heads.value = 4, settings.layers = 3;
  return settings;
}

Settings from(const std::string& bert) {
  Settings settings;
  settings.layers = 2, settings.bert = bert;
  return settings;
}

}  // namespace

TEST_CASE("qformer: a fixed number of soft tokens for a cell of any length, none for a cell without genes") {
  Built built(small());
  CHECK(built.value("queries").sizes() == at::IntArrayRef({5, 16}));
  CHECK(built.value("layers.0.cross_attention.key.weight").sizes() == at::IntArrayRef({16, 12}));
  CHECK(built.value("layers.1.up.weight").sizes() == at::IntArrayRef({64, 16}));
  const auto prompt = built(torch::randn({3, 7, 12}), {7, 0, 2});
  CHECK(prompt.values_BPD.sizes() == at::IntArrayRef({3, 5, 20}));
  CHECK(prompt.lengths == std::vector<std::int64_t>{5, 0, 5});
}

TEST_CASE("qformer: the defaults are 32 queries of the decoder's width, six layers, every second reads") {
  Built built({}, {12, 24});
  CHECK(built.value("queries").sizes() == at::IntArrayRef({32, 24}));
  CHECK(built.value("layers.5.up.weight").sizes() == at::IntArrayRef({96, 24}));
  CHECK(built.parameters.find("layers.6.up.weight") == nullptr);
  for (int i = 0; i < 6; ++i)
    CHECK((built.parameters.find("layers." + std::to_string(i) + ".cross_attention.query.weight") != nullptr) ==
          (i % 2 == 0));
}

TEST_CASE("qformer: padding, batches without genes, dropout, forms, saving") {
  Settings settings = small();
  for (const std::int64_t every : {1, 2, 5}) {
    settings.cross_every = every, settings.output_norm = every == 2 ? "l2" : "none";
    test::check_padding<QFormer>(settings);
  }
  test::check_edges<QFormer>(small());
  test::check_forms<QFormer>(small(), "output_norm");
  test::check_save_and_load<QFormer>(small());
  settings = small(), settings.dropout = 0.5;
  test::check_dropout<QFormer>(settings);
}

TEST_CASE("qformer: heads that do not divide the decoder's width are refused") {
  CHECK_THROWS_WITH_AS(Built({}, {12, 20}), Contains("'heads' is 8, which does not divide 'width' (20;"), InputError);
}

TEST_CASE("qformer: what a BERT has starts as there, in either form of its names; what reads starts at random") {
  for (const auto& [prefix, weight, bias] :
       {std::tuple{"bert.", "weight", "bias"}, {"", "weight", "bias"}, {"bert.", "gamma", "beta"}}) {
    BertFolder bert(prefix, weight, bias);
    const std::string p = prefix;
    Built built(from(bert.write()));
    CHECK(built.value("queries").sizes() == at::IntArrayRef({32, 16}));
    CHECK(at::equal(built.value("norm.weight"), bert[p + "embeddings.LayerNorm." + weight]));
    for (const std::string i : {"0", "1"}) {
      const std::string its = p + "encoder.layer." + i + ".", own = "layers." + i + ".";
      for (const char* end : {"weight", "bias"}) {
        for (const char* part : {"query", "key", "value"})
          CHECK(at::equal(built.value(own + "attention." + part + "." + end),
                          bert[its + "attention.self." + part + "." + end]));
        CHECK(at::equal(built.value(own + "attention.out." + end), bert[its + "attention.output.dense." + end]));
        CHECK(at::equal(built.value(own + "up." + end), bert[its + "intermediate.dense." + end]));
        CHECK(at::equal(built.value(own + "down." + end), bert[its + "output.dense." + end]));
      }
      CHECK(at::equal(built.value(own + "attention_norm.weight"), bert[its + "attention.output.LayerNorm." + weight]));
      CHECK(at::equal(built.value(own + "attention_norm.bias"), bert[its + "attention.output.LayerNorm." + bias]));
      CHECK(at::equal(built.value(own + "norm.weight"), bert[its + "output.LayerNorm." + weight]));
      CHECK(at::equal(built.value(own + "norm.bias"), bert[its + "output.LayerNorm." + bias]));
    }
    CHECK(built.value("layers.0.cross_attention.query.weight").sizes() == at::IntArrayRef({16, 16}));
    CHECK(built.parameters.find("layers.2.up.weight") == nullptr);
    built(torch::randn({1, 3, 12}), {3}).values_BPD.sum().backward();
    {
      torch::NoGradGuard no_grad;
      for (auto& parameter : built.parameters.list()) parameter.value.add_(1);  // its own memory, not the mapped file
    }
  }
}

TEST_CASE("qformer: a BERT in float16 starts a qformer in float32") {
  BertFolder bert;
  for (auto& [name, tensor] : bert.tensors) tensor = tensor.to(torch::kHalf);
  Built built(from(bert.write()));
  CHECK((built.value("layers.0.up.weight").scalar_type() == torch::kFloat32));
  CHECK(at::equal(built.value("layers.0.up.weight"),
                  bert["bert.encoder.layer.0.intermediate.dense.weight"].to(torch::kFloat32)));
}

TEST_CASE("qformer: tensors of a BERT that are missing, of another shape or no numbers are refused by name") {
  const auto refused = [](auto change, const std::string& message) {
    BertFolder bert;
    change(bert);
    CHECK_THROWS_WITH_AS(Built(from(bert.write())), Contains(message.c_str()), InputError);
  };
  refused([](BertFolder& b) { b.remove("bert.encoder.layer.1.attention.self.key.bias"); },
          "tensor 'encoder.layer.1.attention.self.key.bias' is missing, also with 'bert.' before it");
  refused([](BertFolder& b) { b["bert.embeddings.LayerNorm.weight"] = torch::ones({15}); },
          "tensor 'embeddings.LayerNorm.weight' has shape [15]; config.json asks for [16]");
  refused([](BertFolder& b) { b["bert.encoder.layer.0.output.dense.bias"] = torch::ones({16}, torch::kInt8); },
          "tensor 'encoder.layer.0.output.dense.bias' holds Char values");
  refused([](BertFolder& b) { b.tensors.emplace_back("embeddings.LayerNorm.weight", torch::ones({16})); },
          "both stand for 'embeddings.LayerNorm.weight'");
  BertFolder unread;  // what lies above the layers that are used
  unread.remove("bert.encoder.layer.2.output.dense.weight");
  CHECK_NOTHROW(Built(from(unread.write())));
}

TEST_CASE("qformer: a trained model is built and loaded from its resolved settings when the BERT is gone") {
  const test::TemporaryFolder folder;
  torch::NoGradGuard no_grad;  // with gradients, which loaded values do not record, other kernels are used
  const Tensor genes = torch::randn({2, 4, 12});
  Value resolved;
  Tensor expected;
  {
    BertFolder bert;
    Value table;
    table.set("bert", {bert.write(), {}});
    table.set("layers", {std::int64_t{2}, {}});
    resolved = write_settings(test::settings_of<Settings>(table));
    Built built(test::settings_of<Settings>(resolved));
    expected = built(genes, {4, 2}).values_BPD;
    built.parameters.save(folder / "adapter.safetensors");
  }
  CHECK_THROWS_WITH_AS(test::settings_of<Settings>(resolved), Contains("config.json"), InputError);
  resolved.erase("bert");  // what a model folder does, see settings_without_origin
  Built loaded(test::settings_of<Settings>(resolved));
  loaded.parameters.load(folder / "adapter.safetensors");
  CHECK(test::difference(loaded(genes, {4, 2}).values_BPD, expected) == 0);
}

TEST_CASE("oracle: qformer: values and gradients are those of transformers' Blip2QFormerModel") {
  const auto seed = test::seed();
  const auto cases = test::oracle("qformer.py", seed);
  for (const std::string number : {"0", "1", "2"}) {
    INFO("seed " << seed << ", case " << number);
    const auto folder = cases / number;
    const auto files = TensorFiles::open(folder / "case.safetensors");
    Built built(test::settings_of<Settings>(value_from_json(read_json(folder / "settings.json"), "settings.json")));
    test::take_weights(built, files);
    test::check_case(built, files);
  }
}

TEST_CASE("oracle: qformer: a start from a folder that transformers saved gives the values of such a model") {
  const auto seed = test::seed();
  const auto cases = test::oracle("qformer.py", seed, {"--bert"});
  for (const std::string number : {"0", "1", "2"}) {
    INFO("seed " << seed << ", case " << number);
    const auto folder = cases / number;
    const auto files = TensorFiles::open(folder / "case.safetensors");
    Built built(test::settings_of<Settings>(value_from_json(read_json(folder / "settings.json"), "settings.json")));
    for (auto& parameter : built.parameters.list()) {
      const std::string& name = parameter.name;
      INFO(name);
      const Tensor weight = files.tensor("weight." + name);
      const bool new_here = name == "queries" || name.find("cross_attention") != name.npos ||
                            name.starts_with("project.") || name.starts_with("output_norm.");
      CHECK(at::equal(parameter.value, weight) == !new_here);
      if (new_here) parameter.value = weight.clone().requires_grad_(true);
    }
    test::check_case(built, files);
  }
}

}  // namespace cell2text::qformer
