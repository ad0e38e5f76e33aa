// One place of a description's template as a tree of tokens, and where each of its paths leads. Holds no state of any
// text.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include "cell2text/generate/label_tree.hpp"

namespace cell2text {

struct TemplatePlace {
  /// What follows a path: another place, or free text of one of these kinds.
  struct Lead {
    enum class To {
      place,
      text,        ///< any
      definition,  ///< behind a cell type's comma
      sentence,    ///< behind a cell type's period
      origin_end,  ///< behind the second sentence
    };
    To to = To::origin_end;
    std::shared_ptr<const TemplatePlace> place = {};
    std::int64_t need = 0;  ///< tokens for what must still come
  };
  TemplatePlace(LabelTree paths, std::vector<Lead> follows)
      : tree(std::move(paths)), leads(std::move(follows)), need(static_cast<std::size_t>(tree.nodes())) {
    find_need(LabelTree::root);
  }

  LabelTree tree;  ///< the labels of its paths count leads
  std::vector<Lead> leads;
  std::vector<std::int64_t> need;  ///< [nodes] tokens from there to where the text is complete, at the least

  std::int64_t least() const { return need[LabelTree::root]; }

 private:
  void find_need(std::int32_t number) {
    const LabelTree::Node& node = tree.node(number);
    std::int64_t least = std::numeric_limits<std::int64_t>::max() / 2;
    for (const std::int32_t lead : node.labels) least = std::min(least, leads[lead].need);
    for (const LabelTree::Edge& edge : node.edges) {
      find_need(edge.to);
      least = std::min(least, std::ssize(edge.tokens) + need[edge.to]);
    }
    need[number] = least;
  }
};

using PlacePtr = std::shared_ptr<const TemplatePlace>;

}  // namespace cell2text
