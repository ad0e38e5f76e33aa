// How alike two texts are whose tokens have vectors: BERTScore's greedy matching (Zhang et al. 2020, arXiv:1904.09675),
// as the package bert-score computes it. Where vectors and weights come from is not known here.
#pragma once

#include <torch/types.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "cell2text/shapes.hpp"

namespace cell2text::bertscore {

struct PrecisionRecallF1 {
  double precision = 0;
  double recall = 0;
  double f1 = 0;
};

/// How much each token counts, by its id.
class TokenWeights {
 public:
  /// All the same, but for those where `silent(id)`.
  template <class Silent>
  static TokenWeights even(std::int64_t vocabulary_size, const Silent& silent) {
    TokenWeights weights;
    weights.by_id_.assign(static_cast<std::size_t>(vocabulary_size), 1);
    for (std::int64_t id = 0; id < vocabulary_size; ++id)
      if (silent(id)) weights.by_id_[static_cast<std::size_t>(id)] = 0;
    return weights;
  }
  /// log((N + 1) / (n + 1)) of the N references, each given as its ids, of which n hold the token. Tokens that all of
  /// them hold, as those around a text, weigh nothing.
  static TokenWeights idf(std::int64_t vocabulary_size,
                          const std::vector<const std::vector<std::int64_t>*>& references) {
    std::vector<std::int64_t> holders(static_cast<std::size_t>(vocabulary_size));
    std::vector<std::size_t> last(holders.size());  // the reference that counted it last, and one
    for (std::size_t i = 0; i < references.size(); ++i)
      for (const std::int64_t id : *references[i]) {
        const auto at = static_cast<std::size_t>(id);
        if (last[at] != i + 1) ++holders[at];
        last[at] = i + 1;
      }
    TokenWeights weights;
    for (const std::int64_t n : holders)
      weights.by_id_.push_back(std::log(static_cast<double>(references.size() + 1) / static_cast<double>(n + 1)));
    return weights;
  }

  double operator()(std::int64_t id) const { return by_id_[static_cast<std::size_t>(id)]; }

 private:
  std::vector<double> by_id_;
};

/// A text: its token ids, and their vectors [T,E] of length one.
struct VectorsOfText {
  const std::vector<std::int64_t>& ids;
  const Tensor& unit_TE;
};

namespace matching_detail {

/// The mean of each token's best cosine, [T] contiguous; NaN where no token weighs anything.
inline double weighted_mean(const Tensor& best_T, const std::vector<std::int64_t>& ids, const TokenWeights& weights) {
  const float* best = best_T.const_data_ptr<float>();
  double sum = 0, weight = 0;
  for (std::size_t i = 0; i < ids.size(); ++i) sum += weights(ids[i]) * best[i], weight += weights(ids[i]);
  return weight > 0 ? sum / weight : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace matching_detail

/// Each token of one text takes the most similar one of the other, those around the text included. A text without
/// tokens between these gives 0. Precision or recall is NaN where none of its tokens weighs anything (idf, of a single
/// reference); F1 is 0 then.
inline PrecisionRecallF1 match(const VectorsOfText& reference, const VectorsOfText& prediction,
                               const TokenWeights& weights) {
  if (reference.ids.size() == 2 || prediction.ids.size() == 2) return {};
  const Tensor cosines_PR = at::mm(prediction.unit_TE, reference.unit_TE.t());
  const auto mean = matching_detail::weighted_mean;
  PrecisionRecallF1 out;
  out.precision = mean(cosines_PR.amax({1}), prediction.ids, weights);
  out.recall = mean(cosines_PR.amax({0}), reference.ids, weights);
  out.f1 = 2 * out.precision * out.recall / (out.precision + out.recall);
  if (std::isnan(out.f1)) out.f1 = 0;
  return out;
}

}  // namespace cell2text::bertscore
