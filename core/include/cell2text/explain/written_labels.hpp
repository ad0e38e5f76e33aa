// The labels that a text of tokens has, and which of its tokens write each of them.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/explain/text_span.hpp"
#include "cell2text/generate/asked_places.hpp"

namespace cell2text {

/// A label with the tokens that write it and what must follow it, as confidences count them: the end of a name is part
/// of it ("," or ". It"; a full stop where the text ends with it). A disease's span begins at the donor ("a male with
/// influenza.").
struct WrittenLabel {
  std::string role;  ///< as in asked_labels
  std::string value;
  std::string words;  ///< the text of the span
  TextSpan span;
};

namespace written_labels_detail {

/// Whether a path to `label` leads through a node.
inline bool leads_to(const LabelTree& tree, std::int32_t node, std::int32_t label) {
  const auto leads = [&](const LabelTree::Edge& edge) { return leads_to(tree, edge.to, label); };
  return std::ranges::count(tree.node(node).labels, label) > 0 || std::ranges::any_of(tree.node(node).edges, leads);
}

/// How many of the first tokens are a path of the tree to `label`, the longest one; 0 where there is none. Where the
/// text `ends` with its last sentence, it may end on the way: nothing stands behind the full stop.
inline std::size_t path_length(const LabelTree& tree, std::int32_t label, std::span<const std::int64_t> tokens,
                               bool ends) {
  std::size_t read = 0, longest = 0;
  for (std::int32_t node = LabelTree::root;;) {
    if (std::ranges::count(tree.node(node).labels, label) > 0) longest = read;
    const auto rest = tokens.subspan(read);
    const bool may_end = ends && longest == 0;
    if (rest.empty()) return may_end && leads_to(tree, node, label) ? read : longest;
    const auto& edges = tree.node(node).edges;
    const auto next =
        std::ranges::find(edges, rest.front(), [](const LabelTree::Edge& edge) { return edge.tokens.front(); });
    if (next == edges.end()) return longest;
    const auto common = std::ranges::mismatch(next->tokens, rest);
    if (common.in1 != next->tokens.end())  // the text goes another way, or ends here
      return may_end && common.in2 == rest.end() && leads_to(tree, next->to, label) ? tokens.size() : longest;
    read += next->tokens.size(), node = next->to;
  }
}

}  // namespace written_labels_detail

/// In the order of the text. A label is left out where it is none of the known ones, or is not followed by what the
/// template has behind it.
inline std::vector<WrittenLabel> written_labels(const DecoderHandle& decoder, const AskedPlaces& places,
                                                const std::vector<std::int64_t>& tokens) {
  std::vector<WrittenLabel> labels;
  const bool ends = decoder.decode_text(tokens).ends_with('.');
  for (std::size_t i = places.size(); i-- > 0;) {
    const auto& [at, question, value] = places[i];
    if (!at || !value) continue;
    const auto known = std::ranges::find(question->labels, fold_spaces(*value));
    if (known == question->labels.end()) continue;
    const auto label = static_cast<std::int32_t>(known - question->labels.begin());
    const auto rest = std::span(tokens).subspan(*at);
    const std::size_t count = written_labels_detail::path_length(question->tree, label, rest, ends);
    if (count == 0) continue;
    const std::string before = decoder.decode_text(std::span(tokens).first(*at));
    labels.push_back({std::string(asked_labels[i]),
                      *value,
                      decoder.decode_text(std::span(tokens).first(*at + count)).substr(before.size()),
                      {*at, count}});
  }
  return labels;
}

}  // namespace cell2text
