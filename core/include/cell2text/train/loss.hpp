// Next-token cross-entropy on the description and its end token only. The vocabulary projection runs on
// those positions alone, in chunks, so that logits [rows, V] are never held whole.
#pragma once

#include <ATen/record_function.h>

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "cell2text/model.hpp"
#include "cell2text/nn/cpu/kernels.hpp"
#include "cell2text/parallel/threads.hpp"

namespace cell2text {

/// A loss is a sum over tokens and their number; it is divided once, at the end.
struct LossSum {
  double sum = 0;  ///< natural log, without label smoothing
  std::int64_t tokens = 0;
  double mean() const { return tokens > 0 ? sum / static_cast<double>(tokens) : 0; }
  LossSum& operator+=(const LossSum& other) {
    sum += other.sum, tokens += other.tokens;
    return *this;
  }
};

struct LossOptions {
  bool backward = false;
  double scale = 1;                     ///< factor of the gradients: 1 / tokens of the whole optimiser step
  double label_smoothing = 0;           ///< share of each target that is spread over the vocabulary
  std::int64_t chunk_values = 1 << 25;  ///< logits held at a time; below some hundred rows, products slow down
};

namespace loss_detail {

/// What the decoder reads of the descriptions, all but the token at each end, and what it predicts, all of them.
struct Targets {
  std::vector<std::vector<std::int64_t>> read;
  std::vector<std::int64_t> tokens, counts;  // one text behind the other; tokens of each

  explicit Targets(std::vector<std::vector<std::int64_t>> texts) {
    for (auto& text : texts) {
      tokens.insert(tokens.end(), text.begin(), text.end());
      counts.push_back(std::ssize(text));
      text.pop_back();
    }
    read = std::move(texts);
  }
};

/// Cross-entropy of `tokens`, summed. With `backward`, d_logits_nV becomes the gradient of scale * that.
inline double cross_entropy(const Tensor& logits_nV, const Tensor& tokens_n, const LossOptions& options,
                            Tensor d_logits_nV) {
  RECORD_FUNCTION("cell2text::cross_entropy", std::vector<c10::IValue>({logits_nV}));
  const std::int64_t n = logits_nV.size(0), V = logits_nV.size(1);
  const double smoothing = options.label_smoothing;
  if (logits_nV.device().is_cpu() && logits_nV.scalar_type() == torch::kFloat32 && logits_nV.is_contiguous()) {
    const float* logits = logits_nV.const_data_ptr<float>();
    float* gradient = options.backward ? d_logits_nV.mutable_data_ptr<float>() : nullptr;
    const auto* token = tokens_n.const_data_ptr<std::int64_t>();
    std::vector<double> losses(n);
    parallel_pieces(n, 4, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t i = first; i < last; ++i)
        losses[i] = gradient ? CELL2TEXT_KERNEL(cross_entropy_gradient, logits + i * V, V, token[i],
                                                (cpu::CrossEntropy{options.scale, smoothing}), gradient + i * V)
                             : CELL2TEXT_KERNEL(log_sum_exp, logits + i * V, V) - logits[i * V + token[i]];
    });
    return std::accumulate(losses.begin(), losses.end(), 0.0);
  }
  const Tensor tokens_n1 = tokens_n.unsqueeze(1);
  Tensor log_p_nV = at::log_softmax(logits_nV, -1, torch::kFloat32);
  const double sum = -log_p_nV.gather(1, tokens_n1).sum(torch::kFloat64).item<double>();
  if (!options.backward) return sum;
  Tensor p_nV = log_p_nV.exp_();
  if (smoothing > 0) p_nV.sub_(smoothing / static_cast<double>(V));
  p_nV.scatter_add_(1, tokens_n1, torch::full({n, 1}, smoothing - 1, p_nV.options()));
  d_logits_nV.copy_(p_nV.mul_(options.scale));
  return sum;
}

}  // namespace loss_detail

/// Runs the decoder over soft prompts and descriptions (token ids that end in the end token; none may be empty)
/// and returns the loss. With `backward`, gradients are added to those of all trained parameters; each chunk's
/// logits live only until its own gradient is known, in closed form: softmax minus target. `given` as for `join`.
inline LossSum description_loss(const Model& model, const SoftPrompt& soft,
                                const std::vector<std::vector<std::int64_t>>& texts, const LossOptions& options,
                                const std::vector<GivenLabels>& given = {}) {
  const loss_detail::Targets targets(texts);
  const Sequences sequences = join(model, soft, targets.read, given);
  const Tensor tokens = torch::tensor(targets.tokens, torch::kInt64).to(model.device);
  // The token before a description predicts its first one.
  const Tensor hidden_ND =
      model.decoder->forward_last(sequences.embeddings_BTD, sequences.lengths, sequences.positions_BT, targets.counts);

  const std::int64_t N = tokens.size(0), V = model.decoder->vocabulary_size();
  const std::int64_t parts = (N * V + options.chunk_values - 1) / options.chunk_values;
  const std::int64_t chunk = std::max<std::int64_t>(1, (N + parts - 1) / parts);  // parts of like size
  Tensor gradient_ND = options.backward ? torch::empty_like(hidden_ND) : Tensor();
  Tensor d_logits;  // one for all parts
  LossSum loss{0, N};
  for (std::int64_t start = 0; start < N; start += chunk) {
    const std::int64_t n = std::min(chunk, N - start);
    Tensor part_nD = hidden_ND.narrow(0, start, n).detach();
    if (options.backward) part_nD.requires_grad_(true);
    const Tensor logits_nV = model.decoder->logits(part_nD);
    if (options.backward && !d_logits.defined()) d_logits = torch::empty_like(logits_nV.detach());
    const Tensor d_logits_nV = options.backward ? d_logits.narrow(0, 0, n) : Tensor();
    {
      torch::NoGradGuard no_grad;
      loss.sum += loss_detail::cross_entropy(logits_nV, tokens.narrow(0, start, n), options, d_logits_nV);
    }
    if (!options.backward) continue;
    logits_nV.backward(d_logits_nV);
    gradient_ND.narrow(0, start, n).copy_(part_nD.grad());
  }
  if (options.backward) hidden_ND.backward(gradient_ND);
  return loss;
}

}  // namespace cell2text
