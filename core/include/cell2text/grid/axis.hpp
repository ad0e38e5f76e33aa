// An axis of a grid: the values that a setting, or several together, take in turn. Reads one from a grid file; knows
// nothing of experiments.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/io/toml.hpp"
#include "cell2text/settings.hpp"
#include "cell2text/value.hpp"

namespace cell2text {

/// One setting and what it is set to; without a value it is taken away.
struct GridAssignment {
  std::string path;  ///< "training.learning_rate"
  std::optional<Value> value;
  Where where;
};

/// One value of an axis: what stands in tables and under "axes" of a run, and what it sets.
struct GridValue {
  Value shown;
  std::vector<GridAssignment> sets;
  Where where;

  /// As one would write it, texts without quotes.
  std::string text() const {
    if (const auto* text = shown.get_if<std::string>()) return *text;
    return toml_detail::inline_text(shown);
  }
};

struct GridAxis {
  std::string name;  ///< the setting's path, or for values of several settings a name of its own
  std::vector<GridValue> values;
  Where where;
};

namespace axis_detail {

inline constexpr std::size_t most_values = 10'000;

/// A number that a range came to: without the rounding errors of its last digits, whole where all of it is whole.
inline Value number(double value, bool whole, const Where& where) {
  if (whole) return {static_cast<std::int64_t>(std::llround(value)), where};
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.12g", value);
  return {std::strtod(buffer, nullptr), where};
}

struct Range {
  double from = 0, to = 0;
  std::optional<double> step, factor;
  std::optional<std::int64_t> points;
  bool whole = true;  ///< all that is given of from, to, step and factor

  static void describe(auto& s) {
    using T = Range;
    s.field("from", &T::from, {.help = "the first value", .required = true});
    s.field("to", &T::to, {.help = "the last value, or what none is beyond", .required = true});
    s.field("step", &T::step, {.help = "each value is so much more than the one before"});
    s.field("factor", &T::factor, {.help = "each value is so many times the one before"});
    s.field("points", &T::points, {.help = "so many values, evenly spaced in the logarithm", .min = 2, .max = 1e4});
  }
  void validate() const {
    const int ways = (step ? 1 : 0) + (factor ? 1 : 0) + (points ? 1 : 0);
    const auto refuse = [](const std::string& what) { throw InputError("a range " + what); };
    if (ways != 1) refuse("needs one of 'step', 'factor' and 'points', and has " + std::to_string(ways));
    if (!std::isfinite(from) || !std::isfinite(to)) refuse("must have an end");
    if (step && (*step == 0 || (to - from) / *step < 0)) refuse("with this 'step' never comes from 'from' to 'to'");
    if (!step && (from <= 0 || to <= 0)) refuse("by 'factor' or 'points' must be above 0");
    if (factor && (*factor <= 0 || *factor == 1 || (*factor > 1) != (to >= from)))
      refuse("with this 'factor' never comes from 'from' to 'to'");
    if (count() > most_values) refuse("of over " + std::to_string(most_values) + " values");
  }

