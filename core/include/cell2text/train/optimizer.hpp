// Adam and AdamW over flat groups (Kingma & Ba 2015; Loshchilov & Hutter 2019), as torch.optim computes them.
#pragma once

#include <ATen/ops/_fused_adam.h>
#include <ATen/ops/_fused_adamw.h>

#include <cmath>
#include <vector>

#include "cell2text/train/flat_group.hpp"
#include "cell2text/train/settings.hpp"

namespace cell2text {

class Optimizer {
 public:
  /// Matrices alone are decayed. The groups must outlive this.
  Optimizer(std::vector<FlatGroup>& groups, const TrainingSettings& settings) : groups_(groups), settings_(settings) {
    for (FlatGroup& group : groups_) {
      for (auto* moments : {&first_, &second_}) {
        moments->push_back(torch::empty_like(group.values()));
        prefer_huge_pages(moments->back());
        moments->back().zero_();
      }
      steps_.push_back(torch::zeros({}, torch::kFloat32));
    }
  }

  /// L2 norm of all gradients. Scales them down to `clip_norm` where it is larger (0: never).
  double clip(double clip_norm) {
    double sum = 0;
    for (FlatGroup& group : groups_) {
      const double norm = group.gradients().norm().item<double>();
      sum += norm * norm;
    }
    const double norm = std::sqrt(sum);
    if (clip_norm > 0 && norm > clip_norm)
      for (FlatGroup& group : groups_) group.gradients().mul_(clip_norm / (norm + 1e-6));
    return norm;
  }

  void step(double learning_rate) {
    torch::NoGradGuard no_grad;
    for (std::size_t g = 0; g < groups_.size(); ++g) {
      std::vector<Tensor> values{groups_[g].values()}, gradients{groups_[g].gradients()};
      std::vector<Tensor> first{first_[g]}, second{second_[g]}, steps{steps_[g]};
      steps_[g] += 1;
      const bool matrices = groups_[g].parameters().front()->value.dim() > 1;
      const double decay = matrices ? settings_.weight_decay : 0;
      auto update = [&](auto&& fused) {
        fused(values, gradients, first, second, std::vector<Tensor>{}, steps, learning_rate, settings_.beta_1,
              settings_.beta_2, decay, settings_.epsilon, /*amsgrad=*/false, /*maximize=*/false, std::nullopt,
              std::nullopt);
      };
      if (settings_.optimizer == "adamw")
        update([](auto&&... x) { at::_fused_adamw_(x...); });
      else
        update([](auto&&... x) { at::_fused_adam_(x...); });
      groups_[g].publish();
    }
  }

  void zero_gradients() {
    for (FlatGroup& group : groups_) group.zero_gradients();
  }

  /// To be called after each backward pass.
  void collect_gradients() {
    for (FlatGroup& group : groups_) group.collect();
  }
  /// To be called after `value` has been written to.
  void publish() {
    for (FlatGroup& group : groups_) group.publish();
  }

  /// A trained parameter in float32, as a view: what the next step starts from.
  Tensor value(const Parameter& parameter) {
    for (FlatGroup& group : groups_)
      if (const auto value = group.view(group.values(), parameter)) return *value;
    throw BugError("parameter '" + parameter.name + "' is not trained by this optimiser");
  }

  /// Running means of a trained parameter's gradient and of its square, as views: a checkpoint reads and writes them.
  std::pair<Tensor, Tensor> moments(const Parameter& parameter) {
    for (std::size_t g = 0; g < groups_.size(); ++g)
      if (const auto first = groups_[g].view(first_[g], parameter))
        return {*first, *groups_[g].view(second_[g], parameter)};
    throw BugError("parameter '" + parameter.name + "' is not trained by this optimiser");
  }

  /// Steps already taken, for the bias correction.
  void set_steps(std::int64_t steps) {
    for (Tensor& count : steps_) count.fill_(steps);
  }

 private:
  std::vector<FlatGroup>& groups_;
  TrainingSettings settings_;
  std::vector<Tensor> first_, second_, steps_;
};

/// The learning rate of a step (from 0) in an epoch (from 0).
inline double learning_rate_at(const TrainingSettings& settings, std::int64_t step, std::int64_t epoch,
                               std::int64_t total_steps) {
  double rate = settings.learning_rate;
  if (step < settings.warmup_steps)
    return rate * static_cast<double>(step + 1) / static_cast<double>(settings.warmup_steps);
  if (settings.schedule == "step") return rate * std::pow(settings.gamma, static_cast<double>(epoch));
  if (settings.schedule == "constant") return rate;
  const double after = static_cast<double>(std::max<std::int64_t>(1, total_steps - settings.warmup_steps));
  const double done = std::min(1.0, static_cast<double>(step - settings.warmup_steps) / after);
  return rate * 0.5 * (1 + std::cos(done * 3.14159265358979323846));
}

}  // namespace cell2text
