// Attention in which every token may look at every other: of encoders over themselves, and of queries over something
// that was read. Attention of decoders, which look back only, is attention.hpp's. Holds no weights.
#pragma once

#include <torch/types.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "cell2text/shapes.hpp"

namespace cell2text {

/// Which of `num_keys` keys each row has: booleans [B,1,1,S], true below the row's length, on `device`. Undefined where
/// no row is padded, which the faster kernels want. A row of length 0 looks at its first key, so that nothing is NaN.
inline Tensor key_mask(const std::vector<std::int64_t>& lengths, std::int64_t num_keys, torch::Device device) {
  bool padded = false;
  Tensor lengths_B = torch::empty({static_cast<std::int64_t>(lengths.size())}, torch::kInt64);
  auto* data = lengths_B.mutable_data_ptr<std::int64_t>();
  for (const std::int64_t length : lengths) {
    padded |= length < num_keys;
    *data++ = std::max<std::int64_t>(length, 1);
  }
  if (!padded) return {};
  return (torch::arange(num_keys) < lengths_B.unsqueeze(1)).to(device).unsqueeze(1).unsqueeze(1);
}

/// How queries attend to keys.
struct FullAttention {
  std::int64_t heads = 1;
  double dropout = 0;  ///< of attention weights; 0 where nothing is trained

  /// softmax(q k^T / sqrt(E / heads)) v, head by head: q [B,T,E], k and v [B,S,E] -> [B,T,E]. `mask` as key_mask gives
  /// it, or undefined.
  Tensor operator()(const Tensor& q_BTE, const Tensor& k_BSE, const Tensor& v_BSE, const Tensor& mask_B11S) const {
    const auto split = [this](const Tensor& x_BSE) {  // -> [B,H,S,E/H]
      return x_BSE.unflatten(2, {heads, x_BSE.size(2) / heads}).transpose(1, 2);
    };
    const std::optional<Tensor> mask = mask_B11S.defined() ? std::optional(mask_B11S) : std::nullopt;
    return at::scaled_dot_product_attention(split(q_BTE), split(k_BSE), split(v_BSE), mask, dropout)
        .transpose(1, 2)
        .flatten(2);
  }
};

/// Zeros where x [B,G,E] lies beyond its row's length: a NaN there would otherwise reach the gradients of weights as
/// 0 x NaN. x itself where no row is padded.
inline Tensor without_padding(const Tensor& x_BGE, const std::vector<std::int64_t>& lengths) {
  const std::int64_t num_genes = x_BGE.size(1);
  if (std::ranges::all_of(lengths, [num_genes](std::int64_t length) { return length >= num_genes; })) return x_BGE;
  const Tensor lengths_B = torch::tensor(lengths, torch::kInt64);
  const Tensor padding_BG = torch::arange(num_genes) >= lengths_B.unsqueeze(1);
  return x_BGE.masked_fill(padding_BG.to(x_BGE.device()).unsqueeze(2), 0);
}

}  // namespace cell2text
