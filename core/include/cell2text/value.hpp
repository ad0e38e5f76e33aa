// A settings file as a tree of values that remember where they were written.
// Plugins see this tree, never the TOML library; `io/toml.hpp` makes it from a file.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace cell2text {

/// Where a value was written: a file with line and column (from 1), or "--set" with line 0.
struct Where {
  std::string file;
  int line = 0;
  int column = 0;

  std::string text() const {
    if (line == 0) return file;
    return file + ":" + std::to_string(line) + ":" + std::to_string(column);
  }
};

struct Entry;

/// One value: a boolean, a whole number, a number, a text, a list or a table (in file order).
struct Value {
  using Array = std::vector<Value>;
  using Table = std::vector<Entry>;

  using Data = std::variant<bool, std::int64_t, double, std::string, Array, Table>;

  Data data;
  Where where;

  /// An empty table. The constructors stand behind Entry: clang 14 makes no list of an incomplete type.
  Value();
  Value(Data data, Where where);
  explicit Value(Data data);

  template <class T>
  const T* get_if() const {
    return std::get_if<T>(&data);
  }
  template <class T>
  T* get_if() {
    return std::get_if<T>(&data);
  }

  bool is_table() const { return get_if<Table>() != nullptr; }

  /// The value under `key` of a table, or null where there is none or this is no table.
  const Value* find(std::string_view key) const;
  Value* find(std::string_view key);

  /// Sets `key` of a table, in place where it exists, else at the end. This must be a table.
  Value& set(std::string key, Value value);

  /// Removes `key` of a table; returns whether it was there.
  bool erase(std::string_view key);

  /// "a text", "a whole number", ...: how messages call the type of this value.
  const char* type_name() const {
    static constexpr const char* names[] = {"true or false", "a whole number", "a number",
                                            "a text",        "a list",         "a table"};
    return names[data.index()];
  }
};

struct Entry {
  std::string key;
  Value value;
};

inline Value::Value() : data(Table{}) {}
inline Value::Value(Data data, Where where) : data(std::move(data)), where(std::move(where)) {}
inline Value::Value(Data data) : data(std::move(data)) {}

inline const Value* Value::find(std::string_view key) const {
  if (const auto* table = get_if<Table>())
    for (const Entry& entry : *table)
      if (entry.key == key) return &entry.value;
  return nullptr;
}

inline Value* Value::find(std::string_view key) {
  return const_cast<Value*>(std::as_const(*this).find(key));
}

inline Value& Value::set(std::string key, Value value) {
  if (Value* old = find(key)) return *old = std::move(value);
  auto& table = std::get<Table>(data);
  table.push_back({std::move(key), std::move(value)});
  return table.back().value;
}

inline bool Value::erase(std::string_view key) {
  if (auto* table = get_if<Table>())
    for (auto entry = table->begin(); entry != table->end(); ++entry)
      if (entry->key == key) return table->erase(entry), true;
  return false;
}

namespace value_detail {

inline bool same(const Value& a, const Value& b);

inline void compare(const Value& a, const Value& b, const std::string& path, std::vector<std::string>& differing) {
  const auto *in_a = a.get_if<Value::Table>(), *in_b = b.get_if<Value::Table>();
  for (const Entry& entry : *in_a) {
    const Value* other = b.find(entry.key);
    if (other && other->is_table() && entry.value.is_table())
      compare(entry.value, *other, path + entry.key + ".", differing);
    else if (!other || !same(entry.value, *other))
      differing.push_back(path + entry.key);
  }
  for (const Entry& entry : *in_b)
    if (!a.find(entry.key)) differing.push_back(path + entry.key);
}

inline bool same(const Value& a, const Value& b) {
  if (a.data.index() != b.data.index()) return false;
  if (const auto* list = a.get_if<Value::Array>()) {
    const auto& other = *b.get_if<Value::Array>();
    return std::equal(list->begin(), list->end(), other.begin(), other.end(), same);
  }
  if (a.is_table()) {
    std::vector<std::string> differing;
    compare(a, b, "", differing);
    return differing.empty();
  }
  if (const auto* flag = a.get_if<bool>()) return *flag == *b.get_if<bool>();
  if (const auto* whole = a.get_if<std::int64_t>()) return *whole == *b.get_if<std::int64_t>();
  if (const auto* number = a.get_if<double>()) return *number == *b.get_if<double>();
  return *a.get_if<std::string>() == *b.get_if<std::string>();
}

}  // namespace value_detail

/// Dotted names of the keys under which two tables differ, wherever their values were written.
inline std::vector<std::string> differing_keys(const Value& a, const Value& b) {
  std::vector<std::string> keys;
  value_detail::compare(a, b, "", keys);
  return keys;
}

}  // namespace cell2text
