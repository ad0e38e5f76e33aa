// The settings inside of cell2text.json: JSON to the tree of settings, to TOML and JSON and back.
#pragma once

#include "cell2text/generate/settings.hpp"
#include "cell2text/io/json.hpp"
#include "cell2text/io/toml.hpp"
#include "cell2text/io/value_json.hpp"
#include "cell2text/settings.hpp"
#include "support.hpp"

namespace cell2text::fuzz {

inline bool card(std::string_view input) {
  Value value;
  nlohmann::json json;
  if (!accepted([&] {
        json = parse_json(input, "cell2text.json");
        value = value_from_json(json, "cell2text.json");
      }))
    return false;
  const nlohmann::json back = to_json(value);
  require(back == json, "settings are written as JSON and read back");
  GenerationSettings settings;
  SettingsFaults faults;
  read_fields(value, settings, faults, "generation.");
  if (value.is_table()) accepted([&] { parse_toml(write_toml(value), "again.toml"); });
  return true;
}

}  // namespace cell2text::fuzz
