// The branches of a tree of labels that have not been read, of all cells: which of them have to be, which of these can
// be read in one pass, and the decoder's states that they go on from. Reads nothing; label_scores.hpp does.
#pragma once

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "cell2text/generate/branch_frontier.hpp"
#include "cell2text/generate/label_tree.hpp"
#include "cell2text/generate/rows.hpp"

namespace cell2text::label_scores_detail {

/// A branch at least so probable is likely to be a label: all of its edge is read at once. Of another one token is,
/// since most of them turn out to be no label there.
inline constexpr double read_whole_from = 0.01;

/// What was read in one pass, and the state behind it.
struct Reading {
  std::int64_t number;
  DecodingRows rows;
  std::int64_t bytes = 0;  // of the state, without what it shares with the place's
};

/// How many readings are kept for what may yet follow them: `readings`, and more as long as they take no more than
/// `bytes` together.
struct KeptStates {
  std::int64_t readings, bytes;
};

/// A way on from a node, and the row of the decoder that stands there.
struct Branch {
  std::size_t cell;
  std::int32_t node;
  std::size_t edge;        // of the node
  std::size_t next;        // the first of the edge's tokens that is not read
  double log_probability;  // up to that token, and with it
  std::shared_ptr<const Reading> reading;
  std::int64_t row;
  double bound = 0;  // what all labels on it have at most
};

class Branches {
 public:
  /// Row i of `place` stands where the tree of cell i begins. `allowed` is what may be left of a cell.
  Branches(const LabelTree& tree, std::shared_ptr<const Reading> place, double allowed, KeptStates states)
      : tree_(tree),
        states_(states),
        place_(std::move(place)),
        frontiers_(static_cast<std::size_t>(place_->rows.size()), BranchFrontier<Branch>(allowed, tree.paths())) {}

  const LabelTree::Edge& edge_of(const Branch& branch) const { return tree_.node(branch.node).edges[branch.edge]; }

  void add(Branch branch) {
    branch.bound = std::exp(branch.log_probability) * static_cast<double>(tree_.node(edge_of(branch).to).most);
    frontiers_[branch.cell].add(std::move(branch));
  }

  /// What is read of its edge: at least one token, and never the last of a path, which nothing follows.
  std::size_t taken(const Branch& branch) const {
    const LabelTree::Edge& edge = edge_of(branch);
    const std::size_t last = tree_.node(edge.to).is_leaf() ? 1 : 0;
    return branch.bound < read_whole_from ? 1 : edge.tokens.size() - branch.next - last;
  }

  /// What is read from the branch's row on. Where its state was let go of, all from the place on.
  std::vector<std::int64_t> tokens_of(const Branch& branch) const {
    const std::vector<std::int64_t>& edge = edge_of(branch).tokens;
    const auto first = edge.begin() + static_cast<std::ptrdiff_t>(branch.next);
    std::vector<std::int64_t> tokens;
    if (branch.reading == place_) {
      tokens = tree_.node(branch.node).path;
      tokens.insert(tokens.end(), edge.begin(), first);
    }
    tokens.insert(tokens.end(), first, first + static_cast<std::ptrdiff_t>(taken(branch)));
    return tokens;
  }

  /// At most `rows` branches that have to be read and can be in one pass, those of a cell side by side. None where all
  /// is done.
  std::vector<Branch> next(std::int64_t rows) {
    find_ready();
    if (ready_.empty()) return {};
    std::map<Group, std::int64_t> sizes;
    for (const Branch& branch : ready_) ++sizes[group_of(branch)];
    const Group group = std::ranges::max_element(sizes, {}, [](const auto& one) { return one.second; })->first;
    const auto begin =
        std::stable_partition(ready_.begin(), ready_.end(), [&](const Branch& b) { return group_of(b) != group; });
    const auto first = ready_.end() - std::min<std::ptrdiff_t>(ready_.end() - begin, rows);
    std::vector<Branch> batch(std::make_move_iterator(first), std::make_move_iterator(ready_.end()));
    ready_.erase(first, ready_.end());
    std::ranges::stable_sort(batch, {}, &Branch::row);
    return batch;
  }

  /// Keeps the state of a reading for branches that were added since. Lets go of states that nothing follows, and where
  /// there are still too many of those with the least to follow them.
  void keep(std::shared_ptr<const Reading> reading) {
    kept_.push_back(std::move(reading));
    std::erase_if(kept_, [](const auto& one) { return one.use_count() == 1; });
    while (std::ssize(kept_) > states_.readings && kept_bytes() > states_.bytes) let_go();
  }

  /// What the branches that were never read hold at most.
  double left(std::size_t cell) const { return frontiers_[cell].left(); }

 private:
  /// Of one state, and of about as many tokens, so that little is padded.
  using Group = std::pair<std::int64_t, std::size_t>;
  Group group_of(const Branch& branch) const {
    const std::size_t tokens =
        taken(branch) + (branch.reading == place_ ? tree_.node(branch.node).path.size() + branch.next : 0);
    return {branch.reading->number, tokens <= 4 ? tokens : 4 + tokens / 4};
  }

  std::int64_t kept_bytes() const {
    std::int64_t sum = 0;
    for (const auto& one : kept_) sum += one->bytes;
    return sum;
  }

  void let_go() {
    std::map<const Reading*, double> largest;
    for (const auto& one : kept_) largest[one.get()] = 0;
    each([&](const Branch& branch) {
      if (const auto found = largest.find(branch.reading.get()); found != largest.end())
        found->second = std::max(found->second, branch.bound);
    });
    const auto least = std::ranges::min_element(kept_, {}, [&](const auto& one) { return largest.at(one.get()); });
    each([&](Branch& branch) {
      if (branch.reading == *least) branch.reading = place_, branch.row = static_cast<std::int64_t>(branch.cell);
    });
    kept_.erase(least);
  }

  /// Cells of which nothing has to be read any more are done, and let go of their states.
  void find_ready() {
    for (auto& frontier : frontiers_) frontier.take([&](Branch branch) { ready_.push_back(std::move(branch)); });
    std::vector<bool> open(frontiers_.size());
    for (const Branch& branch : ready_) open[branch.cell] = true;
    for (std::size_t cell = 0; cell < open.size(); ++cell)
      if (!open[cell]) frontiers_[cell].close();
  }

  template <class Change>
  void each(const Change& change) {
    for (Branch& branch : ready_) change(branch);
    for (auto& frontier : frontiers_) frontier.each_waiting(change);
  }

  const LabelTree& tree_;
  KeptStates states_;
  std::shared_ptr<const Reading> place_;
  std::vector<std::shared_ptr<const Reading>> kept_;
  std::vector<BranchFrontier<Branch>> frontiers_;  // of each cell
  std::vector<Branch> ready_;                      // have to be read
};

}  // namespace cell2text::label_scores_detail
