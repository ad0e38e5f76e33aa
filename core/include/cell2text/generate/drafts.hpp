// Guesses at what a text goes on with, from texts that are known: most of a description stands in the training
// descriptions word for word. A guess costs nothing but time; whether it holds, the model says.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

namespace cell2text {

/// Known texts as tokens, by what stands before each place. Immutable.
class DraftTexts {
 public:
  /// The more frequent first: where texts part, the first one says what the guess is.
  explicit DraftTexts(std::vector<std::vector<std::int64_t>> texts) : texts_(std::move(texts)) {
    for (const auto& text : texts_)
      for (std::size_t level = 0; level < std::size(context_lengths); ++level)
        for (std::size_t at = 0; at < text.size(); ++at) {
          const auto before = std::span(text).first(at);
          Guess& guess = guesses_[level].try_emplace(context(before, context_lengths[level]), text[at]).first->second;
          guess.times += 1, guess.held += guess.token == text[at];
        }
  }

  const std::vector<std::vector<std::int64_t>>& texts() const { return texts_; }

  /// At most `most` tokens that may follow `text`: as far as the known texts agree, and beyond as long as half of them
  /// do. None where no known text has its last tokens.
  std::vector<std::int64_t> after(std::span<const std::int64_t> text, std::size_t most) const {
    std::vector<std::int64_t> all(text.begin(), text.end());
    double agree = 1;
    while (all.size() < text.size() + most) {
      const auto guess = next(all);
      if (!guess) break;
      agree *= static_cast<double>(guess->held) / guess->times;
      if (agree < least_agreement) break;
      all.push_back(guess->token);
    }
    all.erase(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(text.size()));
    return all;
  }

 private:
  struct Guess {
    std::int64_t token;
    std::uint32_t times = 0, held = 0;  // places with this context, and those of them where the token follows

    explicit Guess(std::int64_t token) : token(token) {}
  };
  static constexpr double least_agreement = 0.5;
  /// Tokens before a place. All of them tell most: which cell type is described says what tissue and disease are
  /// likely.
  static constexpr std::size_t context_lengths[] = {std::numeric_limits<std::size_t>::max(), 8, 3};

  std::optional<Guess> next(std::span<const std::int64_t> text) const {
    for (std::size_t level = 0; level < std::size(context_lengths); ++level)
      if (const auto found = guesses_[level].find(context(text, context_lengths[level]));
          found != guesses_[level].end())
        return found->second;
    return std::nullopt;
  }

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
  std::unordered_map<std::uint64_t, Guess> guesses_[std::size(context_lengths)];
};

}  // namespace cell2text
