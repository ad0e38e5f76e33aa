// How probable each label is at a place of a text: the product over the tokens of each way of writing it, with what
// must follow. Branches that share a beginning are read once; those that hold next to nothing are left out. Which these
// are, branch_frontier.hpp says; the branches of all places, of one text or of several, are read together.
#pragma once

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <memory>
#include <numeric>
#include <utility>
#include <vector>

#include "cell2text/generate/label_branches.hpp"
#include "cell2text/generate/label_tree.hpp"
#include "cell2text/generate/rows.hpp"
#include "cell2text/generate/scores.hpp"

namespace cell2text {

/// Of one place, given the text before it.
struct LabelScores {
  std::vector<double> probabilities;  ///< [labels], natural, not normalised
  double left_out = 0;                ///< labels have at most this much more between them
  /// What all labels have together; the rest is what the model would write that is none of them.
  double known() const { return std::accumulate(probabilities.begin(), probabilities.end(), 0.0); }
};

/// What the decoder was asked to read.
struct LabelReadCounts {
  std::int64_t passes = 0, tokens = 0;
};

struct LabelScoreOptions {
  double left_out = 1e-4;   ///< probability that may be left out, of each place. 0: all paths are read
  std::int64_t rows = 256;  ///< branches read at once
  std::int64_t states = 4;  ///< readings whose states are kept for what may yet follow them; and more,
  std::int64_t state_bytes = std::int64_t{256} << 20;  ///< as long as they take no more than this together
  LabelReadCounts* counts = nullptr;                   ///< added to
};

namespace label_scores_detail {

/// log softmax(scores of row r)[token] for pairs of row and token.
inline std::vector<double> log_probabilities_at(const Tensor& scores_RV, const std::vector<std::int64_t>& rows,
                                                const std::vector<std::int64_t>& tokens) {
  const std::vector<double> normalisers = log_sums_of_exponentials(scores_RV);
  std::vector<std::int64_t> places(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) places[i] = rows[i] * scores_RV.size(1) + tokens[i];
  const Tensor at = torch::tensor(places, torch::kInt64).to(scores_RV.device());
  const Tensor found = scores_RV.reshape(-1).index_select(0, at).to(torch::kCPU, torch::kFloat64);
  std::vector<double> all(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    all[i] = found.const_data_ptr<double>()[i] - normalisers[rows[i]];
    if (std::isnan(all[i])) refuse_nan();
  }
  return all;
}

class Search {
 public:
  Search(const DecodingRows& rows, const LabelTrees& trees, const LabelScoreOptions& options)
      : trees_(trees),
        options_(options),
        places_(new Reading{0, rows.copy()}),
        scores_(trees.size()),
        branches_(trees, places_, options.left_out, {options.states, options.state_bytes}) {
    for (std::size_t place = 0; place < trees.size(); ++place)
      scores_[place].probabilities.resize(static_cast<std::size_t>(trees[place]->labels()));
  }

  std::vector<LabelScores> run() && {
    begin();
    for (auto batch = branches_.next(options_.rows); !batch.empty(); batch = branches_.next(options_.rows)) read(batch);
    for (std::size_t place = 0; place < scores_.size(); ++place) scores_[place].left_out = branches_.left(place);
    return std::move(scores_);
  }

 private:
  /// Tokens whose probabilities are asked for, each behind one that was read.
  struct Asked {
    std::vector<std::int64_t> places;            // of those that were read, row * T + token
    std::vector<std::int64_t> place_of, tokens;  // numbers in `places`
  };

  void begin() {
    std::vector<std::int64_t> rows, tokens;
    std::vector<Branch> branches;
    for (std::size_t place = 0; place < trees_.size(); ++place) {
      const auto row = static_cast<std::int64_t>(place);
      const auto& edges = trees_[place]->node(LabelTree::root).edges;
      for (std::size_t edge = 0; edge < edges.size(); ++edge) {
        rows.push_back(row), tokens.push_back(edges[edge].tokens.front());
        branches.push_back({place, LabelTree::root, edge, 0, 0, places_, row});
      }
    }
    if (branches.empty()) return;
    const std::vector<double> steps = log_probabilities_at(places_->rows.logits(), rows, tokens);
    for (std::size_t i = 0; i < steps.size(); ++i) {
      branches[i].log_probability = steps[i];
      add(std::move(branches[i]));
    }
  }

  void count(std::size_t place, const LabelTree::Node& node, double log_probability) {
    for (const std::int32_t label : node.labels) scores_[place].probabilities[label] += std::exp(log_probability);
  }

  /// Counts a branch that is known to its end; the others wait.
  void add(Branch branch) {
    const LabelTree::Node& end = branches_.end_of(branch);
    if (end.is_leaf() && branch.next + 1 == branches_.edge_of(branch).tokens.size())
      count(branch.place, end, branch.log_probability);
    else
      branches_.add(std::move(branch));
  }

