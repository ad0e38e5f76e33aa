// How alike two texts are, as Python's difflib counts it. Knows nothing of pathways.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "cell2text/text/utf8.hpp"

namespace cell2text::pathways {

/// The characters of a text; bytes that are no UTF-8 count as U+FFFD.
inline std::u32string characters(std::string_view text) {
  const std::string valid = replace_invalid_utf8(text);
  std::u32string out;
  for (std::size_t at = 0; at < valid.size();) {
    const auto [code, bytes] = decode_utf8(valid, at);
    out += code;
    at += bytes;
  }
  return out;
}

/// One text that others are compared with: `difflib.SequenceMatcher(None, other, text)`, its rule for texts of 200
/// characters and more included (a character that makes up over 1% of `text` begins no match).
class SimilarText {
 public:
  explicit SimilarText(std::u32string text) : text_(std::move(text)) {
    for (std::size_t j = 0; j < text_.size(); ++j) places_[text_[j]].push_back(j);
    for (const auto& [character, places] : places_) counts_[character] = places.size();
    if (text_.size() >= 200)
      std::erase_if(places_, [&](const auto& entry) { return entry.second.size() > text_.size() / 100 + 1; });
  }

  /// `ratio()`: twice the characters in matching blocks over the characters of both; 1 for two empty texts.
  double ratio(std::u32string_view other) const { return share(matching(other), other); }

  /// Whether the ratio may reach `least`: by the lengths, then by the characters that both have.
  bool may_reach(std::u32string_view other, double least) const {
    if (share(std::min(other.size(), text_.size()), other) < least) return false;
    std::unordered_map<char32_t, std::size_t> left = counts_;
    std::size_t common = 0;
    for (const char32_t c : other)
      if (const auto found = left.find(c); found != left.end() && found->second > 0) --found->second, ++common;
    return share(common, other) >= least;
  }

 private:
  struct Block {
    std::size_t other = 0, text = 0, size = 0;
  };
  struct Range {
    std::size_t other_begin, other_end, text_begin, text_end;
  };

  double share(std::size_t matches, std::u32string_view other) const {
    const std::size_t all = other.size() + text_.size();
    return all == 0 ? 1 : 2.0 * static_cast<double>(matches) / static_cast<double>(all);
  }

  /// Characters in matching blocks: the longest block, and the same on both sides of it.
  std::size_t matching(std::u32string_view other) const {
    std::size_t matches = 0;
    std::vector<Range> open{{0, other.size(), 0, text_.size()}};
    while (!open.empty()) {
      const Range range = open.back();
      open.pop_back();
      const Block block = longest_block(other, range);
      if (block.size == 0) continue;
      matches += block.size;
      if (range.other_begin < block.other && range.text_begin < block.text)
        open.push_back({range.other_begin, block.other, range.text_begin, block.text});
      if (block.other + block.size < range.other_end && block.text + block.size < range.text_end)
        open.push_back({block.other + block.size, range.other_end, block.text + block.size, range.text_end});
    }
    return matches;
  }

  /// The longest block within the range; of several, the first in `other`, then the first in the text. It begins and
  /// ends where it can, also at characters that begin no match.
  Block longest_block(std::u32string_view other, const Range& range) const {
    Block best{range.other_begin, range.text_begin, 0};
    // Lengths of the common runs that end at other[i] and text[j - 1], at place j; those of i - 1 in the other one.
    std::vector<std::size_t> lengths(text_.size() + 1), before(text_.size() + 1), filled, filled_before;
    for (std::size_t i = range.other_begin; i < range.other_end; ++i) {
      for (const std::size_t j : filled_before) before[j] = 0;
      std::swap(lengths, before), std::swap(filled, filled_before);
      filled.clear();
      const auto places = places_.find(other[i]);
      if (places == places_.end()) continue;
      for (const std::size_t j : places->second) {
        if (j < range.text_begin) continue;
        if (j >= range.text_end) break;
        const std::size_t length = lengths[j + 1] = before[j] + 1;
        filled.push_back(j + 1);
        if (length > best.size) best = {i + 1 - length, j + 1 - length, length};
      }
    }
    while (best.other > range.other_begin && best.text > range.text_begin &&
           other[best.other - 1] == text_[best.text - 1])
      --best.other, --best.text, ++best.size;
    while (best.other + best.size < range.other_end && best.text + best.size < range.text_end &&
           other[best.other + best.size] == text_[best.text + best.size])
      ++best.size;
    return best;
  }

  std::u32string text_;
  std::unordered_map<char32_t, std::vector<std::size_t>> places_;
  std::unordered_map<char32_t, std::size_t> counts_;
};

}  // namespace cell2text::pathways
