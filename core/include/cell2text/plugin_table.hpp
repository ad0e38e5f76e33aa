// A table of an experiment file that names a plugin, and how it is read: the plugin's own keys, those of its role, and
// lists of such tables.
#pragma once

#include <algorithm>
#include <string>
#include <utility>

#include "cell2text/registry.hpp"
#include "cell2text/settings.hpp"

namespace cell2text {

/// A plugin picked for a role, with its settings: as written, and with every default.
struct PluginChoice {
  std::string kind, name;
  Value settings;
  Value resolved;
};

namespace experiment_detail {

/// Takes the key that names the plugin out of `table`, finds the plugin and checks its settings.
inline PluginChoice choose(Value table, const std::string& kind, const std::string& key, const std::string& path,
                           const Registry& registry, SettingsFaults& faults) {
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
  try {
    const LoadedPlugin plugin = registry.load(kind, choice.name);
    plugin.descriptor->check(table, path, faults, choice.resolved).raise();
  } catch (const InputError& error) {
    faults.add(where, error.what());
  }
  choice.settings = std::move(table);
  return choice;
}

/// Takes the keys of `Role` out of a plugin's table and reads them.
template <class Role>
Role take_role(Value& table, const std::string& path, SettingsFaults& faults) {
  Value own{Value::Table{}, table.where};
  for (const FieldInfo& field : describe_settings<Role>()) {
    if (const Value* value = table.find(field.name)) own.set(field.name, *value);
    table.erase(field.name);
  }
  Role role;
  read_fields(own, role, faults, path);
  return role;
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
