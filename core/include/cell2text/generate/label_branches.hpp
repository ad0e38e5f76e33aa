// The branches of trees of labels that have not been read, of all rows: which of them have to be, which of these can be
// read in one pass, and the decoder's states that they go on from. Reads nothing; label_scores.hpp does.
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

namespace cell2text {

/// Of each place one, which must outlive what is asked of it; places may share them.
using LabelTrees = std::vector<const LabelTree*>;

namespace label_scores_detail {

/// A branch at least so probable is likely to be a label: all of its edge is read at once. Of another one token is,
/// since most of them turn out to be no label there.
inline constexpr double read_whole_from = 0.01;

/// What was read in one pass, and the state behind it.
struct Reading {
  std::int64_t number;
  DecodingRows rows;
  std::int64_t bytes = 0;  // of the state, without what it shares with the places'
};

/// How many readings are kept for what may yet follow them: `readings`, and more as long as they take no more than
/// `bytes` together.
struct KeptStates {
  std::int64_t readings, bytes;
};

/// A way on from a node, and the row of the decoder that stands there.
struct Branch {
  std::size_t place;  // whose tree it is in
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
  /// Row i of `places` stands where *trees[i] begins. `allowed` is what may be left of each.
  Branches(const LabelTrees& trees, std::shared_ptr<const Reading> places, double allowed, KeptStates states)
      : trees_(trees), states_(states), places_(std::move(places)) {
    for (const LabelTree* tree : trees) frontiers_.emplace_back(allowed, tree->paths());
  }

  const LabelTree::Node& node_of(const Branch& branch) const { return trees_[branch.place]->node(branch.node); }
  const LabelTree::Edge& edge_of(const Branch& branch) const { return node_of(branch).edges[branch.edge]; }
  /// Where its edge ends.
  const LabelTree::Node& end_of(const Branch& branch) const { return trees_[branch.place]->node(edge_of(branch).to); }

  void add(Branch branch) {
    branch.bound = std::exp(branch.log_probability) * static_cast<double>(end_of(branch).most);
    frontiers_[branch.place].add(std::move(branch));
  }

  /// What is read of its edge: at least one token, and never the last of a path, which nothing follows.
  std::size_t taken(const Branch& branch) const {
    const std::size_t last = end_of(branch).is_leaf() ? 1 : 0;
    return branch.bound < read_whole_from ? 1 : edge_of(branch).tokens.size() - branch.next - last;
  }

  /// What is read from the branch's row on. Where its state was let go of, all from the place on.
  std::vector<std::int64_t> tokens_of(const Branch& branch) const {
    const std::vector<std::int64_t>& edge = edge_of(branch).tokens;
    const auto first = edge.begin() + static_cast<std::ptrdiff_t>(branch.next);
    std::vector<std::int64_t> tokens;
    if (branch.reading == places_) {
      tokens = node_of(branch).path;
      tokens.insert(tokens.end(), edge.begin(), first);
    }
    tokens.insert(tokens.end(), first, first + static_cast<std::ptrdiff_t>(taken(branch)));
    return tokens;
  }

  /// At most `rows` branches that have to be read and can be in one pass, those of a place side by side. None where all
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
    std::ranges::stable_sort(batch, {}, &Branch::place);
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
  double left(std::size_t place) const { return frontiers_[place].left(); }

 private:
  /// Of one state, or where states can be joined of any, and of about as many tokens, so that little is padded.
  using Group = std::pair<std::int64_t, std::size_t>;
  Group group_of(const Branch& branch) const {
    const std::size_t tokens =
        taken(branch) + (branch.reading == places_ ? node_of(branch).path.size() + branch.next : 0);
    return {places_->rows.can_join() ? 0 : branch.reading->number, tokens <= 4 ? tokens : 4 + tokens / 4};
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
      if (branch.reading == *least) branch.reading = places_, branch.row = static_cast<std::int64_t>(branch.place);
    });
    kept_.erase(least);
  }

  /// Places of which nothing has to be read any more are done, and let go of their states.
  void find_ready() {
    for (auto& frontier : frontiers_) frontier.take([&](Branch branch) { ready_.push_back(std::move(branch)); });
    std::vector<bool> open(frontiers_.size());
    for (const Branch& branch : ready_) open[branch.place] = true;
    for (std::size_t place = 0; place < open.size(); ++place)
      if (!open[place]) frontiers_[place].close();
  }

  template <class Change>
  void each(const Change& change) {
    for (Branch& branch : ready_) change(branch);
    for (auto& frontier : frontiers_) frontier.each_waiting(change);
  }

  const LabelTrees& trees_;
  KeptStates states_;
  std::shared_ptr<const Reading> places_;
  std::vector<std::shared_ptr<const Reading>> kept_;
  std::vector<BranchFrontier<Branch>> frontiers_;  // of each place
  std::vector<Branch> ready_;                      // have to be read
};

}  // namespace label_scores_detail

}  // namespace cell2text
