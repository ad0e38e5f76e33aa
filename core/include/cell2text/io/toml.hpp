// TOML to and from the tree of values (value.hpp), and `--set key=value`. Host only: pulls in toml++.
#pragma once

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <toml++/toml.h>

#include "cell2text/error.hpp"
#include "cell2text/settings.hpp"
#include "cell2text/value.hpp"

namespace cell2text {

namespace toml_detail {

inline Value from_toml(const toml::node& node, const std::string& file) {
  Value value;
  value.where = {file, static_cast<int>(node.source().begin.line), static_cast<int>(node.source().begin.column)};
  if (const auto* table = node.as_table()) {
    for (const auto& [key, item] : *table) {
      Value child = from_toml(item, file);
      // A message about a key points at the key, not at what it is set to.
      if (key.source().begin.line > 0)
        child.where = {file, static_cast<int>(key.source().begin.line), static_cast<int>(key.source().begin.column)};
      value.set(std::string(key.str()), std::move(child));
    }
  } else if (const auto* array = node.as_array()) {
    Value::Array list;
    for (const auto& item : *array) list.push_back(from_toml(item, file));
    value.data = std::move(list);
  } else if (const auto* text = node.as_string()) {
    value.data = text->get();
  } else if (const auto* whole = node.as_integer()) {
    value.data = whole->get();
  } else if (const auto* number = node.as_floating_point()) {
    value.data = number->get();
  } else if (const auto* truth = node.as_boolean()) {
    value.data = truth->get();
  } else {
    throw InputError(value.where.text() + ": dates and times are not used here; write a text in quotes");
  }
  return value;
}

/// Says of a value and all in it that it was written at `where`.
inline void place(Value& value, const Where& where) {
  value.where = where;
  if (auto* table = value.get_if<Value::Table>())
    for (Entry& entry : *table) place(entry.value, where);
  if (auto* list = value.get_if<Value::Array>())
    for (Value& item : *list) place(item, where);
}

inline void insert_into(toml::table& table, const std::string& key, const Value& value);

inline toml::array to_array(const Value::Array& list) {
  toml::array array;
  for (const Value& item : list) {
    toml::table holder;
    insert_into(holder, "x", item);
    if (auto* node = holder.get("x")) node->visit([&](auto& concrete) { array.push_back(std::move(concrete)); });
  }
  return array;
}

inline void insert_into(toml::table& table, const std::string& key, const Value& value) {
  std::visit(
      [&]<class T>(const T& data) {
        if constexpr (std::is_same_v<T, Value::Table>) {
          toml::table inner;
          for (const Entry& entry : data) insert_into(inner, entry.key, entry.value);
          table.insert_or_assign(key, std::move(inner));
        } else if constexpr (std::is_same_v<T, Value::Array>) {
          table.insert_or_assign(key, to_array(data));
        } else {
          table.insert_or_assign(key, data);
        }
      },
      value.data);
}

}  // namespace toml_detail

/// Parses TOML text; `file` stands in messages. InputError with line and column.
inline Value parse_toml(std::string_view text, const std::string& file) {
  try {
    return toml_detail::from_toml(toml::parse(text, std::string_view(file)), file);
  } catch (const toml::parse_error& error) {
    const auto& begin = error.source().begin;
    throw InputError(Where{file, static_cast<int>(begin.line), static_cast<int>(begin.column)}.text() + ": " +
                     std::string(error.description()));
  }
}

inline Value read_toml(const std::filesystem::path& path) {
  if (std::filesystem::is_directory(path))
    throw InputError(path.string() + " is a folder; expected an experiment file (.toml)");
  std::ifstream in(path, std::ios::binary);
  if (!in) throw InputError(path.string() + ": no such file, or it cannot be read; expected an experiment file (.toml)");
  std::ostringstream text;
  text << in.rdbuf();
  return parse_toml(text.str(), path.string());
}

/// The tree as TOML text; keys in alphabetical order.
inline std::string write_toml(const Value& value) {
  toml::table table;
  for (const Entry& entry : *value.get_if<Value::Table>()) toml_detail::insert_into(table, entry.key, entry.value);
  std::ostringstream out;
  // Only in its plain form does the library write every text so that it reads the same: a line break at the start
  // of a multi-line text is lost, and one within a literal text is no TOML.
  const auto flags = toml::toml_formatter::default_flags &
                     ~(toml::format_flags::allow_multi_line_strings | toml::format_flags::allow_literal_strings);
  out << toml::toml_formatter(table, flags) << '\n';
  return out.str();
}

/// Applies one `--set a.b.c=value`. The value is read as TOML where it can be, else as a text
/// (`--set name=mine` needs no quotes). A whole number in the path selects an item of a list.
inline void apply_override(Value& root, const std::string& assignment) {
  const auto equals = assignment.find('=');
  if (equals == std::string::npos || equals == 0)
    throw InputError("--set " + assignment + ": expected key=value, as in --set training.epochs=1");
  const std::string path = assignment.substr(0, equals), text = assignment.substr(equals + 1);
  const Where where{"--set " + path, 0, 0};
  Value value;
  try {
    const Value parsed = parse_toml("x = " + text, where.file);
    if (parsed.get_if<Value::Table>()->size() != 1) throw InputError("a line break that begins another key");
    value = *parsed.find("x");
  } catch (const InputError&) {
    value.data = text;
  }
  toml_detail::place(value, where);

  Value* node = &root;
  std::size_t start = 0;
  while (true) {
    const auto dot = path.find('.', start);
    const std::string key = path.substr(start, dot == std::string::npos ? dot : dot - start);
    const bool last = dot == std::string::npos;
    if (auto* list = node->get_if<Value::Array>()) {
      const bool number = !key.empty() && key.find_first_not_of("0123456789") == std::string::npos;
      if (!number || key.size() > 9 || std::stoul(key) >= list->size())
        throw InputError("--set " + assignment + ": '" + key + "' is no item of a list of " + std::to_string(list->size()));
      node = &(*list)[std::stoul(key)];
      if (last) { *node = std::move(value); return; }
    } else if (node->is_table()) {
      if (last) { node->set(key, std::move(value)); return; }
      Value* next = node->find(key);
      node = next ? next : &node->set(key, Value{Value::Table{}, where});
    } else {
      throw InputError("--set " + assignment + ": what stands before '" + key + "' is " + node->type_name() + ", not a table");
    }
    start = dot + 1;
  }
}

}  // namespace cell2text
