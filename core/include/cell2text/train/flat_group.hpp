// All trained parameters as one flat buffer of values and one of gradients, in a fixed order.
// An optimiser step, a norm, a reduction over ranks or a shard is then one pass over one array.
#pragma once

#include <algorithm>
#include <optional>
#include <vector>

#include "cell2text/huge_pages.hpp"
#include "cell2text/nn/parameters.hpp"

namespace cell2text {

/// A run of parameters that share an optimiser setting (with or without weight decay) and a type. Where that type is
/// not float32, what the model computes with are copies of two bytes; values, gradients and all that an optimiser keeps
/// are float32, so that small steps are not lost.
class FlatGroup {
 public:
  /// Moves the values of `parameters` (one type, one device) into one buffer; each parameter's `value`
  /// becomes a view on it, or on its copy, that requires gradients. The parameters must outlive the group.
  explicit FlatGroup(std::vector<Parameter*> parameters) : parameters_(std::move(parameters)) {
    torch::NoGradGuard no_grad;
    std::int64_t count = 0;
    const auto options = parameters_.empty() ? torch::TensorOptions() : parameters_[0]->value.options();
    for (const Parameter* parameter : parameters_) {
      if (parameter->value.scalar_type() != options.dtype().toScalarType())
        throw BugError("parameter '" + parameter->name + "' is of another type than those it is trained with");
      count += parameter->value.numel();
    }
    const auto flat = [count](torch::TensorOptions of) {
      const Tensor fresh = torch::empty({count}, of.requires_grad(false));
      prefer_huge_pages(fresh);
      return fresh;
    };
    values_ = flat(options.dtype(torch::kFloat32));
    gradients_ = flat(options.dtype(torch::kFloat32)).zero_();
    const bool copies = options.dtype() != torch::kFloat32;
    copied_values_ = copies ? flat(options) : values_;
    copied_gradients_ = copies ? flat(options).zero_() : gradients_;
    std::int64_t start = 0;
    for (Parameter* parameter : parameters_) {
      const auto n = parameter->value.numel();
      values_.narrow(0, start, n).view(parameter->value.sizes()).copy_(parameter->value);
      const Tensor view = copied_values_.narrow(0, start, n).view(parameter->value.sizes());
      parameter->value = view.detach().requires_grad_(true);
      parameter->value.mutable_grad() = copied_gradients_.narrow(0, start, n).view(view.sizes());
      starts_.push_back(start);
      start += n;
    }
    publish();
  }

  /// After a backward pass: what it left in two bytes joins the gradients.
  void collect() {
    if (copied_gradients_.is_same(gradients_)) return;
    gradients_.add_(copied_gradients_);
    copied_gradients_.zero_();
  }
  /// After values have changed: the copies are made anew.
  void publish() {
    torch::NoGradGuard no_grad;
    if (!copied_values_.is_same(values_)) copied_values_.copy_(values_);
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
    gradients_ = copied_gradients_ = Tensor();
  }

 private:
  std::vector<Parameter*> parameters_;
  std::vector<std::int64_t> starts_;
  Tensor values_, gradients_;                // float32
  Tensor copied_values_, copied_gradients_;  // what the parameters look at: these, or copies of another type
};

/// Trainable parameters of several sets in order, grouped into matrices (decayed) and vectors (not) of each type.
inline std::vector<FlatGroup> flat_groups(std::initializer_list<Parameters*> sets) {
  std::vector<std::vector<Parameter*>> alike;
  const auto same = [](const Parameter& a, const Parameter& b) {
    return (a.value.dim() > 1) == (b.value.dim() > 1) && a.value.scalar_type() == b.value.scalar_type();
  };
  for (Parameters* set : sets)
    for (Parameter& parameter : set->list()) {
      if (!parameter.trainable) continue;
      auto group = std::ranges::find_if(alike, [&](const auto& group) { return same(*group.front(), parameter); });
      if (group == alike.end()) group = alike.insert(group, std::vector<Parameter*>());
      group->push_back(&parameter);
    }
  std::vector<FlatGroup> groups;
  for (auto& parameters : alike) groups.emplace_back(std::move(parameters));
  return groups;
}

}  // namespace cell2text
