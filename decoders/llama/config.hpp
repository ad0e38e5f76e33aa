// The config.json of a Llama model: reading it, strictly, and writing one that transformers reads.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cell2text/io/json.hpp"
#include "cell2text/nn/rope.hpp"
#include "settings.hpp"

namespace cell2text::llama {

struct Config {
  std::int64_t width = 0, feed_forward = 0, layers = 0, heads = 0, kv_heads = 0, head_dim = 0;
  std::int64_t vocabulary = 0, max_positions = 0;
  double epsilon = 1e-6, rope_theta = 10000, initial_deviation = 0.02;
  RopeScaling rope_scaling = {};
  bool tied = false, attention_bias = false, mlp_bias = false;
  std::optional<std::int64_t> begin_token;
  std::vector<std::int64_t> end_tokens = {};

  /// For a random start; token ids are the caller's to fill in.
  static Config from(const Architecture& a, std::int64_t vocabulary) {
    Config config;
    config.width = a.width, config.feed_forward = a.feed_forward, config.layers = a.layers;
    config.heads = a.heads, config.kv_heads = a.kv_heads, config.head_dim = a.head_dim.value_or(a.width / a.heads);
    config.vocabulary = vocabulary, config.max_positions = a.max_positions, config.epsilon = 1e-5;
    config.rope_theta = a.rope_theta, config.initial_deviation = a.initial_deviation, config.tied = a.tied;
    return config;
  }

  /// InputError naming file and key: another kind of model, a size that does not fit, an unknown rotary scaling.
  static Config read(const nlohmann::json& json, const std::string& where);

