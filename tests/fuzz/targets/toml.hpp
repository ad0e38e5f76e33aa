// An experiment file, and behind a byte of zero a `--set`: the tree is written and read back, and the core's own
// tables are read from it, written with their defaults, and read again.
#pragma once

#include "cell2text/cells/split.hpp"
#include "cell2text/generate/settings.hpp"
#include "cell2text/io/toml.hpp"
#include "cell2text/io/value_json.hpp"
#include "cell2text/settings.hpp"
#include "cell2text/train/settings.hpp"
#include "support.hpp"

namespace cell2text::fuzz {

namespace toml_target {

/// As text, with keys sorted: toml++ sorts them too.
inline std::string sorted(const Value& value) {
  return nlohmann::json(to_json(value)).dump();
}

template <class Settings>
void read_table(const Value& root, const char* name) {
  const Value* table = root.find(name);
  if (!table) return;
  Settings settings;
  SettingsFaults faults;
  read_fields(*table, settings, faults, std::string(name) + ".");
  for (const auto& fault : faults.list) require(!fault.message.empty(), "a fault says something");
  if (!faults.list.empty()) return;
  const Value written = write_settings(settings);
  Settings again;
  read_fields(parse_toml(write_toml(written), "again"), again, faults, "");
  faults.raise();
  require(sorted(write_settings(again)) == sorted(written), std::string("settings are written and read back: ") + name);
}

}  // namespace toml_target

inline bool toml(std::string_view input) {
  const Parts parts(input);
  Value root;
  const bool sound = accepted([&] { root = parse_toml(parts.first, "x.toml"); });
  if (sound) {
    const std::string text = write_toml(root);
    Value again;
    require(accepted([&] { again = parse_toml(text, "again.toml"); }), "what was written can be read: " + text);
    require(toml_target::sorted(again) == toml_target::sorted(root), "a tree is written and read back: " + text);
  }
  const std::string override(Parts(parts.second).first);  // an argument of a command holds no byte of zero
  if (!override.empty() && accepted([&] { apply_override(root, override); })) {
    toml_target::sorted(root);
    write_toml(root);
  }
  toml_target::read_table<SplitSettings>(root, "split");
  toml_target::read_table<TrainingSettings>(root, "training");
  toml_target::read_table<GenerationSettings>(root, "generation");
  return sound;
}

}  // namespace cell2text::fuzz
