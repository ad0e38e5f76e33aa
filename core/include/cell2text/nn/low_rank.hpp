// A frozen linear layer with a low-rank addition: y = x W^T + b + scale * (x A^T) B^T (LoRA, Hu et al. 2021).
// Computes what training A and B needs and no more; who attaches A and B is linear.hpp's matter.
#pragma once

#include <torch/csrc/autograd/custom_function.h>
#include <torch/types.h>

#include "cell2text/nn/product.hpp"

namespace cell2text {

/// The frozen part. Weight [out, in], bias [out] or undefined.
struct FrozenLinear {
  Tensor weight_OI, bias_O;
  double scale = 1;  ///< of what is added
};

namespace low_rank_detail {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// Adds factor * left right to the gradient of a trained matrix: in place where that lies ready (flat_group.hpp),
/// and returns nothing; else returns it for autograd to add.
inline Tensor add_gradient(const Tensor& trained, const Tensor& left, const Tensor& right, double factor) {
  if (trained.is_leaf() && trained.grad().defined()) {
    trained.mutable_grad().addmm_(left, right, 1, factor);
    return {};
  }
  return at::mm(left, right).mul_(factor);
}

// One node for the whole layer: the sum is added to in place, forward and backward, and of the activations x and the
// narrow x A^T alone are kept. Nothing of the weight's size is made.
struct Layer : torch::autograd::Function<Layer> {
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& a_rI, const Tensor& b_Or,
                        const FrozenLinear& frozen) {
    Tensor y = linear_map(x, frozen.weight_OI, frozen.bias_O);
    const Tensor narrow_Nr = at::mm(x.reshape({-1, x.size(-1)}), a_rI.t());
    y.view({-1, y.size(-1)}).addmm_(narrow_Nr, b_Or.t(), 1, frozen.scale);
    context->save_for_backward({x, a_rI, b_Or, narrow_Nr, frozen.weight_OI});
    context->saved_data["scale"] = frozen.scale;
    return y;
  }
  static variable_list backward(AutogradContext* context, variable_list d_y) {
    const variable_list saved = context->get_saved_variables();
    const Tensor &x = saved[0], &a_rI = saved[1], &b_Or = saved[2], &narrow_Nr = saved[3], &weight_OI = saved[4];
    const double scale = context->saved_data["scale"].toDouble();
    const Tensor d_y_NO = d_y[0].reshape({-1, weight_OI.size(0)});
    const Tensor d_narrow_Nr = at::mm(d_y_NO, b_Or).mul_(scale);
    variable_list gradients(4);
    if (context->needs_input_grad(0)) {
      Tensor d_x_NI = linear_map_backward(d_y_NO, weight_OI);
      gradients[0] = d_x_NI.addmm_(d_narrow_Nr, a_rI).view(x.sizes());
    }
    if (context->needs_input_grad(1))
      gradients[1] = add_gradient(a_rI, d_narrow_Nr.t(), x.reshape({-1, x.size(-1)}), 1);
    if (context->needs_input_grad(2)) gradients[2] = add_gradient(b_Or, d_y_NO.t(), narrow_Nr, scale);
    return gradients;
  }
};

}  // namespace low_rank_detail

/// x [..., in], A [rank, in], B [out, rank] -> [..., out]; x, A and B in float32, the weight in any type that
/// `linear_map` takes beside it. Gradients reach x, A and B, never the frozen part.
inline Tensor low_rank_linear(const Tensor& x, const Tensor& a_rI, const Tensor& b_Or, const FrozenLinear& frozen) {
  if (torch::GradMode::is_enabled()) return low_rank_detail::Layer::apply(x, a_rI, b_Or, frozen);
  return linear_map(x, frozen.weight_OI, frozen.bias_O).add_(linear_map(linear_map(x, a_rI).mul_(frozen.scale), b_Or));
}

}  // namespace cell2text
