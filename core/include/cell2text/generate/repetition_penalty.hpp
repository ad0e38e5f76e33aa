// The repetition penalty of Keskar et al. 2019 (CTRL), as transformers applies it: tokens that occurred become less
// likely. Remembers the model's own scores of what it changes, which are what is reported.
#pragma once

#include <torch/types.h>

#include <span>
#include <unordered_map>
#include <vector>

#include "cell2text/error.hpp"
#include "cell2text/generate/scores.hpp"

namespace cell2text {

/// The model's own scores of tokens whose scores were changed, by row.
class OwnScores {
 public:
  OwnScores() = default;
  explicit OwnScores(std::size_t rows) : of_row_(rows) {}

  void keep(std::size_t row, std::int64_t token, double score) { of_row_[row].emplace(token, score); }

  /// The own log probability of a token whose changed one is `changed`.
  double log_probability(std::size_t row, std::int64_t token, double changed, double normaliser) const {
    if (of_row_.empty()) return changed;
    const auto found = of_row_[row].find(token);
    return found == of_row_[row].end() ? changed : found->second - normaliser;
  }

 private:
  std::vector<std::unordered_map<std::int64_t, double>> of_row_;
};

/// Changes the scores of the tokens that occurred, in place: occurred[i] lists those of row i, in any order and number.
/// A positive score is divided by `factor`, a negative one multiplied. With `normalisers`, what is changed is not the
/// score but the log probability, score less normaliser (transformers does so in a beam search).
inline OwnScores penalise_repetition(Tensor& scores_RV, const std::vector<std::vector<std::int64_t>>& occurred,
                                     double factor, const std::vector<double>* normalisers) {
  const std::int64_t V = scores_RV.size(1);
  OwnScores own(occurred.size());
  std::vector<std::int64_t> places;
  for (std::size_t r = 0; r < occurred.size(); ++r) {
    std::vector<std::int64_t> tokens = occurred[r];
    std::ranges::sort(tokens);
    const auto repeated = std::ranges::unique(tokens);
    tokens.erase(repeated.begin(), repeated.end());
    for (const std::int64_t token : tokens)
      if (token >= 0 && token < V) places.push_back(static_cast<std::int64_t>(r) * V + token);
  }
  if (places.empty()) return own;
  const Tensor where = torch::tensor(places, torch::kInt64).to(scores_RV.device());
  const Tensor all = scores_RV.view(-1).index_select(0, where).to(torch::kCPU).contiguous();
  float* values = all.data_ptr<float>();
  for (std::size_t i = 0; i < places.size(); ++i) {
    const auto row = static_cast<std::size_t>(places[i] / V);
    own.keep(row, places[i] % V, values[i]);
    const double shift = normalisers ? (*normalisers)[row] : 0;
    const double score = values[i] - shift;
    values[i] = static_cast<float>((score < 0 ? score * factor : score / factor) + shift);
  }
  scores_RV.view(-1).index_copy_(0, where, all.to(scores_RV.device()));
  return own;
}

}  // namespace cell2text
