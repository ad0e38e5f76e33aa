// Settings that describe themselves: a plain struct lists its fields once, with help, unit and
// range, and from that list come reading (strict), writing with every default, and the schema.
//
//   struct Settings {
//     std::int64_t width = 256;
//     static void describe(auto& s) {
//       s.field("width", &Settings::width, {.help = "features per gene", .min = 1});
//     }
//   };
//
// Field types: bool, std::int64_t, double, std::string, IntOrAuto, IntOrAll, std::optional of these (unset
// when the key is absent), lists of them, and std::optional<T> of a struct that describes itself.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cell2text/error.hpp"
#include "cell2text/value.hpp"

namespace cell2text {

/// A whole number, or "auto" (no value): the program chooses.
struct IntOrAuto {
  static constexpr const char *word = "auto", *type = "integer or auto";
  std::optional<std::int64_t> value;
};

/// A whole number, or "all" (no value).
struct IntOrAll {
  static constexpr const char *word = "all", *type = "integer or all";
  std::optional<std::int64_t> value;
};

/// What a field's author says about it. A bound that is not set does not apply.
struct About {
  std::string help;
  std::string unit = {};
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
  std::vector<std::string> choices = {};
  bool required = false;
};

/// A field as plain data, for `schema`, `plugins info` and the documentation.
struct FieldInfo {
  std::string name;
  std::string type;  ///< "boolean", "integer", "number", "text", "integer or auto" (or all), "table", "list of ..."
  About about;
  Value default_value;  ///< meaningful where `has_default`
  bool has_default = false;
  std::vector<FieldInfo> fields;  ///< of a table
};

/// All that is wrong with a file, gathered so that one run reports every fault.
struct SettingsFaults {
  struct One {
    Where where;
    std::string message;
  };
  std::vector<One> list;

  void add(Where where, std::string message) { list.push_back({std::move(where), std::move(message)}); }

