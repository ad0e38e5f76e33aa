// What each token of a vocabulary adds to a text, as readers of labels see it: in lower case, white space folded.
#pragma once

#include <algorithm>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cell2text/plugin/handles.hpp"
#include "cell2text/text/words.hpp"

namespace cell2text {

/// In ASCII lower case, each run of white space as one blank, at the ends too.
inline std::string squeezed(std::string_view text) {
  std::string result;
  for (const char c : text) {
    const char one = is_space(c) ? ' ' : lower(c);
    if (one != ' ' || result.empty() || result.back() != ' ') result += one;
  }
  return result;
}

/// Adds squeezed `more` to squeezed `text`.
inline void add_squeezed(std::string& text, std::string_view more) {
  if (text.ends_with(' ') && more.starts_with(' ')) more.remove_prefix(1);
  text += more;
}

/// Texts of the tokens [V], squeezed. Bytes that are no letter by themselves are U+FFFD. Immutable.
class TokenTexts {
 public:
  using Tokens = std::vector<std::int64_t>;

  /// Asks the decoder's tokenizer for each token behind a letter, so that no blank is lost.
  explicit TokenTexts(const DecoderHandle& decoder) {
    Tokens tokens = decoder.encode_text("x");
    const std::string before = decoder.decode_text(tokens);
    tokens.push_back(0);
    for (std::int64_t id = 0; id < decoder.vocabulary_size(); ++id) {
      tokens.back() = id;
      const std::string text = decoder.decode_text(tokens);
      texts_.push_back(text.starts_with(before) ? squeezed(std::string_view(text).substr(before.size())) : "\uFFFD");
      if (texts_.back().starts_with(' ')) blank_first_.push_back(id);
    }
    sorted_.resize(texts_.size());
    std::iota(sorted_.begin(), sorted_.end(), 0);
    std::ranges::stable_sort(sorted_, {}, [this](std::int64_t id) -> const std::string& { return texts_[id]; });
  }

  std::int64_t size() const { return std::ssize(texts_); }
  const std::string& operator[](std::int64_t token) const { return texts_[token]; }

  /// The tokens that begin with white space.
  const Tokens& blank_first() const { return blank_first_; }
  /// The tokens whose text is `text`.
  std::span<const std::int64_t> equal_to(std::string_view text) const { return range(text, text.size() + 1); }
  /// The tokens whose texts begin with `prefix`.
  std::span<const std::int64_t> starting_with(std::string_view prefix) const { return range(prefix, prefix.size()); }

 private:
  /// Those whose first `length` bytes are `text`.
  std::span<const std::int64_t> range(std::string_view text, std::size_t length) const {
    const auto beginning = [&](std::int64_t id) { return std::string_view(texts_[id]).substr(0, length); };
    const auto found = std::ranges::equal_range(sorted_, text, {}, beginning);
    return {found.begin(), found.end()};
  }

  std::vector<std::string> texts_;
  Tokens sorted_, blank_first_;
};

}  // namespace cell2text
