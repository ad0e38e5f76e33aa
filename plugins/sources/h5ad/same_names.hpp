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
#include "cell2text/io/anndata.hpp"

namespace cell2text::h5ad {

namespace detail {

/// Calls `visit(row, name)` for each cell, a part of the file at a time.
template <class Visit>
void each_name(const anndata::DataFrame& obs, const Visit& visit) {
  constexpr std::int64_t step = 1 << 16;
  for (std::int64_t first = 0; first < obs.size(); first += step) {
    std::int64_t row = first;
    for (const std::string& name : obs.index(first, std::min(step, obs.size() - first))) visit(row++, name);
  }
}

}  // namespace detail

/// Logs, once, how many cells share their name with another. Takes 8 bytes per cell, and only while it looks.
inline void warn_of_same_names(const anndata::DataFrame& obs, const Log& log) {
  std::vector<std::size_t> hashes;
  detail::each_name(obs,
                    [&](std::int64_t, const std::string& name) { hashes.push_back(std::hash<std::string>()(name)); });
  std::ranges::sort(hashes);
  std::vector<std::size_t> twice;
  for (std::size_t i = 1; i < hashes.size(); ++i)
    if (hashes[i] == hashes[i - 1] && (twice.empty() || twice.back() != hashes[i])) twice.push_back(hashes[i]);
  if (twice.empty()) return;

  std::unordered_map<std::string, std::int64_t>
      counts;  // of names that occur twice, and of the rare other of that hash
  detail::each_name(obs, [&](std::int64_t, const std::string& name) {
    if (std::ranges::binary_search(twice, std::hash<std::string>()(name))) ++counts[name];
  });
  std::int64_t cells = 0;
  std::optional<std::string> example;
  for (const auto& [name, count] : counts) {
    if (count < 2) continue;
    cells += count;
    if (!example || name < *example) example = name;
  }
  if (cells > 0)
    log.warning("h5ad: " + std::to_string(cells) + " cells share their name with another, as '" + *example + "' (" +
                std::to_string(counts[*example]) +
                " cells). Cells are told apart by their row, and what is written keeps the order of the file; "
                "adata.obs_names_make_unique() in Python gives each its own name");
}

}  // namespace cell2text::h5ad
