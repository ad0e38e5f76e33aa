// Greedy decoding that reads guesses along (speculative decoding: Leviathan et al. 2023, doi:10.48550/arXiv.2211.17192;
// drafts from known texts as in Yang et al. 2023, doi:10.48550/arXiv.2304.04487). One pass of the decoder checks a
// whole draft; what it would have written otherwise is cut off again, so that the text is that of greedy decoding.
#pragma once

#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>
#include <vector>

#include "cell2text/generate/drafts.hpp"
#include "cell2text/generate/rules.hpp"
#include "cell2text/generate/scores.hpp"

namespace cell2text {

/// What drafts were worth.
struct DraftCounts {
  std::int64_t passes = 0;    ///< of the decoder, for each row that was in it
  std::int64_t drafted = 0;   ///< tokens that were guessed
  std::int64_t accepted = 0;  ///< of these the right ones

  void add(const DraftCounts& other) { passes += other.passes, drafted += other.drafted, accepted += other.accepted; }
};

namespace drafted_detail {

constexpr std::size_t shortest = 4, longest = 64;  // tokens of a draft
constexpr double pass_cost = 32;                   // of a pass by itself, in tokens that it reads

/// Rows are padded to the longest: cuts them where a pass gives most tokens for what it costs.
inline void cut_to_common(std::vector<std::vector<std::int64_t>>& read) {
  std::size_t common = 1;
  double most = 0;
  for (const auto& row : read) {
    double tokens = 0;
    for (const auto& other : read) tokens += static_cast<double>(std::min(other.size(), row.size()));
    const double gain = tokens / (static_cast<double>(read.size() * row.size()) + pass_cost);
    if (gain > most) most = gain, common = row.size();
  }
  for (auto& row : read) row.resize(std::min(row.size(), common));
}

/// A text that grows, and the token that comes next.
struct Growing {
  std::size_t cell;
  std::int64_t token = 0;
  double log_probability = 0;
  std::size_t length = 16;  // of the next draft: twice as long after one that held, half as long after others
};

/// The best token behind each of the tokens read, [rows][tokens], with its log probability.
inline std::vector<std::vector<std::pair<std::int64_t, double>>> best_behind(
    const DecoderHandle& decoder, const Tensor& hidden_RTD, const std::vector<std::vector<std::int64_t>>& read) {
  std::vector<std::int64_t> places;
  for (std::size_t r = 0; r < read.size(); ++r)
    for (std::size_t t = 0; t < read[r].size(); ++t)
      places.push_back(static_cast<std::int64_t>(r) * hidden_RTD.size(1) + static_cast<std::int64_t>(t));
  const Tensor hidden_ND = rows_at(hidden_RTD, places);
  std::vector<std::vector<std::pair<std::int64_t, double>>> best(read.size());
  std::size_t row = 0;
  constexpr std::int64_t at_once = 64;  // a row of scores is as long as the vocabulary
  for (std::int64_t first = 0; first < hidden_ND.size(0); first += at_once) {
    const std::int64_t count = std::min(at_once, hidden_ND.size(0) - first);
    const Tensor scores_NV = decoder.logits(hidden_ND.narrow(0, first, count)).to(torch::kFloat32);
    const BestTokens found = best_tokens(scores_NV, log_sums_of_exponentials(scores_NV), 1);
    for (std::int64_t i = 0; i < count; ++i) {
      while (best[row].size() == read[row].size()) ++row;
      best[row].emplace_back(found.tokens[i], found.log_probabilities[i]);
    }
  }
  return best;
}

/// The rows of a batch whose texts are not finished.
class Batch {
 public:
  Batch(DecodingRows rows, const GenerationRules& rules, const DraftTexts& drafts, std::int64_t first_cell)
      : rows_(std::move(rows)), rules_(rules), drafts_(drafts), first_cell_(first_cell), all_(rows_.size()) {
    const Tensor scores_RV = rows_.logits();
    const BestTokens best = best_tokens(scores_RV, log_sums_of_exponentials(scores_RV), 1);
    for (std::size_t cell = 0; cell < all_.size(); ++cell)
      growing_.push_back({cell, best.tokens[cell], best.log_probabilities[cell]});
  }

