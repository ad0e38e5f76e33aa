// What a step of generation asks of scores over the vocabulary: their normaliser and the best few of each row.
// On the CPU by own kernels, elsewhere by LibTorch's.
#pragma once

#include <ATen/record_function.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "cell2text/nn/cpu/kernels.hpp"
#include "cell2text/parallel/threads.hpp"
#include "cell2text/shapes.hpp"

namespace cell2text {

/// The best tokens of each row, best first; of equals the one with the lower number first.
struct BestTokens {
  std::int64_t each = 0;                  ///< tokens per row
  std::vector<double> log_probabilities;  ///< [R * each]
  std::vector<std::int64_t> tokens;       ///< [R * each]
};

namespace scores_detail {

inline bool by_own_kernels(const Tensor& scores_RV) {
  return scores_RV.device().is_cpu() && scores_RV.scalar_type() == torch::kFloat32 && scores_RV.is_contiguous();
}

/// The `n` largest of x[0, size), by way of the largest of each block: all that count lie in blocks whose largest is
/// at least the n-th largest of these.
inline void best_of_row(const float* x, std::int64_t size, std::int64_t n, double normaliser, double* log_probabilities,
                        std::int64_t* tokens) {
  constexpr std::int64_t block = 256;
  std::vector<float> tops((size + block - 1) / block);
  CELL2TEXT_KERNEL(block_largest, x, size, block, tops.data());
  float least = -std::numeric_limits<float>::infinity();
  if (static_cast<std::int64_t>(tops.size()) >= n) {
    std::vector<float> sorted = tops;
    std::ranges::nth_element(sorted, sorted.begin() + n - 1, std::greater{});
    least = sorted[n - 1];
  }
  std::vector<std::pair<float, std::int64_t>> found;
  for (std::size_t b = 0; b < tops.size(); ++b) {
    if (tops[b] < least) continue;
    const std::int64_t first = static_cast<std::int64_t>(b) * block;
    for (std::int64_t i = first; i < std::min(first + block, size); ++i)
      if (!(x[i] < least)) found.emplace_back(x[i], i);
  }
  std::ranges::partial_sort(found, found.begin() + n, [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : a.second < b.second;
  });
  for (std::int64_t i = 0; i < n; ++i)
    log_probabilities[i] = static_cast<double>(found[i].first) - normaliser, tokens[i] = found[i].second;
}

}  // namespace scores_detail

/// log(sum(exp(scores))) of each row. NaN where a score is.
inline std::vector<double> log_sums_of_exponentials(const Tensor& scores_RV) {
  RECORD_FUNCTION("cell2text::log_sums_of_exponentials", std::vector<c10::IValue>({scores_RV}));
  const std::int64_t R = scores_RV.size(0), V = scores_RV.size(1);
  std::vector<double> sums(R);
  if (scores_detail::by_own_kernels(scores_RV)) {
    const float* scores = scores_RV.const_data_ptr<float>();
    parallel_pieces(R, 1, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t r = first; r < last; ++r) sums[r] = CELL2TEXT_KERNEL(log_sum_exp, scores + r * V, V);
    });
    return sums;
  }
  const Tensor all = scores_RV.logsumexp(-1).to(torch::kCPU, torch::kFloat64);
  std::copy_n(all.const_data_ptr<double>(), R, sums.begin());
  return sums;
}

/// The `n` best tokens (V at most) of each row; their log probabilities are scores less `normalisers`.
inline BestTokens best_tokens(const Tensor& scores_RV, const std::vector<double>& normalisers, std::int64_t n) {
  RECORD_FUNCTION("cell2text::best_tokens", std::vector<c10::IValue>({scores_RV}));
  const std::int64_t R = scores_RV.size(0), V = scores_RV.size(1);
  BestTokens best{std::min(n, V), {}, {}};
  best.log_probabilities.resize(R * best.each), best.tokens.resize(R * best.each);
  if (scores_detail::by_own_kernels(scores_RV)) {
    const float* scores = scores_RV.const_data_ptr<float>();
    parallel_pieces(R, 1, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t r = first; r < last; ++r)
        scores_detail::best_of_row(scores + r * V, V, best.each, normalisers[r],
                                   best.log_probabilities.data() + r * best.each, best.tokens.data() + r * best.each);
    });
    return best;
  }
  const auto [values, tokens] = scores_RV.topk(best.each);
  const Tensor all_values = values.to(torch::kCPU, torch::kFloat64).contiguous(), all_tokens = tokens.to(torch::kCPU);
  for (std::int64_t i = 0; i < R * best.each; ++i) {
    best.log_probabilities[i] = all_values.const_data_ptr<double>()[i] - normalisers[i / best.each];
    best.tokens[i] = all_tokens.contiguous().const_data_ptr<std::int64_t>()[i];
  }
  return best;
}

}  // namespace cell2text
