// Texts from prompts by any decoder: batches, greedy or beams, constraints.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "cell2text/generate/beam_search.hpp"
#include "cell2text/generate/greedy.hpp"
#include "cell2text/generate/settings.hpp"

namespace cell2text {

/// Generates one text per prompt. prompt_BTD is right-padded, row b holds lengths[b] >= 1 embeddings; what lies beyond
/// is never read. No result depends on the other rows. Records no gradients; the decoder should be out of training.
/// InputError where max_new_tokens is still "auto": a model folder or the training data resolves it.
inline std::vector<Generated> generate(const DecoderHandle& decoder, const Tensor& prompt_BTD,
                                       const std::vector<std::int64_t>& lengths, const GenerationSettings& settings,
                                       Constraints constraints = {}) {
  torch::NoGradGuard no_grad;
  if (!settings.max_new_tokens.value)
    throw InputError(
        "generation.max_new_tokens is 'auto', and no training descriptions are known here; "
        "set it to a number of tokens");
  const auto B = static_cast<std::int64_t>(lengths.size());
  expect_shape(prompt_BTD, {B, -1, decoder.width()}, "prompt");
  for (std::int64_t b = 0; b < B; ++b)
    if (lengths[b] < 1 || lengths[b] > prompt_BTD.size(1))
      throw BugError("prompt " + std::to_string(b) + " has " + std::to_string(lengths[b]) + " tokens; expected 1 to " +
                     std::to_string(prompt_BTD.size(1)));
  if (settings.no_repeat_ngram_size > 0)
    constraints.push_back(std::make_shared<NoRepeatedNgram>(settings.no_repeat_ngram_size));
  const std::vector<std::int64_t> end_tokens = decoder.end_tokens();
  const BeamSearchOptions options{.beams = settings.beams,
                                  .max_new_tokens = *settings.max_new_tokens.value,
                                  .early_stopping = settings.early_stopping,
                                  .length_penalty = settings.length_penalty};

  std::vector<Generated> all;
  for (std::int64_t first = 0; first < B; first += settings.batch_size) {
    const std::int64_t count = std::min(settings.batch_size, B - first);
    const std::vector<std::int64_t> part(lengths.begin() + first, lengths.begin() + first + count);
    const Tensor prompts = prompt_BTD.narrow(0, first, count).narrow(1, 0, *std::ranges::max_element(part));
    DecodingRows rows(decoder, prompts, part);
    std::vector<Generated> texts = settings.beams == 1
                                       ? greedy(std::move(rows), options.max_new_tokens, end_tokens, constraints, first)
                                       : beam_search(std::move(rows), options, end_tokens, constraints, first);
    std::ranges::move(texts, std::back_inserter(all));
  }
  return all;
}

}  // namespace cell2text
