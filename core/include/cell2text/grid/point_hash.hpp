// A hash of all in an experiment that its result depends on: two runs of one hash are the same run. What changes
// nothing in a result is no part of it (result_settings.hpp), and a path counts by what it names. Host only.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "cell2text/experiment.hpp"
#include "cell2text/io/path_contents.hpp"
#include "cell2text/io/sha256.hpp"
#include "cell2text/io/value_json.hpp"
#include "cell2text/result_settings.hpp"

namespace cell2text {

namespace point_hash_detail {

/// Texts without a default or choices that name something are replaced by what is there.
inline void replace_paths(Value& table, const std::vector<FieldInfo>& fields, PathContents& contents) {
  for (const FieldInfo& field : fields) {
    Value* value = table.find(field.name);
    if (!value) continue;
    if (value->is_table()) {
      replace_paths(*value, field.fields, contents);
      continue;
    }
    const auto* text = value->get_if<std::string>();
    std::error_code ignored;
    if (text && !text->empty() && !field.has_default && field.about.choices.empty() &&
        std::filesystem::exists(*text, ignored))
      value->data = contents.of(*text);
  }
}

inline void replace_paths(Value& table, const PluginChoice& choice, const Registry& registry, PathContents& contents) {
  std::vector<FieldInfo> fields;
  registry.load(choice.kind, choice.name).descriptor->schema(fields).raise();
  replace_paths(table, fields, contents);
}

inline void drop_without_effect(Value& table, const std::string& path) {
  std::erase_if(*table.get_if<Value::Table>(), [&](Entry& entry) {
    if (changes_no_result(path + entry.key)) return true;
    if (entry.value.is_table()) drop_without_effect(entry.value, path + entry.key + ".");
    return false;
  });
}

}  // namespace point_hash_detail

/// 64 hexadecimal digits. Errors as PathContents.
inline std::string point_hash(const Experiment& experiment, const Registry& registry, PathContents& contents) {
  using namespace point_hash_detail;
  Value root = experiment.resolved();
  const std::pair<const char*, const PluginChoice*> parts[] = {{"data", &experiment.data},
                                                               {"encoder", &experiment.encoder},
                                                               {"adapter", &experiment.adapter},
                                                               {"decoder", &experiment.decoder},
                                                               {"finetuning", &experiment.finetuning}};
  for (const auto& [table, choice] : parts) replace_paths(*root.find(table), *choice, registry, contents);
  replace_paths(*root.find("descriptions"), describe_settings<DescriptionSettings>(), contents);
  if (Value* metrics = root.find("metrics"))
    for (std::size_t i = 0; i < experiment.metrics.size(); ++i)
      replace_paths((*metrics->get_if<Value::Array>())[i], experiment.metrics[i].plugin, registry, contents);
  if (Value* baselines = root.find("baselines"))
    for (std::size_t i = 0; i < experiment.baselines.size(); ++i)
      replace_paths((*baselines->get_if<Value::Array>())[i], experiment.baselines[i].plugin, registry, contents);
  drop_without_effect(root, "");
  return sha256(nlohmann::json(to_json(root)).dump());  // keys sorted
}

}  // namespace cell2text
