// Greedy decoding of one batch: the most probable token at each step.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "cell2text/generate/constraint.hpp"
#include "cell2text/generate/rows.hpp"
#include "cell2text/generate/scores.hpp"

namespace cell2text {

/// Decodes until each row has ended or has `max_new_tokens` tokens; rows that are done leave the batch.
/// `first_cell` is the number of the batch's first row as constraints count. A row for which every token is
/// ruled out stops there, not ended.
inline std::vector<Generated> greedy(DecodingRows rows, std::int64_t max_new_tokens,
                                     const std::vector<std::int64_t>& end_tokens, const Constraints& constraints = {},
                                     std::int64_t first_cell = 0) {
  std::vector<Generated> all(rows.size());
  std::vector<std::int64_t> cell_of_row(rows.size());
  for (std::size_t i = 0; i < cell_of_row.size(); ++i) cell_of_row[i] = static_cast<std::int64_t>(i);

  for (std::int64_t step = 1; !cell_of_row.empty(); ++step) {
    Tensor scores_RV = rows.logits();
    const std::vector<double> normalisers = log_sums_of_exponentials(scores_RV);
    if (!constraints.empty()) {
      std::vector<std::int64_t> cells;
      std::vector<std::span<const std::int64_t>> texts;
      for (const std::int64_t cell : cell_of_row) cells.push_back(first_cell + cell), texts.push_back(all[cell].tokens);
      apply_constraints(constraints, scores_RV, cells, texts);
    }
    const BestTokens best = best_tokens(scores_RV, normalisers, 1);

    std::vector<std::int64_t> staying, tokens, cells;
    for (std::size_t i = 0; i < cell_of_row.size(); ++i) {
      Generated& text = all[cell_of_row[i]];
      if (std::isinf(best.log_probabilities[i])) continue;  // nothing is allowed here
      if (std::isnan(best.log_probabilities[i])) refuse_nan();
      text.log_probability += best.log_probabilities[i];
      text.ended = std::ranges::find(end_tokens, best.tokens[i]) != end_tokens.end();
      if (text.ended) continue;
      text.tokens.push_back(best.tokens[i]);
      if (step == max_new_tokens) continue;
      staying.push_back(static_cast<std::int64_t>(i)), tokens.push_back(best.tokens[i]),
          cells.push_back(cell_of_row[i]);
    }
    cell_of_row = std::move(cells);
    if (cell_of_row.empty()) break;
    rows.select(staying);
    rows.read(tokens);
  }
  return all;
}

}  // namespace cell2text
