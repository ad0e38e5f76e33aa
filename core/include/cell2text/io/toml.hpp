// TOML to and from the tree of values (value.hpp), and `--set key=value`. Host only: pulls in toml++.
#pragma once

// toml++ asserts in places that malformed text reaches ("a = [}"); where that does nothing, its error comes next.
#include <toml++/impl/preprocessor.h>
#undef TOML_ASSERT_ASSUME
#define TOML_ASSERT_ASSUME(expression) static_assert(true)
#include <toml++/toml.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

#include "cell2text/error.hpp"
#include "cell2text/settings.hpp"
#include "cell2text/text/utf8.hpp"
#include "cell2text/value.hpp"

namespace cell2text {

namespace toml_detail {

/// Whether a key may hold `c` without quotes.
inline bool is_bare(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

inline constexpr int max_depth = 100;
inline constexpr int max_key_parts = 20;

/// Behind a text in quotes that begins at `at`; npos where it does not end, or not on its line where it must.
inline std::size_t end_of_quoted(std::string_view text, std::size_t at) {
  const char quote = text[at];
  const std::string_view three = text.substr(at, 3);
  const bool lines = three == std::string(3, quote);
  for (std::size_t i = at + (lines ? 3 : 1); i < text.size(); ++i) {
    if (quote == '"' && text[i] == '\\')
      ++i;
    else if (!lines && text[i] == quote)
      return i + 1;
    else if (lines && text.substr(i, 3) == three)
      return std::min({text.find_first_not_of(quote, i), i + 5, text.size()});  // two more may belong to the text
    else if (!lines && text[i] == '\n')
      break;
  }
  return std::string_view::npos;
}

/// Where `text`, one in quotes, has a letter beyond ASCII behind a backslash or the line that it ends, of a text of
/// several lines; npos where it has none.
inline std::size_t letter_behind_backslash(std::string_view text) {
  if (!text.starts_with("\"\"\"")) return std::string_view::npos;
  for (std::size_t i = 3; i < text.size(); ++i) {
    if (text[i] != '\\') continue;
    const std::size_t next = std::min(text.find_first_not_of(" \t\r\n", i + 1), text.size());
    if (next < text.size() && static_cast<unsigned char>(text[next]) >= 0x80) return next;
    if (next == i + 1) ++i;  // what it stands for may be a backslash
  }
  return std::string_view::npos;
}

/// Refuses what the library dies of, outside of texts and comments: a.b.c... of very many parts, of each of which it
/// makes a table and walks over them by recursion; and letters beyond ASCII, for some of which toml++ 3.3 runs into
/// code that it declares unreachable, also in a text behind a bracket in the middle of a value, which it reads through,
/// and in a text of several lines behind a backslash, where it looks for blanks.
inline void check_keys(std::string_view text, const std::string& file) {
  int line = 1, parts = 1;
  const auto refuse = [&](const std::string& what) {
    throw InputError(file + ":" + std::to_string(line) + ": " + what);
  };
  const std::size_t begin = text.starts_with("\xEF\xBB\xBF") ? 3 : 0;
  const auto behind = [&](std::size_t i, std::string_view allowed) {
    return i == begin || allowed.find(text[i - 1]) != std::string_view::npos;
  };
  for (std::size_t i = begin; i < text.size();) {
    const char c = text[i];
    if (c == '"' || c == '\'') {
      if (!behind(i, " \t\r\n=,[{.")) refuse("a quote in the middle of a value");
      const std::size_t end = end_of_quoted(text, i);
      if (end == std::string_view::npos) refuse("a quote is opened and never closed");
      if (const auto at = letter_behind_backslash(text.substr(i, end - i)); at != std::string_view::npos) {
        line += static_cast<int>(std::ranges::count(text.substr(i, at), '\n'));
        refuse("a letter beyond ASCII behind a backslash; leave out the backslash");
      }
      line += static_cast<int>(std::count(text.begin() + static_cast<std::ptrdiff_t>(i),
                                          text.begin() + static_cast<std::ptrdiff_t>(end), '\n'));
      i = end;
      continue;
    }
    if (c == '#') {
      i = std::min(text.find('\n', i), text.size());
      continue;
    }
    if ((c == '[' || c == '{') && !behind(i, " \t\r\n=,[")) refuse("a bracket in the middle of a value");
    if (static_cast<unsigned char>(c) >= 0x80) refuse("a letter beyond ASCII outside of quotes; put it into quotes");
    if (c == '.' && ++parts > max_key_parts)
      refuse("a key of over " + std::to_string(max_key_parts) + " parts; an experiment has two or three");
    if (c == '=' || c == ',' || c == '\n' || c == '[' || c == ']' || c == '{' || c == '}') parts = 1;
    if (c == '\n') ++line;
    ++i;
  }
}

inline Value from_toml(const toml::node& node, const std::string& file, int depth = 0) {
  Value value;
  value.where = {file, static_cast<int>(node.source().begin.line), static_cast<int>(node.source().begin.column)};
  if (depth > max_depth)
    throw InputError(value.where.text() + ": nested deeper than " + std::to_string(max_depth) + " levels");
  if (const auto* table = node.as_table()) {
    Value::Table entries;  // keys differ: no look-up for each
    for (const auto& [key, item] : *table) {
      Value child = from_toml(item, file, depth + 1);
      // A message about a key points at the key, not at what it is set to.
      if (key.source().begin.line > 0)
        child.where = {file, static_cast<int>(key.source().begin.line), static_cast<int>(key.source().begin.column)};
      entries.push_back({std::string(key.str()), std::move(child)});
    }
    value.data = std::move(entries);
  } else if (const auto* array = node.as_array()) {
    Value::Array list;
    for (const auto& item : *array) list.push_back(from_toml(item, file, depth + 1));
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

inline std::string quoted(const std::string& text) {
  std::string all = "\"";
  for (const char c : text) {
    char code[8];
    if (c == '\n')
      all += "\\n";
    else if (c == '\t')
      all += "\\t";
    else if (c == '"' || c == '\\')
      (all += '\\') += c;
    else if ((c >= 0 && c < 0x20) || c == 0x7f)
      std::snprintf(code, sizeof code, "\\u%04X", c), all += code;
    else
      all += c;
  }
  return all + '"';
}

inline std::string key_text(const std::string& key) {
  const bool bare = !key.empty() && std::ranges::all_of(key, is_bare);
  return bare ? key : quoted(key);
}

/// A value on one line; a table as { a = 1 }.
inline std::string inline_text(const Value& value) {
  if (const auto* truth = value.get_if<bool>()) return *truth ? "true" : "false";
  if (const auto* whole = value.get_if<std::int64_t>()) return std::to_string(*whole);
  if (const auto* number = value.get_if<double>()) {
    char buffer[32];
    std::string text(buffer, std::to_chars(buffer, buffer + sizeof buffer, *number).ptr);
    return text.find_first_of(".en") == std::string::npos ? text + ".0" : text;  // with none of them it reads as whole
  }
  if (const auto* text = value.get_if<std::string>()) return quoted(*text);
  std::string all;
  if (const auto* list = value.get_if<Value::Array>()) {
    for (const Value& item : *list) all += (all.empty() ? "" : ", ") + inline_text(item);
    return "[" + all + "]";
  }
  for (const Entry& entry : *value.get_if<Value::Table>())
    all += (all.empty() ? "" : ", ") + key_text(entry.key) + " = " + inline_text(entry.value);
  return all.empty() ? "{}" : "{ " + all + " }";
}

inline bool is_list_of_tables(const Value& value) {
  const auto* list = value.get_if<Value::Array>();
  return list && !list->empty() && std::ranges::all_of(*list, &Value::is_table);
}

/// The table that `path` names: plain values first, since a header ends them, then the tables in it.
inline void write_table(const Value& table, const std::string& path, std::string& out) {
  const auto& entries = *table.get_if<Value::Table>();
  for (const Entry& entry : entries)
    if (!entry.value.is_table() && !is_list_of_tables(entry.value))
      out += key_text(entry.key) + " = " + inline_text(entry.value) + "\n";
  const auto section = [&](const Value& inner, const std::string& name, const char* open, const char* close) {
    out += (out.empty() ? "" : "\n") + (open + name) + close + "\n";
    write_table(inner, name + ".", out);
  };
  for (const Entry& entry : entries) {
    const std::string name = path + key_text(entry.key);
    if (entry.value.is_table())
      section(entry.value, name, "[", "]");
    else if (is_list_of_tables(entry.value))
      for (const Value& item : *entry.value.get_if<Value::Array>()) section(item, name, "[[", "]]");
  }
}

}  // namespace toml_detail

/// Parses TOML text; `file` stands in messages. InputError with line and column.
inline Value parse_toml(std::string_view text, const std::string& file) {
  toml_detail::check_keys(text, file);
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
  if (!in)
    throw InputError(path.string() + ": no such file, or it cannot be read; expected an experiment file (.toml)");
  std::ostringstream text;
  text << in.rdbuf();
  return parse_toml(text.str(), path.string());
}

/// The tree (a table) as TOML text, keys in their order, plain values before tables. Written here: the library sorts
/// keys, and what it writes for line breaks and control characters does not always read back.
inline std::string write_toml(const Value& value) {
  std::string out;
  toml_detail::write_table(value, "", out);
  return out;
}

/// Sets the setting that `path` ("a.b.c") names; tables on the way are made, a whole number selects an item of a list.
/// `said` opens the messages. InputError where the path leads through something else, or is endless.
inline void set_setting(Value& root, const std::string& path, Value value, const std::string& said) {
  if (std::count(path.begin(), path.end(), '.') >= toml_detail::max_key_parts)
    throw InputError(said.substr(0, 60) + "...: a key of over " + std::to_string(toml_detail::max_key_parts) +
                     " parts; an experiment has two or three");
  const Where where = value.where;
  Value* node = &root;
  std::size_t start = 0;
  while (true) {
    const auto dot = path.find('.', start);
    const std::string key = path.substr(start, dot == std::string::npos ? dot : dot - start);
    const bool last = dot == std::string::npos;
    if (auto* list = node->get_if<Value::Array>()) {
      const bool number = !key.empty() && key.find_first_not_of("0123456789") == std::string::npos;
      if (!number || key.size() > 9 || std::stoul(key) >= list->size())
        throw InputError(said + ": '" + key + "' is no item of a list of " + std::to_string(list->size()));
      node = &(*list)[std::stoul(key)];
      if (last) {
        *node = std::move(value);
        return;
      }
    } else if (node->is_table()) {
      if (last) {
        node->set(key, std::move(value));
        return;
      }
      Value* next = node->find(key);
      node = next ? next : &node->set(key, Value{Value::Table{}, where});
    } else {
      throw InputError(said + ": what stands before '" + key + "' is " + node->type_name() + ", not a table");
    }
    start = dot + 1;
  }
}

/// The path and the value of `--set a.b.c=value`. The value is read as TOML where it can be, else as a text
/// (`--set name=mine` needs no quotes).
inline std::pair<std::string, Value> parse_override(const std::string& assignment) {
  const auto equals = assignment.find('=');
  if (equals == std::string::npos || equals == 0)
    throw InputError("--set " + assignment + ": expected key=value, as in --set training.epochs=1");
  if (valid_utf8_prefix(assignment) != assignment.size())
    throw InputError("--set " + replace_invalid_utf8(assignment) + ": bytes that are no UTF-8 text");
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
  return {path, std::move(value)};
}

/// Applies one `--set a.b.c=value`.
inline void apply_override(Value& root, const std::string& assignment) {
  auto [path, value] = parse_override(assignment);
  set_setting(root, path, std::move(value), "--set " + assignment);
}

}  // namespace cell2text
