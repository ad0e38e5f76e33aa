// The config.json of Gemma 3 (text, or the text part of a vision-language model) and Gemma 2: reading it, strictly,
// with the defaults that published files count on, and writing one that transformers reads.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cell2text/io/model_config.hpp"
#include "cell2text/nn/causal_transformer.hpp"
#include "settings.hpp"

namespace cell2text::gemma {

struct Config {
  TransformerShape shape;
  bool gemma2 = false;
  double query_scalar = 256;
  std::int64_t max_positions = 0, window = 0;
  std::vector<std::string> layer_types = {};
  std::optional<std::int64_t> begin_token;
  std::vector<std::int64_t> end_tokens = {};

  /// For a random start of a Gemma 3; token ids are the caller's to fill in.
  static Config from(const Architecture& a, std::int64_t vocabulary);

  /// InputError naming file and key: another kind of model, a size that does not fit, an unknown kind of layer.
  static Config read(const nlohmann::json& json, const std::string& where);

  /// The configuration of the text model: `json` itself with what this struct knows, or of a vision-language model its
  /// `text_config`. Other keys stay. Token ids are not written.
  nlohmann::json written(const nlohmann::json& json) const;

 private:
  static Config of_text(const nlohmann::json& json, const std::string& where);
  void read_layers(const nlohmann::json& json, const std::string& where);
  void complete(const model_config::Rotation& all, const model_config::Rotation& local, double attention_cap);
};

namespace config_detail {

inline constexpr const char* full = "full_attention";
inline constexpr const char* sliding = "sliding_attention";

/// Gemma 2 and 3 write all their sizes down, or leave out those that are the library's own defaults.
struct Defaults {
  std::int64_t vocabulary, max_positions, pattern;
  double rope_theta;
};
inline constexpr Defaults gemma2{256000, 8192, 2, 1e4}, gemma3{262208, 131072, 6, 1e6};

struct Rotations {
  model_config::Rotation all, local;
};

/// Of layers that see everything, and of those with a window. Gemma 2 has one kind for both. Gemma 3 files have
/// `rope_theta`, `rope_scaling` and `rope_local_base_freq`, or (transformers 5) `rope_parameters` for each kind.
inline Rotations read_rotations(const nlohmann::json& json, const std::string& where, bool gemma2) {
  using namespace model_config;
  if (gemma2) {
    const auto one = read_rotation_of_model(json, where, config_detail::gemma2.rope_theta);
    return {one, one};
  }
  const double theta = positive(json, "rope_theta", where, gemma3.rope_theta);
  const double local = positive(json, "rope_local_base_freq", where, 10000);
  const auto joined = optional_value<nlohmann::json>(json, "rope_parameters", where);
  const std::string place = where + ": rope_parameters";
  const auto of_kind = [&](const char* kind, double base) -> Rotation {
    const auto part = joined ? optional_value<nlohmann::json>(*joined, kind, place) : std::nullopt;
    return part ? read_rotation(*part, place + "." + kind, base) : Rotation{base, {}};
  };
  Rotations rotations{of_kind(full, theta), of_kind(sliding, local)};
  if (const auto scaling = optional_value<nlohmann::json>(json, "rope_scaling", where))
    rotations.all = read_rotation(*scaling, where + ": rope_scaling", rotations.all.theta);
  return rotations;
}

}  // namespace config_detail

inline void Config::complete(const model_config::Rotation& all, const model_config::Rotation& local,
                             double attention_cap) {
  shape.gelu = shape.norm_plus_one = shape.norms_behind_parts = true;
  shape.norms_of_heads = !gemma2;
  shape.embedding_scale = std::sqrt(static_cast<double>(shape.width));
  const double scale = 1 / std::sqrt(query_scalar);
  shape.kinds = {{all.theta, all.scaling, {scale, 0, attention_cap}},
                 {local.theta, local.scaling, {scale, window, attention_cap}}};
  for (const std::string& type : layer_types) shape.kind_of_layer.push_back(type == config_detail::sliding ? 1 : 0);
}

inline Config Config::from(const Architecture& a, std::int64_t vocabulary) {
  Config config;
  TransformerShape& s = config.shape;
  s.width = a.width, s.feed_forward = a.feed_forward, s.layers = a.layers;
  s.heads = a.heads, s.kv_heads = a.kv_heads, s.head_dim = a.channels(), s.vocabulary = vocabulary;
  s.initial_deviation = a.initial_deviation, s.tied = a.tied;
  config.max_positions = a.max_positions, config.window = a.sliding_window;
  config.query_scalar = a.query_scalar.value_or(static_cast<double>(s.head_dim));
  for (std::int64_t i = 1; i <= s.layers; ++i)
    config.layer_types.push_back(i % a.sliding_window_pattern ? config_detail::sliding : config_detail::full);
  config.complete({a.rope_theta, {}}, {a.rope_local_theta, {}}, 0);
  return config;
}

inline Config Config::read(const nlohmann::json& json, const std::string& where) {
  const auto type = required<std::string>(json, "model_type", where);
  if (type == "gemma3_text" || type == "gemma2") return of_text(json, where);
  if (type != "gemma3")
    throw InputError(where + ": 'model_type' is '" + type +
                     "'; this decoder reads 'gemma3_text', 'gemma3' (its text part) and 'gemma2'. Choose the decoder "
                     "plugin of that family");
  auto text = required<nlohmann::json>(json, "text_config", where);
  const std::string place = where + ": text_config";
  if (const auto inner = optional_value<std::string>(text, "model_type", place).value_or("gemma3_text");
      inner != "gemma3_text")
    throw InputError(place + ": 'model_type' is '" + inner + "'; 'gemma3_text' is expected");
  text["model_type"] = "gemma3_text";
  // What both levels may say counts where the outer one says it alone.
  for (const char* key : {"bos_token_id", "eos_token_id", "tie_word_embeddings"})
    if (!text.contains(key) && json.contains(key)) text[key] = json[key];
  return of_text(text, place);
}

inline Config Config::of_text(const nlohmann::json& json, const std::string& where) {
  using namespace model_config;
  Config config;
  config.gemma2 = required<std::string>(json, "model_type", where) == "gemma2";
  const auto& usual = config.gemma2 ? config_detail::gemma2 : config_detail::gemma3;
  for (const char* key : {"hidden_activation", "hidden_act"})
    if (const auto act = optional_value<std::string>(json, key, where).value_or("gelu_pytorch_tanh");
        act != "gelu_pytorch_tanh" && !(std::string(key) == "hidden_act" && json.contains("hidden_activation")))
      throw InputError(where + ": '" + key + "' is '" + act + "'; only 'gelu_pytorch_tanh' is supported");
  if (optional_value<bool>(json, "use_bidirectional_attention", where).value_or(false))
    throw InputError(where + ": 'use_bidirectional_attention' is true; a model that writes text reads left to right");
  TransformerShape& s = config.shape;
  s.width = size_of(json, "hidden_size", where, 2304);
  s.feed_forward = size_of(json, "intermediate_size", where, 9216);
  s.layers = layers_of(json, where, 26);
  s.heads = size_of(json, "num_attention_heads", where, 8);
  s.kv_heads = size_of(json, "num_key_value_heads", where, 4);
  s.head_dim = size_of(json, "head_dim", where, 256);
  check({s.heads, s.kv_heads, s.head_dim}, where);
  s.vocabulary = size_of(json, "vocab_size", where, usual.vocabulary);
  s.epsilon = positive(json, "rms_norm_eps", where, 1e-6);
  s.initial_deviation = positive(json, "initializer_range", where, 0.02);
  s.tied = optional_value<bool>(json, "tie_word_embeddings", where).value_or(true);
  s.attention_bias = optional_value<bool>(json, "attention_bias", where).value_or(false);
  config.max_positions = size_of(json, "max_position_embeddings", where, usual.max_positions);
  config.query_scalar = positive(json, "query_pre_attn_scalar", where, 256);
  const auto cap = [&](const char* key, double fallback) {
    if (!json.contains(key)) return fallback;
    return json[key].is_null() ? 0 : positive(json, key, where);
  };
  s.logit_cap = cap("final_logit_softcapping", config.gemma2 ? 30 : 0);
  const double attention_cap = cap("attn_logit_softcapping", config.gemma2 ? 50 : 0);
  if (!config.gemma2 && attention_cap > 0)
    throw InputError(where + ": 'attn_logit_softcapping' is " + std::to_string(attention_cap) +
                     "; Gemma 3 has none, null is expected");
  config.read_layers(json, where);
  const auto rotations = config_detail::read_rotations(json, where, config.gemma2);
  config.complete(rotations.all, rotations.local, attention_cap);
  if (const auto begin = token_ids(json, "bos_token_id", s.vocabulary, where); !begin.empty())
    config.begin_token = begin.front();
  config.end_tokens = token_ids(json, "eos_token_id", s.vocabulary, where);
  return config;
}

/// Which layers have a window: a list, or every n-th has none.
inline void Config::read_layers(const nlohmann::json& json, const std::string& where) {
  using namespace config_detail;
  window = model_config::size_of(json, "sliding_window", where, 4096);
  if (const auto types = optional_value<std::vector<std::string>>(json, "layer_types", where)) {
    if (static_cast<std::int64_t>(types->size()) != shape.layers)
      throw InputError(where + ": 'layer_types' has " + std::to_string(types->size()) + " entries, " +
                       std::to_string(shape.layers) + " layers are there ('num_hidden_layers')");
    for (const std::string& type : *types)
      if (type != full && type != sliding)
        throw InputError(where + ": 'layer_types' holds '" + type + "'; '" + full + "' and '" + sliding +
                         "' are supported");
    layer_types = *types;
    return;
  }
  const auto pattern = gemma2 ? config_detail::gemma2.pattern
                              : model_config::size_of(json, "sliding_window_pattern", where, gemma3.pattern);
  for (std::int64_t i = 1; i <= shape.layers; ++i) layer_types.push_back(i % pattern ? sliding : full);
}

inline nlohmann::json Config::written(const nlohmann::json& json) const {
  nlohmann::json out = json.value("model_type", "") == "gemma3" ? json.at("text_config") : json;
  const auto cap = [](double value) { return value > 0 ? nlohmann::json(value) : nlohmann::json(nullptr); };
  out.update({{"architectures", {gemma2 ? "Gemma2ForCausalLM" : "Gemma3ForCausalLM"}},
              {"model_type", gemma2 ? "gemma2" : "gemma3_text"},
              {"hidden_activation", "gelu_pytorch_tanh"},
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
              {"query_pre_attn_scalar", query_scalar},
              {"sliding_window", window},
              {"layer_types", layer_types},
              {"final_logit_softcapping", cap(shape.logit_cap)},
              {"attn_logit_softcapping", cap(shape.kinds.front().attention.soft_cap)}});
  if (query_scalar == std::floor(query_scalar)) out["query_pre_attn_scalar"] = static_cast<std::int64_t>(query_scalar);
  if (out.contains("rope_parameters")) return out;  // else an older form, which transformers 4 and 5 read
  out["rope_theta"] = shape.kinds[0].rope_theta;
  if (!gemma2) out["rope_local_base_freq"] = shape.kinds[1].rope_theta;
  return out;
}

}  // namespace cell2text::gemma
