// Sentence BLEU of one reference and one hypothesis; averages and settings are overlap.hpp's.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include "token_ids.hpp"

namespace cell2text::overlap {

struct Bleu {
  double bleu_2 = 0;
  double bleu_4 = 0;
};

/// Sentence BLEU with even weights on 2 and 4 orders, on white-space tokens, as nltk's `sentence_bleu` with
/// `SmoothingFunction().method4` (Chen and Cherry 2014). Keeps its tables from call to call: one object per thread.
class BleuScorer {
 public:
  Bleu score(std::string_view reference, std::string_view hypothesis) {
    number_tokens(reference, hypothesis);
    const std::size_t length = hypothesis_.size();
    matches_.start(reference_, hypothesis_, words_.size());
    std::array<double, 4> log_precision{};
    double smoothing = 1;
    for (std::size_t n = 1; n <= 4; ++n) {
      const auto matches = static_cast<double>(matches_.next());
      if (n == 1 && matches == 0) return {};
      const double possible = length >= n ? static_cast<double>(length - n + 1) : 1;
      // An order without matches counts as log(length) / (5 * 2^k) matches, k = 1 for the first such order. With
      // one token that would be log(0): the order is left out, and its weight with it.
      if (matches > 0)
        log_precision[n - 1] = std::log(matches / possible);
      else if (length > 1)
        log_precision[n - 1] = std::log(std::log(length) / (5 * (smoothing *= 2)) / possible);
    }
    const double brevity = length > reference_.size()
                               ? 1
                               : std::exp(1 - static_cast<double>(reference_.size()) / static_cast<double>(length));
    const double two = log_precision[0] + log_precision[1];
    return {brevity * std::exp(two / 2), brevity * std::exp((two + log_precision[2] + log_precision[3]) / 4)};
  }

 private:
  void number_tokens(std::string_view reference, std::string_view hypothesis) {
    words_.start((reference.size() + hypothesis.size()) / 2 + 2);
    reference_.clear(), hypothesis_.clear();
    each_white_space_token(reference, [&](std::string_view word) { reference_.push_back(words_.add(word)); });
    each_white_space_token(hypothesis, [&](std::string_view word) { hypothesis_.push_back(words_.add(word)); });
  }

  Numbering<std::string_view> words_;
  TokenIds reference_, hypothesis_;
  NgramMatches matches_;
};

}  // namespace cell2text::overlap
