// The one linear layer of all models. It is reached by name, so that a fine-tuning strategy can
// add to its output (LoRA and the like) without swapping modules.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "cell2text/nn/low_rank.hpp"
#include "cell2text/nn/parameters.hpp"
#include "cell2text/nn/product.hpp"

namespace cell2text {

/// What a fine-tuning strategy adds to a linear layer: y += scale * B (A dropout(x)), or any function of x.
struct Delta {
  Parameter* a_rI = nullptr;  ///< [rank, in]
  Parameter* b_Or = nullptr;  ///< [out, rank]
  double scale = 1;
  double dropout = 0;
  std::function<Tensor(const Tensor&)> function = {};  ///< used where set, instead of A and B
};

/// y = x W^T + b, plus the attached delta. Weight [out, in], bias [out] or none.
/// Parameters belong to the core; the slot belongs to the decoder and outlives what is attached.
class LinearSlot {
 public:
  LinearSlot(std::string name, Parameter& weight, Parameter* bias = nullptr)
      : name_(std::move(name)), weight_(&weight), bias_(bias) {}

  const std::string& name() const { return name_; }
  std::int64_t in() const { return weight_->value.size(1); }
  std::int64_t out() const { return weight_->value.size(0); }
  Parameter& weight() { return *weight_; }
  Parameter* bias() { return bias_; }

  void attach(Delta delta) { delta_ = std::move(delta); }
  void detach() { delta_.reset(); }

  /// Adds scale * B A to the weight for good, and drops the delta. A delta that is a function cannot be merged.
  void merge() {
    if (!delta_) return;
    if (delta_->function)
      throw InputError("layer '" + name_ + "': what is attached is a function and cannot be merged into the weight");
    torch::NoGradGuard no_grad;
    const Tensor ba_OI = torch::mm(delta_->b_Or->value.to(torch::kFloat32), delta_->a_rI->value.to(torch::kFloat32));
    weight_->value = (weight_->value.to(torch::kFloat32) + delta_->scale * ba_OI).to(weight_->value.scalar_type());
    delta_.reset();
  }

  /// x [..., in] -> [..., out]. `training` switches the delta's dropout.
  Tensor operator()(const Tensor& x, bool training = false) const {
    const Tensor bias_O = bias_ ? bias_->value : Tensor();
    if (!delta_) return linear_map(x, weight_->value, bias_O);
    if (delta_->function) return linear_map(x, weight_->value, bias_O) + delta_->function(x);
    const Tensor &a_rI = delta_->a_rI->value, &b_Or = delta_->b_Or->value;
    const bool frozen = !weight_->value.requires_grad() && !(bias_O.defined() && bias_O.requires_grad());
    const bool drops = training && delta_->dropout > 0;
    if (frozen && !drops && x.scalar_type() == torch::kFloat32 && a_rI.scalar_type() == torch::kFloat32)
      return low_rank_linear(x, a_rI, b_Or, {weight_->value, bias_O, delta_->scale});
    const Tensor y = linear_map(x, weight_->value, bias_O);
    const Tensor dropped = (drops ? at::dropout(x, delta_->dropout, true) : x).to(a_rI.scalar_type());
    return y + (at::linear(at::linear(dropped, a_rI), b_Or) * delta_->scale).to(y.scalar_type());
  }

 private:
  std::string name_;
  Parameter* weight_;
  Parameter* bias_;
  std::optional<Delta> delta_;
};

}  // namespace cell2text
