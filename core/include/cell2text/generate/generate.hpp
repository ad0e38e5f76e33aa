// Texts from prompts by any decoder: batches, beams, greedy or drawn, constraints.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "cell2text/generate/beam_search.hpp"
#include "cell2text/generate/drafted.hpp"
#include "cell2text/generate/settings.hpp"
#include "cell2text/generate/step_by_step.hpp"

namespace cell2text {

/// What a caller of `generate` may add. Lists have an entry per prompt, or none at all.
struct GenerationExtras {
  Constraints constraints = {};
  /// What the draws of a prompt depend on beside the seed (cell_key); without: its number in the call.
  std::vector<std::uint64_t> cell_keys = {};
  /// The prompts as tokens, where they are tokens: they count for the repetition penalty and the n-gram ban.
  std::vector<std::vector<std::int64_t>> prompt_tokens = {};
  /// Told of each token of a text as it is chosen; never in a beam search, where texts are chosen at the end.
  std::function<void(std::int64_t cell, std::int64_t token)> on_token = {};
  /// Called before each step; may throw, to end the work.
  std::function<void()> before_step = {};
  /// Given each batch, from prompt `first` of the call on, when its prompts are read and nothing else is.
  std::function<void(std::int64_t first, DecodingRows prompts)> on_prompts = {};
  /// Guesses for greedy decoding, which they make faster and leave as it is; where more than the best token counts, and
  /// for a decoder whose state cannot be cut, they are not used.
  const DraftTexts* drafts = nullptr;
  DraftCounts* draft_counts = nullptr;  ///< told what they were worth
};

namespace generate_detail {

inline GenerationRules rules_of(const DecoderHandle& decoder, const GenerationSettings& settings,
                                GenerationExtras extras) {
  GenerationRules rules{.max_new_tokens = *settings.max_new_tokens.value,
                        .end_tokens = decoder.end_tokens(),
                        .constraints = std::move(extras.constraints),
                        .stop = {settings.stop, [&decoder](auto tokens) { return decoder.decode_text(tokens); }},
                        .repetition_penalty = settings.repetition_penalty,
                        .prompt_tokens = std::move(extras.prompt_tokens),
                        .cell_keys = std::move(extras.cell_keys),
                        .on_token = std::move(extras.on_token),
                        .before_step = std::move(extras.before_step)};
  for (const std::string& text : settings.stop)  // a special token is no text, but has a name
    if (const auto ids = decoder.encode_prompt(text, false); ids.size() == 1 && decoder.decode_text(ids).empty())
      rules.end_tokens.push_back(ids.front());
  if (const auto size = settings.no_repeat_ngram_size.value.value_or(0); size > 0)
    rules.constraints.push_back(std::make_shared<NoRepeatedNgram>(size, rules.prompt_tokens));
  return rules;
}

inline void check_prompts(const DecoderHandle& decoder, const Tensor& prompt_BTD,
                          const std::vector<std::int64_t>& lengths, const GenerationExtras& extras) {
  const auto B = static_cast<std::int64_t>(lengths.size());
  expect_shape(prompt_BTD, {B, -1, decoder.width()}, "prompt");
  for (std::int64_t b = 0; b < B; ++b)
    if (lengths[b] < 1 || lengths[b] > prompt_BTD.size(1))
      throw BugError("prompt " + std::to_string(b) + " has " + std::to_string(lengths[b]) + " tokens; expected 1 to " +
                     std::to_string(prompt_BTD.size(1)));
  for (const std::size_t entries : {extras.cell_keys.size(), extras.prompt_tokens.size()})
    if (entries != 0 && entries != lengths.size())
      throw BugError("a list with " + std::to_string(entries) + " entries for " + std::to_string(B) + " prompts");
}

}  // namespace generate_detail

/// Generates one text per prompt. prompt_BTD is right-padded, row b holds lengths[b] >= 1 embeddings; what lies beyond
/// is never read. No result depends on the other rows. Records no gradients; the decoder should be out of training.
/// InputError where max_new_tokens is still "auto": a model folder or the training data resolves it.
inline std::vector<Generated> generate(const DecoderHandle& decoder, const Tensor& prompt_BTD,
                                       const std::vector<std::int64_t>& lengths, const GenerationSettings& settings,
                                       GenerationExtras extras = {}) {
  torch::NoGradGuard no_grad;
  if (!settings.max_new_tokens.value)
    throw InputError(
        "generation.max_new_tokens is 'auto', and no training descriptions are known here; "
        "set it to a number of tokens");
  generate_detail::check_prompts(decoder, prompt_BTD, lengths, extras);
  const auto on_prompts = std::move(extras.on_prompts);
  const DraftTexts* const drafts = extras.drafts;
  DraftCounts* const draft_counts = extras.draft_counts;
  const GenerationRules rules = generate_detail::rules_of(decoder, settings, std::move(extras));
  const BeamSearchOptions beams{settings.beams, settings.early_stopping, settings.length_penalty};

  std::vector<Generated> all;
  const auto B = static_cast<std::int64_t>(lengths.size());
  for (std::int64_t first = 0; first < B; first += settings.batch_size) {
    const std::int64_t count = std::min(settings.batch_size, B - first);
    const std::vector<std::int64_t> part(lengths.begin() + first, lengths.begin() + first + count);
    const Tensor prompts = prompt_BTD.narrow(0, first, count).narrow(1, 0, *std::ranges::max_element(part));
    DecodingRows rows(decoder, prompts, part);
    if (on_prompts) on_prompts(first, rows.copy());
    const bool drafted = drafts && settings.temperature == 0 && !rules.change_scores() && rows.can_cut();
    std::vector<Generated> texts = settings.beams > 1 ? beam_search(std::move(rows), beams, rules, first)
                                   : drafted ? greedy_with_drafts(std::move(rows), rules, *drafts, first, draft_counts)
                                             : step_by_step(std::move(rows), rules, settings.sampling(), first);
    std::ranges::move(texts, std::back_inserter(all));
  }
  return all;
}

/// The text of what was generated: special tokens left out, cut before the first stop text.
inline std::string text_of(const DecoderHandle& decoder, const Generated& generated,
                           const GenerationSettings& settings) {
  return StopTexts(settings.stop, {}).cut(decoder.decode_text(generated.tokens));
}

}  // namespace cell2text
