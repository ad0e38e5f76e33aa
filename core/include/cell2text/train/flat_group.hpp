// All trained parameters as one flat buffer of values and one of gradients, in a fixed order.
// An optimiser step, a norm, a reduction over ranks or a shard is then one pass over one array.
#pragma once

#include <optional>
#include <vector>

#include "cell2text/huge_pages.hpp"
#include "cell2text/nn/parameters.hpp"

namespace cell2text {

/// A run of parameters that share an optimiser setting (with or without weight decay).
class FlatGroup {
 public:
  /// Moves the values of `parameters` (float32, one device) into one buffer; each parameter's `value`
  /// becomes a view on it that requires gradients. The parameters must outlive the group.
  explicit FlatGroup(std::vector<Parameter*> parameters) : parameters_(std::move(parameters)) {
    torch::NoGradGuard no_grad;
    std::int64_t count = 0;
    for (const Parameter* parameter : parameters_) {
      if (parameter->value.scalar_type() != torch::kFloat32)
        throw BugError("parameter '" + parameter->name + "' is trained but is not float32");
      count += parameter->value.numel();
    }
    const auto options = parameters_.empty() ? torch::TensorOptions() : parameters_[0]->value.options();
    values_ = torch::empty({count}, options);
    gradients_ = torch::empty({count}, options);
    prefer_huge_pages(values_);
    prefer_huge_pages(gradients_);
    gradients_.zero_();
    std::int64_t start = 0;
    for (Parameter* parameter : parameters_) {
      const auto n = parameter->value.numel();
      Tensor view = values_.narrow(0, start, n).view(parameter->value.sizes());
      view.copy_(parameter->value);
      parameter->value = view.detach().requires_grad_(true);
      parameter->value.mutable_grad() = gradients_.narrow(0, start, n).view(view.sizes());
      starts_.push_back(start);
      start += n;
    }
  }

  const std::vector<Parameter*>& parameters() const { return parameters_; }
  Tensor& values() { return values_; }
  Tensor& gradients() { return gradients_; }
  std::int64_t count() const { return values_.numel(); }

  /// The part of `flat` (an array like values()) that belongs to a parameter; nothing if it is not of this group.
  std::optional<Tensor> view(const Tensor& flat, const Parameter& parameter) const {
    for (std::size_t i = 0; i < parameters_.size(); ++i)
      if (parameters_[i] == &parameter)
        return flat.narrow(0, starts_[i], parameter.value.numel()).view(parameter.value.sizes());
    return std::nullopt;
  }

  void zero_gradients() { gradients_.zero_(); }

  /// Ends training: the parameters keep their values and no longer record gradients.
  void release() {
    for (Parameter* parameter : parameters_) parameter->value = parameter->value.detach();
    gradients_ = Tensor();
  }

 private:
  std::vector<Parameter*> parameters_;
  std::vector<std::int64_t> starts_;
  Tensor values_, gradients_;
};

/// Trainable parameters of several sets in order, as two groups: matrices (decayed) and vectors (not).
inline std::vector<FlatGroup> flat_groups(std::initializer_list<Parameters*> sets) {
  std::vector<Parameter*> matrices, vectors;
  for (Parameters* set : sets)
    for (Parameter& parameter : set->list())
      if (parameter.trainable) (parameter.value.dim() > 1 ? matrices : vectors).push_back(&parameter);
  std::vector<FlatGroup> groups;
  if (!matrices.empty()) groups.emplace_back(std::move(matrices));
  if (!vectors.empty()) groups.emplace_back(std::move(vectors));
  return groups;
}

}  // namespace cell2text
