// Root-mean-square normalisation with a learned scale per feature.
#pragma once

#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

#include "cell2text/nn/cpu/kernels.hpp"
#include "cell2text/nn/parameters.hpp"
#include "cell2text/parallel/threads.hpp"

namespace cell2text {

namespace rms_norm_detail {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// Rows whose gradient of the scale is summed by itself: fixed, so that the sum does not depend on the threads.
inline constexpr std::int64_t rows_per_piece = 32;

/// `inverse_N`, where defined, takes 1 / sqrt(mean(x^2) + epsilon) of each row.
inline Tensor forward(const Tensor& x, const Tensor& scale_D, double epsilon, const Tensor& inverse_N) {
  const std::int64_t D = scale_D.size(0), N = x.numel() / D;
  Tensor y = at::empty(x.sizes(), x.options().requires_grad(false));
  const float *from = x.const_data_ptr<float>(), *scale = scale_D.const_data_ptr<float>();
  float *to = y.mutable_data_ptr<float>(),
        *inverse = inverse_N.defined() ? inverse_N.mutable_data_ptr<float>() : nullptr;
  parallel_pieces(N, rows_per_piece, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t n = first; n < last; ++n) {
      const float r = CELL2TEXT_KERNEL(rms_norm, from + n * D, scale, epsilon, to + n * D, D);
      if (inverse) inverse[n] = r;
    }
  });
  return y;
}

struct Norm : torch::autograd::Function<Norm> {
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& scale_D, double epsilon) {
    const Tensor inverse_N = at::empty({x.numel() / scale_D.size(0)}, x.options().requires_grad(false));
    context->save_for_backward({x, scale_D, inverse_N});
    return rms_norm_detail::forward(x, scale_D, epsilon, inverse_N);
  }
  static variable_list backward(AutogradContext* context, variable_list d_y) {
    const variable_list saved = context->get_saved_variables();
    const Tensor d = d_y[0].contiguous(), &x = saved[0], &scale_D = saved[1], &inverse_N = saved[2];
    const std::int64_t D = scale_D.size(0), N = inverse_N.size(0), pieces = (N + rows_per_piece - 1) / rows_per_piece;
    Tensor d_x = at::empty_like(x), d_scale_pD;
    if (context->needs_input_grad(1)) d_scale_pD = at::zeros({pieces, D}, scale_D.options().requires_grad(false));
    const float *from = d.const_data_ptr<float>(), *values = x.const_data_ptr<float>(),
                *scale = scale_D.const_data_ptr<float>(), *inverse = inverse_N.const_data_ptr<float>();
    float *to = d_x.mutable_data_ptr<float>(),
          *sums = d_scale_pD.defined() ? d_scale_pD.mutable_data_ptr<float>() : nullptr;
    parallel_pieces(pieces, 1, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t n = first * rows_per_piece; n < std::min(last * rows_per_piece, N); ++n)
        CELL2TEXT_KERNEL(rms_norm_backward, from + n * D, values + n * D, scale, inverse[n], to + n * D,
                         sums ? sums + n / rows_per_piece * D : nullptr, D);
    });
    return {d_x, d_scale_pD.defined() ? d_scale_pD.sum(0) : Tensor(), {}};
  }
};

}  // namespace rms_norm_detail

/// y = x / sqrt(mean(x^2) + epsilon) * weight over the last axis [D]; `weight_plus_one` scales by 1 + weight instead.
/// Computed in float32 whatever the dtype of x; the result has the dtype of x. On the CPU one pass over memory; of what
/// autograd would keep, x and a number per row.
class RmsNorm {
 public:
  RmsNorm(Parameter& weight, double epsilon, bool weight_plus_one = false)
      : weight_(&weight), epsilon_(epsilon), weight_plus_one_(weight_plus_one) {}

  Tensor operator()(const Tensor& x) const {
    const Tensor weight = weight_->value.to(torch::kFloat32);
    const Tensor scale = weight_plus_one_ ? weight + 1 : weight;
    if (x.scalar_type() == torch::kFloat32 && x.device().is_cpu()) return on_cpu(x, scale);
    if (x.scalar_type() == torch::kFloat32) return at::rms_norm(x, scale.sizes(), scale, epsilon_);
    const Tensor normed = at::rms_norm(x.to(torch::kFloat32), scale.sizes(), {}, epsilon_);
    // The scale is applied after the cast back, or before it, as the checkpoints of either kind were trained.
    return weight_plus_one_ ? (normed * scale).to(x.scalar_type()) : normed.to(x.scalar_type()) * weight_->value;
  }

 private:
  Tensor on_cpu(const Tensor& x, const Tensor& scale_D) const {
    const Tensor rows = x.contiguous();
    const bool records = torch::GradMode::is_enabled() && (x.requires_grad() || scale_D.requires_grad());
    return records ? rms_norm_detail::Norm::apply(rows, scale_D, epsilon_)
                   : rms_norm_detail::forward(rows, scale_D, epsilon_, {});
  }

  Parameter* weight_;
  double epsilon_;
  bool weight_plus_one_;
};

}  // namespace cell2text
