// A cell of a file by its name.
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

#include "cell2text/plugin/handles.hpp"
#include "cell2text/settings.hpp"

namespace cell2text {

/// The row of the cell with this obs name. Reads the whole file, a block at a time. InputError where there is none
/// (with the nearest name), or several (with their rows).
inline std::int64_t find_cell(const SourceHandle& source, const std::string& name, const std::string& file) {
  constexpr std::int64_t block = 1024;
  std::vector<std::int64_t> rows, found;
  std::string nearest;
  for (std::int64_t first = 0; first < source.size(); first += block) {
    rows.resize(std::min(block, source.size() - first));
    std::iota(rows.begin(), rows.end(), first);
    std::vector<std::string> names = source.read(rows).names;
    for (std::size_t i = 0; i < names.size(); ++i)
      if (names[i] == name) found.push_back(rows[i]);
    if (!found.empty()) continue;
    if (!nearest.empty()) names.insert(names.begin(), nearest);
    nearest = nearest_name(name, names);
  }
  if (found.size() == 1) return found.front();
  if (found.empty())
    throw InputError(file + ": none of its " + std::to_string(source.size()) + " cells is named '" + name + "'; " +
                     (nearest.empty() ? "names are those of obs, as scanpy's adata.obs_names shows them"
                                      : "did you mean '" + nearest + "'?"));
  std::string all;
  for (std::size_t i = 0; i < std::min<std::size_t>(found.size(), 5); ++i)
    all += (i ? ", " : "") + std::to_string(found[i]);
  throw InputError(file + ": " + std::to_string(found.size()) + " cells are named '" + name + "', in rows " + all +
                   (found.size() > 5 ? ", ..." : "") + "; say which with --row " + std::to_string(found.front()));
}

}  // namespace cell2text
