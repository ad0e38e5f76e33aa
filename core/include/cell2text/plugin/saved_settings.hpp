// The settings that a saved part is opened again with.
#pragma once

#include <filesystem>
#include <utility>
#include <vector>

#include "cell2text/settings.hpp"

namespace cell2text {

/// What a part that lies in a folder of its own is opened with: settings that have a default say how it works, and
/// stay; the others say where it came from (a checkpoint, an architecture, files), and the folder takes their place.
inline Value settings_for_folder(const Value& saved, const std::vector<FieldInfo>& fields,
                                 const std::filesystem::path& folder, const Where& where) {
  Value settings{Value::Table{}, where};
  for (const FieldInfo& field : fields) {
    if (const Value* value = saved.find(field.name); value && field.has_default) settings.set(field.name, *value);
    if (field.name == "checkpoint") settings.set(field.name, {folder.string(), where});
  }
  return settings;
}

/// The same for an adapter, whose parameters are loaded when it is built: nothing takes the place of the others.
inline Value settings_without_origin(Value saved, const std::vector<FieldInfo>& fields) {
  for (const FieldInfo& field : fields)
    if (!field.has_default && !field.about.required) saved.erase(field.name);
  return saved;
}

}  // namespace cell2text
