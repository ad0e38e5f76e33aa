// References into a JSON value, where a copy (json.hpp's required<>) would cost as much as the file at each level of
// nesting. Types beyond "a list" are the caller's to check.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "cell2text/error.hpp"
#include "cell2text/io/json.hpp"

namespace cell2text {

/// The value under `key`, which lives as long as `json`. InputError where `json` is no object or the key is absent or
/// null; `where` names the object.
inline const nlohmann::json& json_member(const nlohmann::json& json, const std::string& key, const std::string& where) {
  if (!json.is_object())
    throw InputError(where + ": an object with the key '" + key + "' is expected, found " +
                     json_detail::type_name(json));
  const auto found = json.find(key);
  if (found == json.end() || found->is_null())
    throw InputError(where + ": '" + key + "' is missing; this file cannot be used without it");
  return *found;
}

/// The same for a list.
inline const nlohmann::json& json_list(const nlohmann::json& json, const std::string& key, const std::string& where) {
  const nlohmann::json& list = json_member(json, key, where);
  if (!list.is_array())
    throw InputError(where + ": '" + key + "' is " + json_detail::type_name(list) + " (" +
                     json_detail::shortened(list) + "), expected a list");
  return list;
}

}  // namespace cell2text
