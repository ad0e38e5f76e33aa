// The probability of a stretch of a text after a soft prompt: what an explanation explains.
#pragma once

#include <cstdint>
#include <vector>

#include "cell2text/model.hpp"

namespace cell2text {

/// Tokens of a text.
struct TextSpan {
  std::size_t first = 0, count = 0;
};

/// The natural log of the probability that the model writes the span's tokens behind the prompt and what the text has
/// before them, for each soft prompt: float64 [B]. What is `given` is told in the prompt, by models whose prompt does.
/// Gradients reach soft.values_BPD where they are recorded. Memory: the decoder's for B sequences, and B * count rows
/// of the vocabulary.
inline Tensor span_log_probabilities(const Model& model, const SoftPrompt& soft, const std::vector<std::int64_t>& text,
                                     const TextSpan& span, const GivenLabels& given = {}) {
  if (span.count == 0 || span.first + span.count > text.size())
    throw BugError("a span of " + std::to_string(span.count) + " tokens from " + std::to_string(span.first) +
                   " on, of a text of " + std::to_string(text.size()));
  const auto B = static_cast<std::int64_t>(soft.lengths.size()), L = static_cast<std::int64_t>(span.count);
  const auto begin = text.begin(), first = begin + static_cast<std::ptrdiff_t>(span.first);
  const std::vector<std::int64_t> read(begin, first + static_cast<std::ptrdiff_t>(span.count) - 1);  // nothing after it
  const std::vector<GivenLabels> told(given.empty() ? 0 : soft.lengths.size(), given);
  const Sequences sequences = join(model, soft, std::vector(soft.lengths.size(), read), told);
  const Tensor hidden_ND = model.decoder->forward_last(sequences.embeddings_BTD, sequences.lengths,
                                                       sequences.positions_BT, std::vector(soft.lengths.size(), L));
  const Tensor log_p_BLV = model.decoder->logits(hidden_ND).to(torch::kFloat64).log_softmax(-1).view({B, L, -1});
  const Tensor tokens_1L1 =
      torch::tensor(std::vector<std::int64_t>(first, first + L), torch::kInt64).to(model.device).view({1, L, 1});
  return log_p_BLV.gather(2, tokens_1L1.expand({B, L, 1})).sum({1, 2});
}

}  // namespace cell2text
