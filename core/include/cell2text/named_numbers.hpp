// A number for each of some names that the user chooses, as a setting: a table whose keys are free.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cell2text/settings.hpp"

namespace cell2text {

/// A field type of settings, written as { brain = 0.2, "bone marrow" = 0.1 }. A table that is given stands in the place
/// of the whole default; {} names nothing.
struct NamedNumbers {
  std::vector<std::pair<std::string, double>> list;  ///< in the order of the file; names differ

  /// The number of a name, or `otherwise`.
  double of(std::string_view name, double otherwise) const {
    const auto found = std::ranges::find(list, name, &std::pair<std::string, double>::first);
    return found == list.end() ? otherwise : found->second;
  }
};

namespace settings_detail {

template <>
struct Field<NamedNumbers> {
  static constexpr const char* type = "table of number";
  static void read(const Value& value, const std::string& key, const About& about, NamedNumbers& out,
                   SettingsFaults& faults) {
    const auto* table = value.get_if<Value::Table>();
    if (!table) return wrong_type(value, key, "a table of numbers, such as { name = 0.2 }", faults);
    const std::size_t before = faults.list.size();
    NamedNumbers read_items;
    for (const Entry& entry : *table) {
      double number = 0;
      Field<double>::read(entry.value, key + "." + entry.key, about, number, faults);
      read_items.list.emplace_back(entry.key, number);
    }
    if (faults.list.size() == before) out = std::move(read_items);
  }
  static Value write(const NamedNumbers& field) {
    Value table;
    for (const auto& [name, number] : field.list) table.set(name, {number, {}});
    return table;
  }
};

}  // namespace settings_detail
}  // namespace cell2text
