// The runs of a grid: its points read as experiments, so that whatever is wrong with one is found before the first run
// starts. Host only.
#pragma once

#include <algorithm>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/grid/expand.hpp"
#include "cell2text/grid/point_hash.hpp"

namespace cell2text {

/// A point as an experiment, with what tells it from others.
struct GridRun {
  GridPoint point;
  Experiment experiment;
  std::string hash;  ///< 64 hexadecimal digits

  /// The name of its folder under runs/.
  std::string folder() const { return hash.substr(0, 12); }

  /// {"axes": {name: value, ...}, "seed": n, "hash": ...}
  nlohmann::ordered_json json() const {
    auto axes = nlohmann::ordered_json::object();
    for (const auto& [name, value] : point.axes) axes[name] = to_json(value->shown);
    return {{"axes", axes}, {"seed", experiment.general.seed}, {"hash", hash}};
  }
};

namespace grid_runs_detail {

inline bool written_at(const GridValue& value, const std::string& fault) {
  if (fault.starts_with(value.where.text() + ": ")) return true;
  return std::ranges::any_of(value.sets,
                             [&](const GridAssignment& one) { return fault.starts_with(one.where.text() + ": "); });
}

/// The lines of a point's faults, each with the axis and the value that it stands at.
inline std::vector<std::string> explained(const std::string& faults, const GridPoint& point) {
  std::vector<std::string> lines;
  std::istringstream in(faults);
  for (std::string line; std::getline(in, line);) {
    for (const auto& [name, value] : point.axes)
      if (written_at(*value, line)) {
        line += " (axis '" + name + "', value " + value->text() + ")";
        break;
      }
    lines.push_back(std::move(line));
  }
  return lines;
}

/// A fault, the first point that has it, and how many do.
struct CommonFault {
  std::string line, first;
  std::size_t points = 0;
};

inline void add(std::vector<CommonFault>& faults, const std::string& line, const GridPoint& point) {
  auto known = std::ranges::find(faults, line, &CommonFault::line);
  if (known == faults.end()) known = faults.insert(known, CommonFault{line, point.text(), 0});
  ++known->points;
}

[[noreturn]] inline void refuse(const std::vector<CommonFault>& faults, std::size_t points) {
  std::string all;
  for (std::size_t i = 0; i < faults.size() && i < 20; ++i) {
    const CommonFault& one = faults[i];
    all += (i ? "\n" : "") + one.line + "\n  in " + std::to_string(one.points) + " of " + std::to_string(points) +
           " runs" + (one.first.empty() ? "" : ", first: " + one.first);
  }
  if (faults.size() > 20) all += "\nand " + std::to_string(faults.size() - 20) + " more";
  throw InputError(all);
}

inline void refuse_twins(const std::vector<GridRun>& runs) {
  std::map<std::string, const GridRun*> known;
  for (const GridRun& run : runs)
    if (const auto [other, is_new] = known.emplace(run.hash, &run); !is_new)
      throw InputError("two runs of the grid come to the same settings: " + other->second->point.text() + "; and " +
                       run.point.text() + ". What differs between them changes nothing in a result; exclude one");
}

}  // namespace grid_runs_detail

/// Reads every point as an experiment. Each is called after the grid and what it is along the axes. InputError with
/// every fault, each with its place, its axis and value where it stands at one, and the runs that have it; or where two
/// runs are the same.
inline std::vector<GridRun> resolve_grid(const GridFile& grid, const Registry& registry) {
  using namespace grid_runs_detail;
  std::vector<GridPoint> points = expand(grid);
  std::vector<CommonFault> faults;
  std::vector<GridRun> runs;
  PathContents contents;
  for (GridPoint& point : points) {
    const std::string along = point.text();
    point.settings.set("name", Value{along.empty() ? grid.name : grid.name + ": " + along, {}});
    try {
      // One behind the other: g++ 12 destroys a member of a list of initialisers twice where a later one throws.
      Experiment experiment = read_experiment(point.settings, registry);
      std::string hash = point_hash(experiment, registry, contents);
      runs.push_back({std::move(point), std::move(experiment), std::move(hash)});
    } catch (const InputError& error) {
      for (const std::string& line : explained(error.what(), point)) add(faults, line, point);
    }
  }
  if (!faults.empty()) refuse(faults, points.size());
  refuse_twins(runs);
  return runs;
}

}  // namespace cell2text
