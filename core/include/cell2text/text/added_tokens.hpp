// Tokens that stand outside a vocabulary's merges, such as <|eot_id|>: finding them in a text.
// How the text between them is cut up is not known here.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cell2text/text/normalizer.hpp"
#include "cell2text/text/utf8.hpp"
#include "cell2text/text/word_character.hpp"
#include "cell2text/text/word_map.hpp"

namespace cell2text {

/// One entry of `added_tokens` of a tokenizer.json.
struct AddedToken {
  std::int64_t id = 0;
  std::string content;
  bool special = false;      ///< left out when decoding, unless asked for
  bool normalized = false;   ///< looked for only in what the others leave, in normalised text
  bool strip_left = false;   ///< takes the white space before it
  bool strip_right = false;  ///< takes the white space behind it
  bool single_word = false;  ///< only where no letter, digit or the like is beside it
};

/// Finds added tokens: leftmost first, of those that begin at one place the longest.
class AddedTokens {
 public:
  AddedTokens() = default;
  /// Contents are not empty and differ from each other. Those of normalised tokens are normalised, as the text is.
  explicit AddedTokens(std::vector<AddedToken> tokens, const Normalizer& normalizer = {}) : tokens_(std::move(tokens)) {
    for (const AddedToken& token : tokens_)
      texts_.push_back(token.normalized ? normalizer.apply(token.content) : token.content);
    for (const bool special : {true, false})  // of two that look alike after normalising, the special one
      for (std::size_t i = 0; i < tokens_.size(); ++i)
        if (tokens_[i].special == special) add(i);
  }

  const std::vector<AddedToken>& tokens() const { return tokens_; }
  /// What is looked for in a text, token by token: the content, normalised where the token is.
  const std::vector<std::string>& texts() const { return texts_; }

  /// Calls `use_token(token)` for each token found in `text` and `use_text(piece, begins)` for what lies between,
  /// normalised, in order; `begins` is how many of the piece's leading bytes stand for the text's first character. With
  /// `special_as_text` a special token is text like any other. `text` is valid UTF-8.
  template <class UseToken, class UseText>
  void split(std::string_view text, bool special_as_text, const Normalizer& normalizer, UseToken&& use_token,
             UseText&& use_text) const {
    pass(false, text, special_as_text, use_token, [&](std::string_view piece, std::size_t start) {
      std::size_t begins = start == 0 ? decode_utf8(piece, 0).second : 0;
      std::string normalised;
      if (!normalizer.empty()) piece = normalised = normalizer.apply(piece, begins);
      pass(true, piece, special_as_text, use_token, [&](std::string_view part, std::size_t start) {
        use_text(part, std::min(begins - std::min(begins, start), part.size()));
      });
    });
  }

 private:
  struct Table {
    WordMap numbers;                                       // from what is looked for to the token
    std::array<std::vector<std::size_t>, 256> sizes = {};  // by first byte: in bytes, longest first
  };

  void add(std::size_t index) {
    const std::string& pattern = texts_[index];
    Table& table = tables_[tokens_[index].normalized];
    if (pattern.empty() || table.numbers.find(pattern) != WordMap::none) return;
    table.numbers.add(pattern, static_cast<std::uint32_t>(index));
    auto& sizes = table.sizes[static_cast<unsigned char>(pattern.front())];
    const auto place = std::lower_bound(sizes.begin(), sizes.end(), pattern.size(), std::greater<>());
    if (place == sizes.end() || *place != pattern.size()) sizes.insert(place, pattern.size());
    if (tokens_[index].single_word && !word_characters_) word_characters_.emplace();
  }

  /// The token that `rest` begins with, and its length there; a length of 0 where there is none.
  std::pair<std::size_t, std::size_t> longest_at(const Table& table, std::string_view rest) const {
    for (const std::size_t size : table.sizes[static_cast<unsigned char>(rest.front())])
      if (size <= rest.size())
        if (const auto index = table.numbers.find(rest.substr(0, size)); index != WordMap::none) return {index, size};
    return {0, 0};
  }

  template <class UseToken, class UseText>
  void pass(bool normalized, std::string_view text, bool special_as_text, UseToken&& use_token,
            UseText&& use_text) const {
    const Table& table = tables_[normalized];
    std::size_t done = 0;
    for (std::size_t at = table.numbers.size() > 0 ? 0 : text.size(); at < text.size();) {
      const auto [index, size] = longest_at(table, text.substr(at));
      if (size == 0) {
        ++at;
        continue;
      }
      const AddedToken& token = tokens_[index];
      // A token that counts as text still hides those that begin inside it.
      std::size_t start = at;
      std::size_t end = at += size;
      if (special_as_text && token.special) continue;
      if (token.single_word &&
          (word_characters_->at_end(text.substr(0, start)) || word_characters_->at_start(text.substr(end))))
        continue;
      if (token.strip_left) start = std::max(done, start - white_space_before(text.substr(0, start)));
      if (token.strip_right) end += white_space_at_start(text.substr(end));
      if (start > done) use_text(text.substr(done, start - done), done);
      use_token(token);
      done = end;
    }
    if (done < text.size()) use_text(text.substr(done), done);
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
      const std::size_t at = last_character(text.substr(0, start));
      if (!is_white_space(decode_utf8(text, at).first)) break;
      start = at;
    }
    return text.size() - start;
  }

  std::vector<AddedToken> tokens_;
  std::vector<std::string> texts_;
  std::array<Table, 2> tables_;  // [normalized]
  std::optional<WordCharacters> word_characters_;
};

}  // namespace cell2text
