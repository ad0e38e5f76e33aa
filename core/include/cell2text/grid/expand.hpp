// The combinations of a grid's axes. What their settings mean is the experiment's (grid/grid_runs.hpp). Host only.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/grid/grid_file.hpp"

namespace cell2text {

/// One combination: what it is called along each axis, and the tree of its settings.
struct GridPoint {
  std::vector<std::pair<std::string, const GridValue*>> axes;
  std::optional<std::int64_t> seed;
  Value settings;

  /// "encoder = scgpt, rank = 16, seed = 1"
  std::string text() const {
    std::string all;
    for (const auto& [name, value] : axes) all += (all.empty() ? "" : ", ") + name + " = " + value->text();
    if (seed) all += (all.empty() ? "" : ", ") + ("seed = " + std::to_string(*seed));
    return all;
  }
};

/// How many combinations there are, before exclusions.
inline double combinations(const GridFile& grid) {
  double count = grid.seeds.empty() ? 1 : static_cast<double>(grid.seeds.size());
  for (const GridDimension& dimension : grid.dimensions) count *= static_cast<double>(dimension.size());
  return count;
}

/// All combinations but the excluded ones; the first axis of the file varies slowest, seeds fastest. The points refer
/// to `grid`. InputError where they are too many, or none, or a path leads nowhere.
inline std::vector<GridPoint> expand(const GridFile& grid) {
  const double count = combinations(grid);
  if (count > 10'000)
    throw InputError("the grid '" + grid.name + "' has " + settings_detail::shortest(count) +
                     " combinations; at most 10,000 are run. Take fewer values, or [[zip]] axes that go together");
  std::vector<GridPoint> points;
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
    GridPoint point;
    std::size_t rest = i;
    if (!grid.seeds.empty()) {
      point.seed = grid.seeds[rest % grid.seeds.size()];
      rest /= grid.seeds.size();
    }
    std::vector<std::size_t> chosen(grid.dimensions.size());
    for (std::size_t d = grid.dimensions.size(); d-- > 0; rest /= grid.dimensions[d].size())
      chosen[d] = rest % grid.dimensions[d].size();
    std::vector<const GridAssignment*> assignments;
    for (std::size_t d = 0; d < chosen.size(); ++d)
      for (const GridAxis& axis : grid.dimensions[d].axes) {
        const GridValue& value = axis.values[chosen[d]];
        point.axes.emplace_back(axis.name, &value);
        for (const GridAssignment& one : value.sets) assignments.push_back(&one);
      }
    const auto excludes = [&](const GridExclusion& exclusion) {
      return std::ranges::all_of(exclusion, [&](const auto& wanted) {
        const auto& [name, texts] = wanted;
        if (name == "seed") return std::ranges::find(texts, std::to_string(*point.seed)) != texts.end();
        return std::ranges::any_of(point.axes, [&](const auto& axis) {
          return axis.first == name && std::ranges::find(texts, axis.second->text()) != texts.end();
        });
      });
    };
    if (std::ranges::any_of(grid.exclusions, excludes)) continue;
    point.settings = grid.base;
    apply_assignments(assignments, point.settings);
    if (point.seed) point.settings.set("seed", Value{*point.seed, {}});
    points.push_back(std::move(point));
  }
  if (points.empty()) throw InputError("the grid '" + grid.name + "' has no run: every combination is excluded");
  return points;
}

}  // namespace cell2text
