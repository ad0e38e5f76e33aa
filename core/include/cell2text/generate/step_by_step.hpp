// One text per cell, one token at a time: the most probable one (greedy), or one that is drawn.
#pragma once

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "cell2text/generate/rules.hpp"
#include "cell2text/generate/sampling.hpp"
#include "cell2text/generate/scores.hpp"

namespace cell2text {

namespace step_by_step_detail {

/// The tokens that are drawn for each row, with their log probabilities among all; -infinity where nothing may be.
inline BestTokens drawn_tokens(const Tensor& scores_RV, const std::vector<double>& normalisers,
                               const SamplingOptions& options, std::span<const double> numbers) {
  const Tensor scores = scores_RV.to(torch::kCPU).contiguous();
  const std::int64_t R = scores.size(0), V = scores.size(1);
  BestTokens drawn{1, std::vector<double>(R, -std::numeric_limits<double>::infinity()), std::vector<std::int64_t>(R)};
  parallel_pieces(R, 1, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t r = first; r < last; ++r) {
      const std::span row(scores.const_data_ptr<float>() + r * V, static_cast<std::size_t>(V));
      const auto chances = std::isfinite(normalisers[r]) ? remaining_tokens(row, options) : std::vector<TokenChance>{};
      if (!std::isfinite(normalisers[r])) drawn.log_probabilities[r] = std::nan("");
      if (chances.empty()) continue;
      drawn.tokens[r] = drawn_token(chances, numbers[r]);
      drawn.log_probabilities[r] = static_cast<double>(row[drawn.tokens[r]]) - normalisers[r];
    }
  });
  return drawn;
}

}  // namespace step_by_step_detail

/// Decodes until each row has ended or has `max_new_tokens` tokens; rows that are done leave the batch. `first_cell` is
/// the number of the batch's first row in the call. A row for which every token is ruled out stops there, not ended.
inline std::vector<Generated> step_by_step(DecodingRows rows, const GenerationRules& rules,
                                           const SamplingOptions& sampling, std::int64_t first_cell = 0) {
  std::vector<Generated> all(rows.size());
  std::vector<std::int64_t> cell_of_row(rows.size());
  for (std::size_t i = 0; i < cell_of_row.size(); ++i) cell_of_row[i] = static_cast<std::int64_t>(i);

  for (std::int64_t step = 1; !cell_of_row.empty(); ++step) {
    if (rules.before_step) rules.before_step();
    Tensor scores_RV = rows.logits();
    const std::vector<double> normalisers = log_sums_of_exponentials(scores_RV);
    OwnScores own;
    if (rules.change_scores()) {
      std::vector<std::int64_t> cells;
      std::vector<std::span<const std::int64_t>> texts;
      for (const std::int64_t cell : cell_of_row) cells.push_back(first_cell + cell), texts.push_back(all[cell].tokens);
      own = rules.apply(scores_RV, cells, texts);
    }
    BestTokens next;
    if (sampling.temperature > 0) {
      std::vector<double> numbers;
      for (const std::int64_t cell : cell_of_row)
        numbers.push_back(uniform_draw(sampling.seed, rules.key(first_cell + cell), static_cast<std::uint64_t>(step)));
      next = step_by_step_detail::drawn_tokens(scores_RV, normalisers, sampling, numbers);
    } else {
      next = best_tokens(scores_RV, normalisers, 1);
    }

    std::vector<std::int64_t> staying, tokens, cells;
    for (std::size_t i = 0; i < cell_of_row.size(); ++i) {
      Generated& text = all[cell_of_row[i]];
      const std::int64_t token = next.tokens[i];
      if (std::isnan(next.log_probabilities[i])) refuse_nan();
      if (std::isinf(next.log_probabilities[i])) continue;  // nothing is allowed here
      const double own_probability = own.log_probability(i, token, next.log_probabilities[i], normalisers[i]);
      if (!rules.add(text, token, own_probability, first_cell + cell_of_row[i])) continue;
      staying.push_back(static_cast<std::int64_t>(i)), tokens.push_back(token), cells.push_back(cell_of_row[i]);
    }
    cell_of_row = std::move(cells);
    if (cell_of_row.empty()) break;
    rows.select(staying);
    rows.read(tokens);
  }
  return all;
}

}  // namespace cell2text
