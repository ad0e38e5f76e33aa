// The fields of settings as text for people and as JSON Schema for editors.
#pragma once

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cell2text/io/value_json.hpp"
#include "cell2text/settings.hpp"

namespace cell2text::driver {

/// "256", "\"l2\"", "none": a field's default as one would write it.
inline std::string default_text(const FieldInfo& field) {
  if (field.about.required) return "required";
  return field.has_default ? to_json(field.default_value).dump() : "unset";
}

/// What values a field takes, beside its type: choices, range, unit.
inline std::string allowed_text(const FieldInfo& field) {
  std::string text;
  for (const auto& choice : field.about.choices) text += (text.empty() ? "" : " | ") + ("\"" + choice + "\"");
  if (text.empty()) text = settings_detail::range_text(field.about);
  if (!field.about.unit.empty()) text += (text.empty() ? "" : " ") + field.about.unit;
  return text;
}

inline std::string fields_text(const std::vector<FieldInfo>& fields, const std::string& indent) {
  std::string text;
  for (const FieldInfo& field : fields) {
    text += indent + field.name + " (" + field.type + ", default " + default_text(field);
    if (const std::string allowed = allowed_text(field); !allowed.empty()) text += ", " + allowed;
    text += ")\n" + indent + "    " + field.about.help + "\n" + fields_text(field.fields, indent + "    ");
  }
  return text;
}

/// JSON Schema (draft 2020-12) of a table with these fields.
inline nlohmann::ordered_json json_schema(const std::vector<FieldInfo>& fields) {
  using Json = nlohmann::ordered_json;
  auto type_of = [](std::string_view type) -> Json {
    if (type == "boolean" || type == "integer" || type == "number") return {{"type", type}};
    if (type == "integer or auto") return {{"anyOf", Json::array({{{"type", "integer"}}, {{"const", "auto"}}})}};
    if (type == "integer or all") return {{"anyOf", Json::array({{{"type", "integer"}}, {{"const", "all"}}})}};
    if (type == "boolean or never") return {{"anyOf", Json::array({{{"type", "boolean"}}, {{"const", "never"}}})}};
    if (type == "size") return {{"anyOf", Json::array({{{"type", "string"}}, {{"type", "integer"}}})}};
    return {{"type", "string"}};
  };
  Json properties = Json::object(), required = Json::array();
  for (const FieldInfo& field : fields) {
    Json item;
    const std::string_view type = field.type;
    if (type == "table")
      item = json_schema(field.fields);
    else if (type == "table of number")
      item = {{"type", "object"}, {"additionalProperties", {{"type", "number"}}}};
    else if (type.starts_with("list of "))
      item = {{"type", "array"}, {"items", type_of(type.substr(8))}};
    else
      item = type_of(type);
    item["description"] = field.about.help + (field.about.unit.empty() ? "" : " (" + field.about.unit + ")");
    Json& number = type == "table of number" ? item["additionalProperties"] : item;
    if (std::isfinite(field.about.min)) number["minimum"] = field.about.min;
    if (std::isfinite(field.about.max)) number["maximum"] = field.about.max;
    if (!field.about.choices.empty()) item["enum"] = field.about.choices;
    if (field.has_default) item["default"] = to_json(field.default_value);
    if (field.about.required) required.push_back(field.name);
    properties[field.name] = item;
  }
  Json schema{{"type", "object"}, {"properties", properties}, {"additionalProperties", false}};
  if (!required.empty()) schema["required"] = required;
  return schema;
}

}  // namespace cell2text::driver