  bool done() const { return growing_.empty(); }
  std::vector<Generated> texts() && { return std::move(all_); }
  const DraftCounts& counts() const { return counts_; }

  /// Adds each row's next token, and those of its draft that are right.
  void step() {
    if (rules_.before_step) rules_.before_step();
    keep([this](Growing& one) { return add(one); });
    if (done()) return;
    std::vector<std::vector<std::int64_t>> read;
    for (const Growing& one : growing_) read.push_back(with_draft(one));
    drafted_detail::cut_to_common(read);
    std::vector<std::int64_t> lengths = rows_.lengths();
    const Tensor hidden_RTD = rows_.read_all(read);
    const auto best = best_behind(rows_.decoder(), hidden_RTD, read);
    std::vector<bool> goes_on;
    for (std::size_t i = 0; i < growing_.size(); ++i) {
      std::size_t right = 0;
      goes_on.push_back(accept(growing_[i], read[i], best[i], right));
      lengths[i] += static_cast<std::int64_t>(right) + 1;
    }
    rows_.cut(std::move(lengths));
    keep([&, i = std::size_t{0}](Growing&) mutable { return static_cast<bool>(goes_on[i++]); });
  }

 private:
  bool add(const Growing& one) {
    if (std::isnan(one.log_probability)) refuse_nan();
    return rules_.add(all_[one.cell], one.token, one.log_probability,
                      first_cell_ + static_cast<std::int64_t>(one.cell));
  }

  std::vector<std::int64_t> with_draft(const Growing& one) const {
    const auto& text = all_[one.cell].tokens;
    const auto room = static_cast<std::size_t>(rules_.max_new_tokens) - text.size();  // at least 1
    const auto draft = drafts_.after(text, std::min(one.length, room));
    std::vector<std::int64_t> read{one.token};
    read.insert(read.end(), draft.begin(), draft.end());
    return read;
  }

  /// Adds the first `right` tokens of a draft; returns whether the text goes on. The next token is then the model's
  /// own.
  bool accept(Growing& one, const std::vector<std::int64_t>& read,
              const std::vector<std::pair<std::int64_t, double>>& best, std::size_t& right) {
    const std::size_t drafted = read.size() - 1;
    bool goes_on = true;
    for (right = 0;; ++right) {
      std::tie(one.token, one.log_probability) = best[right];
      if (right == drafted || one.token != read[right + 1]) break;
      goes_on = add(one);
      if (!goes_on) break;
    }
    counts_.passes += 1, counts_.drafted += static_cast<std::int64_t>(drafted);
    counts_.accepted += static_cast<std::int64_t>(right);
    one.length = right == drafted ? std::min(2 * one.length, longest) : std::max(one.length / 2, shortest);
    return goes_on;
  }

  /// Leaves the rows for which goes_on holds.
  template <class GoesOn>
  void keep(GoesOn goes_on) {
    std::vector<Growing> left;
    std::vector<std::int64_t> rows;
    for (std::size_t i = 0; i < growing_.size(); ++i)
      if (goes_on(growing_[i])) left.push_back(growing_[i]), rows.push_back(static_cast<std::int64_t>(i));
    growing_ = std::move(left);
    if (!done()) rows_.select(rows);
  }

  DecodingRows rows_;
  const GenerationRules& rules_;
  const DraftTexts& drafts_;
  std::int64_t first_cell_;
  std::vector<Generated> all_;
  std::vector<Growing> growing_;  // one for each row of the decoder
  DraftCounts counts_;
};

}  // namespace drafted_detail

/// As step_by_step without constraints, penalties and drawing, on a state that can be cut. `first_cell` is the number
/// of the batch's first row in the call. Counts are added to `counts`.
inline std::vector<Generated> greedy_with_drafts(DecodingRows rows, const GenerationRules& rules,
                                                 const DraftTexts& drafts, std::int64_t first_cell = 0,
                                                 DraftCounts* counts = nullptr) {
  drafted_detail::Batch batch(std::move(rows), rules, drafts, first_cell);
  while (!batch.done()) batch.step();
  if (counts) counts->add(batch.counts());
  return std::move(batch).texts();
}

}  // namespace cell2text
