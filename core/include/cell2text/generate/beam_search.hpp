// Beam search of one batch. Finds the same texts as Hugging Face transformers 5 (do_sample=False) finds for each
// prompt by itself.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "cell2text/generate/rules.hpp"
#include "cell2text/generate/scores.hpp"
#include "cell2text/generate/settings.hpp"

namespace cell2text {

struct BeamSearchOptions {
  std::int64_t beams = 4;
  EarlyStopping early_stopping;
  double length_penalty = 1.0;
};

namespace beam_detail {

/// A continuation: text of beam `parent` (within its cell) and one token more.
struct Candidate {
  double score;  // sum of log probabilities, penalties included
  std::int64_t parent;
  std::int64_t token;
  double token_log_probability;  // the model's own
};

struct Beam {
  Generated text;
  double score = 0;
};

struct Finished {
  Generated text;
  double score;
};

/// The search of one cell. Knows no tensors.
class CellSearch {
 public:
  CellSearch(const BeamSearchOptions& options, const GenerationRules& rules)
      : options_(&options), rules_(&rules), running_(1) {}

  /// Candidates asked of the model: enough that `beams` remain when all end tokens are among the best.
  static std::int64_t candidates(const BeamSearchOptions& options, std::size_t end_tokens) {
    return std::max<std::int64_t>(2, 1 + static_cast<std::int64_t>(end_tokens)) * options.beams;
  }

  bool done() const { return done_; }
  const std::vector<Beam>& running() const { return running_; }
  /// Per running beam: the beam before this step that it continues.
  const std::vector<std::int64_t>& parents() const { return parents_; }

  /// Takes the possible continuations of all running beams and makes one step.
  void step(std::vector<Candidate> all) {
    std::erase_if(all, [](const Candidate& c) { return std::isinf(c.score); });
    if (std::ranges::any_of(all, [](const Candidate& c) { return std::isnan(c.score); })) refuse_nan();
    const auto wanted = std::min<std::size_t>(all.size(), candidates(*options_, rules_->end_tokens.size()));
    std::ranges::partial_sort(all, all.begin() + static_cast<std::ptrdiff_t>(wanted), before);
    const auto length = static_cast<std::int64_t>(running_.front().text.tokens.size()) + 1;
    std::vector<Beam> next;
    parents_.clear();
    for (std::size_t rank = 0; rank < wanted; ++rank) {
      const Candidate& candidate = all[rank];
      const bool may_end = static_cast<std::int64_t>(rank) < options_->beams;
      const bool may_go_on = static_cast<std::int64_t>(next.size()) < options_->beams;
      if (!may_end && !may_go_on) break;
      Beam beam = extended(candidate);
      if (beam.text.ended || length == rules_->max_new_tokens) {
        // Only the best `beams` may end; what stands below is kept to go on, not to finish.
        if (may_end) insert({std::move(beam.text), score(beam.score, length)});
      } else if (may_go_on) {
        next.push_back(std::move(beam));
        parents_.push_back(candidate.parent);
      }
    }
    if (next.empty() && finished_.empty()) keep_unfinished();  // every continuation is ruled out
    done_ = next.empty() || is_settled(next.front(), length);
    running_ = std::move(next);
  }

  Generated result() && { return std::move(finished_.front().text); }

 private:
  static bool before(const Candidate& a, const Candidate& b) {
    if (a.score != b.score) return a.score > b.score;
    return a.parent != b.parent ? a.parent < b.parent : a.token < b.token;
  }

  double score(double sum, std::int64_t length) const {
    return sum / std::pow(static_cast<double>(length), options_->length_penalty);
  }

  Beam extended(const Candidate& candidate) const {
    Beam beam = running_[candidate.parent];
    beam.score = candidate.score;
    beam.text.add(candidate.token_log_probability);
    if (rules_->ends(candidate.token)) {
      beam.text.ended = true, beam.text.end_token = candidate.token;
      return beam;
    }
    beam.text.tokens.push_back(candidate.token);
    beam.text.ended = rules_->stop.reached(beam.text.tokens);
    return beam;
  }

