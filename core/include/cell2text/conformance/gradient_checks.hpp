// Whether everything that claims to be trained is reached by gradients: what is not reached stays at its random start.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "cell2text/conformance/common_checks.hpp"

namespace cell2text::conformance {

/// Sum of squares: a loss on which every value has a gradient of its own.
inline Tensor loss_of(const Tensors& outputs) {
  Tensor sum = at::zeros({}, at::TensorOptions(torch::kFloat32));
  for (const Tensor& output : outputs)
    if (at::isFloatingType(output.scalar_type())) sum = sum + (output - 0.3).square().sum();
  return sum;
}

/// Takes small steps on the trainable parameters of `sets` and fails where one of them never has a gradient. Several,
/// since a product of which one factor starts at zero (LoRA's B) hides the other from the first.
inline void expect_gradients(const std::vector<Parameters*>& sets,
                             const std::function<Tensors(std::uint64_t)>& outputs) {
  std::set<std::string> waiting;
  const auto each = [&](const auto& use) {
    for (Parameters* parameters : sets)
      for (Parameter& parameter : parameters->list())
        if (parameter.trainable) use(parameter);
  };
  each([&](Parameter& parameter) {
    parameter.value = parameter.value.detach().to(torch::kFloat32).clone().requires_grad_(true);
    waiting.insert(parameter.name);
  });
  expect(!waiting.empty(), "nothing claims to be trained");
  for (std::uint64_t round = 0; round < 4 && !waiting.empty(); ++round) {
    {
      torch::AutoGradMode gradients(true);
      const Tensor loss = loss_of(outputs(round));
      expect(loss.requires_grad(),
             "the result does not depend on any parameter as autograd sees it: values were detached, or computed under "
             "NoGradGuard");
      loss.backward();
    }
    torch::NoGradGuard no_grad;
    each([&](Parameter& parameter) {
      const Tensor gradient = parameter.value.grad();
      if (!gradient.defined()) return;
      expect(gradient.isfinite().all().item<bool>(), "the gradient of '" + parameter.name + "' is NaN or infinite");
      const double size = gradient.norm().item<double>();
      if (size > 0) waiting.erase(parameter.name);
      parameter.value.sub_(gradient, size > 0 ? 1e-2 / size : 0);
      gradient.zero_();
    });
  }
  std::string names;
  for (const std::string& name : waiting) names += (names.empty() ? "'" : ", '") + name + "'";
  expect(waiting.empty(), "no gradient reaches " + names + "; read Parameter::value at each use, and never detach it");
}

/// Marks all of a set as trained, as the core does for adapters and unfrozen encoders.
inline std::vector<Parameters*> all_trained(Parameters& parameters) {
  parameters.set_trainable(true);
  parameters.widen_trainable();
  return {&parameters};
}

inline constexpr const char* why_gradients =
    "what no gradient reaches stays as it was at the start, while the loss of the rest hides it";
inline constexpr const char* why_batch =
    "what is said of a cell depends on its neighbours in the batch, so that scores depend on the batch size";
inline constexpr const char* why_lengths =
    "rows are padded to the longest of their batch: whoever reads beyond a length reads another cell's padding";
inline constexpr const char* why_shapes = "the next part of the model reads the wrong numbers, or crashes";
inline constexpr const char* why_saving =
    "a trained model describes cells otherwise, or not at all, once it is opened again";

}  // namespace cell2text::conformance
