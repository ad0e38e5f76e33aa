// Grouped-query causal attention, in two forms: over whole right-padded sequences (training, prompts),
// and of new tokens over remembered ones. Holds no weights and no memory; kv_cache.hpp remembers.
// Axes beside shapes.hpp: K key/value heads, C channels of a head, W width of the tail. H = K * repeats.
#pragma once

#include <torch/types.h>

#include <cmath>

#include "cell2text/shapes.hpp"

namespace cell2text {

/// Causal attention of sequences over themselves; [B,T,H,C], [B,T,K,C], [B,T,K,C] -> [B,T,H*C].
/// Padding stands at the end, so no query of a real token sees it; its own output is undefined but finite.
inline Tensor causal_attention(const Tensor& q_BTHC, const Tensor& k_BTKC, const Tensor& v_BTKC, double scale) {
  const bool grouped = q_BTHC.size(2) != k_BTKC.size(2);
  const Tensor out_BHTC =
      at::scaled_dot_product_attention(q_BTHC.transpose(1, 2), k_BTKC.transpose(1, 2), v_BTKC.transpose(1, 2), {},
                                       /*dropout_p=*/0.0, /*is_causal=*/true, scale, /*enable_gqa=*/grouped);
  return out_BHTC.transpose(1, 2).reshape({q_BTHC.size(0), q_BTHC.size(1), q_BTHC.size(2) * q_BTHC.size(3)});
}

/// What new tokens attend to: prompts that several rows share, and each row's own tail.
/// Row r belongs to prompt r / rows_per_prompt.
struct RememberedKeys {
  std::int64_t rows_per_prompt = 1;
  Tensor prompt_k_QKPC, prompt_v_QKPC;  ///< Q prompts of P tokens
  Tensor tail_k_RKWC, tail_v_RKWC;      ///< the new tokens included
  Tensor prompt_mask_Q1P;               ///< 0 or -infinity, or undefined where all prompts have P tokens
  Tensor tail_mask_R1TW;                ///< 0 or -infinity, or undefined where all is visible
};

/// Attention of T new tokens per row, [R,T,H,C] -> [R,T,H*C]. The prompt part is one product per prompt and
/// key/value head for all its rows, beams and repeated heads together: nothing is expanded. One softmax joins both.
inline Tensor remembered_attention(const Tensor& q_RTHC, const RememberedKeys& keys, double scale) {
  const std::int64_t R = q_RTHC.size(0), T = q_RTHC.size(1), H = q_RTHC.size(2), C = q_RTHC.size(3);
  const std::int64_t K = keys.tail_k_RKWC.size(1), W = keys.tail_k_RKWC.size(2), P = keys.prompt_k_QKPC.size(2);
  const std::int64_t n = keys.rows_per_prompt, Q = R / n, per_row = H / K * T;

  // Queries ordered [Q, K, n, repeats, T, C] for the prompts and [Q, n, K, repeats, T, C] for the tails.
  const Tensor q = (q_RTHC * scale).reshape({Q, n, T, K, H / K, C});
  const Tensor q_prompt = q.permute({0, 3, 1, 4, 2, 5}).reshape({Q * K, n * per_row, C});
  const Tensor q_tail = q.permute({0, 1, 3, 4, 2, 5}).reshape({R * K, per_row, C});

  Tensor on_prompt = at::bmm(q_prompt, keys.prompt_k_QKPC.reshape({Q * K, P, C}).transpose(1, 2));
  if (keys.prompt_mask_Q1P.defined()) on_prompt.view({Q, K * n * per_row, P}).add_(keys.prompt_mask_Q1P);
  Tensor on_tail = at::bmm(q_tail, keys.tail_k_RKWC.reshape({R * K, W, C}).transpose(1, 2));
  if (keys.tail_mask_R1TW.defined()) on_tail.view({R, H, T, W}).add_(keys.tail_mask_R1TW);

  const Tensor scores =
      at::cat({on_prompt.view({Q, K, n, per_row, P}), on_tail.view({Q, n, K, per_row, W}).transpose(1, 2)}, -1);
  const Tensor weights = at::softmax(scores, -1, torch::kFloat32).to(q.scalar_type());
  const Tensor from_prompt =
      at::bmm(weights.narrow(-1, 0, P).reshape({Q * K, n * per_row, P}), keys.prompt_v_QKPC.reshape({Q * K, P, C}));
  const Tensor from_tail = at::bmm(weights.narrow(-1, P, W).transpose(1, 2).reshape({R * K, per_row, W}),
                                   keys.tail_v_RKWC.reshape({R * K, W, C}));
  const Tensor sum = from_prompt.view({Q, K, n, H / K, T, C}).transpose(1, 2) + from_tail.view({Q, n, K, H / K, T, C});
  return sum.permute({0, 1, 4, 2, 3, 5}).reshape({R, T, H * C});
}

}  // namespace cell2text