  /// One line a fault, in the order of the file.
  std::string text() const {
    std::vector<One> sorted = list;
    std::ranges::stable_sort(sorted, {}, [](const One& one) { return std::pair(one.where.line, one.where.column); });
    std::string all;
    for (const One& one : sorted) {
      if (!all.empty()) all += '\n';
      if (!one.where.file.empty()) all += one.where.text() + ": ";
      all += one.message;
    }
    return all;
  }
  /// Throws InputError with every fault, or does nothing where there is none.
  void raise() const {
    if (!list.empty()) throw InputError(text());
  }
};

/// The candidate with the smallest edit distance, where it is near enough to be a typing error; else "".
inline std::string nearest_name(std::string_view wrong, const std::vector<std::string>& candidates) {
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(2, wrong.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    std::vector<std::size_t> row(candidate.size() + 1);
    for (std::size_t j = 0; j < row.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= wrong.size(); ++i) {
      std::size_t diagonal = row[0];
      row[0] = i;
      for (std::size_t j = 1; j < row.size(); ++j) {
        const std::size_t substituted = diagonal + (wrong[i - 1] != candidate[j - 1]);
        diagonal = row[j];
        row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
      }
    }
    if (row.back() < best_distance) best = candidate, best_distance = row.back();
  }
  return best;
}

/// "; did you mean X?" or, with no near name, "; known: a, b, c".
inline std::string suggestion(std::string_view wrong, const std::vector<std::string>& candidates) {
  if (const std::string near = nearest_name(wrong, candidates); !near.empty()) return "; did you mean '" + near + "'?";
  std::string all = "; known: ";
  for (std::size_t i = 0; i < candidates.size(); ++i) all += (i ? ", " : "") + candidates[i];
  return candidates.empty() ? std::string() : all;
}

namespace settings_detail {

/// How one field type is named, read from a Value and written to one.
template <class T>
struct Field;

inline std::string shortest(double number) {
  if (number == std::floor(number) && std::abs(number) < 1e15) return std::to_string(static_cast<std::int64_t>(number));
  char buffer[32];
  for (int digits = 1; digits <= 17; ++digits) {
    std::snprintf(buffer, sizeof buffer, "%.*g", digits, number);
    if (std::stod(buffer) == number) break;
  }
  return buffer;
}

/// "between 1 and 10", "at least 1", "at most 1": the range in words.
inline std::string range_text(const About& about) {
  const bool low = std::isfinite(about.min), high = std::isfinite(about.max);
  if (low && high) return "between " + shortest(about.min) + " and " + shortest(about.max);
  if (low) return "at least " + shortest(about.min);
  return high ? "at most " + shortest(about.max) : "";
}

inline bool in_range(double number, const About& about, const Value& value, const std::string& key,
                     SettingsFaults& faults) {
  if (number >= about.min && number <= about.max) return true;
  faults.add(value.where, "'" + key + "' is " + shortest(number) + "; it must be " + range_text(about) +
                              (about.unit.empty() ? "" : " (" + about.unit + ")"));
  return false;
}

inline void wrong_type(const Value& value, const std::string& key, const std::string& wanted, SettingsFaults& faults) {
  std::string found = value.type_name();
  if (const auto* text = value.get_if<std::string>()) found += " ('" + *text + "')";
  faults.add(value.where, "'" + key + "' is " + found + "; it must be " + wanted);
}

template <>
struct Field<bool> {
  static constexpr const char* type = "boolean";
  static void read(const Value& value, const std::string& key, const About&, bool& out, SettingsFaults& faults) {
    if (const auto* found = value.get_if<bool>())
      out = *found;
    else
      wrong_type(value, key, "true or false", faults);
  }
  static Value write(bool field) { return {field, {}}; }
};

template <>
struct Field<std::int64_t> {
  static constexpr const char* type = "integer";
  static void read(const Value& value, const std::string& key, const About& about, std::int64_t& out,
                   SettingsFaults& faults) {
    const auto* found = value.get_if<std::int64_t>();
    if (!found) return wrong_type(value, key, "a whole number", faults);
    if (in_range(static_cast<double>(*found), about, value, key, faults)) out = *found;
  }
  static Value write(std::int64_t field) { return {field, {}}; }
};

template <>
struct Field<double> {
  static constexpr const char* type = "number";
  static void read(const Value& value, const std::string& key, const About& about, double& out,
                   SettingsFaults& faults) {
    double number = 0;
    if (const auto* found = value.get_if<double>())
      number = *found;
    else if (const auto* whole = value.get_if<std::int64_t>())
      number = static_cast<double>(*whole);
    else
      return wrong_type(value, key, "a number", faults);
    if (std::isnan(number)) return faults.add(value.where, "'" + key + "' is nan; it must be a number");
    if (in_range(number, about, value, key, faults)) out = number;
  }
  static Value write(double field) { return {field, {}}; }
};

template <>
struct Field<std::string> {
  static constexpr const char* type = "text";
  static void read(const Value& value, const std::string& key, const About& about, std::string& out,
                   SettingsFaults& faults) {
    const auto* found = value.get_if<std::string>();
    if (!found) return wrong_type(value, key, "a text", faults);
    if (!about.choices.empty() && std::ranges::find(about.choices, *found) == about.choices.end())
      return faults.add(
          value.where, "'" + key + "' is '" + *found + "'; it must be one of " + [&] {
            std::string all;
            for (const auto& c : about.choices) all += (all.empty() ? "'" : ", '") + c + "'";
            return all;
          }() + (nearest_name(*found, about.choices).empty() ? "" : suggestion(*found, about.choices)));
    out = *found;
  }
  static Value write(const std::string& field) { return {field, {}}; }
};

/// IntOrAuto, IntOrAll.
template <class T>
requires requires(T field) {
  T::word, field.value;
}
struct Field<T> {
  static constexpr const char* type = T::type;
  static void read(const Value& value, const std::string& key, const About& about, T& out, SettingsFaults& faults) {
    if (const auto* text = value.get_if<std::string>(); text && *text == T::word) return void(out.value.reset());
    const auto* found = value.get_if<std::int64_t>();
    if (!found) return wrong_type(value, key, std::string("a whole number or '") + T::word + "'", faults);
    if (in_range(static_cast<double>(*found), about, value, key, faults)) out.value = *found;
  }
  static Value write(const T& field) {
    if (field.value) return {*field.value, {}};
    return {std::string(T::word), {}};
  }
};

template <class T>
struct Field<std::vector<T>> {
  static inline const std::string type = std::string("list of ") + Field<T>::type;
  static void read(const Value& value, const std::string& key, const About& about, std::vector<T>& out,
                   SettingsFaults& faults) {
    const auto* list = value.get_if<Value::Array>();
    if (!list) return wrong_type(value, key, "a list", faults);
    std::vector<T> read_items(list->size());
    for (std::size_t i = 0; i < list->size(); ++i) {
      T item{};
      Field<T>::read((*list)[i], key + "[" + std::to_string(i) + "]", about, item, faults);
      read_items[i] = std::move(item);
    }
    out = std::move(read_items);
  }
  static Value write(const std::vector<T>& field) {
    Value::Array list;
    for (const auto& item : field) list.push_back(Field<T>::write(item));
    return {std::move(list), {}};
  }
};

}  // namespace settings_detail

/// A struct that lists its fields through `describe`.
template <class S>
concept DescribesItself = std::default_initializable<S> && requires(struct AnyVisitor& visitor) {
  &S::template describe<AnyVisitor>;
};

template <class S>
void read_fields(const Value& table, S& out, SettingsFaults& faults, const std::string& path);
template <class S>
Value write_settings(const S& settings);
template <class S>
std::vector<FieldInfo> describe_settings();

namespace settings_detail {

template <class S>
struct Reader {
  const Value& table;
  S& out;
  SettingsFaults& faults;
  std::string path;  // "encoder." for messages
  std::vector<std::string> known = {};

