#include <doctest/doctest.h>

#include "config.hpp"
#include "decoders/tables.hpp"
#include "llama.hpp"
#include "support/gru_decoder.hpp"

using namespace cell2text;
using test::checkpoint_table;
using test::number;
using test::text;

namespace {

std::string faults_of(const Value& table) {
  SettingsFaults faults;
  llama::Settings settings;
  read_fields(table, settings, faults, "decoder.");
  return faults.text();
}

nlohmann::json plain_config() {
  return {{"model_type", "llama"},    {"hidden_size", 8},     {"intermediate_size", 12},
          {"num_hidden_layers", 1},   {"vocab_size", 4000},   {"num_attention_heads", 2},
          {"num_key_value_heads", 1}, {"rms_norm_eps", 1e-5}, {"max_position_embeddings", 64},
          {"eos_token_id", {5, 6}}};
}

std::string refusal(const nlohmann::json& json) {
  try {
    llama::Config::read(json, "config.json");
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

std::string refusal(const std::filesystem::path& folder) {
  try {
    test::make_decoder<llama::Llama>(checkpoint_table(folder), 0);
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

bool has(const std::string& all, const std::string& part) {
  return all.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("llama settings: a checkpoint or an architecture, and a tokenizer for the latter") {
  CHECK(faults_of(test::tiny_llama()) == "");
  CHECK(has(faults_of({}), "neither is given"));
  Value both = test::tiny_llama();
  both.set("checkpoint", text("x"));
  CHECK(has(faults_of(both), "not both"));
  Value bare = test::tiny_llama();
  bare.erase("tokenizer");
  CHECK(has(faults_of(bare), "'tokenizer' is missing"));
  Value odd = test::tiny_llama();
  odd.set("template", text("llama1"));
  CHECK(has(faults_of(odd), "must be one of"));
}

TEST_CASE("llama settings: heads must fit") {
  const auto with = [](const char* key, std::int64_t value) {
    Value table = test::tiny_llama();
    table.find("architecture")->set(key, number(value));
    return faults_of(table);
  };
  CHECK(has(with("kv_heads", 3), "heads must be a multiple of kv_heads"));
  CHECK(has(with("width", 26), "width must be a multiple of heads"));
  CHECK(has(with("head_dim", 5), "even number"));
  CHECK(has(with("width", 20), "even number"));
  CHECK(with("head_dim", 10) == "");
}

TEST_CASE("llama config: old and new forms of rotary parameters") {
  auto json = plain_config();
  json["rope_theta"] = 500000.0;
  json["rope_scaling"] = {{"type", "linear"}, {"factor", 4}};
  auto config = llama::Config::read(json, "x");
  CHECK(config.shape.kinds[0].rope_theta == 500000);
  CHECK(config.shape.kinds[0].rope_scaling.kind == RopeScaling::Kind::linear);
  CHECK(config.shape.kinds[0].rope_scaling.factor == 4);
  json = plain_config();
  json["rope_parameters"] = {{"rope_theta", 7000},    {"rope_type", "llama3"},
                             {"factor", 32},          {"low_freq_factor", 1},
                             {"high_freq_factor", 4}, {"original_max_position_embeddings", 8192}};
  config = llama::Config::read(json, "x");
  CHECK(config.shape.kinds[0].rope_theta == 7000);
  CHECK(config.shape.kinds[0].rope_scaling.kind == RopeScaling::Kind::llama3);
  CHECK(config.shape.kinds[0].rope_scaling.original_max_positions == 8192);
  CHECK(config.shape.head_dim == 4);
  CHECK_FALSE(config.shape.tied);
  CHECK(config.end_tokens == std::vector<std::int64_t>{5, 6});
}

TEST_CASE("llama config: what does not fit is refused by name") {
  const auto with = [](const char* key, nlohmann::json value) {
    auto json = plain_config();
    json[key] = std::move(value);
    return refusal(json);
  };
  CHECK(refusal(plain_config()) == "");
  CHECK(has(with("model_type", "gemma3"), "'model_type' is 'gemma3'"));
  CHECK(has(with("hidden_act", "gelu"), "'hidden_act' is 'gelu'"));
  CHECK(has(with("hidden_size", 0), "'hidden_size' is 0"));
  CHECK(has(with("hidden_size", 9), "'hidden_size' is 9, no multiple"));
  CHECK(has(with("num_key_value_heads", 3), "no multiple of 'num_key_value_heads'"));
  CHECK(has(with("head_dim", 3), "even number"));
  CHECK(has(with("rms_norm_eps", 0), "'rms_norm_eps'"));
  CHECK(has(with("eos_token_id", 4000), "names token 4000"));
  CHECK(has(with("eos_token_id", "end"), "'eos_token_id'"));
  CHECK(has(with("bos_token_id", -1), "names token -1"));
  CHECK(has(with("rope_scaling", {{"rope_type", "yarn"}, {"factor", 2}}), "'rope_type' is 'yarn'"));
  CHECK(has(with("rope_scaling", {{"rope_type", "linear"}}), "'factor' is missing"));
  CHECK(has(with("rope_scaling", {{"rope_type", "linear"}, {"factor", -1}}), "above 0"));
  CHECK(has(with("rope_parameters", {{"rope_type", "default"}, {"partial_rotary_factor", 0.5}}),
            "partial_rotary_factor"));
  CHECK(has(with("rope_scaling", {{"rope_type", "llama3"},
                                  {"factor", 2},
                                  {"low_freq_factor", 4},
                                  {"high_freq_factor", 4},
                                  {"original_max_position_embeddings", 8}}),
            "'high_freq_factor' must be above"));
  auto missing = plain_config();
  missing.erase("vocab_size");
  CHECK(has(refusal(missing), "'vocab_size' is missing"));
}

TEST_CASE("llama checkpoint: missing and mismatched files are refused by name") {
  test::TemporaryFolder folder;
  CHECK(has(refusal(folder.path()), "holds neither a tokenizer.json nor a tokenizer.model"));
  std::filesystem::copy(test::demo_tokenizer() + "/tokenizer.json", folder / "tokenizer.json");
  CHECK(has(refusal(folder.path()), "config.json does not exist"));

  auto made = test::make_decoder<llama::Llama>(test::tiny_llama(), 1);
  made.handle->save(folder.path());
  CHECK(refusal(folder.path()) == "");
  auto json = nlohmann::json::parse(test::read_file(folder / "config.json"));
  const auto write = [&](const nlohmann::json& changed) { test::write_file(folder / "config.json", changed.dump()); };

  auto changed = json;
  changed["vocab_size"] = 3000;
  changed["bos_token_id"] = nullptr;
  changed["eos_token_id"] = 5;
  write(changed);
  const auto generation = test::read_file(folder / "generation_config.json");
  test::write_file(folder / "generation_config.json", "{}");
  CHECK(has(refusal(folder.path()), "do not belong together"));
  test::write_file(folder / "generation_config.json", generation);
  changed = json;
  changed["num_hidden_layers"] = 1;
  write(changed);
  CHECK(has(refusal(folder.path()), "'model.layers.1."));
  changed = json;
  changed["intermediate_size"] = 41;
  write(changed);
  CHECK(has(refusal(folder.path()), "has shape"));
  changed = json;
  changed["tie_word_embeddings"] = false;
  write(changed);
  CHECK(has(refusal(folder.path()), "'lm_head.weight' is missing"));
  changed = json;
  changed["cell2text_template"] = "other";
  write(changed);
  CHECK(has(refusal(folder.path()), "'cell2text_template' is 'other'"));
}

TEST_CASE("llama checkpoint: a config.json that does not fit the weights is refused, whatever the size") {
  for (const bool tied : {true, false}) {
    test::TemporaryFolder folder;
    test::make_decoder<llama::Llama>(test::tiny_llama(tied), 1).handle->save(folder.path());
    CHECK(refusal(folder.path()) == "");
    const auto config = nlohmann::json::parse(test::read_file(folder / "config.json"));
    const auto with = [&](const char* key, const nlohmann::json& value) {
      auto json = config;
      json[key] = value;
      test::write_file(folder / "config.json", json.dump());
      return refusal(folder.path());
    };
    // Heads that are twice as many and half as wide ask for weights of the same shapes: only such a change is not seen.
    for (const char* key : {"vocab_size", "hidden_size", "num_hidden_layers", "intermediate_size", "head_dim",
                            "num_attention_heads", "num_key_value_heads"}) {
      const auto right = config.at(key).get<std::int64_t>();
      for (const std::int64_t wrong :
           {right - 1, right + 1, right / 2, right * 2, std::int64_t{1} << 20, std::int64_t{1} << 31}) {
        if (wrong < 1 || wrong == right) continue;
        INFO(key << " " << wrong);
        CHECK(has(with(key, wrong), folder.path().string()));
      }
    }
    CHECK(has(with("attention_bias", true), "bias' is missing"));
    CHECK(has(with("mlp_bias", true), "bias' is missing"));
    if (tied) CHECK(has(with("tie_word_embeddings", false), "'lm_head.weight' is missing"));
    for (const std::string broken : {"", "{", "[]", "null", "version https://git-lfs.github.com/spec/v1\n"}) {
      test::write_file(folder / "config.json", broken);
      CHECK(has(refusal(folder.path()), (folder / "config.json").string()));
    }
  }
}

TEST_CASE("llama checkpoint: weights that are missing, of another type, or of another model are refused") {
  test::TemporaryFolder folder;
  auto made = test::make_decoder<llama::Llama>(test::tiny_llama(), 1);
  made.handle->save(folder.path());
  const auto weights = folder / "model.safetensors";
  const auto files = TensorFiles::open(weights);
  std::vector<std::pair<std::string, Tensor>> tensors;
  for (const std::string& name : files.names()) tensors.emplace_back(name, files.tensor(name).clone());
  const auto with = [&](const std::string& name, const Tensor& value) {
    auto changed = tensors;
    changed[0] = {name, value};
    save_tensors(weights, changed);
    return refusal(folder.path());
  };
  const std::string first = tensors[0].first;
  CHECK(has(with(first, tensors[0].second.to(torch::kInt32)), "'" + first + "' holds Int values"));
  CHECK(has(with(first, tensors[0].second.unsqueeze(0)), "'" + first + "' has shape"));
  CHECK(has(with("other.weight", tensors[0].second), "is missing"));
  tensors.emplace_back("model.layers.0.mlp.experts.0.weight", torch::zeros({2}));
  CHECK(has(with(first, tensors[0].second), "'model.layers.0.mlp.experts.0.weight'"));
  save_tensors(weights, {});
  CHECK(has(refusal(folder.path()), "is missing"));
  std::filesystem::remove(weights);
  CHECK(has(refusal(folder.path()), folder.path().string()));
}

TEST_CASE("llama checkpoint: a tokenizer without any token that ends a text is refused") {
  test::TemporaryFolder folder;
  auto json = nlohmann::json::parse(test::read_file(test::demo_tokenizer() + "/tokenizer.json"));
  json["added_tokens"] = nlohmann::json::array();
  json["post_processor"] = nullptr;
  test::write_file(folder / "tokenizer.json", json.dump());
  Value table = test::tiny_llama();
  table.set("tokenizer", text((folder / "tokenizer.json").string()));
  CHECK_THROWS_WITH_AS(test::make_decoder<llama::Llama>(table, 0), doctest::Contains("no token that ends a text"),
                       InputError);
}

TEST_CASE("llama checkpoint: the llama3 template needs a tokenizer with headers") {
  test::TemporaryFolder folder;
  auto json = nlohmann::json::parse(test::read_file(test::demo_tokenizer() + "/tokenizer.json"));
  for (auto& token : json["added_tokens"])
    if (token["content"] == "<|start_header_id|>") token["content"] = "<|other|>";
  test::write_file(folder / "tokenizer.json", json.dump());
  Value table = test::tiny_llama();
  table.set("tokenizer", text(folder.path().string()));
  CHECK_NOTHROW(test::make_decoder<llama::Llama>(table, 0).handle->chat({"a", "b"}));
  table.set("template", text("llama3"));
  const auto made = test::make_decoder<llama::Llama>(table, 0);
  CHECK_THROWS_WITH_AS(made.handle->chat({"a", "b"}), doctest::Contains("no token <|start_header_id|>"), InputError);
}
