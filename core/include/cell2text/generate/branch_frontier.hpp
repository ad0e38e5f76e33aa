// Which branches of a tree have to be followed so that those left alone hold at most so much between them: those that a
// best-first search follows, which always takes the branch with the largest bound and stops as soon as it may. They can
// be told many at a time. Where the branches that wait hold more than may be left, the largest of them is followed by
// such a search sooner or later, whatever the others turn out to hold: so neither the order of following them nor their
// number at a time changes which they are. Knows neither trees nor decoders.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

namespace cell2text {

/// `Branch` has a member `bound`: what is found on it adds up to this much at most, as do the bounds of its parts.
template <class Branch>
class BranchFrontier {
 public:
  /// What may be left, and a number of branches of which no two overlap. Branches so small that as many of them are a
  /// quarter of `allowed` are never followed, and not kept. 0: all are followed.
  BranchFrontier(double allowed, std::int64_t branches)
      : allowed_(allowed), negligible_(allowed / (4.0 * static_cast<double>(std::max<std::int64_t>(branches, 1)))) {}

  void add(Branch branch) {
    if (branch.bound < negligible_) return void(left_alone_ += branch.bound);
    waiting_.push_back(std::move(branch));
    std::ranges::push_heap(waiting_, {}, &Branch::bound);
  }

  /// Gives `follow` each branch that has to be followed before the others may be left. Those that it was given before
  /// do not count: what they turn out to have is added.
  template <class Follow>
  void take(const Follow& follow) {
    double rest = left();
    while (!waiting_.empty() && (allowed_ == 0 || rest > allowed_)) {
      std::ranges::pop_heap(waiting_, {}, &Branch::bound);
      rest -= waiting_.back().bound;
      follow(std::move(waiting_.back()));
      waiting_.pop_back();
      if (rest <= allowed_) rest = left();  // without what subtracting rounded
    }
  }

  /// What the branches that were never taken hold at most.
  double left() const {
    double sum = left_alone_;
    for (const Branch& branch : waiting_) sum += branch.bound;
    return sum;
  }

  /// Leaves all that wait. To be called where nothing is to be taken, and nothing that was taken is still followed.
  void close() {
    left_alone_ = left();
    waiting_ = {};
  }

  /// `change` may change all of a branch but its bound.
  template <class Change>
  void each_waiting(const Change& change) {
    for (Branch& branch : waiting_) change(branch);
  }

 private:
  double allowed_, negligible_;
  double left_alone_ = 0;
  std::vector<Branch> waiting_;  // a heap, the largest bound first
};

}  // namespace cell2text
