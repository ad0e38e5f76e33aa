// Descriptions whose labels are restricted to lists, or given: the constraint for any way of generating, and what makes
// it for the cells of a batch.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/generate/constraint.hpp"
#include "cell2text/generate/label_grammar.hpp"
#include "cell2text/generate/settings.hpp"

namespace cell2text {

/// Where each text stands is remembered from one token to the next, so that a step costs the same at any length. Not
/// for several threads at once.
class LabelConstraint final : public Constraint {
 public:
  /// Cell i of the call follows of_cell[i].
  explicit LabelConstraint(std::vector<std::shared_ptr<const LabelGrammar>> of_cell) : of_cell_(std::move(of_cell)) {}

  NextTokens next(std::int64_t cell, std::span<const std::int64_t> tokens) const override {
    if (tokens.size() != length_) {
      before_ = tokens.size() == length_ + 1 ? std::move(now_) : States();
      now_.clear();
      length_ = tokens.size();
    }
    const auto [found, fresh] = now_.try_emplace({cell, {tokens.begin(), tokens.end()}});
    if (fresh) found->second = state_of(cell, tokens);
    return of_cell_[cell]->next(found->second, tokens.size());
  }

 private:
  using States = std::map<std::pair<std::int64_t, std::vector<std::int64_t>>, LabelGrammar::State>;

  LabelGrammar::State state_of(std::int64_t cell, std::span<const std::int64_t> tokens) const {
    const LabelGrammar& grammar = *of_cell_[cell];
    LabelGrammar::State state = grammar.begin();
    std::size_t read = 0;
    if (!tokens.empty()) {
      const auto one_less = tokens.first(tokens.size() - 1);
      const auto known = before_.find({cell, {one_less.begin(), one_less.end()}});
      if (known != before_.end()) state = known->second, read = one_less.size();
    }
    for (; read < tokens.size(); ++read) grammar.add(state, tokens[read], read);
    return state;
  }

  std::vector<std::shared_ptr<const LabelGrammar>> of_cell_;
  mutable std::size_t length_ = 0;
  mutable States now_, before_;  // of texts of length_ tokens, and of one token less
};

/// Makes constraints for one model. Cells of which the same is given share a grammar.
class LabelConstraints {
 public:
  /// `decoder` must outlive it. InputError where its tokenizer, or a setting of generation, does not go with restricted
  /// labels.
  LabelConstraints(const DecoderHandle& decoder, LabelLimits limits, const GenerationSettings& settings)
      : places_(decoder, std::move(limits)), max_new_tokens_(settings.max_new_tokens.value.value_or(0)) {
    if (settings.no_repeat_ngram_size.value.value_or(0) > 0)
      throw InputError("generation.no_repeat_ngram_size is " + std::to_string(*settings.no_repeat_ngram_size.value) +
                       ", which may forbid the words of a label that is given or allowed: --set "
                       "generation.no_repeat_ngram_size=0");
    if (!settings.stop.empty())
      throw InputError("generation.stop has the text '" + settings.stop.front() +
                       "', which may end a text within a label that is given or allowed: --set 'generation.stop=[]'");
    tokens_ = std::make_shared<GrammarTokens>(decoder);
  }

  /// For the prompts of a call: what is given of each.
  std::shared_ptr<const Constraint> of(const std::vector<GivenLabels>& given) {
    std::vector<std::shared_ptr<const LabelGrammar>> of_cell;
    constexpr std::size_t most = 64;  // that are kept: each holds the names that may not be written
    for (const GivenLabels& one : given) {
      if (grammars_.size() >= most && !grammars_.contains(one)) grammars_.clear();
      std::shared_ptr<const LabelGrammar>& grammar = grammars_[one];
      if (!grammar) grammar = std::make_shared<LabelGrammar>(tokens_, places_, one, max_new_tokens_);
      of_cell.push_back(grammar);
    }
    return std::make_shared<LabelConstraint>(std::move(of_cell));
  }

 private:
  TemplatePlaces places_;
  std::int64_t max_new_tokens_;
  std::shared_ptr<const GrammarTokens> tokens_;
  std::map<GivenLabels, std::shared_ptr<const LabelGrammar>> grammars_;
};

}  // namespace cell2text
