// Whether an adapter makes one soft token of each gene, and of nothing else: then a soft token is a gene's.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "cell2text/plugin/handles.hpp"

namespace cell2text {

namespace genes_apart_detail {

/// Soft tokens whose genes were left as they are, but that changed.
inline bool any_changed(const Tensor& soft_PD, const Tensor& changed_PD, const std::vector<std::int64_t>& left) {
  const Tensor at = torch::tensor(left, torch::kInt64).to(soft_PD.device());
  const Tensor before = soft_PD.index_select(0, at), after = changed_PD.index_select(0, at);
  const double scale = std::max(before.abs().max().item<double>(), 1e-6);
  return (before - after).abs().max().item<double>() > 1e-4 * scale;  // another shape of a product rounds otherwise
}

}  // namespace genes_apart_detail

/// Tried out on one cell (genes [1,G,E], all of them in use), which no plugin has to answer for: the genes whose
/// numbers have a binary digit 0 are changed, then those that have a 1, for each digit. Any two genes differ in one, so
/// that a soft token which depends on another gene than its own is found. Records no gradients.
inline bool keeps_genes_apart(const AdapterHandle& adapter, const GeneEmbeddings& cell) {
  torch::NoGradGuard no_grad;
  const std::int64_t G = cell.values_BGE.size(1);
  const SoftPrompt soft = adapter.forward(cell);
  if (soft.lengths[0] != G) return false;
  for (std::int64_t digit = 1; digit < G; digit *= 2)
    for (const bool ones : {false, true}) {
      std::vector<std::int64_t> changed, left;
      for (std::int64_t g = 0; g < G; ++g) (((g & digit) != 0) == ones ? changed : left).push_back(g);
      GeneEmbeddings other{cell.values_BGE.clone(), cell.lengths};
      const Tensor at = torch::tensor(changed, torch::kInt64).to(other.values_BGE.device());
      other.values_BGE.index_copy_(1, at, cell.values_BGE.index_select(1, at).neg());
      const SoftPrompt otherwise = adapter.forward(other);
      if (otherwise.lengths[0] != G) return false;
      if (genes_apart_detail::any_changed(soft.values_BPD[0], otherwise.values_BPD[0], left)) return false;
    }
  return true;
}

}  // namespace cell2text
