// A JSON file of a model (config.json and the like): parsed, printed and parsed again, and asked for each type.
#pragma once

#include <cmath>

#include "cell2text/io/json.hpp"
#include "cell2text/io/json_member.hpp"
#include "support.hpp"

namespace cell2text::fuzz {

namespace json_target {

template <class T>
void ask(const nlohmann::json& json, const std::string& key) {
  accepted([&] {
    const auto value = optional_value<T>(json, key, "x.json");
    if constexpr (std::is_floating_point_v<T>) require(!value || std::isfinite(*value), "a number is finite");
    if (value) required<T>(json, key, "x.json");
  });
}

}  // namespace json_target

inline bool json(std::string_view input) {
  nlohmann::json value;
  if (!accepted([&] { value = parse_json(input, "x.json"); })) return false;
  require(parse_json(value.dump(), "again.json") == value, "JSON is written and read back");
  std::vector<std::string> keys = {"absent"};
  if (value.is_object())
    for (const auto& [key, item] : value.items())
      if (keys.size() < 20 && key.find('\0') == std::string::npos) keys.push_back(key);  // what() would end there
  for (const std::string& key : keys) {
    json_target::ask<bool>(value, key);
    json_target::ask<std::int64_t>(value, key);
    json_target::ask<std::uint64_t>(value, key);
    json_target::ask<std::int32_t>(value, key);
    json_target::ask<double>(value, key);
    json_target::ask<float>(value, key);
    json_target::ask<std::string>(value, key);
    json_target::ask<std::vector<std::int64_t>>(value, key);
    json_target::ask<std::vector<std::vector<double>>>(value, key);
    json_target::ask<nlohmann::json>(value, key);
    accepted([&] { require(json_list(value, key, "x.json").is_array(), "a list is a list"); });
  }
  return true;
}

}  // namespace cell2text::fuzz
