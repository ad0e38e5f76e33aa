// A large table that is both the first layer of a model (rows by token) and its last (scores of all tokens). Its
// gradient comes from few rows, or in pieces; both are added to the parameter's gradient where that lies. Through
// autograd each would first become an array of the table's size: made, filled with zeros, and added.
#pragma once

#include <torch/csrc/autograd/custom_function.h>
#include <torch/types.h>

#include "cell2text/nn/parameters.hpp"
#include "cell2text/nn/product.hpp"

namespace cell2text {

namespace table_detail {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// Whether gradients can be added in place: a leaf on the CPU whose gradient is there already (flat_group.hpp).
inline bool adds_in_place(const Tensor& table) {
  return torch::GradMode::is_enabled() && table.requires_grad() && table.is_leaf() && table.grad().defined() &&
         table.device().is_cpu() && table.scalar_type() == torch::kFloat32 && table.grad().is_contiguous();
}

struct Rows : torch::autograd::Function<Rows> {
  static Tensor forward(AutogradContext* context, const Tensor& table_VD, const Tensor& ids) {
    context->save_for_backward({table_VD, ids});
    return at::embedding(table_VD, ids);
  }
  static variable_list backward(AutogradContext* context, variable_list d_rows) {
    const variable_list saved = context->get_saved_variables();
    const Tensor gradient = d_rows[0].contiguous(), ids = saved[1].contiguous();
    Tensor& total = saved[0].mutable_grad();
    const std::int64_t D = total.size(1);
    const auto* id = ids.const_data_ptr<std::int64_t>();
    const float* from = gradient.const_data_ptr<float>();
    float* to = total.mutable_data_ptr<float>();
    for (std::int64_t i = 0; i < ids.numel(); ++i)
      for (std::int64_t d = 0; d < D; ++d) to[id[i] * D + d] += from[i * D + d];
    return {Tensor(), Tensor()};
  }
};

struct Scores : torch::autograd::Function<Scores> {
  static Tensor forward(AutogradContext* context, const Tensor& table_VD, const Tensor& hidden) {
    context->save_for_backward({table_VD, hidden});
    return at::linear(hidden, table_VD);
  }
  static variable_list backward(AutogradContext* context, variable_list d_scores) {
    const variable_list saved = context->get_saved_variables();
    const Tensor &table_VD = saved[0], &hidden = saved[1];
    const Tensor gradient_NV = d_scores[0].reshape({-1, table_VD.size(0)});
    table_VD.mutable_grad().addmm_(gradient_NV.t(), hidden.reshape({-1, table_VD.size(1)}));
    return {Tensor(), context->needs_input_grad(1) ? at::mm(gradient_NV, table_VD).view(hidden.sizes()) : Tensor()};
  }
};

}  // namespace table_detail

/// Rows of the table [V,D]: ids [...] (int64) -> [..., D], of the activations' type.
inline Tensor table_rows(const Parameter& table_VD, const Tensor& ids) {
  if (!table_detail::adds_in_place(table_VD.value)) return at::embedding(table_VD.value, ids).to(activation_type(table_VD.value));
  return table_detail::Rows::apply(table_VD.value, ids);
}

/// Products with all rows of the table [V,D]: hidden [..., D] -> [..., V].
inline Tensor table_scores(const Parameter& table_VD, const Tensor& hidden) {
  if (!table_detail::adds_in_place(table_VD.value)) return linear_map(hidden, table_VD.value);
  return table_detail::Scores::apply(table_VD.value, hidden);
}

}  // namespace cell2text