  void insert(Finished text) {
    const auto place = std::ranges::find_if(finished_, [&](const Finished& old) { return old.score < text.score; });
    finished_.insert(place, std::move(text));
    if (static_cast<std::int64_t>(finished_.size()) > options_->beams) finished_.pop_back();
  }

  void keep_unfinished() { insert({running_.front().text, 0}); }

  bool is_settled(const Beam& best_running, std::int64_t length) const {
    if (static_cast<std::int64_t>(finished_.size()) < options_->beams) return false;
    using enum EarlyStopping::Rule;
    const auto rule = options_->early_stopping.rule;
    if (rule == on) return true;
    const bool may_grow = rule == never && options_->length_penalty > 0;  // a longer text may then score better
    return score(best_running.score, may_grow ? rules_->max_new_tokens : length) <= finished_.back().score;
  }

  const BeamSearchOptions* options_;
  const GenerationRules* rules_;
  std::vector<Beam> running_;  // best first
  std::vector<std::int64_t> parents_;
  std::vector<Finished> finished_;  // best first, at most `beams`
  bool done_ = false;
};

}  // namespace beam_detail

/// Beam search over all cells of a batch; each cell's rows stand together, and cells that are done leave the batch.
/// `first_cell` is the number of the batch's first cell in the call.
inline std::vector<Generated> beam_search(DecodingRows rows, const BeamSearchOptions& options,
                                          const GenerationRules& rules, std::int64_t first_cell = 0) {
  const auto B = static_cast<std::size_t>(rows.size());
  std::vector<beam_detail::CellSearch> searches(B, {options, rules});
  std::vector<std::size_t> open(B);
  for (std::size_t b = 0; b < B; ++b) open[b] = b;

  while (!open.empty()) {
    if (rules.before_step) rules.before_step();
    Tensor scores_RV = rows.logits();
    const std::vector<double> normalisers = log_sums_of_exponentials(scores_RV);
    OwnScores own;
    if (rules.change_scores()) {
      std::vector<std::int64_t> cells;
      std::vector<std::span<const std::int64_t>> texts;
      for (const std::size_t b : open)
        for (const auto& beam : searches[b].running())
          cells.push_back(first_cell + static_cast<std::int64_t>(b)), texts.push_back(beam.text.tokens);
      own = rules.apply(scores_RV, cells, texts, &normalisers);
    }
    const BestTokens best =
        best_tokens(scores_RV, normalisers, beam_detail::CellSearch::candidates(options, rules.end_tokens.size()));

    std::vector<std::int64_t> parents, tokens;
    std::vector<std::size_t> still_open;
    std::size_t first_row = 0;
    for (const std::size_t b : open) {
      auto& search = searches[b];
      const std::size_t beams = search.running().size(), each = static_cast<std::size_t>(best.each);
      std::vector<beam_detail::Candidate> candidates;
      for (std::size_t beam = 0; beam < beams; ++beam)
        for (std::size_t row = first_row + beam, i = row * each; i < (row + 1) * each; ++i) {
          const double changed = best.log_probabilities[i];
          candidates.push_back({search.running()[beam].score + changed, static_cast<std::int64_t>(beam), best.tokens[i],
                                own.log_probability(row, best.tokens[i], changed, normalisers[row])});
        }
      search.step(std::move(candidates));
      if (!search.done()) {
        still_open.push_back(b);
        for (const std::int64_t parent : search.parents())
          parents.push_back(static_cast<std::int64_t>(first_row) + parent);
        for (const auto& beam : search.running()) tokens.push_back(beam.text.tokens.back());
      }
      first_row += beams;
    }
    open = std::move(still_open);
    if (open.empty()) break;
    rows.select(parents);
    rows.read(tokens);
  }
  std::vector<Generated> all;
  for (auto& search : searches) all.push_back(std::move(search).result());
  return all;
}

}  // namespace cell2text
