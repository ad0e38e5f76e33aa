// A safe reader for Python pickles (protocols 0 to 5) of plain values: it builds data and runs nothing.
// Only the dictionaries that published checkpoints bring are meant, not weights.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "cell2text/error.hpp"
#include "cell2text/io/json.hpp"
#include "cell2text/io/mapped_file.hpp"
#include "cell2text/io/pickle_machine.hpp"

namespace cell2text {

/// Reads one pickle from `bytes`; `where` names it in errors. dict, list, tuple, str, bytes, int (64 bits), float,
/// bool, None and numpy scalars (f8, f4, i8, i4) are understood. InputError: any other type or global (named, never
/// called), truncated or damaged bytes, more than 200 levels of nesting, or a small pickle that unfolds to a huge
/// value.
inline PickleValue read_pickle(std::span<const std::byte> bytes, const std::string& where) {
  return pickle_detail::Machine(bytes, where).run();
}

namespace pickle_detail {

/// Calls `add(key, value)` for the pairs of a dict with text keys; `value` is a number or a text.
template <class T, class Convert>
std::unordered_map<std::string, T> read_dict(const std::filesystem::path& path, const char* expected,
                                             Convert&& convert) {
  const auto file = MappedFile::open(path);
  const std::string where = path.string();
  std::unordered_map<std::string, T> result;
  const auto add = [&](const std::string& key, const PickleValue& value) {
    T converted = {};
    if (!convert(value, converted))
      throw InputError(where + ": the value of '" + key + "' is " + value.type_name() + ", expected " + expected);
    if (!result.emplace(key, std::move(converted)).second)
      throw InputError(where + ": '" + key + "' occurs twice; expected one entry for each name");
  };
  if (file->text().front() == '{') {
    const nlohmann::json json = parse_json(file->text(), where);
    for (const auto& [key, value] : json.items()) add(key, from_json(value));
    return result;
  }
  const PickleValue value = read_pickle(file->data(), where);
  const auto* dict = std::get_if<PickleValue::Dict>(&value.data);
  if (!dict) throw InputError(where + " holds " + value.type_name() + ", expected a dict");
  result.reserve(dict->items.size());
  for (const auto& [key, item] : dict->items) {
    const auto* name = std::get_if<std::string>(&key.data);
    if (!name) throw InputError(where + ": a key is " + key.type_name() + ", expected a text");
    add(*name, item);
  }
  return result;
}

}  // namespace pickle_detail

/// A dict of texts to whole numbers, for instance gene ids to tokens, from a pickle, or from a JSON object where the
/// file begins with '{'. InputError as read_pickle and read_json, and where a key or value has another type.
inline std::unordered_map<std::string, std::int64_t> read_string_int_dict(const std::filesystem::path& path) {
  return pickle_detail::read_dict<std::int64_t>(path, "a whole number",
                                                [](const PickleValue& value, std::int64_t& out) {
                                                  const auto* number = std::get_if<std::int64_t>(&value.data);
                                                  if (number) out = *number;
                                                  return number != nullptr;
                                                });
}

/// A dict of texts to finite numbers, for instance gene ids to medians. As read_string_int_dict.
inline std::unordered_map<std::string, double> read_string_double_dict(const std::filesystem::path& path) {
  return pickle_detail::read_dict<double>(path, "a finite number", [](const PickleValue& value, double& out) {
    if (const auto* whole = std::get_if<std::int64_t>(&value.data)) return out = static_cast<double>(*whole), true;
    const auto* number = std::get_if<double>(&value.data);
    if (number) out = *number;
    return number && std::isfinite(*number);
  });
}

/// A dict of texts to texts, for instance gene symbols to ids. As read_string_int_dict.
inline std::unordered_map<std::string, std::string> read_string_string_dict(const std::filesystem::path& path) {
  return pickle_detail::read_dict<std::string>(path, "a text", [](const PickleValue& value, std::string& out) {
    const auto* text = std::get_if<std::string>(&value.data);
    if (text) out = *text;
    return text != nullptr;
  });
}

}  // namespace cell2text
