// An experiment file from disk, with the files that it builds on: `base = "other.toml"` at its top takes all that
// stands there, and what the file says itself stands above it. Host only: pulls in toml++.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/experiment.hpp"
#include "cell2text/io/toml.hpp"

namespace cell2text {

namespace experiment_file_detail {

/// The key that names a table's plugin.
inline const char* plugin_key(const std::string& table) {
  return table == "data" ? "source" : "plugin";
}

/// What stands in a role's table beside its plugin's settings, and so stays when the plugin is another.
inline bool is_role_key(const std::string& table, const std::string& key) {
  if (table != "encoder") return false;
  const auto fields = describe_settings<EncoderRole>();
  return std::ranges::find(fields, key, &FieldInfo::name) != fields.end();
}

/// Before `table` of an experiment is told `plugin`: where it had another, that one's settings go.
inline void make_way_for(Value& table, const std::string& name, const Value& plugin) {
  const Value* before = table.find(plugin_key(name));
  if (!before || value_detail::same(*before, plugin)) return;
  std::erase_if(*table.get_if<Value::Table>(), [&](const Entry& entry) { return !is_role_key(name, entry.key); });
}

/// Puts `above` over `below`: tables are joined, everything else is replaced.
inline void lay_over(Value& below, const Value& above, const std::string& name = "") {
  if (const Value* plugin = above.find(plugin_key(name)); plugin && !name.empty()) make_way_for(below, name, *plugin);
  for (const Entry& entry : *above.get_if<Value::Table>()) {
    Value* old = below.find(entry.key);
    if (old && old->is_table() && entry.value.is_table())
      lay_over(*old, entry.value, name.empty() ? entry.key : name + "." + entry.key);
    else
      below.set(entry.key, entry.value);
  }
}

inline std::string chain(const std::vector<std::filesystem::path>& files, const std::filesystem::path& last) {
  std::string text;
  for (const auto& file : files) text += file.string() + " -> ";
  return text + last.string();
}

inline Value read(const std::filesystem::path& path, std::vector<std::filesystem::path> files, const Where& named_at) {
  const auto whole = std::filesystem::weakly_canonical(path);
  for (const auto& file : files)
    if (std::filesystem::weakly_canonical(file) == whole)
      throw InputError(named_at.text() + ": 'base' goes in a circle: " + chain(files, path) +
                       "; one of them must stand without a base");
  Value root;
  try {
    root = read_toml(path);
  } catch (const InputError& error) {
    if (files.empty()) throw;
    throw InputError(named_at.text() + ": the 'base' cannot be read: " + error.what());
  }
  const Value* base = root.find("base");
  if (!base) return root;
  const Where where = base->where;
  const auto* text = base->get_if<std::string>();
  if (!text || text->empty())
    throw InputError(where.text() + ": 'base' is " + base->type_name() +
                     "; it must be the name of an experiment file, relative to the folder of this one");
  const auto next = path.parent_path() / *text;
  files.push_back(path);
  root.erase("base");
  Value below = read(next, std::move(files), where);
  lay_over(below, root);
  below.where = root.where;
  return below;
}

}  // namespace experiment_file_detail

/// The file's tree, laid over that of its `base`, where it has one (a path relative to the file's own folder), and so
/// on. A table that names another plugin than the base's takes none of that one's settings; lists are replaced whole.
/// Places in messages are those of the file in which a value stands. InputError: a file that cannot be read, or bases
/// that go in a circle.
inline Value read_experiment_file(const std::filesystem::path& path) {
  return experiment_file_detail::read(path, {}, {});
}

/// Sets one setting as the base's would be replaced: naming another plugin drops the settings of the former one.
/// `said` opens messages. Errors as set_setting.
inline void replace_setting(Value& root, const std::string& path, Value value, const std::string& said) {
  if (const auto dot = path.find('.'); dot != std::string::npos) {
    const std::string table = path.substr(0, dot);
    if (path.substr(dot + 1) == experiment_file_detail::plugin_key(table))
      if (Value* found = root.find(table); found && found->is_table())
        experiment_file_detail::make_way_for(*found, table, value);
  }
  set_setting(root, path, std::move(value), said);
}

}  // namespace cell2text
