// Assignments of a grid put into the tree of an experiment's settings. Host only: pulls in toml++.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "cell2text/experiment_file.hpp"
#include "cell2text/grid/axis.hpp"

namespace cell2text {

/// Sets them all, plugins first, since naming another one drops the settings of the former. InputError where a path
/// leads nowhere.
inline void apply_assignments(const std::vector<const GridAssignment*>& assignments, Value& root) {
  const auto names_plugin = [](const GridAssignment* one) {
    return one->path.ends_with(".plugin") || one->path == "data.source";
  };
  for (const bool plugins : {true, false})
    for (const GridAssignment* one : assignments) {
      if (names_plugin(one) != plugins) continue;
      if (one->value) {
        replace_setting(root, one->path, *one->value, one->where.text());
        continue;
      }
      Value* table = &root;
      const auto dot = one->path.rfind('.');
      for (std::size_t start = 0; table && dot != std::string::npos && start < dot;) {
        const auto end = std::min(one->path.find('.', start), dot);
        table = table->find(one->path.substr(start, end - start));
        start = end + 1;
      }
      if (!table || !table->erase(one->path.substr(dot == std::string::npos ? 0 : dot + 1)))
        throw InputError(one->where.text() + ": 'unset' names '" + one->path + "', which the base does not set");
    }
}

}  // namespace cell2text
