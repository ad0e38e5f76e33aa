// Grouped-query causal attention, in two forms: over whole right-padded sequences (training, prompts),
// and of new tokens over remembered ones. Holds no weights and no memory; kv_cache.hpp remembers.
// Axes beside shapes.hpp: K key/value heads, C channels of a head, W width of the tail. H = K * repeats.
#pragma once

#include <torch/types.h>

#include <limits>
#include <vector>

#include "cell2text/shapes.hpp"

namespace cell2text {

/// How a layer attends, beside being causal.
struct AttentionRule {
  double scale = 1;         ///< of the products of queries and keys
  std::int64_t window = 0;  ///< a token sees itself and the window - 1 tokens before it; 0: all before it
  double soft_cap = 0;      ///< scores s become soft_cap * tanh(s / soft_cap); 0: they stay

  AttentionRule(double scale = 1, std::int64_t window = 0, double soft_cap = 0)  // NOLINT: a scale alone is a rule
      : scale(scale), window(window), soft_cap(soft_cap) {}
};

namespace attention_detail {

inline Tensor capped(const Tensor& scores, double soft_cap) {
  return soft_cap > 0 ? (scores / soft_cap).tanh() * soft_cap : scores;
}

/// Which of T keys the queries at these places [1 or B, L] see, as booleans [1 or B, 1, L, T].
inline Tensor visible_B1LT(const Tensor& places_BL, std::int64_t T, std::int64_t window) {
  const Tensor back = places_BL.unsqueeze(-1) - at::arange(T, places_BL.options());
  return (window > 0 ? (back >= 0).logical_and_(back < window) : back >= 0).unsqueeze(1);
}

/// The plain form, for what LibTorch's kernels do not offer: scores [B,K,repeats*L,T] are held whole.
inline Tensor capped_attention(const Tensor& q_BHLC, const Tensor& k_BKTC, const Tensor& v_BKTC,
                               const Tensor& visible_B1LT, const AttentionRule& rule) {
  const std::int64_t B = q_BHLC.size(0), H = q_BHLC.size(1), L = q_BHLC.size(2), C = q_BHLC.size(3);
  const std::int64_t K = k_BKTC.size(1), T = k_BKTC.size(2);
  const Tensor q = (q_BHLC * rule.scale).reshape({B, K, H / K * L, C});  // heads of a group lie side by side
  const Tensor scores = capped(at::matmul(q, k_BKTC.transpose(2, 3)), rule.soft_cap).view({B, H, L, T});
  const Tensor hidden = visible_B1LT.logical_not();
  const Tensor weights =
      at::softmax(scores.masked_fill(hidden, -std::numeric_limits<float>::infinity()), -1, torch::kFloat32)
          .to(q.scalar_type());
  return at::matmul(weights.view({B, K, H / K * L, T}), v_BKTC).view({B, H, L, C});
}

}  // namespace attention_detail

/// Causal attention of sequences over themselves; [B,L,H,C], [B,T,K,C], [B,T,K,C] -> [B,L,H*C]. Of each row all T
/// tokens ask, or those at places_BL (int64) alone, where it is given.
/// Padding stands at the end, so no query of a real token sees it; its own output is undefined but finite.
inline Tensor causal_attention(const Tensor& q_BLHC, const Tensor& k_BTKC, const Tensor& v_BTKC,
                               const AttentionRule& rule, const Tensor& places_BL = {}) {
  const bool grouped = q_BLHC.size(2) != k_BTKC.size(2);
  const std::int64_t L = q_BLHC.size(1), T = k_BTKC.size(1);
  const Tensor q = q_BLHC.transpose(1, 2), k = k_BTKC.transpose(1, 2), v = v_BTKC.transpose(1, 2);
  Tensor out_BHLC;
  if (rule.soft_cap > 0 || (rule.window > 0 && rule.window < T) || places_BL.defined()) {
    const Tensor all_1T = at::arange(T, at::TensorOptions().dtype(torch::kInt64).device(q.device())).unsqueeze(0);
    const Tensor visible = attention_detail::visible_B1LT(places_BL.defined() ? places_BL : all_1T, T, rule.window);
    out_BHLC = rule.soft_cap > 0 ? attention_detail::capped_attention(q, k, v, visible, rule)
                                 : at::scaled_dot_product_attention(q, k, v, visible, /*dropout_p=*/0.0,
                                                                    /*is_causal=*/false, rule.scale,
                                                                    /*enable_gqa=*/grouped);
  } else {
    out_BHLC = at::scaled_dot_product_attention(q, k, v, {}, /*dropout_p=*/0.0, /*is_causal=*/true, rule.scale,
                                                /*enable_gqa=*/grouped);
  }
  return out_BHLC.transpose(1, 2).reshape({q_BLHC.size(0), L, q_BLHC.size(2) * q_BLHC.size(3)});
}

/// Rows that stand side by side and share a prompt.
struct PromptRun {
  std::int64_t prompt, first, count;
};

/// What new tokens attend to: prompts that several rows share, and each row's own tail.
struct RememberedKeys {
  std::int64_t rows_per_prompt = 1;     ///< row r belongs to prompt r / rows_per_prompt; unless there are
  std::vector<PromptRun> runs;          ///< of all rows in their order; prompts may have several or none
  Tensor prompt_k_QKPC, prompt_v_QKPC;  ///< Q prompts of P tokens
  Tensor tail_k_RKWC, tail_v_RKWC;      ///< the new tokens included
  Tensor prompt_mask;     ///< 0 or -infinity, [Q,1,P], or of rows [R,1,P] or [R,T,P]; undefined where all is visible
  Tensor tail_mask_R1TW;  ///< 0 or -infinity, or undefined where all is visible
};

namespace attention_detail {

/// Products with what prompts hold, y_QKAB: x [Q*K, rows * n, A] -> [Q*K, rows * n, B], where Q prompts have as many
/// rows each, or of all rows in one, [K, R * n, A] -> [K, R * n, B], run by run. Nothing of y is copied.
inline Tensor prompt_products(const Tensor& x, const Tensor& y_QKAB, const std::vector<PromptRun>& runs,
                              std::int64_t n) {
  if (runs.empty()) return at::bmm(x, y_QKAB.reshape({x.size(0), y_QKAB.size(2), y_QKAB.size(3)}));
  std::vector<Tensor> parts;
  for (const PromptRun& run : runs)
    parts.push_back(at::bmm(x.narrow(1, run.first * n, run.count * n), y_QKAB.select(0, run.prompt)));
  return at::cat(parts, 1);
}

}  // namespace attention_detail

/// Attention of T new tokens per row, [R,T,H,C] -> [R,T,H*C]. The prompt part is one product per prompt (or run of its
/// rows) and key/value head for all its rows, beams and repeated heads together: nothing is expanded. One softmax joins
/// both.
inline Tensor remembered_attention(const Tensor& q_RTHC, const RememberedKeys& keys, const AttentionRule& rule) {
  const std::int64_t R = q_RTHC.size(0), T = q_RTHC.size(1), H = q_RTHC.size(2), C = q_RTHC.size(3);
  const std::int64_t K = keys.tail_k_RKWC.size(1), W = keys.tail_k_RKWC.size(2), P = keys.prompt_k_QKPC.size(2);
  const std::int64_t n = keys.runs.empty() ? keys.rows_per_prompt : R, Q = R / n, per_row = H / K * T;

  // Queries ordered [Q, K, n, repeats, T, C] for the prompts and [Q, n, K, repeats, T, C] for the tails.
  const Tensor q = (q_RTHC * rule.scale).reshape({Q, n, T, K, H / K, C});
  const Tensor q_prompt = q.permute({0, 3, 1, 4, 2, 5}).reshape({Q * K, n * per_row, C});
  const Tensor q_tail = q.permute({0, 1, 3, 4, 2, 5}).reshape({R * K, per_row, C});

  const auto capped = [&rule](const Tensor& scores) { return attention_detail::capped(scores, rule.soft_cap); };
  Tensor on_prompt =
      capped(attention_detail::prompt_products(q_prompt, keys.prompt_k_QKPC.transpose(2, 3), keys.runs, per_row));
  if (const Tensor& mask = keys.prompt_mask; mask.defined())
    on_prompt.view({Q, K, n, H / K, T, P}).add_(mask.view({Q, 1, mask.size(0) / Q, 1, mask.size(1), P}));
  Tensor on_tail = capped(at::bmm(q_tail, keys.tail_k_RKWC.reshape({R * K, W, C}).transpose(1, 2)));
  if (keys.tail_mask_R1TW.defined()) on_tail.view({R, H, T, W}).add_(keys.tail_mask_R1TW);

  const Tensor scores =
      at::cat({on_prompt.view({Q, K, n, per_row, P}), on_tail.view({Q, n, K, per_row, W}).transpose(1, 2)}, -1);
  const Tensor weights = at::softmax(scores, -1, torch::kFloat32).to(q.scalar_type());
  const Tensor from_prompt = attention_detail::prompt_products(
      weights.narrow(-1, 0, P).reshape({Q * K, n * per_row, P}), keys.prompt_v_QKPC, keys.runs, per_row);
  const Tensor from_tail = at::bmm(weights.narrow(-1, P, W).transpose(1, 2).reshape({R * K, per_row, W}),
                                   keys.tail_v_RKWC.reshape({R * K, W, C}));
  const Tensor sum = from_prompt.view({Q, K, n, H / K, T, C}).transpose(1, 2) + from_tail.view({Q, n, K, H / K, T, C});
  return sum.permute({0, 1, 4, 2, 3, 5}).reshape({R, T, H * C});
}

}  // namespace cell2text