  template <class T>
  void field(const std::string& name, T S::*member, const About& about) {
    if (const Value* value = find(name, about)) Field<T>::read(*value, path + name, about, out.*member, faults);
  }
  template <class T>
  void field(const std::string& name, std::optional<T> S::*member, const About& about) {
    const Value* value = find(name, about);
    if (!value) return;
    T item{};
    const std::size_t before = faults.list.size();
    if constexpr (DescribesItself<T>) {
      if (!value->is_table()) return wrong_type(*value, path + name, "a table", faults);
      read_fields(*value, item, faults, path + name + ".");
    } else {
      Field<T>::read(*value, path + name, about, item, faults);
    }
    if (faults.list.size() == before) out.*member = std::move(item);
  }
  const Value* find(const std::string& name, const About& about) {
    known.push_back(name);
    const Value* value = table.find(name);
    if (!value && about.required) faults.add(table.where, "'" + path + name + "' is missing: " + about.help);
    return value;
  }
  void reject_unknown() const {
    for (const Entry& entry : *table.get_if<Value::Table>())
      if (std::ranges::find(known, entry.key) == known.end())
        faults.add(entry.value.where, "unknown key '" + path + entry.key + "'" + suggestion(entry.key, known));
  }
};

template <class S>
struct Writer {
  const S& settings;
  Value out = {};

  template <class T>
  void field(const std::string& name, T S::*member, const About&) {
    out.set(name, Field<T>::write(settings.*member));
  }
  template <class T>
  void field(const std::string& name, std::optional<T> S::*member, const About&) {
    if (!(settings.*member)) return;
    if constexpr (DescribesItself<T>)
      out.set(name, write_settings(*(settings.*member)));
    else
      out.set(name, Field<T>::write(*(settings.*member)));
  }
};

template <class S>
struct Lister {
  std::vector<FieldInfo> fields = {};
  S defaults = {};

  template <class T>
  void field(const std::string& name, T S::*member, const About& about) {
    fields.push_back({name, Field<T>::type, about, Field<T>::write(defaults.*member), !about.required, {}});
  }
  template <class T>
  void field(const std::string& name, std::optional<T> S::*, const About& about) {
    if constexpr (DescribesItself<T>)
      fields.push_back({name, "table", about, {}, false, describe_settings<T>()});
    else
      fields.push_back({name, Field<T>::type, about, {}, false, {}});
  }
};

}  // namespace settings_detail

/// Reads `table` into `out`; what is wrong is added to `faults` and leaves the default in place.
/// `path` stands before key names in messages ("training.").
template <class S>
void read_fields(const Value& table, S& out, SettingsFaults& faults, const std::string& path) {
  if (!table.is_table())
    return settings_detail::wrong_type(table, path.empty() ? "settings" : path.substr(0, path.size() - 1), "a table",
                                       faults);
  const std::size_t before = faults.list.size();
  settings_detail::Reader<S> reader{table, out, faults, path};
  S::describe(reader);
  reader.reject_unknown();
  if (faults.list.size() == before) {
    if constexpr (requires { out.validate(); }) {  // rules between fields, told by the struct itself
      try {
        out.validate();
      } catch (const std::invalid_argument& e) {
        faults.add(table.where, e.what());
      }
    }
  }
}

/// Every field with its value, defaults included; unset optional fields are left out.
template <class S>
Value write_settings(const S& settings) {
  settings_detail::Writer<S> writer{settings};
  S::describe(writer);
  return std::move(writer.out);
}

/// The fields of a settings struct as plain data.
template <class S>
std::vector<FieldInfo> describe_settings() {
  settings_detail::Lister<S> lister;
  S::describe(lister);
  return std::move(lister.fields);
}

}  // namespace cell2text
