// ROUGE-1, ROUGE-2 and ROUGE-L of one reference and one prediction; averages and settings are overlap.hpp's.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "token_ids.hpp"

namespace cell2text::overlap {

struct PrecisionRecall {
  double precision = 0;
  double recall = 0;
  double f = 0;
};

struct Rouge {
  PrecisionRecall rouge_1, rouge_2, rouge_l;
};

/// The length of the longest common subsequence, 64 cells of the table at a time (Hyyrö 2004). Takes memory in
/// proportion to the lists' lengths, never to their product.
class LongestCommonSubsequence {
 public:
  /// `distinct`: token numbers are below it.
  std::size_t length(std::span<const std::uint32_t> a, std::span<const std::uint32_t> b, std::uint32_t distinct) {
    if (a.size() > b.size()) std::swap(a, b);
    std::size_t same = 0;  // what is equal at both ends belongs to a longest subsequence
    while (!a.empty() && a.front() == b.front()) ++same, a = a.subspan(1), b = b.subspan(1);
    while (!a.empty() && a.back() == b.back()) ++same, a = a.first(a.size() - 1), b = b.first(b.size() - 1);
    return a.empty() ? same : same + of_middle(a, b, distinct);
  }

 private:
  std::size_t of_middle(std::span<const std::uint32_t> a, std::span<const std::uint32_t> b, std::uint32_t distinct) {
    const std::size_t words = (a.size() + 63) / 64;
    // Linked lists of the positions of each token in a; 0 ends a list, so positions count from 1.
    head_.assign(distinct, 0);
    next_.resize(a.size() + 1);
    for (std::size_t i = 0; i < a.size(); ++i)
      next_[i + 1] = std::exchange(head_[a[i]], static_cast<std::uint32_t>(i + 1));
    row_.assign(words, ~std::uint64_t{0});
    match_.assign(words, 0);
    for (const std::uint32_t token : b) {
      if (head_[token] == 0) continue;
      for (std::uint32_t p = head_[token]; p; p = next_[p]) match_[(p - 1) / 64] |= std::uint64_t{1} << ((p - 1) % 64);
      std::uint64_t carry = 0;
      for (std::size_t w = 0; w < words; ++w) {
        const std::uint64_t row = row_[w], hit = row & match_[w];
        const std::uint64_t sum = row + hit, total = sum + carry;
        carry = (sum < row) | (total < sum);
        row_[w] = total | (row - hit);
      }
      for (std::uint32_t p = head_[token]; p; p = next_[p]) match_[(p - 1) / 64] = 0;
    }
    if (a.size() % 64) row_.back() |= ~std::uint64_t{0} << (a.size() % 64);
    std::size_t zeros = 0;
    for (const std::uint64_t row : row_) zeros += static_cast<std::size_t>(std::popcount(~row));
    return zeros;
  }

  std::vector<std::uint64_t> row_, match_;
  TokenIds head_, next_;
};

/// ROUGE as the `rouge-score` package without stemming: tokens are runs of a-z and 0-9 of the lower-cased text.
/// Keeps its tables from call to call: one object per thread.
class RougeScorer {
 public:
  Rouge score(std::string_view reference, std::string_view prediction) {
    words_.start((reference.size() + prediction.size()) / 2 + 2);
    number_tokens(reference, reference_text_, reference_);
    number_tokens(prediction, prediction_text_, prediction_);
    Rouge rouge;
    matches_.start(reference_, prediction_, words_.size());
    rouge.rouge_1 = of_matches(matches_.next(), 1);
    rouge.rouge_2 = of_matches(matches_.next(), 2);
    rouge.rouge_l = of_matches(subsequence_.length(reference_, prediction_, words_.size()), 1);
    return rouge;
  }

 private:
  void number_tokens(std::string_view text, std::string& lowered, TokenIds& ids) {
    rouge_lower(text, lowered);
    ids.clear();
    each_white_space_token(lowered, [&](std::string_view word) { ids.push_back(words_.add(word)); });
  }
  PrecisionRecall of_matches(std::size_t matches, std::size_t n) const {
    if (matches == 0) return {};
    const double precision = static_cast<double>(matches) / static_cast<double>(prediction_.size() - n + 1);
    const double recall = static_cast<double>(matches) / static_cast<double>(reference_.size() - n + 1);
    return {precision, recall, 2 * precision * recall / (precision + recall)};
  }

  std::string reference_text_, prediction_text_;
  Numbering<std::string_view> words_;
  TokenIds reference_, prediction_;
  NgramMatches matches_;
  LongestCommonSubsequence subsequence_;
};

}  // namespace cell2text::overlap
