// Root-mean-square normalisation with a learned scale per feature.
#pragma once

#include "cell2text/nn/parameters.hpp"

namespace cell2text {

/// y = x / sqrt(mean(x^2) + epsilon) * weight over the last axis [D]; `weight_plus_one` scales by 1 + weight instead.
/// Computed in float32 whatever the dtype of x; the result has the dtype of x.
class RmsNorm {
 public:
  RmsNorm(Parameter& weight, double epsilon, bool weight_plus_one = false)
      : weight_(&weight), epsilon_(epsilon), weight_plus_one_(weight_plus_one) {}

  Tensor operator()(const Tensor& x) const {
    const Tensor weight = weight_->value.to(torch::kFloat32);
    const Tensor scale = weight_plus_one_ ? weight + 1 : weight;
    if (x.scalar_type() == torch::kFloat32) return at::rms_norm(x, scale.sizes(), scale, epsilon_);
    const Tensor normed = at::rms_norm(x.to(torch::kFloat32), scale.sizes(), {}, epsilon_);
    // The scale is applied after the cast back, or before it, as the checkpoints of either kind were trained.
    return weight_plus_one_ ? (normed * scale).to(x.scalar_type()) : normed.to(x.scalar_type()) * weight_->value;
  }

 private:
  Parameter* weight_;
  double epsilon_;
  bool weight_plus_one_;
};

}  // namespace cell2text
