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
    const Tensor weight = weight_plus_one_ ? weight_->value + 1 : weight_->value;
    if (x.scalar_type() == torch::kFloat32) return at::rms_norm(x, weight.sizes(), weight, epsilon_);
    // The scale is applied after the cast back, as the checkpoints of such types were trained.
    const Tensor normed = at::rms_norm(x.to(torch::kFloat32), weight.sizes(), {}, epsilon_);
    return weight_plus_one_ ? (normed * (weight_->value.to(torch::kFloat32) + 1)).to(x.scalar_type())
                            : normed.to(x.scalar_type()) * weight;
  }

 private:
  Parameter* weight_;
  double epsilon_;
  bool weight_plus_one_;
};

}  // namespace cell2text
