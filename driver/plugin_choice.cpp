#include "plugin_choice.hpp"

#include <map>

#include "console.hpp"

namespace cell2text::driver {

namespace {

/// The plugins of a kind with the model types that they open.
std::map<std::string, std::vector<std::string>> model_types(const std::string& kind, const Registry& registry) {
  std::map<std::string, std::vector<std::string>> all;
  for (const PluginFile& file : registry.plugins()) {
    if (file.kind != kind || !file.refusal.empty()) continue;
    try {
      std::vector<std::string> types;
      registry.load(kind, file.name).descriptor->model_types(types).raise();
      all[file.name] = std::move(types);
    } catch (const InputError& error) {  // the others are still of use
      log().warning(error.what());
    }
  }
  return all;
}

}  // namespace

std::string plugin_for(const std::string& kind, const std::string& model_type, const std::filesystem::path& where,
                       const Registry& registry) {
  std::vector<std::string> found;
  std::string known;
  for (const auto& [plugin, types] : model_types(kind, registry)) {
    if (std::ranges::find(types, model_type) != types.end()) found.push_back(plugin);
    for (const std::string& one : types) known += (known.empty() ? "" : ", ") + one + " (" + plugin + ")";
  }
  if (found.size() == 1) return found.front();
  if (found.empty())
    throw InputError(where.string() + ": no " + kind + " plugin opens model_type '" + model_type +
                     "'; known: " + (known.empty() ? "none" : known) + ". --plugin NAME chooses one all the same");
  throw InputError(where.string() + ": several " + kind + " plugins open model_type '" + model_type + "': " + found[0] +
                   " and " + found[1] + "; choose with --plugin NAME");
}

}  // namespace cell2text::driver
