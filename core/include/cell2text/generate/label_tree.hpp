// The ways in which the labels of one place may be written, as paths of tokens that share their beginnings.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "cell2text/error.hpp"

namespace cell2text {

/// A way of writing a label: its tokens, with those of what must follow it. A label may have several.
struct LabelPath {
  std::vector<std::int64_t> tokens;
  std::int32_t label = 0;
  auto operator<=>(const LabelPath&) const = default;
};

class LabelTree {
 public:
  /// One token or more, to a node where paths part or end.
  struct Edge {
    std::vector<std::int64_t> tokens;
    std::int32_t to = 0;
  };
  struct Node {
    std::vector<Edge> edges;           ///< by their first tokens, which differ
    std::vector<std::int32_t> labels;  ///< of the paths that end here
    std::vector<std::int64_t> path;    ///< tokens from the root to here
    std::int64_t most = 0;             ///< paths that end here or below of which one text can have all: one, or where
                                       ///< paths end within others as many as there are of these at most
    bool is_leaf() const { return edges.empty(); }
  };

  /// `labels` counts them. BugError for a path without tokens or a label that is not one of them.
  LabelTree(std::vector<LabelPath> paths, std::int64_t labels) : labels_(labels) {
    for (const LabelPath& path : paths)
      if (path.tokens.empty() || path.label < 0 || path.label >= labels)
        throw BugError("a label's path has " + std::to_string(path.tokens.size()) + " tokens and label " +
                       std::to_string(path.label) + " of " + std::to_string(labels));
    std::ranges::sort(paths);
    paths.erase(std::unique(paths.begin(), paths.end()), paths.end());
    paths_ = std::ssize(paths);
    grow(paths, 0);
  }

  std::int64_t labels() const { return labels_; }
  /// Different ones.
  std::int64_t paths() const { return paths_; }
  const Node& node(std::int32_t number) const { return nodes_[number]; }
  std::int64_t nodes() const { return std::ssize(nodes_); }
  static constexpr std::int32_t root = 0;

 private:
  /// How many of the first paths have the first one's token at a place.
  static std::size_t same_token(std::span<const LabelPath> paths, std::size_t at) {
    const auto differs = [&](const LabelPath& path) {
      return path.tokens.size() <= at || path.tokens[at] != paths.front().tokens[at];
    };
    return static_cast<std::size_t>(std::ranges::find_if(paths, differs) - paths.begin());
  }

  /// The node at which all of `paths`, sorted, have `depth` tokens in common.
  std::int32_t grow(std::span<const LabelPath> paths, std::size_t depth) {
    const auto number = static_cast<std::int32_t>(nodes_.size());
    nodes_.emplace_back();
    if (!paths.empty())
      nodes_[number].path.assign(paths.front().tokens.begin(),
                                 paths.front().tokens.begin() + static_cast<std::ptrdiff_t>(depth));
    while (!paths.empty() && paths.front().tokens.size() == depth) {
      nodes_[number].labels.push_back(paths.front().label);
      paths = paths.subspan(1);
    }
    std::int64_t most_below = 0;
    while (!paths.empty()) {
      const auto branch = paths.first(same_token(paths, depth));
      std::size_t end = depth + 1;
      while (end < branch.front().tokens.size() && same_token(branch, end) == branch.size()) ++end;
      const auto first = branch.front().tokens.begin();
      Edge edge{{first + static_cast<std::ptrdiff_t>(depth), first + static_cast<std::ptrdiff_t>(end)}, 0};
      edge.to = grow(branch, end);
      most_below = std::max(most_below, nodes_[edge.to].most);
      nodes_[number].edges.push_back(std::move(edge));
      paths = paths.subspan(branch.size());
    }
    nodes_[number].most = std::ssize(nodes_[number].labels) + most_below;
    return number;
  }

  std::vector<Node> nodes_;
  std::int64_t labels_, paths_ = 0;
};

}  // namespace cell2text
