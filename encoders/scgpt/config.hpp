// The shape of an scGPT model, as in its args.json.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "cell2text/error.hpp"
#include "cell2text/io/json.hpp"

namespace cell2text::scgpt {

struct Config {
  std::int64_t width = 512;
  std::int64_t layers = 12;
  std::int64_t heads = 8;
  std::int64_t feed_forward = 512;
  std::int64_t bins = 51;
  double dropout = 0.2;
  double cls_value = -2;  ///< what stands where <cls> has no expression: `pad_value`

  /// From args.json. InputError naming `where` and the key: a size below 1, a width that the heads do not divide,
  /// values that are not read as one number.
  static Config from_json(const nlohmann::json& json, const std::string& where) {
    const auto size = [&](const char* key, std::int64_t least) {
      const auto value = required<std::int64_t>(json, key, where);
      if (value < least || value > (1 << 30))
        throw InputError(where + ": '" + key + "' is " + std::to_string(value) + "; a size is expected");
      return value;
    };
    Config config;
    config.width = size("embsize", 1);
    config.layers = size("nlayers", 0);
    config.heads = size("nheads", 1);
    config.feed_forward = size("d_hid", 1);
    if (json.contains("n_bins")) config.bins = size("n_bins", 3);
    config.dropout = optional_value<double>(json, "dropout", where).value_or(config.dropout);
    if (!(config.dropout >= 0 && config.dropout < 1))
      throw InputError(where + ": 'dropout' is " + std::to_string(config.dropout) + "; it must be at least 0, below 1");
    config.cls_value = optional_value<double>(json, "pad_value", where).value_or(config.cls_value);
    if (const auto style = optional_value<std::string>(json, "input_emb_style", where); style && *style != "continuous")
      throw InputError(where + ": 'input_emb_style' is '" + *style +
                       "'; only 'continuous' is supported, which scGPT's published models have");
    if (config.width % config.heads != 0)
      throw InputError(where + ": 'embsize' is " + std::to_string(config.width) + ", which 'nheads' (" +
                       std::to_string(config.heads) + ") does not divide");
    return config;
  }

  /// args.json of such a model.
  nlohmann::json to_json() const {
    return {{"embsize", width},        {"nlayers", layers},    {"nheads", heads},
            {"d_hid", feed_forward},   {"n_bins", bins},       {"dropout", dropout},
            {"pad_value", cls_value},  {"pad_token", "<pad>"}, {"input_emb_style", "continuous"},
            {"input_style", "binned"}, {"n_layers_cls", 3}};
  }
};

}  // namespace cell2text::scgpt
