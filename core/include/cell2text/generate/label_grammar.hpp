// What a description may go on with where labels are restricted or given: inside a label's place the tokens of the
// names that are allowed there, elsewhere all tokens but those that would make a reader find another label.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/generate/constraint.hpp"
#include "cell2text/generate/forbidden_phrases.hpp"
#include "cell2text/generate/grammar_tokens.hpp"
#include "cell2text/generate/template_places.hpp"

namespace cell2text {

/// Of cells of which the same is given. Immutable; states are the caller's.
class LabelGrammar {
 public:
  /// Where a text stands.
  struct State {
    const TemplatePlace* place = nullptr;  ///< null: in free text
    std::int32_t node = LabelTree::root;
    const LabelTree::Edge* edge = nullptr;  ///< on the way from `node`
    std::size_t done = 0;                   ///< tokens of it
    bool blank_next = false;                ///< a label ended with the last token
    bool word_next = false;                 ///< its definition has no word yet
    bool told = false;                      ///< the second sentence is written
    bool in_origin = false;                 ///< what follows it may still be read with it
    std::size_t since_origin = 0;           ///< bytes of `text` behind the second sentence
    std::string text = {};                  ///< the last of it, squeezed
  };

  /// InputError where `max_new_tokens` do not hold the shortest text.
  LabelGrammar(std::shared_ptr<const GrammarTokens> tokens, TemplatePlaces& places, const GivenLabels& given,
               std::int64_t max_new_tokens)
      : tokens_(std::move(tokens)),
        max_new_tokens_(max_new_tokens),
        needs_origin_(places.needs_origin(given)),
        begin_(places.begin(given)),
        types_(places.limits().other_types(given)),
        origins_(places.limits().other_origins(given)),
        holding_origins_(origins_.within(tokens_->texts, tokens_->with_cue)) {
    if (places.restricts_origin(given)) cue_ = places.cue(given), origin_ = places.origin(given);
    if (begin_->least() > max_new_tokens)
      throw InputError("generation.max_new_tokens is " + std::to_string(max_new_tokens) +
                       "; a text with the labels that are allowed and given takes " + std::to_string(begin_->least()) +
                       " tokens at least: --set generation.max_new_tokens=" + std::to_string(4 * begin_->least()));
  }

  State begin() const { return {.place = begin_.get()}; }

  /// What may follow a text of `count` tokens that stands at `state`.
  NextTokens next(const State& state, std::size_t count) const {
    const std::int64_t left = left_after(count);
    if (state.place || must_tell(state, left)) {
      std::vector<std::int64_t> allowed;
      if (state.edge)
        allowed.push_back(state.edge->tokens[state.done]);
      else
        add_first(state.place ? *state.place : *cue_, state.node, left, allowed);
      return NextTokens::allow(std::move(allowed));
    }
    std::vector<std::int64_t> banned = banned_in_text(state);
    if (!state.blank_next) return banned.empty() ? NextTokens{} : NextTokens::ban(std::move(banned));
    std::ranges::sort(banned);
    std::vector<std::int64_t> allowed = tokens_->texts.blank_first();
    allowed.insert(allowed.end(), tokens_->ends.begin(), tokens_->ends.end());
    std::erase_if(allowed, [&](std::int64_t token) { return std::ranges::binary_search(banned, token); });
    return NextTokens::allow(std::move(allowed));
  }

  /// Adds `token`, which `next` allowed, to a text of `count` tokens. BugError for another one inside a place.
  void add(State& state, std::int64_t token, std::size_t count) const {
    const std::int64_t left = left_after(count);
    const std::string& text = tokens_->texts[token];
    if (!state.place && must_tell(state, left)) enter(state, *cue_);
    add_squeezed(state.text, text);
    state.since_origin += text.size();
    if (state.place) {
      go(state, token, left);
    } else {
      state.blank_next = false;
      if (!text.empty() && text != " ") state.word_next = false;
      look_at_text(state);
    }
    constexpr std::size_t enough = 64;  // what is looked for besides phrases
    const std::size_t kept = std::max({enough, types_.longest(), origins_.longest()});
    if (state.text.size() > kept) state.text.erase(0, state.text.size() - kept);
  }

 private:
  std::int64_t left_after(std::size_t count) const { return max_new_tokens_ - static_cast<std::int64_t>(count); }
  /// Whether there is just room for a second sentence that must be written.
  bool must_tell(const State& state, std::int64_t left) const {
    return needs_origin_ && !state.told && left <= cue_->least();
  }

  static void enter(State& state, const TemplatePlace& place) {
    state.place = &place, state.node = LabelTree::root, state.edge = nullptr;
  }

