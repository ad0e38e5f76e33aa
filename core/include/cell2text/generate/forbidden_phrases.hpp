// Phrases that a text must not come to hold, whatever tokens it is written with.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "cell2text/generate/token_texts.hpp"

namespace cell2text {

class ForbiddenPhrases {
 public:
  ForbiddenPhrases() = default;
  /// Squeezed phrases, each of which counts from where `least` bytes of it are written. What stands behind a letter
  /// beyond ASCII does not count: such letters may come byte by byte.
  explicit ForbiddenPhrases(std::vector<std::string> phrases, std::size_t least = 1)
      : phrases_(std::move(phrases)), least_(least) {
    for (std::string& phrase : phrases_) {
      const auto beyond = std::ranges::find_if(phrase, [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
      phrase.erase(beyond, phrase.end());
      longest_ = std::max(longest_, phrase.size());
    }
    std::ranges::sort(phrases_);
    phrases_.erase(std::unique(phrases_.begin(), phrases_.end()), phrases_.end());
  }

  std::size_t longest() const { return longest_; }

  /// Adds to `banned` the tokens that would complete a phrase which `text` (squeezed) ends within; with `entering` also
  /// those that would go on with one. A token that holds a whole phrase is not looked for: see `within`.
  void ban(std::string_view text, const TokenTexts& texts, bool entering, std::vector<std::int64_t>& banned) const {
    const auto add = [&](std::span<const std::int64_t> tokens) {
      banned.insert(banned.end(), tokens.begin(), tokens.end());
    };
    for (std::size_t begin = text.size() - std::min(text.size(), longest_); begin + least_ <= text.size(); ++begin) {
      const std::string_view written = text.substr(begin);
      for (auto phrase = std::ranges::lower_bound(phrases_, written);
           phrase != phrases_.end() && phrase->starts_with(written); ++phrase) {
        const std::string_view missing = std::string_view(*phrase).substr(written.size());
        if (missing.empty()) continue;
        const std::string blank_before = " " + std::string(missing);
        const bool folds = written.ends_with(' ');  // a blank more changes nothing
        add(texts.starting_with(missing));
        if (folds) add(texts.starting_with(blank_before));
        for (std::size_t length = 1; entering && length < missing.size(); ++length) {
          if (missing.substr(0, length) != " ") add(texts.equal_to(missing.substr(0, length)));
          if (folds) add(texts.equal_to(std::string_view(blank_before).substr(0, length + 1)));
        }
      }
    }
  }

  /// Those of `tokens` that hold a whole phrase.
  std::vector<std::int64_t> within(const TokenTexts& texts, const std::vector<std::int64_t>& tokens) const {
    std::vector<std::int64_t> found;
    for (const std::int64_t token : tokens)
      if (std::ranges::any_of(phrases_, [&](const auto& one) { return texts[token].find(one) != std::string::npos; }))
        found.push_back(token);
    return found;
  }

 private:
  std::vector<std::string> phrases_;
  std::size_t least_ = 1, longest_ = 0;
};

}  // namespace cell2text
