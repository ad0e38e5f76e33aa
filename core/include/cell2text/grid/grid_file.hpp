// A grid file: a base experiment, axes, and which of their combinations are runs. Reads it; grid/expand.hpp makes the
// combinations. Host only.
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/experiment_file.hpp"
#include "cell2text/grid/assign.hpp"
#include "cell2text/grid/axis.hpp"

namespace cell2text {

/// Axes that take their values together: the first of each, the second of each, ... Mostly one axis alone.
struct GridDimension {
  std::vector<GridAxis> axes;
  std::size_t size() const { return axes.front().values.size(); }
};

/// Combinations that are no runs: axis name to the texts of its values, of which one must be the run's, for every axis.
using GridExclusion = std::vector<std::pair<std::string, std::vector<std::string>>>;

struct GridFile {
  std::string name;
  Value base;  ///< the base experiment with [set] and --set applied, as a tree
  std::vector<GridDimension> dimensions;
  std::vector<GridExclusion> exclusions;
  std::vector<std::int64_t> seeds;  ///< empty: the base's alone
  Value written;                    ///< the grid file itself, its base in place: reads as the same grid anywhere
};

namespace grid_file_detail {

struct GridSettings {
  std::optional<std::string> name;
  std::vector<std::int64_t> seeds;

  static void describe(auto& s) {
    using T = GridSettings;
    s.field("name", &T::name,
            {.help = "of the grid; its folder is runs/NAME unless --out says otherwise. Unset: the "
                     "name of the file"});
    s.field("seeds", &T::seeds, {.help = "each combination is run with each of these seeds", .min = 0});
  }
};

inline const char* const known_tables[] = {"base", "set", "axes", "zip", "exclude"};

/// The base experiment: a file beside the grid's, or a table in it.
inline Value read_base(const Value& root, const std::filesystem::path& file) {
  const Value* base = root.find("base");
  if (!base)
    throw InputError(file.string() +
                     ": 'base' is missing: the experiment file that all runs build on, relative to this file's folder");
  if (base->is_table()) return *base;
  const auto* text = base->get_if<std::string>();
  if (!text || text->empty())
    throw InputError(base->where.text() + ": 'base' is " + base->type_name() +
                     "; it must be the name of an experiment file, or a table");
  return experiment_file_detail::read(file.parent_path() / *text, {file}, base->where);
}

/// No two axes may set the same: the later would win without a word.
inline void refuse_overlaps(const std::vector<GridDimension>& dimensions, SettingsFaults& faults) {
  std::map<std::string, const GridAxis*> owners;
  std::set<std::string> names;
  for (const GridDimension& dimension : dimensions)
    for (const GridAxis& axis : dimension.axes) {
      if (!names.insert(axis.name).second) faults.add(axis.where, "two axes are called '" + axis.name + "'");
      if (axis.name == "seed")
        faults.add(axis.where, "'seed' is no axis; seeds stand at the top of the file: seeds = [0, 1]");
      std::set<std::string> paths;
      for (const GridValue& value : axis.values)
        for (const GridAssignment& one : value.sets) paths.insert(one.path);
      for (const std::string& path : paths)
        for (const auto& [other, owner] : owners)
          if (owner != &axis && (path == other || path.starts_with(other + ".") || other.starts_with(path + ".")))
            faults.add(axis.where, "the axes '" + owner->name + "' and '" + axis.name + "' both set '" +
                                       std::max(path, other, [](auto& a, auto& b) { return a.size() < b.size(); }) +
                                       "'");
      for (const std::string& path : paths) owners.emplace(path, &axis);
    }
}

inline std::vector<GridDimension> read_dimensions(const Value& root, SettingsFaults& faults) {
  std::vector<GridDimension> dimensions;
  if (const Value* axes = root.find("axes")) {
    if (!axes->is_table())
      settings_detail::wrong_type(*axes, "axes", "a table of lists, under [axes]", faults);
    else
      for (GridAxis& axis : read_axes(*axes, faults)) dimensions.push_back({{std::move(axis)}});
  }
  experiment_detail::each_table(root, "zip", faults, [&](const Value& table, const std::string& path) {
    GridDimension together{read_axes(table, faults)};
    if (together.axes.empty()) return faults.add(table.where, path.substr(0, path.size() - 1) + " holds no axis");
    for (const GridAxis& axis : together.axes)
      if (axis.values.size() != together.size())
        faults.add(axis.where, "axes of one [[zip]] take their values together: '" + axis.name + "' has " +
                                   std::to_string(axis.values.size()) + ", '" + together.axes.front().name + "' " +
                                   std::to_string(together.size()));
    dimensions.push_back(std::move(together));
  });
  std::erase_if(dimensions, [](const GridDimension& one) { return one.size() == 0; });  // told already
  std::ranges::stable_sort(dimensions, {}, [](const GridDimension& one) { return one.axes.front().where.line; });
  refuse_overlaps(dimensions, faults);
  return dimensions;
}

inline void read_exclusion(const Value& table, GridFile& grid, SettingsFaults& faults) {
  std::map<std::string, std::vector<std::string>> known;
  for (const GridDimension& dimension : grid.dimensions)
    for (const GridAxis& axis : dimension.axes)
      for (const GridValue& value : axis.values) known[axis.name].push_back(value.text());
  for (const std::int64_t seed : grid.seeds) known["seed"].push_back(std::to_string(seed));
  std::vector<std::string> names;
  for (const auto& [name, values] : known) names.push_back(name);
  std::vector<GridAssignment> wanted;
  axis_detail::flatten(table, "", wanted);
  GridExclusion exclusion;
  for (const GridAssignment& one : wanted) {
    if (!known.contains(one.path)) {
      faults.add(one.where, "[[exclude]] names '" + one.path + "', which is no axis" + suggestion(one.path, names));
      continue;
    }
    const auto* list = one.value->get_if<Value::Array>();
    auto& [name, texts] = exclusion.emplace_back(one.path, std::vector<std::string>{});
    for (const Value& value : list ? *list : Value::Array{*one.value}) {
      texts.push_back(GridValue{value, {}, {}}.text());
      if (std::ranges::find(known[name], texts.back()) == known[name].end())
        faults.add(one.where, "[[exclude]] names the value " + texts.back() + " of '" + name +
                                  "', which that axis does not have" + suggestion(texts.back(), known[name]));
    }
  }
  if (wanted.empty()) return faults.add(table.where, "an empty [[exclude]] would leave no run");
  grid.exclusions.push_back(std::move(exclusion));
}

}  // namespace grid_file_detail

/// Reads a grid file; `set` are assignments of --set, which the base takes. InputError with every fault of the grid's
/// own, each with its place; what is wrong with settings is found when runs are resolved.
inline GridFile read_grid_file(const std::filesystem::path& file, const std::vector<std::string>& set = {}) {
  using namespace grid_file_detail;
  const Value root = read_toml(file);
  GridFile grid;
  grid.base = read_base(root, file);
  SettingsFaults faults;
  Value top = root;
  for (const char* table : known_tables) top.erase(table);
  GridSettings settings;
  read_fields(top, settings, faults, "");
  grid.name = settings.name ? *settings.name : file.stem().string();
  grid.seeds = settings.seeds;
  std::set<std::int64_t> seen;
  for (const std::int64_t seed : grid.seeds)
    if (!seen.insert(seed).second)
      faults.add(root.find("seeds")->where, "'seeds' has " + std::to_string(seed) + " twice");
  if (const Value* own = root.find("set")) {
    std::vector<GridAssignment> assignments;
    if (!own->is_table())
      settings_detail::wrong_type(*own, "set", "a table of settings, under [set]", faults);
    else
      axis_detail::flatten(*own, "", assignments);
    std::vector<const GridAssignment*> all;
    for (const GridAssignment& one : assignments) all.push_back(&one);
    apply_assignments(all, grid.base);
  }
  for (const std::string& assignment : set) apply_override(grid.base, assignment);
  grid.dimensions = read_dimensions(root, faults);
  experiment_detail::each_table(root, "exclude", faults,
                                [&](const Value& table, const std::string&) { read_exclusion(table, grid, faults); });
  faults.raise();
  grid.written = root;
  grid.written.erase("set");
  grid.written.set("name", Value{grid.name, {}});
  grid.written.set("base", grid.base);
  return grid;
}

}  // namespace cell2text
