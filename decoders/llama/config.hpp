// The config.json of a Llama model: reading it, strictly, and writing one that transformers reads.
#pragma once

#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cell2text/io/model_config.hpp"
#include "cell2text/nn/causal_transformer.hpp"
#include "settings.hpp"

namespace cell2text::llama {

struct Config {
  TransformerShape shape;
  std::int64_t max_positions = 0;
  std::optional<std::int64_t> begin_token;
  std::vector<std::int64_t> end_tokens = {};

  /// For a random start; token ids are the caller's to fill in.
  static Config from(const Architecture& a, std::int64_t vocabulary) {
    Config config;
    TransformerShape& s = config.shape;
    s.width = a.width, s.feed_forward = a.feed_forward, s.layers = a.layers;
    s.heads = a.heads, s.kv_heads = a.kv_heads, s.head_dim = a.channels(), s.vocabulary = vocabulary;
    s.epsilon = 1e-5, s.initial_deviation = a.initial_deviation, s.tied = a.tied;
    config.max_positions = a.max_positions;
    config.all_alike({a.rope_theta, {}});
    return config;
  }

  /// InputError naming file and key: another kind of model, a size that does not fit, an unknown rotary scaling.
  static Config read(const nlohmann::json& json, const std::string& where);

  /// Sets what this struct knows in `json`, which keeps its other keys. Token ids are not written.
  void write_to(nlohmann::json& json) const;

 private:
  void all_alike(const model_config::Rotation& rotation) {
    shape.kinds = {{rotation.theta, rotation.scaling, {1 / std::sqrt(static_cast<double>(shape.head_dim))}}};
    shape.kind_of_layer.assign(shape.layers, 0);
  }
};

inline Config Config::read(const nlohmann::json& json, const std::string& where) {
  using namespace model_config;
  if (const auto type = required<std::string>(json, "model_type", where); type != "llama")
    throw InputError(where + ": 'model_type' is '" + type +
                     "'; this decoder reads 'llama'. Choose the decoder plugin of that family");
  if (const auto act = optional_value<std::string>(json, "hidden_act", where).value_or("silu"); act != "silu")
    throw InputError(where + ": 'hidden_act' is '" + act + "'; only 'silu' is supported");
  Config config;
  TransformerShape& s = config.shape;
  s.width = size_of(json, "hidden_size", where);
  s.feed_forward = size_of(json, "intermediate_size", where);
  s.layers = layers_of(json, where);
  s.heads = size_of(json, "num_attention_heads", where);
  s.kv_heads = size_of(json, "num_key_value_heads", where, s.heads);
  if (!optional_value<std::int64_t>(json, "head_dim", where) && s.width % s.heads != 0)
    throw InputError(where + ": 'hidden_size' is " + std::to_string(s.width) +
                     ", no multiple of 'num_attention_heads', which is " + std::to_string(s.heads));
  s.head_dim = size_of(json, "head_dim", where, std::max<std::int64_t>(s.width / s.heads, 1));
  check({s.heads, s.kv_heads, s.head_dim}, where);
  s.vocabulary = size_of(json, "vocab_size", where);
  s.epsilon = positive(json, "rms_norm_eps", where, 1e-6);
  s.initial_deviation = positive(json, "initializer_range", where, 0.02);
  s.tied = optional_value<bool>(json, "tie_word_embeddings", where).value_or(false);
  s.attention_bias = optional_value<bool>(json, "attention_bias", where).value_or(false);
  s.mlp_bias = optional_value<bool>(json, "mlp_bias", where).value_or(false);
  config.max_positions = size_of(json, "max_position_embeddings", where, 2048);
  config.all_alike(read_rotation_of_model(json, where));
  if (const auto begin = token_ids(json, "bos_token_id", s.vocabulary, where); !begin.empty())
    config.begin_token = begin.front();
  config.end_tokens = token_ids(json, "eos_token_id", s.vocabulary, where);
  return config;
}

inline void Config::write_to(nlohmann::json& json) const {
  json.update({{"architectures", {"LlamaForCausalLM"}},
               {"model_type", "llama"},
               {"hidden_act", "silu"},
               {"hidden_size", shape.width},
               {"intermediate_size", shape.feed_forward},
               {"num_hidden_layers", shape.layers},
               {"num_attention_heads", shape.heads},
               {"num_key_value_heads", shape.kv_heads},
               {"head_dim", shape.head_dim},
               {"vocab_size", shape.vocabulary},
               {"max_position_embeddings", max_positions},
               {"rms_norm_eps", shape.epsilon},
               {"initializer_range", shape.initial_deviation},
               {"tie_word_embeddings", shape.tied},
               {"attention_bias", shape.attention_bias},
               {"mlp_bias", shape.mlp_bias}});
  if (json.contains("rope_parameters"))
    return;  // an old checkpoint's form is kept; both of transformers 4 and 5 read it
  json["rope_theta"] = shape.kinds.front().rope_theta;
  if (!json.contains("rope_scaling")) json["rope_scaling"] = nullptr;
}

}  // namespace cell2text::llama
