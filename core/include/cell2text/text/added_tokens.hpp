// Tokens that stand outside a vocabulary's merges, such as <|eot_id|>: finding them in a text.
// How the text between them is cut up is not known here.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cell2text/text/utf8.hpp"

namespace cell2text {

/// One entry of `added_tokens` of a tokenizer.json.
struct AddedToken {
  std::int64_t id = 0;
  std::string content;
  bool special = false;      ///< left out when decoding, unless asked for
  bool normalized = false;   ///< looked for only in what the others leave
  bool strip_left = false;   ///< takes the white space before it
  bool strip_right = false;  ///< takes the white space behind it
};

/// Finds added tokens: leftmost first, of those that begin at one place the longest.
class AddedTokens {
 public:
  AddedTokens() = default;
  /// Contents are not empty and differ from each other.
  explicit AddedTokens(std::vector<AddedToken> tokens) : tokens_(std::move(tokens)) {
    for (std::size_t i = 0; i < tokens_.size(); ++i)
      by_first_byte_[tokens_[i].normalized][static_cast<unsigned char>(tokens_[i].content.front())].push_back(i);
    for (auto& table : by_first_byte_)
      for (auto& candidates : table)
        std::sort(candidates.begin(), candidates.end(), [this](std::size_t a, std::size_t b) {
          return tokens_[a].content.size() > tokens_[b].content.size();
        });
  }

  const std::vector<AddedToken>& tokens() const { return tokens_; }

  /// Calls `use_token(token)` for each token found in `text` and `use_text(piece)` for what lies between, in order.
  /// With `special_as_text` a special token is text like any other. `text` is valid UTF-8.
  template <class UseToken, class UseText>
  void split(std::string_view text, bool special_as_text, UseToken&& use_token, UseText&& use_text) const {
    pass(false, text, special_as_text, use_token,
         [&](std::string_view piece) { pass(true, piece, special_as_text, use_token, use_text); });
  }

 private:
  const AddedToken* longest_at(bool normalized, std::string_view rest) const {
    for (const std::size_t i : by_first_byte_[normalized][static_cast<unsigned char>(rest.front())])
      if (rest.starts_with(tokens_[i].content)) return &tokens_[i];
    return nullptr;
  }

  template <class UseToken, class UseText>
  void pass(bool normalized, std::string_view text, bool special_as_text, UseToken&& use_token,
            UseText&& use_text) const {
    std::size_t done = 0;
    for (std::size_t at = 0; at < text.size();) {
      const AddedToken* token = longest_at(normalized, text.substr(at));
      if (!token) {
        ++at;
        continue;
      }
      // A token that counts as text still hides those that begin inside it.
      std::size_t start = at;
      std::size_t end = at += token->content.size();
      if (special_as_text && token->special) continue;
      if (token->strip_left) start = std::max(done, start - white_space_before(text.substr(0, start)));
      if (token->strip_right) end += white_space_at_start(text.substr(end));
      if (start > done) use_text(text.substr(done, start - done));
      use_token(*token);
      done = end;
    }
    if (done < text.size()) use_text(text.substr(done));
  }

  static std::size_t white_space_at_start(std::string_view text) {
    std::size_t at = 0;
    while (at < text.size()) {
      const auto [code, bytes] = decode_utf8(text, at);
      if (!is_white_space(code)) break;
      at += bytes;
    }
    return at;
  }
  static std::size_t white_space_before(std::string_view text) {
    std::size_t start = text.size();
    while (start > 0) {
      std::size_t at = start - 1;
      while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) --at;
      if (!is_white_space(decode_utf8(text, at).first)) break;
      start = at;
    }
    return text.size() - start;
  }

  std::vector<AddedToken> tokens_;
  std::array<std::array<std::vector<std::size_t>, 256>, 2> by_first_byte_;  // [normalized][byte], longest first
};

}  // namespace cell2text
