// Causal grouped-query attention written the plain way, one row, head and query at a time: what tests compare with.
#pragma once

#include <torch/types.h>

#include <limits>

namespace cell2text::test {

/// [B,T,H,C], [B,T,K,C], [B,T,K,C] -> [B,T,H*C], all T positions real.
inline torch::Tensor plain_attention(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                                     double scale, std::int64_t window = 0, double soft_cap = 0) {
  const std::int64_t T = q.size(1), H = q.size(2), group = H / k.size(2);
  std::vector<torch::Tensor> heads;
  auto hidden = torch::ones({T, T}, torch::kBool).triu(1);
  if (window > 0) hidden = hidden.logical_or(torch::ones({T, T}, torch::kBool).tril(-window));
  for (std::int64_t h = 0; h < H; ++h) {
    auto scores = torch::matmul(q.select(2, h), k.select(2, h / group).transpose(1, 2)) * scale;
    if (soft_cap > 0) scores = soft_cap * torch::tanh(scores / soft_cap);
    const auto weights = scores.masked_fill(hidden, -std::numeric_limits<float>::infinity()).softmax(-1);
    heads.push_back(torch::matmul(weights, v.select(2, h / group)));
  }
  return torch::stack(heads, 2).flatten(2);
}

}  // namespace cell2text::test
