// Guesses at what a text goes on with, from texts that are known: most of a description stands in the training
// descriptions word for word. A guess costs nothing but time; whether it holds, the model says.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

namespace cell2text {

/// Known texts as tokens, by what stands before each place. Immutable.
class DraftTexts {
 public:
  /// The more frequent first: of several texts that go on from the same tokens the first is the guess.
  explicit DraftTexts(std::vector<std::vector<std::int64_t>> texts) : texts_(std::move(texts)) {
    for (std::size_t text = 0; text < texts_.size(); ++text)
      for (std::size_t at = 0; at < texts_[text].size(); ++at)
        for (std::size_t level = 0; level < std::size(context_lengths); ++level)
          places_[level].try_emplace(context(std::span(texts_[text]).first(at), context_lengths[level]),
                                     Place{static_cast<std::uint32_t>(text), static_cast<std::uint32_t>(at)});
  }

  const std::vector<std::vector<std::int64_t>>& texts() const { return texts_; }

  /// At most `most` tokens that may follow `text`; none where no known text has its last tokens.
  std::span<const std::int64_t> after(std::span<const std::int64_t> text, std::size_t most) const {
    for (std::size_t level = 0; level < std::size(context_lengths); ++level) {
      const auto found = places_[level].find(context(text, context_lengths[level]));
      if (found == places_[level].end()) continue;
      const auto rest = std::span(texts_[found->second.text]).subspan(found->second.at);
      return rest.first(std::min(most, rest.size()));
    }
    return {};
  }

 private:
  struct Place {
    std::uint32_t text, at;
  };
  static constexpr std::size_t context_lengths[] = {8, 3};  // tokens before a place; longer ones tell more

  /// A hash of the last tokens, of fewer where the text has fewer. Other tokens with the same hash make a wrong guess.
  static std::uint64_t context(std::span<const std::int64_t> text, std::size_t length) {
    const auto last = text.last(std::min(length, text.size()));
    std::uint64_t hash = 0x9e3779b97f4a7c15 * (last.size() + 1);
    for (const std::int64_t token : last) {
      hash = (hash ^ static_cast<std::uint64_t>(token)) * 0xff51afd7ed558ccd;
      hash ^= hash >> 32;
    }
    return hash;
  }

  std::vector<std::vector<std::int64_t>> texts_;
  std::unordered_map<std::uint64_t, Place> places_[std::size(context_lengths)];
};

}  // namespace cell2text
