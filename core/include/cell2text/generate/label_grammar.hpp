// What a description may go on with where labels are restricted or given: inside a label's place the tokens of the
// names that are allowed there, elsewhere all tokens but those that would make a reader find another label.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
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
  /// On a way through a place.
  struct Position {
    const TemplatePlace* place;
    std::int32_t node = LabelTree::root;    ///< reached last
    const LabelTree::Edge* edge = nullptr;  ///< on the way from there; null: at the node
    std::size_t done = 0;                   ///< tokens of it
  };
  /// Where a text stands.
  struct State {
    std::vector<Position> at = {};  ///< several where the same tokens begin several names; none: in free text
    bool blank_next = false;        ///< a label ended with the last token
    bool word_next = false;         ///< its definition has no word yet
    bool told = false;              ///< the second sentence is written
    bool in_origin = false;         ///< what follows it may still be read with it
    std::size_t since_origin = 0;   ///< bytes of `text` behind the second sentence
    std::string text = {};          ///< the last of it, squeezed
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

  State begin() const { return {.at = {{begin_.get()}}}; }

  /// What may follow a text of `count` tokens that stands at `state`.
  NextTokens next(const State& state, std::size_t count) const {
    const std::int64_t left = left_after(count);
    if (const auto positions = positions_of(state, left); !positions.empty()) {
      std::vector<std::int64_t> allowed;
      for (const Position& one : positions)
        each_move(one, left, [&](std::int64_t token, const Position&) { allowed.push_back(token); });
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
    const std::string& text = tokens_->texts[token];
    add_squeezed(state.text, text);
    state.since_origin += text.size();
    const std::int64_t left = left_after(count);
    if (const auto positions = positions_of(state, left); !positions.empty()) {
      move(state, positions, token, left);
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

  std::vector<Position> positions_of(const State& state, std::int64_t left) const {
    return state.at.empty() && must_tell(state, left) ? std::vector<Position>{{cue_.get()}} : state.at;
  }

  /// Calls use(token, position before it) for all tokens that may follow a position, as far as there is room.
  template <class Use>
  static void each_move(const Position& from, std::int64_t left, const Use& use) {
    if (from.edge) return use(from.edge->tokens[from.done], from);
    const LabelTree::Node& node = from.place->tree.node(from.node);
    for (const LabelTree::Edge& edge : node.edges)
      if (std::ssize(edge.tokens) + from.place->need[edge.to] <= left)
        use(edge.tokens.front(), Position{from.place, from.node, &edge, 0});
    for (const std::int32_t lead : node.labels)
      if (const auto& to = from.place->leads[lead].place) each_move(Position{to.get()}, left, use);
  }

  /// Moves on from the positions. A text that may be free is free.
  static void move(State& state, const std::vector<Position>& from, std::int64_t token, std::int64_t left) {
    using To = TemplatePlace::Lead::To;
    std::vector<Position> moved;
    std::optional<To> free;
    for (const Position& one : from)
      each_move(one, left, [&](std::int64_t first, Position next) {
        if (first != token) return;
        if (++next.done == next.edge->tokens.size()) next = {next.place, next.edge->to};
        moved.push_back(next);
        if (next.edge) return;
        for (const std::int32_t lead : next.place->tree.node(next.node).labels)
          if (const To to = next.place->leads[lead].to; to != To::place) free = to;
      });
    if (moved.empty())
      throw BugError("a text with restricted labels goes on with token " + std::to_string(token) +
                     ", which its place does not have");
    state.at = std::move(moved);
    if (!free) return;
    state.at.clear();
    state.blank_next = *free != To::text;
    state.word_next = *free == To::definition;
    if (*free == To::origin_end) state.told = state.in_origin = true, state.since_origin = 1;  // its period
  }

  void look_at_text(State& state) const {
    static const std::string cue = lower(TemplatePlaces::origin_cue()),
                             pathways = lower(template_text::first_pathway_opener);
    const std::size_t behind = state.text.size() - std::min(state.text.size(), state.since_origin);
    if (state.in_origin && state.text.find(pathways, behind) != std::string::npos) state.in_origin = false;
    if (!origin_ || !state.text.ends_with(cue)) return;
    state.at = {{origin_.get()}};
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
