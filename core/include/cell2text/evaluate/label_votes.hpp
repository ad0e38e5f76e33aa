// What a group of cells is, of what was said of its cells: the label with the most votes, each weighted by how sure one
// was of it.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace cell2text {

/// Below this share of the votes, a group's label does not speak for the group.
inline constexpr double mixed_below = 0.5;

struct LabelShare {
  std::string label;
  double share = 0;  ///< of the weight of all votes
};

/// Shares, the largest first; of equal ones the alphabet decides. Empty where no vote weighs anything.
class LabelVotes {
 public:
  /// `weight` is >= 0. A label of weight 0 counts for nothing.
  void add(const std::string& label, double weight) {
    if (weight > 0) weights_[label] += weight, total_ += weight;
  }
  std::vector<LabelShare> shares() const {
    std::vector<LabelShare> all;
    for (const auto& [label, weight] : weights_) all.push_back({label, weight / total_});
    std::ranges::stable_sort(all, std::greater{}, &LabelShare::share);
    return all;
  }

 private:
  std::map<std::string, double> weights_;
  double total_ = 0;
};

}  // namespace cell2text
