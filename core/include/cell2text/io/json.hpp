// Reading JSON files with errors that name file, line and column, and typed access to their values.
// Settings files are TOML and live elsewhere.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "cell2text/error.hpp"
#include "cell2text/io/mapped_file.hpp"

namespace cell2text {
namespace json_detail {

inline constexpr int max_depth = 500;

/// "line:column" of a byte of `text`, of which the first line has the number `line`.
inline std::string position_of(std::string_view text, std::size_t offset, std::size_t line) {
  std::size_t column = 1;
  for (std::size_t i = 0; i < offset && i < text.size(); ++i) {
    if (text[i] == '\n') {
      ++line;
      column = 1;
    } else if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) {
      ++column;  // columns count characters, not bytes
    }
  }
  return std::to_string(line) + ":" + std::to_string(column);
}

/// Refuses what the parser would take without a word or die of: bytes of zero, endless nesting.
inline void check_text(std::string_view text, const std::string& where, std::size_t first_line) {
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\0')
      throw InputError(where + ":" + position_of(text, i, first_line) +
                       ": a byte of value zero; JSON is expected, this is perhaps a binary file");
    if (quoted) {
      if (c == '\\') {
        ++i;
      } else if (c == '"') {
        quoted = false;
      }
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      if (++depth > max_depth)
        throw InputError(where + ":" + position_of(text, i, first_line) + ": nested deeper than " +
                         std::to_string(max_depth) + " levels; this is no file of a model");
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
}

inline const char* type_name(const nlohmann::json& value) {
  switch (value.type()) {
    case nlohmann::json::value_t::null:
      return "null";
    case nlohmann::json::value_t::boolean:
      return "true or false";
    case nlohmann::json::value_t::number_integer:
    case nlohmann::json::value_t::number_unsigned:
      return "a whole number";
    case nlohmann::json::value_t::number_float:
      return "a number";
    case nlohmann::json::value_t::string:
      return "a text";
    case nlohmann::json::value_t::array:
      return "a list";
    case nlohmann::json::value_t::object:
      return "an object";
    default:
      return "something unknown";
  }
}

template <class T>
struct Element {};
template <class T>
struct Element<std::vector<T>> {
  using type = T;
};
template <class T>
concept List = requires {
  typename Element<T>::type;
};

/// The value as T, or the words for what was expected instead.
template <class T>
std::optional<T> convert(const nlohmann::json& value, std::string& expected) {
  if constexpr (std::is_same_v<T, nlohmann::json>) {
    return value;
  } else if constexpr (std::is_same_v<T, bool>) {
    expected = "true or false";
    if (value.is_boolean()) return value.get<bool>();
  } else if constexpr (std::is_integral_v<T>) {
    using Limits = std::numeric_limits<T>;
    expected = "a whole number from " + std::to_string(Limits::min()) + " to " + std::to_string(Limits::max());
    if (value.is_number_unsigned() && std::in_range<T>(value.get<std::uint64_t>()))
      return static_cast<T>(value.get<std::uint64_t>());
    if (value.is_number_integer() && !value.is_number_unsigned() && std::in_range<T>(value.get<std::int64_t>()))
      return static_cast<T>(value.get<std::int64_t>());
  } else if constexpr (std::is_floating_point_v<T>) {
    expected = "a number";
    if (value.is_number() && std::isfinite(value.get<T>())) return value.get<T>();
  } else if constexpr (std::is_same_v<T, std::string>) {
    expected = "a text";
    if (value.is_string()) return value.get<std::string>();
  } else {
    static_assert(List<T>, "required<T>: T is bool, a number, std::string, nlohmann::json or a vector of these");
    expected = "a list";
    if (!value.is_array()) return std::nullopt;
    T list;
    for (const auto& element : value) {
      auto converted = convert<typename Element<T>::type>(element, expected);
      if (!converted) {
        expected = "a list of which each element is " + expected;
        return std::nullopt;
      }
      list.push_back(std::move(*converted));
    }
    return list;
  }
  return std::nullopt;
}

inline std::string shortened(const nlohmann::json& value) {
  std::string text = value.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
  if (text.size() > 60) text.replace(57, std::string::npos, "...");
  return text;
}

}  // namespace json_detail

/// Parses JSON text. `where` names it in errors: InputError "where:line:column: ...".
/// Invalid UTF-8, bytes of zero and more than 500 levels of nesting are errors as well.
inline nlohmann::json parse_json(std::string_view text, const std::string& where, std::size_t first_line = 1) {
  json_detail::check_text(text, where, first_line);
  try {
    return nlohmann::json::parse(text.begin(), text.end());
  } catch (const nlohmann::json::parse_error& error) {
    const std::size_t offset = error.byte > 0 ? error.byte - 1 : 0;
    std::string reason = error.what();  // "[json....] parse error at line 1, column 2: REASON"
    if (const auto colon = reason.find(": "); colon != std::string::npos) reason.erase(0, colon + 2);
    throw InputError(where + ":" + json_detail::position_of(text, offset, first_line) + ": not valid JSON: " + reason);
  } catch (const nlohmann::json::exception& error) {
    throw InputError(where + ":" + std::to_string(first_line) + ": not usable JSON: " + error.what());
  }
}

/// Reads a JSON file. Errors as MappedFile::open and parse_json.
inline nlohmann::json read_json(const std::filesystem::path& path) {
  return parse_json(MappedFile::open(path)->text(), path.string());
}

/// The value under `key` as T, or nullopt where it is absent or null. `where` names the object in errors, mostly
/// the file's path. InputError where `json` is no object or the value has another type. T: bool, a whole number
/// (checked against T's range), a floating-point number, std::string, nlohmann::json, or a vector of these.
template <class T>
std::optional<T> optional_value(const nlohmann::json& json, const std::string& key, const std::string& where) {
  if (!json.is_object())
    throw InputError(where + ": an object with the key '" + key + "' is expected, found " +
                     json_detail::type_name(json));
  const auto found = json.find(key);
  if (found == json.end() || found->is_null()) return std::nullopt;
  std::string expected;
  auto value = json_detail::convert<T>(*found, expected);
  if (!value)
    throw InputError(where + ": '" + key + "' is " + json_detail::type_name(*found) + " (" +
                     json_detail::shortened(*found) + "), expected " + expected);
  return value;
}

/// As optional_value, but a key that is absent or null is an InputError that names it.
template <class T>
T required(const nlohmann::json& json, const std::string& key, const std::string& where) {
  if (auto value = optional_value<T>(json, key, where)) return std::move(*value);
  throw InputError(where + ": '" + key + "' is missing" + (json.contains(key) ? " (it is null)" : "") +
                   "; this file cannot be used without it");
}

}  // namespace cell2text
