// A table of an experiment file that names a plugin, and how it is read: the plugin's own keys, those of its role, and
// lists of such tables.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/registry.hpp"
#include "cell2text/settings.hpp"

namespace cell2text {

/// A plugin picked for a role, with its settings: as written, and with every default.
struct PluginChoice {
  std::string kind, name;
  Value settings;
  Value resolved;
};

/// A table of a file that names a plugin of a kind under `key`. `path` stands before its keys in messages ("encoder.").
struct PluginTable {
  Value table;
  std::string kind, key, path;
};

namespace experiment_detail {

/// A key that is read from the table before the plugin sees it would silently hide the plugin's setting of that name.
inline void refuse_hidden_settings(const PluginDescriptor& plugin, const std::vector<std::string>& taken,
                                   const Where& where, SettingsFaults& faults) {
  std::vector<FieldInfo> fields;
  plugin.schema(fields).raise();
  for (const std::string& key : taken)
    if (std::ranges::find(fields, key, &FieldInfo::name) != fields.end())
      faults.add(where, "the " + std::string(plugin.kind) + " '" + plugin.name + "' has a setting '" + key +
                            "', which it would never see: this key of its table is read by cell2text itself. Rename "
                            "the setting in the plugin");
}

/// Takes the key that names the plugin out of the table, finds the plugin and checks its settings. `role_keys` were
/// taken out of it before.
inline PluginChoice choose(PluginTable of, const Registry& registry, SettingsFaults& faults,
                           std::vector<std::string> role_keys = {}) {
  auto& [table, kind, key, path] = of;
  PluginChoice choice{kind, "", {}, {}};
  const Value* name = table.find(key);
  if (!name) {
    faults.add(table.where, "'" + path + key + "' is missing: the " + kind + " to use");
    return choice;
  }
  const auto* text = name->get_if<std::string>();
  if (!text) {
    settings_detail::wrong_type(*name, path + key, "a text", faults);
    return choice;
  }
  choice.name = *text;
  const Where where = name->where;
  table.erase(key);
  role_keys.push_back(key);
  try {
    const LoadedPlugin plugin = registry.load(kind, choice.name);
    refuse_hidden_settings(*plugin.descriptor, role_keys, where, faults);
    plugin.descriptor->check(table, path, faults, choice.resolved).raise();
  } catch (const InputError& error) {
    faults.add(where, error.what());
  }
  choice.settings = std::move(table);
  return choice;
}

/// The same for a table that also holds the keys of `Role`, which are read into `role`.
template <class Role>
PluginChoice choose_with_role(PluginTable of, Role& role, const Registry& registry, SettingsFaults& faults) {
  Value own{Value::Table{}, of.table.where};
  std::vector<std::string> keys;
  for (const FieldInfo& field : describe_settings<Role>()) {
    if (const Value* value = of.table.find(field.name)) own.set(field.name, *value);
    of.table.erase(field.name);
    keys.push_back(field.name);
  }
  read_fields(own, role, faults, of.path);
  return choose(std::move(of), registry, faults, std::move(keys));
}

/// Calls use(table, path) for each table of the list `name`, where the file has it.
template <class Use>
void each_table(const Value& root, const std::string& name, SettingsFaults& faults, const Use& use) {
  const Value* found = root.find(name);
  if (!found) return;
  const auto* list = found->get_if<Value::Array>();
  if (!list) return settings_detail::wrong_type(*found, name, "a list of tables, each under [[" + name + "]]", faults);
  for (std::size_t i = 0; i < list->size(); ++i) {
    const std::string path = name + "[" + std::to_string(i) + "]";
    if ((*list)[i].is_table())
      use((*list)[i], path + ".");
    else
      settings_detail::wrong_type((*list)[i], path, "a table", faults);
  }
}

}  // namespace experiment_detail

}  // namespace cell2text
