// One linear layer from embeddings to the classes of a label, trained with AdamW and stopped by the validation cells.
#pragma once

#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "cell2text/baselines/label_targets.hpp"
#include "cell2text/cells/split.hpp"
#include "cell2text/train/optimizer.hpp"

namespace cell2text::head {

struct HeadSettings {
  double learning_rate = 5e-5, weight_decay = 0.01, clip_norm = 1.0;
  std::int64_t epochs = 3, batch_size = 64, patience = 3;

  static void describe(auto& s) {
    using T = HeadSettings;
    s.field("learning_rate", &T::learning_rate,
            {.help = "of AdamW, constant. The paper's is for a million cells; a few hundred need about 1e-2",
             .min = 0,
             .max = 10});
    s.field("weight_decay", &T::weight_decay, {.help = "on the weights, not on the bias", .min = 0, .max = 1});
    s.field("clip_norm", &T::clip_norm, {.help = "gradients are scaled down to this L2 norm. 0 = off", .min = 0});
    s.field("epochs", &T::epochs, {.help = "passes over the training cells, at most", .min = 1, .max = 1e6});
    s.field("batch_size", &T::batch_size, {.help = "cells of one step", .unit = "cells", .min = 1, .max = 1e6});
    s.field("patience", &T::patience,
            {.help = "epochs without a lower validation loss after which training ends. The weights of the lowest one "
                     "are kept; without validation cells the last ones",
             .unit = "epochs",
             .min = 1,
             .max = 1e6});
  }
};

/// Softmax over the classes; for a target with several classes at once a sigmoid each. A loss is the mean over cells,
/// with sigmoids also over classes. The gradient is known in closed form: probability minus truth, times embedding.
class LinearHead {
 public:
  LinearHead(HeadSettings settings, Target target, std::uint64_t seed)
      : settings_(settings), target_(std::move(target)), seed_(seed) {}

  void fit(const Examples& train, const Examples& validation, const StopQuestion& stop) {
    torch::NoGradGuard no_grad;
    Parameters parameters(torch::kCPU, torch::kFloat32, seed_);
    const Tensor& train_NE = train.cells->embeddings_NE;
    const std::int64_t N = train_NE.size(0), E = train_NE.size(1), C = target_.size();
    const Init init = Init::uniform(1 / std::sqrt(static_cast<double>(E)));
    Parameter& weight_CE = parameters.declare("weight", {C, E}, init);
    Parameter& bias_C = parameters.declare("bias", {C}, init);
    parameters.set_trainable(true);
    std::vector<FlatGroup> groups = flat_groups({&parameters});
    TrainingSettings adamw;
    adamw.weight_decay = settings_.weight_decay;
    Optimizer optimizer(groups, adamw);

    std::vector<std::int64_t> order(static_cast<std::size_t>(N));
    std::iota(order.begin(), order.end(), 0);
    std::mt19937_64 random(seed_);
    const bool watched = validation.cells->size > 0;
    double lowest = std::numeric_limits<double>::infinity();
    std::int64_t waited = 0;
    for (std::int64_t epoch = 0; epoch < settings_.epochs && waited < settings_.patience; ++epoch) {
      split_detail::shuffle(order, random);
      for (std::int64_t first = 0; first < N; first += settings_.batch_size) {
        if (stop()) return;
        const std::int64_t n = std::min(settings_.batch_size, N - first);
        const Tensor rows = torch::from_blob(order.data() + first, {n}, torch::kInt64);
        const Tensor some_NE = train_NE.index_select(0, rows);
        const Tensor slope_NC =
            slope(logits(some_NE, weight_CE.value, bias_C.value), train.truth.index_select(0, rows));
        weight_CE.value.mutable_grad().copy_(slope_NC.t().matmul(some_NE));
        bias_C.value.mutable_grad().copy_(slope_NC.sum(0));
        optimizer.clip(settings_.clip_norm);
        optimizer.step(settings_.learning_rate);
      }
      ++waited;
      const double loss = watched ? loss_of(validation, weight_CE.value, bias_C.value) : -static_cast<double>(epoch);
      if (!std::isfinite(loss) || !std::isfinite(weight_CE.value.sum().item<float>()))
        throw InputError("the head of '" + target_.name + "' has a loss that is not finite after epoch " +
                         std::to_string(epoch + 1) + "; lower 'learning_rate' (now " +
                         settings_detail::shortest(settings_.learning_rate) + ")");
      if (loss < lowest) {
        lowest = loss, waited = 0;
        weight_CE_ = weight_CE.value.detach().clone(), bias_C_ = bias_C.value.detach().clone();
      }
    }
  }

  /// [N,C] logits.
  Tensor scores(const BaselineCells& cells) const {
    torch::NoGradGuard no_grad;
    if (cells.embeddings_NE.size(1) != weight_CE_.size(1))
      throw InputError("the cells' embeddings have " + std::to_string(cells.embeddings_NE.size(1)) +
                       " values, and the head was trained on " + std::to_string(weight_CE_.size(1)) +
                       "; both must be of one encoder");
    return logits(cells.embeddings_NE, weight_CE_, bias_C_);
  }

  void save(const std::filesystem::path& folder) const {
    save_tensors(file(folder), {{"weight", weight_CE_}, {"bias", bias_C_}});
  }
  /// InputError: the file is missing, damaged, or of other classes.
  void load(const std::filesystem::path& folder) {
    const TensorFiles files = TensorFiles::open(file(folder));
    weight_CE_ = files.tensor("weight"), bias_C_ = files.tensor("bias");
    if (weight_CE_.dim() != 2 || weight_CE_.size(0) != target_.size() || bias_C_.numel() != target_.size())
      throw InputError(file(folder).string() + ": not the weights of " + std::to_string(target_.size()) +
                       " classes; remove the folder to fit anew");
  }

 private:
  std::filesystem::path file(const std::filesystem::path& folder) const {
    return folder / (target_.name + ".safetensors");
  }

  static Tensor logits(const Tensor& some_NE, const Tensor& weight_CE, const Tensor& bias_C) {
    return at::linear(some_NE, weight_CE, bias_C);
  }

  /// The loss's derivative by the logits.
  Tensor slope(const Tensor& logits_NC, const Tensor& truth) const {
    const auto cells = static_cast<double>(logits_NC.size(0));
    if (target_.several) return (logits_NC.sigmoid() - truth) / (cells * static_cast<double>(target_.size()));
    Tensor slope_NC = logits_NC.softmax(1);
    const Tensor at_truth = truth.unsqueeze(1);
    slope_NC.scatter_add_(1, at_truth, torch::full(at_truth.sizes(), -1.0f));
    return slope_NC / cells;
  }

  double loss_of(const Examples& cells, const Tensor& weight_CE, const Tensor& bias_C) const {
    const Tensor logits_NC = logits(cells.cells->embeddings_NE, weight_CE, bias_C);
    const Tensor loss = target_.several ? at::binary_cross_entropy_with_logits(logits_NC, cells.truth)
                                        : at::nll_loss(logits_NC.log_softmax(1), cells.truth);
    return loss.item<double>();
  }

  HeadSettings settings_;
  Target target_;
  std::uint64_t seed_;
  Tensor weight_CE_, bias_C_;
};

}  // namespace cell2text::head
