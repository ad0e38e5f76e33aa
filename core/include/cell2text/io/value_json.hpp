// The tree of settings (value.hpp) to and from JSON: for cell2text.json and `--json`.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "cell2text/error.hpp"
#include "cell2text/value.hpp"

namespace cell2text {

inline nlohmann::ordered_json to_json(const Value& value) {
  return std::visit(
      []<class T>(const T& data) -> nlohmann::ordered_json {
        if constexpr (std::is_same_v<T, Value::Table>) {
          auto object = nlohmann::ordered_json::object();
          for (const Entry& entry : data) object[entry.key] = to_json(entry.value);
          return object;
        } else if constexpr (std::is_same_v<T, Value::Array>) {
          auto array = nlohmann::ordered_json::array();
          for (const Value& item : data) array.push_back(to_json(item));
          return array;
        } else {
          return data;
        }
      },
      value.data);
}

/// `file` stands in later messages about these values. InputError on null, which settings do not have, and on whole
/// numbers beyond 64 bits with a sign.
template <class Json>
Value value_from_json(const Json& json, const std::string& file) {
  Value value{Value::Table{}, {file, 0, 0}};
  if (json.is_object()) {
    Value::Table table;  // keys differ: no look-up for each
    for (const auto& [key, item] : json.items()) table.push_back({key, value_from_json(item, file)});
    value.data = std::move(table);
  } else if (json.is_array()) {
    Value::Array list;
    for (const auto& item : json) list.push_back(value_from_json(item, file));
    value.data = std::move(list);
  } else if (json.is_boolean()) {
    value.data = json.template get<bool>();
  } else if (json.is_number_unsigned() && !std::in_range<std::int64_t>(json.template get<std::uint64_t>())) {
    throw InputError(file + ": the number " + json.dump() + " does not fit into 64 bits with a sign");
  } else if (json.is_number_integer()) {
    value.data = json.template get<std::int64_t>();
  } else if (json.is_number()) {
    value.data = json.template get<double>();
  } else if (json.is_string()) {
    value.data = json.template get<std::string>();
  } else {
    throw InputError(file + ": null where a setting was expected");
  }
  return value;
}

}  // namespace cell2text
