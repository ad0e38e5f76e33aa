// Activation checkpointing: what a function needs for its backward is not kept but computed again.
#pragma once

#include <ATen/Context.h>
#include <ATen/core/ivalue.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/types.h>

#include <functional>
#include <utility>

#include "cell2text/shapes.hpp"

namespace cell2text {

namespace recompute_detail {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// Dropout must draw the same numbers again. Puts the generator of a device back to a state, and at its end to what it
/// was.
class ReplayedRandom {
 public:
  ReplayedRandom(torch::Device device, const Tensor& state)
      : generator_(at::globalContext().defaultGenerator(device)), before_(generator_.get_state()) {
    generator_.set_state(state);
  }
  ~ReplayedRandom() { generator_.set_state(before_); }
  ReplayedRandom(const ReplayedRandom&) = delete;
  ReplayedRandom& operator=(const ReplayedRandom&) = delete;

 private:
  at::Generator generator_;
  Tensor before_;
};

/// What is computed again, held by the graph until its backward is done.
struct Kept : torch::CustomClassHolder {
  explicit Kept(std::function<Tensor(const Tensor&)> f) : f(std::move(f)) {}
  std::function<Tensor(const Tensor&)> f;
};

struct Recomputed : torch::autograd::Function<Recomputed> {
  static Tensor forward(AutogradContext* context, const Tensor& x, const std::function<Tensor(const Tensor&)>& f) {
    context->save_for_backward({x, at::globalContext().defaultGenerator(x.device()).get_state()});
    context->saved_data["f"] = c10::IValue::make_capsule(c10::make_intrusive<Kept>(f));
    // With gradients, though they are dropped: kernels are chosen by whether there are any, and both runs must agree.
    torch::AutoGradMode gradients(true);
    return f(x.detach().requires_grad_(true)).detach();
  }

  static variable_list backward(AutogradContext* context, variable_list d_y) {
    const variable_list saved = context->get_saved_variables();
    const Tensor x = saved[0].detach().requires_grad_(true);
    const auto kept = c10::static_intrusive_pointer_cast<Kept>(context->saved_data["f"].toCapsule());
    torch::AutoGradMode gradients(true);
    const Tensor y = [&] {
      const ReplayedRandom same(x.device(), saved[1]);
      return kept->f(x);
    }();
    y.backward(d_y[0]);  // adds to the gradients of the parameters that f reads
    return {x.grad(), Tensor()};
  }
};

}  // namespace recompute_detail

/// f(x), of which only x is kept for the backward pass; there f runs a second time, with the same random numbers. What
/// else f reads must be leaves (their gradients are added to) or need no gradient, and must still be as it was. Where
/// no gradients are recorded this is f(x). x must need a gradient for those of the leaves to be found.
inline Tensor recomputed(const Tensor& x, const std::function<Tensor(const Tensor&)>& f) {
  if (!torch::GradMode::is_enabled() || !x.requires_grad()) return f(x);
  return recompute_detail::Recomputed::apply(x, f);
}

}  // namespace cell2text