  /// Sets what this struct knows in `json`, which keeps its other keys.
  void write_to(nlohmann::json& json) const;
};

/// Token ids under `key`: one, a list, or none where the key is absent or null. InputError outside the vocabulary.
inline std::vector<std::int64_t> token_ids(const nlohmann::json& json, const std::string& key, std::int64_t vocabulary,
                                           const std::string& where) {
  const auto found = json.find(key);
  if (found == json.end() || found->is_null()) return {};
  const auto ids = found->is_array() ? required<std::vector<std::int64_t>>(json, key, where)
                                     : std::vector{required<std::int64_t>(json, key, where)};
  for (const std::int64_t id : ids)
    if (id < 0 || id >= vocabulary)
      throw InputError(where + ": '" + key + "' names token " + std::to_string(id) + "; 'vocab_size' is " +
                       std::to_string(vocabulary) + ", ids end at " + std::to_string(vocabulary - 1));
  return ids;
}

namespace config_detail {

// Tables of rotary positions are made for a head's channels before any weight is seen.
inline constexpr std::int64_t max_head_dim = 65536;

inline std::int64_t size_of(const nlohmann::json& json, const char* key, const std::string& where,
                            std::optional<std::int64_t> fallback = {}) {
  const auto value = fallback ? optional_value<std::int64_t>(json, key, where).value_or(*fallback)
                              : required<std::int64_t>(json, key, where);
  if (value < 1 || value > std::int64_t{1} << 31)
    throw InputError(where + ": '" + key + "' is " + std::to_string(value) + "; a size of at least 1 is expected");
  return value;
}

inline double positive(const nlohmann::json& json, const char* key, const std::string& where,
                       std::optional<double> fallback = {}) {
  const double value =
      fallback ? optional_value<double>(json, key, where).value_or(*fallback) : required<double>(json, key, where);
  if (!(value > 0 && value < 1e30))
    throw InputError(where + ": '" + key + "' is " + std::to_string(value) + "; a number above 0 is expected");
  return value;
}

/// `rope_parameters` (transformers 5) holds theta and scaling together; before, they were `rope_theta` and
/// `rope_scaling`.
inline void read_rope(const nlohmann::json& json, const std::string& where, Config& config) {
  const auto joined = optional_value<nlohmann::json>(json, "rope_parameters", where);
  const auto split = joined ? joined : optional_value<nlohmann::json>(json, "rope_scaling", where);
  config.rope_theta = positive(json, "rope_theta", where, 10000);
  if (!split) return;
  const std::string place = where + (joined ? ": rope_parameters" : ": rope_scaling");
  config.rope_theta = positive(*split, "rope_theta", place, config.rope_theta);
  if (optional_value<double>(*split, "partial_rotary_factor", place).value_or(1) != 1)
    throw InputError(place +
                     ": 'partial_rotary_factor' is not 1; rotary positions on part of a head are not supported");
  const auto old_name = optional_value<std::string>(*split, "type", place);
  const auto type = optional_value<std::string>(*split, "rope_type", place).value_or(old_name.value_or("default"));
  RopeScaling& scaling = config.rope_scaling;
  if (type == "default") return;
  if (type != "linear" && type != "llama3")
    throw InputError(place + ": 'rope_type' is '" + type + "'; 'default', 'linear' and 'llama3' are supported");
  scaling.kind = type == "linear" ? RopeScaling::Kind::linear : RopeScaling::Kind::llama3;
  scaling.factor = positive(*split, "factor", place);
  if (type == "linear") return;
  scaling.low_frequency_factor = positive(*split, "low_freq_factor", place);
  scaling.high_frequency_factor = positive(*split, "high_freq_factor", place);
  scaling.original_max_positions = positive(*split, "original_max_position_embeddings", place);
  if (scaling.high_frequency_factor <= scaling.low_frequency_factor)
    throw InputError(place + ": 'high_freq_factor' must be above 'low_freq_factor'");
}

}  // namespace config_detail

inline Config Config::read(const nlohmann::json& json, const std::string& where) {
  using config_detail::max_head_dim, config_detail::size_of;
  if (const auto type = required<std::string>(json, "model_type", where); type != "llama")
    throw InputError(where + ": 'model_type' is '" + type +
                     "'; this decoder reads 'llama'. Choose the decoder plugin "
                     "of that family");
  if (const auto act = optional_value<std::string>(json, "hidden_act", where).value_or("silu"); act != "silu")
    throw InputError(where + ": 'hidden_act' is '" + act + "'; only 'silu' is supported");
  Config config;
  config.width = size_of(json, "hidden_size", where);
  config.feed_forward = size_of(json, "intermediate_size", where);
  config.layers = size_of(json, "num_hidden_layers", where);
  config.heads = size_of(json, "num_attention_heads", where);
  config.kv_heads = size_of(json, "num_key_value_heads", where, config.heads);
  if (config.heads % config.kv_heads != 0)
    throw InputError(where + ": 'num_attention_heads' is " + std::to_string(config.heads) +
                     ", no multiple of "
                     "'num_key_value_heads', which is " +
                     std::to_string(config.kv_heads));
  if (!optional_value<std::int64_t>(json, "head_dim", where) && config.width % config.heads != 0)
    throw InputError(where + ": 'hidden_size' is " + std::to_string(config.width) +
                     ", no multiple of "
                     "'num_attention_heads', which is " +
                     std::to_string(config.heads));
  config.head_dim = size_of(json, "head_dim", where, std::max<std::int64_t>(config.width / config.heads, 1));
  if (config.head_dim > max_head_dim)
    throw InputError(where + ": a head has " + std::to_string(config.head_dim) + " channels; at most " +
                     std::to_string(max_head_dim) + " are expected");
  if (config.head_dim % 2 != 0)
    throw InputError(where + ": a head has " + std::to_string(config.head_dim) +
                     " channels; an even number is expected");
  config.vocabulary = size_of(json, "vocab_size", where);
  config.max_positions = size_of(json, "max_position_embeddings", where, 2048);
  config.epsilon = config_detail::positive(json, "rms_norm_eps", where, 1e-6);
  config.initial_deviation = config_detail::positive(json, "initializer_range", where, 0.02);
  config.tied = optional_value<bool>(json, "tie_word_embeddings", where).value_or(false);
  config.attention_bias = optional_value<bool>(json, "attention_bias", where).value_or(false);
  config.mlp_bias = optional_value<bool>(json, "mlp_bias", where).value_or(false);
  config_detail::read_rope(json, where, config);
  if (const auto begin = token_ids(json, "bos_token_id", config.vocabulary, where); !begin.empty())
    config.begin_token = begin.front();
  config.end_tokens = token_ids(json, "eos_token_id", config.vocabulary, where);
  return config;
}

inline void Config::write_to(nlohmann::json& json) const {
  json.update({{"architectures", {"LlamaForCausalLM"}},
               {"model_type", "llama"},
               {"hidden_act", "silu"},
               {"hidden_size", width},
               {"intermediate_size", feed_forward},
               {"num_hidden_layers", layers},
               {"num_attention_heads", heads},
               {"num_key_value_heads", kv_heads},
               {"head_dim", head_dim},
               {"vocab_size", vocabulary},
               {"max_position_embeddings", max_positions},
               {"rms_norm_eps", epsilon},
               {"initializer_range", initial_deviation},
               {"tie_word_embeddings", tied},
               {"attention_bias", attention_bias},
               {"mlp_bias", mlp_bias}});
  if (!json.contains("rope_parameters")) {  // an old checkpoint's form is kept; both versions of transformers read it
    json["rope_theta"] = rope_theta;
    if (!json.contains("rope_scaling")) json["rope_scaling"] = nullptr;
  }
  if (begin_token)
    json["bos_token_id"] = *begin_token;
  else
    json["bos_token_id"] = nullptr;
  if (end_tokens.size() == 1)
    json["eos_token_id"] = end_tokens.front();
  else
    json["eos_token_id"] = end_tokens;
}

}  // namespace cell2text::llama