  void read(const std::vector<Branch>& batch) {
    std::vector<std::vector<std::int64_t>> tokens;
    for (const Branch& branch : batch) tokens.push_back(branches_.tokens_of(branch));
    std::shared_ptr<Reading> reading(new Reading{++passes_, rows_of(batch)});
    const Tensor hidden_RTD = reading->rows.read_all(tokens);
    Asked asked;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const std::size_t taken = branches_.taken(batch[i]);
      const auto end = static_cast<std::int64_t>(i) * hidden_RTD.size(1) + std::ssize(tokens[i]);
      for (std::size_t read = 1; read <= taken; ++read) {
        asked.places.push_back(end - static_cast<std::int64_t>(taken - read) - 1);
        ask(batch[i], batch[i].next + read, asked);
      }
    }
    const std::vector<double> steps = answers(hidden_RTD, asked);
    auto step = steps.begin();
    for (std::size_t i = 0; i < batch.size(); ++i) go_on(batch[i], reading, static_cast<std::int64_t>(i), step);
    reading->bytes = std::max<std::int64_t>(reading->rows.bytes() - places_->rows.bytes(), 0);
    branches_.keep(std::move(reading));
    if (!options_.counts) return;
    ++options_.counts->passes;
    for (const auto& row : tokens) options_.counts->tokens += std::ssize(row);
  }

  /// Where its branches stand.
  DecodingRows rows_of(const std::vector<Branch>& batch) const {
    std::vector<const DecodingRows*> parts;
    std::map<const Reading*, std::int64_t> number;
    std::vector<StateRow> rows;
    std::vector<std::int64_t> parents;
    for (const Branch& branch : batch) {
      const auto [found, is_new] = number.emplace(branch.reading.get(), std::ssize(parts));
      if (is_new) parts.push_back(&branch.reading->rows);
      rows.push_back({found->second, branch.row}), parents.push_back(branch.row);
    }
    return parts.size() == 1 ? parts.front()->fork(parents) : DecodingRows::joined(parts, rows);
  }

  /// What may follow the branch's edge up to `next`: its next token, or the edges at its end.
  void ask(const Branch& branch, std::size_t next, Asked& asked) const {
    const LabelTree::Edge& edge = branches_.edge_of(branch);
    if (next < edge.tokens.size()) asked.tokens.push_back(edge.tokens[next]);
    if (next == edge.tokens.size())
      for (const LabelTree::Edge& one : branches_.end_of(branch).edges) asked.tokens.push_back(one.tokens.front());
    asked.place_of.resize(asked.tokens.size(), std::ssize(asked.places) - 1);
  }

  /// Log probabilities; of `rows` places at a time.
  std::vector<double> answers(const Tensor& hidden_RTD, const Asked& asked) const {
    const Tensor hidden_ND = rows_at(hidden_RTD, asked.places);
    std::vector<double> all;
    for (std::int64_t first = 0; first < hidden_ND.size(0); first += options_.rows) {
      const std::int64_t count = std::min(options_.rows, hidden_ND.size(0) - first);
      std::vector<std::int64_t> rows, tokens;
      for (std::size_t i = all.size(); i < asked.tokens.size() && asked.place_of[i] < first + count; ++i)
        rows.push_back(asked.place_of[i] - first), tokens.push_back(asked.tokens[i]);
      const Tensor scores_NV = places_->rows.decoder().logits(hidden_ND.narrow(0, first, count)).to(torch::kFloat32);
      std::ranges::copy(log_probabilities_at(scores_NV, rows, tokens), std::back_inserter(all));
    }
    return all;
  }

  /// Goes on from a row of `reading`. `step` goes over the answers in the order of asking.
  void go_on(Branch branch, const std::shared_ptr<const Reading>& reading, std::int64_t row,
             std::vector<double>::const_iterator& step) {
    const LabelTree::Edge& edge = branches_.edge_of(branch);
    const std::size_t end = branch.next + branches_.taken(branch);
    while (branch.next < end)
      if (++branch.next < edge.tokens.size()) branch.log_probability += *step++;
    if (end < edge.tokens.size()) {
      branch.reading = reading, branch.row = row;
      return add(std::move(branch));
    }
    const LabelTree::Node& node = branches_.end_of(branch);
    count(branch.place, node, branch.log_probability);
    for (std::size_t i = 0; i < node.edges.size(); ++i)
      add({branch.place, edge.to, i, 0, branch.log_probability + *step++, reading, row});
  }

  const LabelTrees& trees_;
  const LabelScoreOptions& options_;
  std::shared_ptr<const Reading> places_;
  std::int64_t passes_ = 0;
  std::vector<LabelScores> scores_;
  Branches branches_;
};

}  // namespace label_scores_detail

/// The probabilities of each row's labels, *trees[row]; it has read its text up to the place. The rows stay as they
/// are. Records no gradients. What is read for a row, and so its result but for rounding, does not depend on the other
/// rows. Memory: `options.states` states and two more of at most `options.rows` rows each, a row with the tokens behind
/// its prompt alone, or `options.state_bytes` where that is more; `options.rows` rows of scores; for each row less than
/// 100 bytes a branch that waits, of which there are at most as many as paths. What waits behind a state that was let
/// go of is read from the place on.
inline std::vector<LabelScores> score_labels(const DecodingRows& rows, const LabelTrees& trees,
                                             const LabelScoreOptions& options = {}) {
  torch::NoGradGuard no_grad;
  return label_scores_detail::Search(rows, trees, options).run();
}

}  // namespace cell2text
