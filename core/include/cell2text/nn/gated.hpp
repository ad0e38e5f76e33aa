// The gated half of a feed-forward part: act(gate) * up, where act is SiLU or GELU by tanh. One pass over memory, and
// of what autograd would keep, gate and up alone.
#pragma once

#include <torch/csrc/autograd/custom_function.h>
#include <torch/types.h>

#include "cell2text/nn/cpu/kernels.hpp"
#include "cell2text/parallel/threads.hpp"
#include "cell2text/shapes.hpp"

namespace cell2text {

enum class GateFunction { silu, gelu_tanh };

namespace gated_detail {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

inline constexpr std::int64_t grain = 1 << 15;

inline bool by_own_kernel(const Tensor& gate, const Tensor& up) {
  return gate.device().is_cpu() && gate.scalar_type() == torch::kFloat32 && up.scalar_type() == torch::kFloat32 &&
         gate.is_contiguous() && up.is_contiguous() && gate.sizes() == up.sizes();
}

inline Tensor forward(const Tensor& gate, const Tensor& up, bool gelu) {
  Tensor y = at::empty(gate.sizes(), gate.options().requires_grad(false));
  const float *g = gate.const_data_ptr<float>(), *u = up.const_data_ptr<float>();
  float* to = y.mutable_data_ptr<float>();
  parallel_pieces(y.numel(), grain, [&](std::int64_t first, std::int64_t last) {
    if (gelu)
      CELL2TEXT_KERNEL(gated_product<true>, g + first, u + first, to + first, last - first);
    else
      CELL2TEXT_KERNEL(gated_product<false>, g + first, u + first, to + first, last - first);
  });
  return y;
}

struct Product : torch::autograd::Function<Product> {
  static Tensor forward(AutogradContext* context, const Tensor& gate, const Tensor& up, bool gelu) {
    context->save_for_backward({gate, up});
    context->saved_data["gelu"] = gelu;
    return gated_detail::forward(gate, up, gelu);
  }
  static variable_list backward(AutogradContext* context, variable_list d_y) {
    const variable_list saved = context->get_saved_variables();
    const Tensor d = d_y[0].contiguous(), &gate = saved[0], &up = saved[1];
    Tensor d_gate = at::empty_like(gate), d_up = at::empty_like(up);
    const bool gelu = context->saved_data["gelu"].toBool();
    const float *from = d.const_data_ptr<float>(), *g = gate.const_data_ptr<float>(), *u = up.const_data_ptr<float>();
    float *to_gate = d_gate.mutable_data_ptr<float>(), *to_up = d_up.mutable_data_ptr<float>();
    parallel_pieces(d.numel(), grain, [&](std::int64_t i, std::int64_t last) {
      if (gelu)
        CELL2TEXT_KERNEL(gated_product_backward<true>, from + i, g + i, u + i, to_gate + i, to_up + i, last - i);
      else
        CELL2TEXT_KERNEL(gated_product_backward<false>, from + i, g + i, u + i, to_gate + i, to_up + i, last - i);
    });
    return {d_gate, d_up, {}};
  }
};

}  // namespace gated_detail

/// act(gate) * up, element by element, of equal shapes and types. On the CPU in float32 by own kernels, elsewhere by
/// LibTorch's.
inline Tensor gated(const Tensor& gate, const Tensor& up, GateFunction function) {
  const bool gelu = function == GateFunction::gelu_tanh;
  if (!gated_detail::by_own_kernel(gate, up)) return (gelu ? at::gelu(gate, "tanh") : at::silu(gate)) * up;
  const bool records = torch::GradMode::is_enabled() && (gate.requires_grad() || up.requires_grad());
  return records ? gated_detail::Product::apply(gate, up, gelu) : gated_detail::forward(gate, up, gelu);
}

}  // namespace cell2text
