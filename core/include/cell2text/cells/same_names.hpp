// Tells of cells that share a name, which anndata allows with a warning, as this program does.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "cell2text/context.hpp"

namespace cell2text {

namespace same_names_detail {

/// Calls `visit(name)` for each cell, a part of the file at a time.
template <class NamesOf, class Visit>
void each_name(std::int64_t cells, const NamesOf& names_of, const Visit& visit) {
  constexpr std::int64_t step = 1 << 16;
  for (std::int64_t first = 0; first < cells; first += step)
    for (const std::string& name : names_of(first, std::min(step, cells - first))) visit(name);
}

}  // namespace same_names_detail

/// Logs, once, how many of `cells` cells share their name with another. `names_of(first, count)` gives names of cells
/// in their order; `source` is the plugin that speaks. Takes 8 bytes per cell, and only while it looks.
template <class NamesOf>
void warn_of_same_names(std::int64_t cells, const NamesOf& names_of, const Log& log, const std::string& source) {
  using same_names_detail::each_name;
  std::vector<std::size_t> hashes;
  each_name(cells, names_of, [&](const std::string& name) { hashes.push_back(std::hash<std::string>()(name)); });
  std::ranges::sort(hashes);
  std::vector<std::size_t> twice;
  for (std::size_t i = 1; i < hashes.size(); ++i)
    if (hashes[i] == hashes[i - 1] && (twice.empty() || twice.back() != hashes[i])) twice.push_back(hashes[i]);
  if (twice.empty()) return;

  std::unordered_map<std::string, std::int64_t>
      counts;  // of names that occur twice, and of the rare other of that hash
  each_name(cells, names_of, [&](const std::string& name) {
    if (std::ranges::binary_search(twice, std::hash<std::string>()(name))) ++counts[name];
  });
  std::int64_t sharing = 0;
  std::optional<std::string> example;
  for (const auto& [name, count] : counts) {
    if (count < 2) continue;
    sharing += count;
    if (!example || name < *example) example = name;
  }
  if (sharing > 0)
    log.warning(source + ": " + std::to_string(sharing) + " cells share their name with another, as '" + *example +
                "' (" + std::to_string(counts[*example]) +
                " cells). Cells are told apart by their row, and what is written keeps the order of the file; "
                "adata.obs_names_make_unique() in Python gives each its own name");
}

}  // namespace cell2text
