// Next-token cross-entropy on the description and its end token only. The vocabulary projection runs on
// those positions alone, in chunks, so that logits [rows, V] are never held whole.
#pragma once

#include <vector>

#include "cell2text/model.hpp"

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
  std::int64_t chunk_values = 1 << 23;  ///< logits held at a time
};

namespace loss_detail {

/// Positions (rows of [B*T]) that predict a description token, and those tokens.
struct Targets {
  std::vector<std::int64_t> rows, tokens;
};

inline Targets targets_of(const Sequences& sequences, const std::vector<std::vector<std::int64_t>>& texts) {
  Targets targets;
  const std::int64_t T = sequences.embeddings_BTD.size(1);
  for (std::size_t b = 0; b < texts.size(); ++b)
    for (std::size_t i = 0; i < texts[b].size(); ++i) {
      targets.rows.push_back(static_cast<std::int64_t>(b) * T + sequences.prompts[b] - 1 +
                             static_cast<std::int64_t>(i));
      targets.tokens.push_back(texts[b][i]);
    }
  return targets;
}

}  // namespace loss_detail

/// Runs the decoder over soft prompts and descriptions (token ids that end in the end token; none may be empty)
/// and returns the loss. With `backward`, gradients are added to those of all trained parameters; each chunk's
/// logits live only until its own gradient is known, in closed form: softmax minus target.
inline LossSum description_loss(const Model& model, const SoftPrompt& soft,
                                const std::vector<std::vector<std::int64_t>>& texts, const LossOptions& options) {
  const Sequences sequences = join(model, soft, texts);
  const auto targets = loss_detail::targets_of(sequences, texts);
  const Tensor hidden_BTD = model.decoder->forward(sequences.embeddings_BTD, sequences.lengths, sequences.positions_BT);
  const Tensor rows = torch::tensor(targets.rows, torch::kInt64).to(model.device);
  const Tensor tokens = torch::tensor(targets.tokens, torch::kInt64).to(model.device);
  const Tensor hidden_ND = hidden_BTD.reshape({-1, hidden_BTD.size(2)}).index_select(0, rows);

  const std::int64_t N = tokens.size(0), V = model.decoder->vocabulary_size();
  const std::int64_t chunk = std::max<std::int64_t>(1, options.chunk_values / V);
  Tensor gradient_ND = options.backward ? torch::empty_like(hidden_ND) : Tensor();
  LossSum loss{0, N};
  for (std::int64_t start = 0; start < N; start += chunk) {
    const std::int64_t n = std::min(chunk, N - start);
    Tensor part_nD = hidden_ND.narrow(0, start, n).detach();
    if (options.backward) part_nD.requires_grad_(true);
    const Tensor part_tokens_n1 = tokens.narrow(0, start, n).unsqueeze(1);
    const Tensor logits_nV = model.decoder->logits(part_nD);
    torch::NoGradGuard no_grad;
    Tensor log_p_nV = at::log_softmax(logits_nV.detach(), -1, torch::kFloat32);
    loss.sum -= log_p_nV.gather(1, part_tokens_n1).sum(torch::kFloat64).item<double>();
    if (!options.backward) continue;
    Tensor d_logits_nV = log_p_nV.exp_();
    const double smoothing = options.label_smoothing;
    if (smoothing > 0) d_logits_nV.sub_(smoothing / static_cast<double>(V));
    d_logits_nV.scatter_add_(1, part_tokens_n1, torch::full({n, 1}, smoothing - 1, d_logits_nV.options()));
    d_logits_nV.mul_(options.scale);
    {
      torch::AutoGradMode gradients(true);
      logits_nV.backward(d_logits_nV.to(logits_nV.scalar_type()));
    }
    gradient_ND.narrow(0, start, n).copy_(part_nD.grad());
  }
  if (options.backward) hidden_ND.backward(gradient_ND);
  return loss;
}

}  // namespace cell2text