  double count() const {
    if (points) return static_cast<double>(*points);
    const double steps = step ? (to - from) / *step : std::log(to / from) / std::log(*factor);
    return std::floor(steps + 1e-9) + 1;
  }
  Value at(std::int64_t i, const Where& where) const {
    const double n = static_cast<double>(i);
    if (step) return number(from + n * *step, whole, where);
    if (factor) return number(from * std::pow(*factor, n), whole, where);
    return number(from * std::pow(to / from, n / static_cast<double>(*points - 1)), false, where);
  }
};

inline bool is_range(const Value& value) {
  return value.is_table() && value.find("from");
}

inline std::vector<Value> range_values(const Value& table, const std::string& name, SettingsFaults& faults) {
  Range range;
  const std::size_t before = faults.list.size();
  read_fields(table, range, faults, name + ".");
  std::vector<Value> values;
  if (faults.list.size() > before) return values;
  for (const char* key : {"from", "to", "step", "factor"})
    if (const Value* value = table.find(key); value && !value->get_if<std::int64_t>()) range.whole = false;
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(range.count()); ++i)
    values.push_back(range.at(i, table.where));
  return values;
}

/// The settings of a table, whose own tables name parts of paths.
inline void flatten(const Value& table, const std::string& path, std::vector<GridAssignment>& into) {
  for (const Entry& entry : *table.get_if<Value::Table>()) {
    const std::string name = path.empty() ? entry.key : path + "." + entry.key;
    const auto* inner = entry.value.get_if<Value::Table>();
    if (inner && !inner->empty())
      flatten(entry.value, name, into);
    else
      into.push_back({name, entry.value, entry.value.where});
  }
}

/// A value that is a table: several settings under a name, and those that it takes away.
inline void add_named(GridAxis& axis, Value table, SettingsFaults& faults) {
  GridValue value{{}, {}, table.where};
  const Value* name = table.find("name");
  const auto* text = name ? name->get_if<std::string>() : nullptr;
  if (!text || text->empty())
    return faults.add(table.where, "a value of the axis '" + axis.name +
                                       "' is a table without a text 'name'; values of several settings need one: "
                                       "{ name = \"small\", \"decoder.architecture.layers\" = 2, ... }");
  value.shown = *name;
  table.erase("name");
  if (const Value* unset = table.find("unset")) {
    std::vector<std::string> paths;
    settings_detail::Field<std::vector<std::string>>::read(*unset, axis.name + ".unset", {}, paths, faults);
    for (const std::string& path : paths) value.sets.push_back({path, std::nullopt, unset->where});
    table.erase("unset");
  }
  flatten(table, "", value.sets);
  axis.values.push_back(std::move(value));
}

}  // namespace axis_detail

/// Reads an axis from a list of values or a range ({ from, to, step }, { from, to, factor } or { from, to, points }).
/// A value that is a table sets several settings and has a `name`. What is wrong is added to `faults`.
inline GridAxis read_axis(const std::string& name, const Value& written, SettingsFaults& faults) {
  using namespace axis_detail;
  GridAxis axis{name, {}, written.where};
  std::vector<Value> values;
  if (is_range(written))
    values = range_values(written, name, faults);
  else if (const auto* list = written.get_if<Value::Array>())
    values = *list;
  else
    settings_detail::wrong_type(written, name, "a list of values, or a range { from, to, step }", faults);
  if (values.empty() && written.get_if<Value::Array>())
    faults.add(written.where, "the axis '" + name + "' has no value");
  if (values.size() > most_values) {
    faults.add(written.where, "the axis '" + name + "' has over " + std::to_string(most_values) + " values");
    return axis;
  }
  for (Value& value : values) {
    const Where where = value.where;
    if (value.is_table())
      add_named(axis, std::move(value), faults);
    else
      axis.values.push_back({value, {{name, value, where}}, where});
  }
  std::set<std::string> texts;
  for (const GridValue& value : axis.values)
    if (!texts.insert(value.text()).second)
      faults.add(value.where, "the axis '" + name + "' has the value " + value.text() + " twice");
  return axis;
}

/// The axes of a table in the order of the file. Tables in it that are no ranges are parts of paths: `encoder.plugin`
/// without quotes is read as "encoder.plugin".
inline std::vector<GridAxis> read_axes(const Value& table, SettingsFaults& faults, const std::string& path = "") {
  std::vector<GridAxis> axes;
  for (const Entry& entry : *table.get_if<Value::Table>()) {
    const std::string name = path.empty() ? entry.key : path + "." + entry.key;
    const auto* inner = entry.value.get_if<Value::Table>();
    if (inner && !inner->empty() && !axis_detail::is_range(entry.value)) {
      for (GridAxis& axis : read_axes(entry.value, faults, name)) axes.push_back(std::move(axis));
    } else {
      axes.push_back(read_axis(name, entry.value, faults));
    }
  }
  std::ranges::stable_sort(axes, {},
                           [](const GridAxis& axis) { return std::pair(axis.where.line, axis.where.column); });
  return axes;
}

}  // namespace cell2text
