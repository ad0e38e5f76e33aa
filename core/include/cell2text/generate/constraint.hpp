// What a text may continue with: rules that look at the tokens so far and ban, allow or force the next one.
// Applied to scores on their device; probabilities that are reported stay the model's own.
#pragma once

#include <torch/types.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "cell2text/error.hpp"
#include "cell2text/shapes.hpp"

namespace cell2text {

/// The verdict of a constraint on the next token of one text.
struct NextTokens {
  enum class Kind {
    any,    ///< no opinion
    ban,    ///< all but `tokens`
    allow,  ///< only `tokens`
  };
  Kind kind = Kind::any;
  std::vector<std::int64_t> tokens = {};

  static NextTokens ban(std::vector<std::int64_t> tokens) { return {Kind::ban, std::move(tokens)}; }
  static NextTokens allow(std::vector<std::int64_t> tokens) { return {Kind::allow, std::move(tokens)}; }
  static NextTokens force(std::int64_t token) { return {Kind::allow, {token}}; }
};

/// A rule of generation. `cell` counts the prompts of the call from 0; several beams of a cell ask in turn.
/// End tokens are tokens like others: a rule that allows a set and forgets them lets no text end.
class Constraint {
 public:
  virtual ~Constraint() = default;
  virtual NextTokens next(std::int64_t cell, std::span<const std::int64_t> tokens_so_far) const = 0;
};

using Constraints = std::vector<std::shared_ptr<const Constraint>>;

/// No sequence of `size` tokens occurs twice. The tokens of `prompts`, one list per cell, count as if the text began
/// with them; without them a prompt does not count.
class NoRepeatedNgram final : public Constraint {
 public:
  explicit NoRepeatedNgram(std::int64_t size, std::vector<std::vector<std::int64_t>> prompts = {})
      : size_(size), prompts_(std::move(prompts)) {
    if (size < 1) throw InputError("no_repeat_ngram_size is " + std::to_string(size) + "; it must be at least 1");
  }
  NextTokens next(std::int64_t cell, std::span<const std::int64_t> text) const override {
    if (prompts_.empty()) return next(text);
    std::vector<std::int64_t> all = prompts_[cell];
    all.insert(all.end(), text.begin(), text.end());
    return next(all);
  }

 private:
  NextTokens next(std::span<const std::int64_t> tokens) const {
    const auto before = static_cast<std::size_t>(size_) - 1;
    std::vector<std::int64_t> banned;
    if (tokens.size() < before) return {};
    const auto tail = tokens.last(before);
    for (std::size_t start = 0; start + before < tokens.size(); ++start)
      if (std::ranges::equal(tokens.subspan(start, before), tail)) banned.push_back(tokens[start + before]);
    return NextTokens::ban(std::move(banned));
  }

  std::int64_t size_;
  std::vector<std::vector<std::int64_t>> prompts_;
};

/// Sets the scores that the constraints rule out to -infinity, in place. Row i of `scores_RV` continues texts[i] of
/// cell cells[i]. InputError for a token outside the vocabulary.
inline void apply_constraints(const Constraints& constraints, Tensor& scores_RV, std::span<const std::int64_t> cells,
                              const std::vector<std::span<const std::int64_t>>& texts) {
  const std::int64_t V = scores_RV.size(1);
  constexpr double minus_infinity = -std::numeric_limits<double>::infinity();
  const auto on_device = [&](const std::vector<std::int64_t>& values) {
    return torch::tensor(values, torch::kInt64).to(scores_RV.device());
  };
  for (const auto& constraint : constraints) {
    std::vector<std::int64_t> banned;  // flat places in scores_RV
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const NextTokens verdict = constraint->next(cells[i], texts[i]);
      for (const std::int64_t token : verdict.tokens)
        if (token < 0 || token >= V)
          throw InputError("a constraint names token " + std::to_string(token) + "; the vocabulary has " +
                           std::to_string(V) + " tokens, numbered from 0");
      const auto row = static_cast<std::int64_t>(i);
      if (verdict.kind == NextTokens::Kind::ban)
        for (const std::int64_t token : verdict.tokens) banned.push_back(row * V + token);
      if (verdict.kind == NextTokens::Kind::allow) {
        Tensor row_scores = scores_RV.select(0, row);
        const Tensor allowed = on_device(verdict.tokens);
        const Tensor kept = row_scores.index_select(0, allowed);
        row_scores.fill_(minus_infinity);
        row_scores.index_copy_(0, allowed, kept);
      }
    }
    if (!banned.empty()) scores_RV.view(-1).index_fill_(0, on_device(banned), minus_infinity);
  }
}

}  // namespace cell2text