  /// The first tokens of what may follow at a node, as far as there is room.
  static void add_first(const TemplatePlace& place, std::int32_t number, std::int64_t left,
                        std::vector<std::int64_t>& tokens) {
    const LabelTree::Node& node = place.tree.node(number);
    for (const LabelTree::Edge& edge : node.edges)
      if (fits(place, edge, left)) tokens.push_back(edge.tokens.front());
    for (const std::int32_t lead : node.labels)
      if (const auto& to = place.leads[lead].place) add_first(*to, LabelTree::root, left, tokens);
  }
  static bool fits(const TemplatePlace& place, const LabelTree::Edge& edge, std::int64_t left) {
    return std::ssize(edge.tokens) + place.need[edge.to] <= left;
  }

  void go(State& state, std::int64_t token, std::int64_t left) const {
    if (!state.edge) state.edge = edge_of(state, token, left), state.done = 0;
    if (!state.edge || state.edge->tokens[state.done] != token)
      throw BugError("a text with restricted labels goes on with token " + std::to_string(token) +
                     ", which its place does not have");
    if (++state.done < state.edge->tokens.size()) return;
    state.node = state.edge->to, state.edge = nullptr;
    const LabelTree::Node& node = state.place->tree.node(state.node);
    if (node.labels.empty()) return;
    const TemplatePlace::Lead& lead = state.place->leads[node.labels.front()];
    if (lead.to != TemplatePlace::Lead::To::place)
      leave(state, lead.to);
    else if (node.is_leaf())
      enter(state, *lead.place);
  }
  /// The edge from a state's node that begins with the token, else from a place that it leads to, which is entered.
  static const LabelTree::Edge* edge_of(State& state, std::int64_t token, std::int64_t left) {
    const LabelTree::Node& node = state.place->tree.node(state.node);
    for (const LabelTree::Edge& edge : node.edges)
      if (edge.tokens.front() == token && fits(*state.place, edge, left)) return &edge;
    if (node.labels.empty() || !state.place->leads[node.labels.front()].place) return nullptr;
    enter(state, *state.place->leads[node.labels.front()].place);
    return edge_of(state, token, left);
  }

  static void leave(State& state, TemplatePlace::Lead::To to) {
    using To = TemplatePlace::Lead::To;
    state.place = nullptr, state.node = LabelTree::root;
    state.blank_next = to != To::text;
    state.word_next = to == To::definition;
    if (to == To::origin_end) state.told = state.in_origin = true, state.since_origin = 1;  // its period
  }

  void look_at_text(State& state) const {
    static const std::string cue = lower(TemplatePlaces::origin_cue()),
                             pathways = lower(template_text::first_pathway_opener);
    const std::size_t behind = state.text.size() - std::min(state.text.size(), state.since_origin);
    if (state.in_origin && state.text.find(pathways, behind) != std::string::npos) state.in_origin = false;
    if (!origin_ || !state.text.ends_with(cue)) return;
    enter(state, *origin_);
    state.in_origin = state.word_next = false;
  }

  std::vector<std::int64_t> banned_in_text(const State& state) const {
    std::vector<std::int64_t> banned;
    const auto ban = [&](const std::vector<std::int64_t>& tokens) {
      banned.insert(banned.end(), tokens.begin(), tokens.end());
    };
    if (state.word_next || (needs_origin_ && !state.told)) ban(tokens_->ends);
    if (state.in_origin) {
      static const std::string_view opener = template_text::first_pathway_opener;
      static const std::string pathways = lower(opener.substr(0, opener.size() - 1));
      if (!state.text.ends_with(pathways)) origins_.ban(state.text, tokens_->texts, false, banned);
      ban(holding_origins_);
    } else {
      types_.ban(state.text, tokens_->texts, state.blank_next || state.word_next, banned);
    }
    if (origin_)
      for (const std::int64_t token : tokens_->over_cue)
        if (ends_cue(state.text, tokens_->texts[token])) banned.push_back(token);
    return banned;
  }
  /// Whether the words before the second sentence end within a token behind `before`.
  static bool ends_cue(const std::string& before, const std::string& token) {
    std::string text = before;
    add_squeezed(text, token);
    static const std::string cue = lower(TemplatePlaces::origin_cue()) + " ";
    const std::size_t from = before.size() - std::min(before.size(), cue.size() - 1);
    return text.find(cue, from) != std::string::npos;
  }

  std::shared_ptr<const GrammarTokens> tokens_;
  std::int64_t max_new_tokens_;
  bool needs_origin_;
  PlacePtr begin_, cue_, origin_;
  ForbiddenPhrases types_;                     // from the beginning
  ForbiddenPhrases origins_;                   // behind the second sentence
  std::vector<std::int64_t> holding_origins_;  // tokens that hold one of the latter
};

}  // namespace cell2text
