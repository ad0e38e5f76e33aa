// Attention of new tokens over remembered ones on a CPU, row by row: each visits the keys that it sees and no others.
// Nothing is masked, padded, joined or copied, and what comes out for a row are the same bits in any batch.
// remembered_attention (attention.hpp) is the same for everything else.
#pragma once

#include <ATen/record_function.h>
#include <torch/types.h>

#include <algorithm>
#include <initializer_list>
#include <vector>

#include "cell2text/nn/attention.hpp"
#include "cell2text/nn/cpu/kernels.hpp"
#include "cell2text/nn/kv_rows.hpp"
#include "cell2text/parallel/threads.hpp"

namespace cell2text {

/// Keys and values of one layer: of prompts [Q,K,P,C], and of the rows' tails, the new tokens included, [R,K,W,C].
struct RowsKeys {
  const Tensor &prompt_k, &prompt_v, &tail_k, &tail_v;
};

/// Whether `attend_by_rows` can be called.
inline bool can_attend_by_rows(const Tensor& q_RTHC, const RowsKeys& keys) {
  if (torch::GradMode::is_enabled() && q_RTHC.requires_grad()) return false;
  return std::ranges::all_of(
             std::initializer_list<const Tensor*>{&q_RTHC, &keys.prompt_k, &keys.prompt_v, &keys.tail_k, &keys.tail_v},
             [](const Tensor* one) {
               return one->device().is_cpu() && one->scalar_type() == torch::kFloat32 && one->stride(-1) == 1;
             }) &&
         std::ranges::all_of(
             std::initializer_list<const Tensor*>{&keys.prompt_k, &keys.prompt_v, &keys.tail_k, &keys.tail_v},
             [](const Tensor* one) { return one->stride(2) == one->size(3); });
}

/// Of T new tokens per row, [R,T,H,C] -> [R,T,H*C]; `rows` before they read them. float32 on the CPU. What comes out
/// for a token beyond those that a row reads is undefined but finite.
inline Tensor attend_by_rows(const Tensor& q_RTHC, const RowsKeys& keys, const KvRows& rows,
                             const AttentionRule& rule) {
  RECORD_FUNCTION("cell2text::attend_by_rows", std::vector<c10::IValue>({q_RTHC}));
  const Tensor q = q_RTHC.contiguous();
  const std::int64_t R = q.size(0), T = q.size(1), H = q.size(2), C = q.size(3), K = keys.tail_k.size(1);
  const std::int64_t heads = H / K, longest = std::ranges::max(rows, {}, &KvRow::length).length() + T;
  const Tensor out = at::empty({R, T, H * C}, q.options().requires_grad(false));
  const auto of_head = [](const Tensor& all, std::int64_t row, std::int64_t head) {
    return all.const_data_ptr<float>() + row * all.stride(0) + head * all.stride(1);
  };
  const auto attend = [&](std::int64_t r, std::int64_t head, float* scratch) {
    const KvRow& row = rows.at(r);
    const std::int64_t first = (r * T * H + head * heads) * C;
    const cpu::RememberedRow remembered{.q = q.const_data_ptr<float>() + first,
                                        .out = out.mutable_data_ptr<float>() + first,
                                        .tokens = T,
                                        .heads = heads,
                                        .channels = C,
                                        .token_stride = H * C,
                                        .prompt_k = of_head(keys.prompt_k, row.prompt, head),
                                        .prompt_v = of_head(keys.prompt_v, row.prompt, head),
                                        .tail_k = of_head(keys.tail_k, r, head),
                                        .tail_v = of_head(keys.tail_v, r, head),
                                        .prompt_length = row.prompt_length,
                                        .tail_length = row.tail_length,
                                        .window = rule.window,
                                        .scale = static_cast<float>(rule.scale),
                                        .soft_cap = static_cast<float>(rule.soft_cap),
                                        .scratch = scratch};
    CELL2TEXT_KERNEL(attend_remembered, remembered);
  };
  // Pieces of some 50 microseconds: a product takes about a nanosecond for ten channels.
  const std::int64_t cost = T * heads * longest * C,
                     grain = std::max<std::int64_t>(1, 500'000 / std::max<std::int64_t>(cost, 1));
  parallel_pieces(R * K, grain, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> scratch(static_cast<std::size_t>(heads * (C + cpu::padded_keys(longest))));
    for (std::int64_t i = begin; i < end; ++i) attend(i / K, i % K, scratch.data());
  });
  return out;
}

}  // namespace cell2text
