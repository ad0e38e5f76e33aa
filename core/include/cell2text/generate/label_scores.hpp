// How probable each label is at one place of a text: the product over the tokens of each way of writing it, with what
// must follow. Branches that share a beginning are read once; those that hold next to nothing are left out.
#pragma once

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>
#include <vector>

#include "cell2text/generate/label_tree.hpp"
#include "cell2text/generate/rows.hpp"
#include "cell2text/generate/scores.hpp"

namespace cell2text {

/// Of one cell, given the text before the place.
struct LabelScores {
  std::vector<double> probabilities;  ///< [labels], natural, not normalised
  double left_out = 0;                ///< labels have at most this much more between them
  /// What all labels have together; the rest is what the model would write that is none of them.
  double known() const { return std::accumulate(probabilities.begin(), probabilities.end(), 0.0); }
};

struct LabelScoreOptions {
  double left_out = 1e-4;  ///< probability that may be left out, for each cell. 0: all paths are read
  std::int64_t rows = 64;  ///< paths read at once
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

/// Where a row of the decoder stands in the tree.
struct Place {
  std::size_t cell;
  std::int32_t node;
  double log_probability;
};

/// A branch from row `row`; its probability up to its first token.
struct Branch {
  std::int64_t row;
  const LabelTree::Edge* edge;
  Place place;  // at its end
};

class Walk {
 public:
  Walk(const LabelTree& tree, const LabelScoreOptions& options, std::vector<LabelScores>& scores)
      : tree_(tree), options_(options), scores_(scores) {}

  /// Row i of `rows` stands at places[i], none of which is a leaf.
  void from(const DecodingRows& rows, const std::vector<Place>& places) {
    std::vector<Branch> branches = likely(branches_of(rows, places));
    std::erase_if(branches, [&](const Branch& branch) {
      const bool ends = branch.edge->tokens.size() == 1 && at(branch.place).is_leaf();
      if (ends) count(branch.place);
      return ends;
    });
    for (std::size_t first = 0; first < branches.size(); first += static_cast<std::size_t>(options_.rows))
      read(rows, {branches.data() + first, std::min(branches.size() - first, static_cast<std::size_t>(options_.rows))});
  }

 private:
  const LabelTree::Node& at(const Place& place) const { return tree_.node(place.node); }

  void count(const Place& place) {
    for (const std::int32_t label : at(place).labels)
      scores_[place.cell].probabilities[label] += std::exp(place.log_probability);
  }

  std::vector<Branch> branches_of(const DecodingRows& rows, const std::vector<Place>& places) const {
    std::vector<Branch> branches;
    std::vector<std::int64_t> row_of, tokens;
    for (std::size_t i = 0; i < places.size(); ++i)
      for (const LabelTree::Edge& edge : at(places[i]).edges) {
        const auto row = static_cast<std::int64_t>(i);
        branches.push_back({row, &edge, {places[i].cell, edge.to, places[i].log_probability}});
        row_of.push_back(row), tokens.push_back(edge.tokens.front());
      }
    const std::vector<double> steps = log_probabilities_at(rows.logits(), row_of, tokens);
    for (std::size_t i = 0; i < branches.size(); ++i) branches[i].place.log_probability += steps[i];
    return branches;
  }

  /// All but the least probable ones, as far as each cell may lose them.
  std::vector<Branch> likely(std::vector<Branch> branches) {
    std::ranges::stable_sort(branches, {}, [](const Branch& b) { return b.place.log_probability; });
    std::erase_if(branches, [&](const Branch& branch) {
      double& left_out = scores_[branch.place.cell].left_out;
      const double probability = std::exp(branch.place.log_probability);
      if (left_out + probability > options_.left_out) return false;
      left_out += probability;
      return true;
    });
    std::ranges::stable_sort(branches, {}, &Branch::row);
    return branches;
  }

  /// The decoder reads the branches; of a leaf all but the last token, which nothing follows.
  void read(const DecodingRows& rows, std::span<const Branch> branches) {
    std::vector<std::int64_t> parents;
    std::vector<std::vector<std::int64_t>> tokens;
    for (const Branch& branch : branches) {
      parents.push_back(branch.row), tokens.push_back(branch.edge->tokens);
      if (at(branch.place).is_leaf()) tokens.back().pop_back();
    }
    DecodingRows next = rows.fork(parents);
    const Tensor hidden_RTD = next.read_all(tokens);
    std::vector<Place> places = ends_of(rows.decoder(), hidden_RTD, branches);
    std::vector<std::int64_t> going_on;
    std::vector<Place> inner;
    for (std::size_t i = 0; i < places.size(); ++i) {
      count(places[i]);
      if (!at(places[i]).is_leaf()) going_on.push_back(static_cast<std::int64_t>(i)), inner.push_back(places[i]);
    }
    if (going_on.empty()) return;
    from(next.fork(going_on), inner);
  }

  /// The places at the ends of branches, with the probabilities of the tokens behind the first.
  std::vector<Place> ends_of(const DecoderHandle& decoder, const Tensor& hidden_RTD,
                             std::span<const Branch> branches) const {
    std::vector<Place> places;
    std::vector<std::int64_t> hidden_rows, tokens;
    std::vector<std::size_t> branch_of;
    for (std::size_t i = 0; i < branches.size(); ++i) {
      places.push_back(branches[i].place);
      for (std::size_t t = 1; t < branches[i].edge->tokens.size(); ++t) {
        hidden_rows.push_back(static_cast<std::int64_t>(i) * hidden_RTD.size(1) + static_cast<std::int64_t>(t) - 1);
        tokens.push_back(branches[i].edge->tokens[t]), branch_of.push_back(i);
      }
    }
    for (std::size_t first = 0; first < tokens.size(); first += static_cast<std::size_t>(options_.rows)) {
      const std::size_t count = std::min(tokens.size() - first, static_cast<std::size_t>(options_.rows));
      const auto part = [&](const auto& all) {
        return std::vector(all.begin() + static_cast<std::ptrdiff_t>(first),
                           all.begin() + static_cast<std::ptrdiff_t>(first + count));
      };
      std::vector<std::int64_t> all(count);
      std::iota(all.begin(), all.end(), 0);
      const Tensor scores = decoder.logits(rows_at(hidden_RTD, part(hidden_rows))).to(torch::kFloat32);
      const std::vector<double> steps = log_probabilities_at(scores, all, part(tokens));
      for (std::size_t i = 0; i < count; ++i) places[branch_of[first + i]].log_probability += steps[i];
    }
    return places;
  }

  const LabelTree& tree_;
  const LabelScoreOptions& options_;
  std::vector<LabelScores>& scores_;
};

}  // namespace label_scores_detail

/// The labels' probabilities for each row, which has read its text up to the place. The rows stay as they are. Records
/// no gradients. Memory: `options.rows` rows of the decoder for each step of the longest path.
inline std::vector<LabelScores> score_labels(const DecodingRows& rows, const LabelTree& tree,
                                             const LabelScoreOptions& options = {}) {
  torch::NoGradGuard no_grad;
  std::vector<LabelScores> scores(static_cast<std::size_t>(rows.size()));
  std::vector<label_scores_detail::Place> places;
  for (std::size_t cell = 0; cell < scores.size(); ++cell) {
    scores[cell].probabilities.resize(static_cast<std::size_t>(tree.labels()));
    places.push_back({cell, LabelTree::root, 0.0});
  }
  if (!scores.empty() && !tree.node(LabelTree::root).is_leaf())
    label_scores_detail::Walk(tree, options, scores).from(rows, places);
  return scores;
}

}  // namespace cell2text
