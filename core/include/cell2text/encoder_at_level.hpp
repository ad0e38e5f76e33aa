// An encoder plugin asked for one vector per cell, or per gene, whatever its settings say. Host only.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/experiment.hpp"
#include "cell2text/registry.hpp"

namespace cell2text {

struct EncoderAtLevel {
  PluginChoice choice;
  bool pool = false;  ///< the plugin has no levels: of what it gives, the mean over genes is to be taken
};

/// `level` is cell, cls, mean or gene (embedding_level.hpp), from `where`. InputError: cls is asked for, and the plugin
/// has no levels; or the settings are not right.
inline EncoderAtLevel encoder_at_level(PluginChoice choice, const std::string& level, const Where& where,
                                       const Registry& registry) {
  const LoadedPlugin plugin = registry.load("encoder", choice.name);
  std::vector<FieldInfo> fields;
  plugin.descriptor->schema(fields).raise();
  const bool has_levels = std::ranges::find(fields, "level", &FieldInfo::name) != fields.end();
  if (has_levels) choice.settings.set("level", {level, where});
  if (!has_levels && level == "cls")
    throw InputError(where.text() + " is cls, and the encoder '" + choice.name + "' has no levels; use mean");
  SettingsFaults faults;
  plugin.descriptor->check(choice.settings, "encoder.", faults, choice.resolved).raise();
  faults.raise();
  return {std::move(choice), !has_levels && level != "gene"};
}

}  // namespace cell2text
