// cell2text plugins list | info NAME; check and new are in plugins_check.cpp and plugins_new.cpp
#include <fmt/format.h>

#include "cell2text/io/value_json.hpp"
#include "cell2text/registry.hpp"
#include "commands.hpp"
#include "fields.hpp"
#include "plugin_commands.hpp"

namespace cell2text::driver {

namespace {

void list(bool as_json) {
  const Registry registry;
  if (as_json) {
    auto all = nlohmann::ordered_json::array();
    for (const PluginFile& plugin : registry.plugins())
      all.push_back({{"kind", plugin.kind},
                     {"name", plugin.name},
                     {"path", plugin.path.string()},
                     {"compiler", plugin.compiler},
                     {"build_type", plugin.build_type},
                     {"usable", plugin.refusal.empty()},
                     {"refusal", plugin.refusal}});
    fmt::print("{}\n", all.dump(2));
    return;
  }
  if (registry.plugins().empty()) {
    std::string folders;
    for (const auto& folder : Registry::default_search_path()) folders += "\n  " + folder.string();
    throw InputError("no plugins found; searched:" + folders +
                     "\nSet CELL2TEXT_PLUGIN_PATH to the folder that holds them");
  }
  fmt::print("{:<12} {:<14} {}\n", "KIND", "NAME", "LIBRARY");
  for (const PluginFile& plugin : registry.plugins())
    fmt::print("{:<12} {:<14} {}{}\n", plugin.kind, plugin.name, plugin.path.string(),
               plugin.refusal.empty() ? "" : "\n             refused: " + plugin.refusal);
  for (const auto& [path, reason] : registry.strangers())
    fmt::print(stderr, "not a plugin: {}: {}\n", path.string(), reason);
}

void info(const std::string& name, bool as_json) {
  const Registry registry;
  std::vector<std::string> names;
  bool found = false;
  auto all = nlohmann::ordered_json::array();
  for (const PluginFile& plugin : registry.plugins()) {
    names.push_back(plugin.name);
    if (plugin.name != name) continue;
    found = true;
    const LoadedPlugin loaded = registry.load(plugin.kind, plugin.name);
    std::vector<FieldInfo> fields;
    loaded.descriptor->schema(fields).raise();
    if (as_json) {
      all.push_back({{"kind", plugin.kind},
                     {"name", name},
                     {"help", loaded.descriptor->help},
                     {"path", plugin.path.string()},
                     {"settings", json_schema(fields)}});
      continue;
    }
    fmt::print("{} '{}': {}\n  library   {}\n  compiler  {} ({})\n  settings{}\n", plugin.kind, name,
               loaded.descriptor->help, plugin.path.string(), plugin.compiler, plugin.build_type,
               fields.empty() ? ": none" : "");
    fmt::print("{}", fields_text(fields, "    "));
  }
  if (!found) throw InputError("no plugin is called '" + name + "'" + suggestion(name, names));
  if (as_json) fmt::print("{}\n", all.dump(2));
}

}  // namespace

void add_plugins(CLI::App* plugins) {
  plugins->require_subcommand(1);
  static bool as_json = false;
  static std::string name;
  auto* all = plugins->add_subcommand("list", "All plugins on the search path");
  all->add_flag("--json", as_json, "Print JSON");
  all->callback([] { list(as_json); });
  auto* one = plugins->add_subcommand("info", "A plugin's settings: name, type, default, range, meaning");
  one->add_option("NAME", name, "As in the experiment file, e.g. geneformer")->required();
  one->add_flag("--json", as_json, "Print JSON");
  one->callback([] { info(name, as_json); });
  add_plugins_check(*plugins);
  add_plugins_new(*plugins);
}

}  // namespace cell2text::driver
