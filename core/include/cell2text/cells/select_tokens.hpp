// Cells taken out of a tokenised batch.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <vector>

#include "cell2text/plugin/handles.hpp"

namespace cell2text {

namespace loader_detail {

/// The named rows of [cells,G], each cut to `width`; undefined where all_BG is.
inline Tensor rows_of(const Tensor& all_BG, const std::vector<std::int64_t>& cells, std::int64_t width) {
  if (!all_BG.defined()) return {};
  if (!all_BG.is_cpu() || (all_BG.size(1) > 1 && all_BG.stride(1) != 1))
    return rows_of(all_BG.cpu().contiguous(), cells, width);
  width = std::min(width, all_BG.size(1));
  const Tensor chosen_BG = torch::empty({static_cast<std::int64_t>(cells.size()), width}, all_BG.options());
  if (chosen_BG.numel() == 0) return chosen_BG;
  const auto value_bytes = static_cast<std::int64_t>(all_BG.element_size());
  auto* to = static_cast<std::byte*>(chosen_BG.mutable_data_ptr());
  const auto* const from = static_cast<const std::byte*>(all_BG.const_data_ptr());
  for (const std::int64_t cell : cells) {
    std::memcpy(to, from + cell * all_BG.stride(0) * value_bytes, static_cast<std::size_t>(width * value_bytes));
    to += width * value_bytes;
  }
  return chosen_BG;
}

/// The named cells of a tokenised window, cut to their own longest.
inline GeneTokens select(const GeneTokens& window, const std::vector<std::int64_t>& cells) {
  GeneTokens out;
  out.wanted_genes = window.wanted_genes;
  out.first_gene = window.first_gene, out.special_tokens = window.special_tokens;
  std::int64_t longest = 0;
  for (const auto cell : cells) {
    out.lengths.push_back(window.lengths[cell]);
    out.known_genes.push_back(window.known_genes[cell]);
    longest = std::max(longest, window.lengths[cell]);
  }
  out.ids_BG = rows_of(window.ids_BG, cells, longest);
  out.values_BG = rows_of(window.values_BG, cells, longest);
  return out;
}

}  // namespace loader_detail

}  // namespace cell2text
