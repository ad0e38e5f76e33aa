// What the config.json files of several decoder families have in common: sizes, token ids, rotary positions. Which
// keys a family has, and what it takes for a key that is missing, is the family's.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cell2text/error.hpp"
#include "cell2text/io/json.hpp"
#include "cell2text/nn/rope_scaling.hpp"

namespace cell2text::model_config {

// Tables of rotary positions are made for a head's channels before any weight is seen.
inline constexpr std::int64_t max_head_dim = 65536;
inline constexpr std::int64_t max_layers = 100'000;

/// A whole number from 1 to 2^31. InputError naming key and value.
inline std::int64_t size_of(const nlohmann::json& json, const char* key, const std::string& where,
                            std::optional<std::int64_t> fallback = {}) {
  const auto value = fallback ? optional_value<std::int64_t>(json, key, where).value_or(*fallback)
                              : required<std::int64_t>(json, key, where);
  if (value < 1 || value > std::int64_t{1} << 31)
    throw InputError(where + ": '" + key + "' is " + std::to_string(value) + "; a size of at least 1 is expected");
  return value;
}

/// `num_hidden_layers`; a list is made of that length before any weight is seen.
inline std::int64_t layers_of(const nlohmann::json& json, const std::string& where,
                              std::optional<std::int64_t> fallback = {}) {
  const auto layers = size_of(json, "num_hidden_layers", where, fallback);
  if (layers > max_layers)
    throw InputError(where + ": 'num_hidden_layers' is " + std::to_string(layers) + "; at most " +
                     std::to_string(max_layers) + " are expected");
  return layers;
}

/// A number above 0 and below 1e30.
inline double positive(const nlohmann::json& json, const char* key, const std::string& where,
                       std::optional<double> fallback = {}) {
  const double value =
      fallback ? optional_value<double>(json, key, where).value_or(*fallback) : required<double>(json, key, where);
  if (!(value > 0 && value < 1e30))
    throw InputError(where + ": '" + key + "' is " + std::to_string(value) + "; a number above 0 is expected");
  return value;
}

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

/// One id alone, several as a list: how the files write end tokens.
inline nlohmann::json ids_json(const std::vector<std::int64_t>& ids) {
  return ids.size() == 1 ? nlohmann::json(ids.front()) : nlohmann::json(ids);
}

/// Attention heads, which must fit each other: heads a multiple of kv_heads, an even number of channels.
struct Heads {
  std::int64_t heads = 0, kv_heads = 0, head_dim = 0;
};
inline void check(const Heads& h, const std::string& where) {
  if (h.heads % h.kv_heads != 0)
    throw InputError(where + ": 'num_attention_heads' is " + std::to_string(h.heads) +
                     ", no multiple of 'num_key_value_heads', which is " + std::to_string(h.kv_heads));
  if (h.head_dim > max_head_dim)
    throw InputError(where + ": a head has " + std::to_string(h.head_dim) + " channels; at most " +
                     std::to_string(max_head_dim) + " are expected");
  if (h.head_dim % 2 != 0)
    throw InputError(where + ": a head has " + std::to_string(h.head_dim) + " channels; an even number is expected");
}

/// The rotary positions of one kind of layer.
struct Rotation {
  double theta = 10000;
  RopeScaling scaling = {};
};

/// From an object such as `rope_scaling` (older files: `type`, theta elsewhere) or `rope_parameters` (`rope_type`).
/// `place` names it in errors; `theta` counts where it has none.
inline Rotation read_rotation(const nlohmann::json& json, const std::string& place, double theta) {
  Rotation rotation{positive(json, "rope_theta", place, theta), {}};
  if (optional_value<double>(json, "partial_rotary_factor", place).value_or(1) != 1)
    throw InputError(place +
                     ": 'partial_rotary_factor' is not 1; rotary positions on part of a head are not supported");
  const auto old_name = optional_value<std::string>(json, "type", place);
  const auto type = optional_value<std::string>(json, "rope_type", place).value_or(old_name.value_or("default"));
  RopeScaling& scaling = rotation.scaling;
  if (type == "default") return rotation;
  if (type != "linear" && type != "llama3")
    throw InputError(place + ": 'rope_type' is '" + type + "'; 'default', 'linear' and 'llama3' are supported");
  scaling.kind = type == "linear" ? RopeScaling::Kind::linear : RopeScaling::Kind::llama3;
  scaling.factor = positive(json, "factor", place);
  if (type == "linear") return rotation;
  scaling.low_frequency_factor = positive(json, "low_freq_factor", place);
  scaling.high_frequency_factor = positive(json, "high_freq_factor", place);
  scaling.original_max_positions = positive(json, "original_max_position_embeddings", place);
  if (scaling.high_frequency_factor <= scaling.low_frequency_factor)
    throw InputError(place + ": 'high_freq_factor' must be above 'low_freq_factor'");
  return rotation;
}

/// The rotary positions of a model that has one kind of them. `rope_parameters` (transformers 5) holds theta and
/// scaling together; before, they were `rope_theta` and `rope_scaling`.
inline Rotation read_rotation_of_model(const nlohmann::json& json, const std::string& where, double theta = 10000) {
  const auto joined = optional_value<nlohmann::json>(json, "rope_parameters", where);
  const auto split = joined ? joined : optional_value<nlohmann::json>(json, "rope_scaling", where);
  theta = positive(json, "rope_theta", where, theta);
  if (!split) return {theta, {}};
  return read_rotation(*split, where + (joined ? ": rope_parameters" : ": rope_scaling"), theta);
}

}  // namespace cell2text::model_config
