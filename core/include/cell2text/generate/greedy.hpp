// Greedy decoding of one batch: the most probable token at each step.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "cell2text/generate/constraint.hpp"
#include "cell2text/generate/rows.hpp"

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
    const Tensor normaliser_R = scores_RV.logsumexp(-1);
    if (!constraints.empty()) {
      std::vector<std::int64_t> cells;
      std::vector<std::span<const std::int64_t>> texts;
      for (const std::int64_t cell : cell_of_row) cells.push_back(first_cell + cell), texts.push_back(all[cell].tokens);
      apply_constraints(constraints, scores_RV, cells, texts);
    }
    const auto [best_R, token_R] = scores_RV.max(-1);
    const Tensor log_probability_R = (best_R - normaliser_R).to(torch::kCPU, torch::kFloat64);
    const Tensor chosen_R = token_R.to(torch::kCPU);
    const auto* log_probability = log_probability_R.const_data_ptr<double>();
    const auto* chosen = chosen_R.const_data_ptr<std::int64_t>();

    std::vector<std::int64_t> staying, tokens, cells;
    for (std::size_t i = 0; i < cell_of_row.size(); ++i) {
      Generated& text = all[cell_of_row[i]];
      if (std::isinf(log_probability[i])) continue;  // nothing is allowed here
      if (std::isnan(log_probability[i])) refuse_nan();
      text.log_probability += log_probability[i];
      text.ended = std::ranges::find(end_tokens, chosen[i]) != end_tokens.end();
      if (text.ended) continue;
      text.tokens.push_back(chosen[i]);
      if (step == max_new_tokens) continue;
      staying.push_back(static_cast<std::int64_t>(i)), tokens.push_back(chosen[i]), cells.push_back(cell_of_row[i]);
    }
    cell_of_row = std::move(cells);
    if (cell_of_row.empty()) break;
    rows.select(staying);
    rows.read(tokens);
  }
  return all;
}

}  // namespace cell2text
