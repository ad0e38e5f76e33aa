// Attention of new tokens over remembered ones on a CPU: each weighs the keys that it sees and no others. Nothing is
// masked, padded, joined or copied, and what comes out for a row are the same bits in any batch. remembered_attention
// (attention.hpp) is the same for everything else.
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
  const auto is_plain = [](const Tensor* one) {
    return one->device().is_cpu() && one->scalar_type() == torch::kFloat32;
  };
  const auto is_dense = [&](const Tensor* one) {
    return is_plain(one) && one->stride(3) == 1 && one->stride(2) == one->size(3);
  };
  const std::initializer_list<const Tensor*> all = {&keys.prompt_k, &keys.prompt_v, &keys.tail_k, &keys.tail_v};
  return is_plain(&q_RTHC) && std::ranges::all_of(all, is_dense);
}

namespace remembered_rows_detail {

/// New token t of row `number`.
struct Place {
  std::int64_t number, t;
};

/// Tokens side by side, at most `most`, that look at one prompt.
inline std::vector<std::vector<Place>> by_prompt(const KvRows& rows, std::int64_t T, std::int64_t most) {
  std::vector<std::vector<Place>> groups;
  for (std::int64_t r = 0; r < rows.size(); ++r)
    for (std::int64_t t = 0; t < T; ++t) {
      if (groups.empty() || std::ssize(groups.back()) == most ||
          rows.at(groups.back().front().number).prompt != rows.at(r).prompt)
        groups.emplace_back();
      groups.back().push_back({r, t});
    }
  return groups;
}

/// What is the same for all tokens of a layer.
struct Layer {
  const Tensor &q_RTHC, &out_RTHC;
  const RowsKeys& keys;
  const KvRows& rows;
  const AttentionRule& rule;

  std::int64_t heads() const { return q_RTHC.size(2) / keys.tail_k.size(1); }  // that share keys and values
  static const float* of(const Tensor& all, std::int64_t row, std::int64_t head) {
    return all.const_data_ptr<float>() + row * all.stride(0) + head * all.stride(1);
  }

  /// What the token at `place` sees, of one head of keys and values.
  cpu::RememberingToken token(const Place& place, std::int64_t head) const {
    const KvRow& row = rows.at(place.number);
    const std::int64_t C = q_RTHC.size(3), end = row.length() + place.t + 1;
    const std::int64_t first = rule.window > 0 ? std::max<std::int64_t>(0, end - rule.window) : 0;
    const std::int64_t skipped = std::min(first, row.prompt_length), tail_first = first - skipped;
    const std::int64_t at = ((place.number * q_RTHC.size(1) + place.t) * q_RTHC.size(2) + head * heads()) * C;
    return {.q = q_RTHC.const_data_ptr<float>() + at,
            .out = out_RTHC.mutable_data_ptr<float>() + at,
            .tail_k = of(keys.tail_k, place.number, head) + tail_first * C,
            .tail_v = of(keys.tail_v, place.number, head) + tail_first * C,
            .prompt_first = skipped,
            .prompt_end = row.prompt_length,
            .tail_keys = end - row.prompt_length - tail_first};
  }

  void attend(const std::vector<Place>& places, std::int64_t head, std::vector<float>& scratch) const {
    std::vector<cpu::RememberingToken> tokens;
    for (const Place& place : places) tokens.push_back(token(place, head));
    const std::int64_t prompt = rows.at(places.front().number).prompt;
    cpu::RememberingTokens together{.tokens = tokens.data(),
                                    .count = std::ssize(tokens),
                                    .heads = heads(),
                                    .channels = q_RTHC.size(3),
                                    .prompt_k = of(keys.prompt_k, prompt, head),
                                    .prompt_v = of(keys.prompt_v, prompt, head),
                                    .scale = static_cast<float>(rule.scale),
                                    .soft_cap = static_cast<float>(rule.soft_cap)};
    scratch.resize(std::max(scratch.size(), static_cast<std::size_t>(cpu::remembering_scratch(together))));
    together.scratch = scratch.data();
    CELL2TEXT_KERNEL(attend_remembered, together);
  }
};

}  // namespace remembered_rows_detail

/// Of T new tokens per row, [R,T,H,C] -> [R,T,H*C]; `rows` before they read them. float32 on the CPU. What comes out
/// for a token beyond those that a row reads is undefined but finite.
inline Tensor attend_by_rows(const Tensor& q_RTHC, const RowsKeys& keys, const KvRows& rows,
                             const AttentionRule& rule) {
  RECORD_FUNCTION("cell2text::attend_by_rows", std::vector<c10::IValue>({q_RTHC}));
  const Tensor q = q_RTHC.contiguous(), out = at::empty(q.sizes(), q.options().requires_grad(false));
  const remembered_rows_detail::Layer layer{q, out, keys, rows, rule};
  const std::int64_t R = q.size(0), T = q.size(1), H = q.size(2), C = q.size(3), K = keys.tail_k.size(1);
  // Some 16 queries read a prompt together, fewer where there would be too few pieces for the threads; a product of ten
  // channels takes about a nanosecond, a piece some 50 microseconds at least.
  const std::int64_t each =
      std::clamp<std::int64_t>(R * T * K / (2 * at::get_num_threads()), 1, 16 / layer.heads() + 1);
  const auto groups = remembered_rows_detail::by_prompt(rows, T, each);
  const std::int64_t longest = std::ranges::max(rows, {}, &KvRow::length).length() + T;
  const std::int64_t grain = std::max<std::int64_t>(1, 500'000 / (each * layer.heads() * longest * C));
  parallel_pieces(std::ssize(groups) * K, grain, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> scratch;
    for (std::int64_t i = begin; i < end; ++i) layer.attend(groups[i / K], i % K, scratch);
  });
  return out.view({R, T, H * C});
}

}  // namespace cell2text
