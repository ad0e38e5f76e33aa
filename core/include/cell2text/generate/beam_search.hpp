// Beam search of one batch. Finds the same texts as Hugging Face transformers 5 (do_sample=False) finds for each
// prompt by itself.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "cell2text/generate/constraint.hpp"
#include "cell2text/generate/rows.hpp"
#include "cell2text/generate/scores.hpp"

namespace cell2text {

struct BeamSearchOptions {
  std::int64_t beams = 4;
  std::int64_t max_new_tokens = 100;
  bool early_stopping = true;
  double length_penalty = 1.0;
};

namespace beam_detail {

/// A continuation: text of beam `parent` (within its cell) and one token more.
struct Candidate {
  double log_probability;
  std::int64_t parent;
  std::int64_t token;
};

struct Beam {
  std::vector<std::int64_t> tokens;
  double log_probability = 0;
};

struct Finished {
  Generated text;
  double score;
};

/// The search of one cell. Knows no tensors.
class CellSearch {
 public:
  CellSearch(const BeamSearchOptions& options, const std::vector<std::int64_t>& end_tokens)
      : options_(&options), end_tokens_(&end_tokens), running_(1) {}

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
    std::erase_if(all, [](const Candidate& c) { return std::isinf(c.log_probability); });
    if (std::ranges::any_of(all, [](const Candidate& c) { return std::isnan(c.log_probability); })) refuse_nan();
    const auto wanted = std::min<std::size_t>(all.size(), candidates(*options_, end_tokens_->size()));
    std::ranges::partial_sort(all, all.begin() + static_cast<std::ptrdiff_t>(wanted), before);
    const auto length = static_cast<std::int64_t>(running_.front().tokens.size()) + 1;
    std::vector<Beam> next;
    parents_.clear();
    for (std::size_t rank = 0; rank < wanted; ++rank) {
      const Candidate& candidate = all[rank];
      const bool ends = std::ranges::find(*end_tokens_, candidate.token) != end_tokens_->end();
      if (ends || length == options_->max_new_tokens) {
        // Only the best `beams` may end; what stands below is kept to go on, not to finish.
        if (static_cast<std::int64_t>(rank) < options_->beams) finish(candidate, ends, length);
      } else if (static_cast<std::int64_t>(next.size()) < options_->beams) {
        next.push_back(extended(candidate));
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
    if (a.log_probability != b.log_probability) return a.log_probability > b.log_probability;
    return a.parent != b.parent ? a.parent < b.parent : a.token < b.token;
  }

  double score(double log_probability, std::int64_t length) const {
    return log_probability / std::pow(static_cast<double>(length), options_->length_penalty);
  }

  Beam extended(const Candidate& candidate) const {
    Beam beam = running_[candidate.parent];
    beam.tokens.push_back(candidate.token);
    beam.log_probability = candidate.log_probability;
    return beam;
  }

  void finish(const Candidate& candidate, bool ends, std::int64_t length) {
    Beam beam = extended(candidate);
    if (ends) beam.tokens.pop_back();
    insert({{std::move(beam.tokens), beam.log_probability, ends}, score(beam.log_probability, length)});
  }

  void insert(Finished text) {
    const auto place = std::ranges::find_if(finished_, [&](const Finished& old) { return old.score < text.score; });
    finished_.insert(place, std::move(text));
    if (static_cast<std::int64_t>(finished_.size()) > options_->beams) finished_.pop_back();
  }

  void keep_unfinished() {
    const Beam& best = running_.front();
    insert({{best.tokens, best.log_probability, false}, 0});
  }

  bool is_settled(const Beam& best_running, std::int64_t length) const {
    if (static_cast<std::int64_t>(finished_.size()) < options_->beams) return false;
    return options_->early_stopping || score(best_running.log_probability, length) <= finished_.back().score;
  }

  const BeamSearchOptions* options_;
  const std::vector<std::int64_t>* end_tokens_;
  std::vector<Beam> running_;  // best first
  std::vector<std::int64_t> parents_;
  std::vector<Finished> finished_;  // best first, at most `beams`
  bool done_ = false;
};

}  // namespace beam_detail

/// Beam search over all cells of a batch; each cell's rows stand together, and cells that are done leave the batch.
/// The arguments are as for `greedy`.
inline std::vector<Generated> beam_search(DecodingRows rows, const BeamSearchOptions& options,
                                          const std::vector<std::int64_t>& end_tokens,
                                          const Constraints& constraints = {}, std::int64_t first_cell = 0) {
  const auto B = static_cast<std::size_t>(rows.size());
  std::vector<beam_detail::CellSearch> searches(B, {options, end_tokens});
  std::vector<std::size_t> open(B);
  for (std::size_t b = 0; b < B; ++b) open[b] = b;

  while (!open.empty()) {
    Tensor scores_RV = rows.logits();
    const std::vector<double> normalisers = log_sums_of_exponentials(scores_RV);
    if (!constraints.empty()) {
      std::vector<std::int64_t> cells;
      std::vector<std::span<const std::int64_t>> texts;
      for (const std::size_t b : open)
        for (const auto& beam : searches[b].running())
          cells.push_back(first_cell + static_cast<std::int64_t>(b)), texts.push_back(beam.tokens);
      apply_constraints(constraints, scores_RV, cells, texts);
    }
    const BestTokens best =
        best_tokens(scores_RV, normalisers, beam_detail::CellSearch::candidates(options, end_tokens.size()));

    std::vector<std::int64_t> parents, tokens;
    std::vector<std::size_t> still_open;
    std::int64_t first_row = 0;
    for (const std::size_t b : open) {
      auto& search = searches[b];
      const auto beams = static_cast<std::int64_t>(search.running().size());
      std::vector<beam_detail::Candidate> candidates;
      for (std::int64_t beam = 0; beam < beams; ++beam)
        for (std::int64_t i = (first_row + beam) * best.each; i < (first_row + beam + 1) * best.each; ++i)
          candidates.push_back(
              {search.running()[beam].log_probability + best.log_probabilities[i], beam, best.tokens[i]});
      search.step(std::move(candidates));
      if (!search.done()) {
        still_open.push_back(b);
        for (const std::int64_t parent : search.parents()) parents.push_back(first_row + parent);
        for (const auto& beam : search.running()) tokens.push_back(beam.tokens.back());
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
