#include <doctest/doctest.h>

#include "decoders/tables.hpp"
#include "gemma.hpp"
#include "support/gru_decoder.hpp"

using namespace cell2text;
using test::number;
using test::text;

namespace {

std::string faults_of(const Value& table) {
  SettingsFaults faults;
  gemma::Settings settings;
  read_fields(table, settings, faults, "decoder.");
  return faults.text();
}

/// As little as the published 4B model says; the rest are the library's defaults.
nlohmann::json plain_config() {
  return {{"model_type", "gemma3_text"}, {"hidden_size", 2560},
          {"intermediate_size", 10240},  {"num_hidden_layers", 34},
          {"sliding_window", 1024},      {"rope_scaling", {{"factor", 8.0}, {"rope_type", "linear"}}}};
}

std::string refusal(const nlohmann::json& json) {
  try {
    gemma::Config::read(json, "config.json");
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

bool has(const std::string& all, const std::string& part) {
  return all.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("gemma settings: a checkpoint or an architecture, a tokenizer for the latter, heads that fit") {
  CHECK(faults_of(test::tiny_gemma()) == "");
  CHECK(has(faults_of({}), "neither is given"));
  Value both = test::tiny_gemma();
  both.set("checkpoint", text("x"));
  CHECK(has(faults_of(both), "not both"));
  Value bare = test::tiny_gemma();
  bare.erase("tokenizer");
  CHECK(has(faults_of(bare), "'tokenizer' is missing"));
  Value odd = test::tiny_gemma();
  odd.find("architecture")->set("head_dim", number(5));
  CHECK(has(faults_of(odd), "even number"));
  odd = test::tiny_gemma();
  odd.set("dtype", text("int8"));
  CHECK(has(faults_of(odd), "must be one of"));
  gemma::Settings settings;
  SettingsFaults faults;
  read_fields(test::tiny_gemma(), settings, faults, "decoder.");
  CHECK(settings.architecture->rope_theta == 1e6);
}

TEST_CASE("gemma config: what published files leave out are the library's defaults") {
  const nlohmann::json whole = {{"model_type", "gemma3"},
                                {"eos_token_id", {1, 106}},
                                {"text_config", plain_config()},
                                {"vision_config", {{"hidden_size", 1152}}}};
  const auto config = gemma::Config::read(whole, "x");
  const TransformerShape& s = config.shape;
  CHECK(s.heads == 8);
  CHECK(s.kv_heads == 4);
  CHECK(s.head_dim == 256);
  CHECK(s.vocabulary == 262208);
  CHECK(s.tied);
  CHECK(s.embedding_scale == std::sqrt(2560.0));
  REQUIRE(s.kinds.size() == 2);
  CHECK(s.kinds[0].rope_theta == 1e6);
  CHECK(s.kinds[0].rope_scaling.factor == 8);
  CHECK(s.kinds[0].attention.window == 0);
  CHECK(s.kinds[0].attention.scale == 1.0 / 16);
  CHECK(s.kinds[1].rope_theta == 1e4);
  CHECK((s.kinds[1].rope_scaling.kind == RopeScaling::Kind::none));
  CHECK(s.kinds[1].attention.window == 1024);
  CHECK(std::vector(s.kind_of_layer.begin(), s.kind_of_layer.begin() + 7) ==
        std::vector<std::size_t>{1, 1, 1, 1, 1, 0, 1});
  CHECK(config.end_tokens == std::vector<std::int64_t>{1, 106});
  const auto written = config.written(whole);
  CHECK(written["model_type"] == "gemma3_text");
  CHECK(written["rope_scaling"]["factor"] == 8.0);
  CHECK_FALSE(written.contains("vision_config"));
}

TEST_CASE("gemma config: old and new forms of rotary parameters and layers") {
  auto json = plain_config();
  json.erase("rope_scaling");
  json["num_hidden_layers"] = 3;
  json["rope_theta"] = 77;
  json["rope_local_base_freq"] = 7;
  json["sliding_window_pattern"] = 3;
  auto config = gemma::Config::read(json, "x");
  CHECK(config.shape.kinds[0].rope_theta == 77);
  CHECK(config.shape.kinds[1].rope_theta == 7);
  CHECK(config.shape.kind_of_layer == std::vector<std::size_t>{1, 1, 0});
  json["layer_types"] = {"full_attention", "sliding_attention", "sliding_attention"};
  json["rope_parameters"] = {{"full_attention", {{"rope_type", "linear"}, {"factor", 2}, {"rope_theta", 99}}},
                             {"sliding_attention", {{"rope_type", "default"}, {"rope_theta", 9}}}};
  config = gemma::Config::read(json, "x");
  CHECK(config.shape.kinds[0].rope_theta == 99);
  CHECK(config.shape.kinds[0].rope_scaling.factor == 2);
  CHECK(config.shape.kinds[1].rope_theta == 9);
  CHECK(config.shape.kind_of_layer == std::vector<std::size_t>{0, 1, 1});
}

TEST_CASE("gemma config: Gemma 2 has caps, one kind of rotary positions, and every second layer a window") {
  const auto config = gemma::Config::read({{"model_type", "gemma2"}, {"num_hidden_layers", 3}}, "x");
  CHECK(config.shape.logit_cap == 30);
  CHECK(config.shape.kinds[0].attention.soft_cap == 50);
  CHECK(config.shape.kinds[1].attention.soft_cap == 50);
  CHECK(config.shape.kinds[0].rope_theta == 1e4);
  CHECK(config.shape.kind_of_layer == std::vector<std::size_t>{1, 0, 1});
  CHECK_FALSE(config.shape.norms_of_heads);
  CHECK(config.shape.vocabulary == 256000);
  const auto without = gemma::Config::read({{"model_type", "gemma2"}, {"attn_logit_softcapping", nullptr}}, "x");
  CHECK(without.shape.kinds[0].attention.soft_cap == 0);
}

TEST_CASE("gemma config: what does not fit is refused by name") {
  const auto with = [](const char* key, nlohmann::json value) {
    auto json = plain_config();
    json[key] = std::move(value);
    return refusal(json);
  };
  CHECK(refusal(plain_config()) == "");
  CHECK(has(with("model_type", "llama"), "'model_type' is 'llama'"));
  CHECK(has(with("model_type", "gemma3"), "'text_config' is missing"));
  CHECK(has(refusal({{"model_type", "gemma3"}, {"text_config", {{"model_type", "gemma3n_text"}}}}),
            "text_config: 'model_type' is 'gemma3n_text'"));
  CHECK(has(with("hidden_activation", "silu"), "'hidden_activation' is 'silu'"));
  CHECK(has(with("use_bidirectional_attention", true), "'use_bidirectional_attention'"));
  CHECK(has(with("num_key_value_heads", 3), "no multiple of 'num_key_value_heads'"));
  CHECK(has(with("head_dim", 3), "even number"));
  CHECK(has(with("head_dim", 65538), "at most 65536"));
  CHECK(has(with("num_hidden_layers", 2'000'000), "at most 100000"));
  CHECK(has(with("sliding_window", 0), "'sliding_window' is 0"));
  CHECK(has(with("sliding_window_pattern", 0), "'sliding_window_pattern' is 0"));
  CHECK(has(with("layer_types", {"full_attention"}), "'layer_types' has 1 entries, 34 layers"));
  CHECK(has(with("layer_types", std::vector<std::string>(34, "chunked_attention")), "'chunked_attention'"));
  CHECK(has(with("attn_logit_softcapping", 50.0), "Gemma 3 has none"));
  CHECK(has(with("final_logit_softcapping", -1), "above 0"));
  CHECK(has(with("query_pre_attn_scalar", 0), "above 0"));
  CHECK(has(with("rope_parameters", {{"full_attention", {{"rope_type", "yarn"}}}}),
            "rope_parameters.full_attention: 'rope_type' is 'yarn'"));
  CHECK(has(with("eos_token_id", 262208), "names token 262208"));
}

TEST_CASE("gemma checkpoint: tensors of a vision tower are known, others are refused") {
  const test::TemporaryFolder folder;
  test::make_decoder<gemma::Gemma>(test::tiny_gemma(), 0).handle->save(folder / "model");
  const auto weights = folder / "model" / "model.safetensors";
  const auto files = TensorFiles::open(weights);
  const auto with = [&](const std::string& name) {
    std::vector<std::pair<std::string, Tensor>> tensors = {{name, torch::zeros({2})}};
    for (const std::string& known : files.names()) tensors.emplace_back(known, files.tensor(known).clone());
    save_tensors(weights, tensors);
    return [&]() -> std::string {
      try {
        test::make_decoder<gemma::Gemma>(test::checkpoint_table(folder / "model"), 0);
      } catch (const InputError& error) {
        return error.what();
      }
      return "";
    }();
  };
  for (const char* name : {"vision_tower.a", "model.vision_tower.a", "multi_modal_projector.a"})
    CHECK(with(name) == "");
  CHECK(has(with("language_model.other"), "'language_model.other'"));
  CHECK(has(with("model.layers.3.mlp.up_proj.weight"), "'model.layers.3.mlp.up_proj.weight'"));
  CHECK(has(with("model.language_model.norm.weight"), "both stand for 'model.norm.weight'"));
}
