// What every way of generating obeys: when a text ends, what it may not hold, and who is told of each token.
#pragma once

#include <functional>

#include "cell2text/generate/constraint.hpp"
#include "cell2text/generate/repetition_penalty.hpp"
#include "cell2text/generate/rows.hpp"
#include "cell2text/generate/stop_texts.hpp"

namespace cell2text {

/// Of one call; cells are numbered from 0 in it.
struct GenerationRules {
  std::int64_t max_new_tokens = 100;
  std::vector<std::int64_t> end_tokens = {};
  Constraints constraints = {};
  StopTexts stop = {};
  double repetition_penalty = 1;
  std::vector<std::vector<std::int64_t>> prompt_tokens =
      {};                                     ///< per cell, for the penalty; empty: prompts do not count
  std::vector<std::uint64_t> cell_keys = {};  ///< per cell, what draws depend on; empty: its number
  std::function<void(std::int64_t cell, std::int64_t token)> on_token = {};  ///< told of tokens as they are chosen
  std::function<void()> before_step = {};                                    ///< may throw, to end the work

  bool ends(std::int64_t token) const { return std::ranges::find(end_tokens, token) != end_tokens.end(); }
  std::uint64_t key(std::int64_t cell) const {
    return cell_keys.empty() ? static_cast<std::uint64_t>(cell) : cell_keys[cell];
  }

  /// Adds a chosen token to the text of a cell; whether the text goes on.
  bool add(Generated& text, std::int64_t token, double log_probability, std::int64_t cell) const {
    text.add(log_probability);
    if (ends(token)) {
      text.ended = true, text.end_token = token;
      return false;
    }
    text.tokens.push_back(token);
    if (on_token) on_token(cell, token);
    text.ended = stop.reached(text.tokens);
    return !text.ended && std::ssize(text.tokens) < max_new_tokens;
  }

  /// Changes and bans scores, in place; row i continues texts[i] of cell cells[i]. With `normalisers` the penalty is
  /// on log probabilities (repetition_penalty.hpp).
  OwnScores apply(Tensor& scores_RV, std::span<const std::int64_t> cells,
                  const std::vector<std::span<const std::int64_t>>& texts,
                  const std::vector<double>* normalisers = nullptr) const {
    OwnScores own;
    if (repetition_penalty != 1) {
      std::vector<std::vector<std::int64_t>> occurred(texts.size());
      for (std::size_t i = 0; i < texts.size(); ++i) {
        if (!prompt_tokens.empty()) occurred[i] = prompt_tokens[cells[i]];
        occurred[i].insert(occurred[i].end(), texts[i].begin(), texts[i].end());
      }
      own = penalise_repetition(scores_RV, occurred, repetition_penalty, normalisers);
    }
    if (!constraints.empty()) apply_constraints(constraints, scores_RV, cells, texts);
    return own;
  }
  bool change_scores() const { return repetition_penalty != 1 || !constraints.empty(); }
};

}  // namespace cell2text
