// Drawing the next token of a text: which tokens remain, and one of them by a number that depends on seed, cell and
// step alone. Knows no tensors and no decoder.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "cell2text/cells/cell_draws.hpp"
#include "cell2text/generate/settings.hpp"

namespace cell2text {

/// A token that may be drawn, with its probability among those that may.
struct TokenChance {
  std::int64_t token = 0;
  double probability = 0;
};

/// What may be drawn from a row of scores [V]; empty where all scores are -infinity. Scores are divided by the
/// temperature; top_k keeps those at least as large as the k-th; top_p keeps the most probable ones until their sum
/// reaches p, at least one; min_p keeps those with at least min_p times the largest probability. Among equals top_p
/// takes the lower token first. With top_k or top_p the most probable stands first.
inline std::vector<TokenChance> remaining_tokens(std::span<const float> scores, const SamplingOptions& options) {
  constexpr float nothing = -std::numeric_limits<float>::infinity();
  const auto temperature = static_cast<float>(options.temperature);
  using Scored = std::pair<float, std::int64_t>;
  std::vector<Scored> left;
  left.reserve(scores.size());
  const float largest = *std::ranges::max_element(scores);
  // Less the largest, so that no temperature makes them infinite.
  for (std::size_t i = 0; i < scores.size(); ++i)
    if (scores[i] != nothing) left.emplace_back((scores[i] - largest) / temperature, static_cast<std::int64_t>(i));
  if (left.empty()) return {};
  const auto better = [](const Scored& a, const Scored& b) {
    return a.first != b.first ? a.first > b.first : a.second < b.second;
  };
  const auto k = static_cast<std::size_t>(options.top_k);
  if (k > 0 && k < left.size()) {
    std::ranges::nth_element(left, left.begin() + static_cast<std::ptrdiff_t>(k) - 1, better);
    const float least = left[k - 1].first;
    std::erase_if(left, [least](const Scored& one) { return one.first < least; });
  }
  const auto weight = [](const Scored& one) { return std::exp(static_cast<double>(one.first)); };
  double sum = 0;
  for (const Scored& one : left) sum += weight(one);
  std::vector<TokenChance> chances;
  const auto add = [&](const Scored& one) {
    const double share = weight(one);  // of the most probable token
    if (share >= options.min_p) chances.push_back({one.second, share});
  };
  if (options.top_p < 1) {
    // A heap gives the best ones in order without sorting a whole vocabulary.
    const auto worse = [&](const Scored& a, const Scored& b) { return better(b, a); };
    std::ranges::make_heap(left, worse);
    for (double before = 0; !left.empty() && (chances.empty() || before < options.top_p * sum);) {
      std::ranges::pop_heap(left, worse);
      const std::size_t kept = chances.size();
      add(left.back());
      if (chances.size() == kept) break;  // below min_p, and so is the rest
      before += weight(left.back());
      left.pop_back();
    }
  } else {
    if (k > 0) std::ranges::sort(left, better);
    for (const Scored& one : left) add(one);
  }
  double total = 0;
  for (const TokenChance& one : chances) total += one.probability;
  for (TokenChance& one : chances) one.probability /= total;
  return chances;
}

/// The token that `number` of [0, 1) falls on.
inline std::int64_t drawn_token(const std::vector<TokenChance>& chances, double number) {
  std::int64_t last = chances.front().token;
  for (const TokenChance& one : chances) {
    if (one.probability <= 0) continue;
    last = one.token;
    if (number < one.probability) break;
    number -= one.probability;
  }
  return last;  // where rounding left something, the last that is possible
}

}  // namespace cell2text
