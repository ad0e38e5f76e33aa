// BERT's tokenizer: words are taken apart into the longest pieces that the vocabulary has. Which file says what is not
// known here (word_piece_file.hpp). Links ICU, as bert_normalizer.hpp does.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cell2text/text/added_tokens.hpp"
#include "cell2text/text/bert_normalizer.hpp"
#include "cell2text/text/normalizer.hpp"
#include "cell2text/text/tokenizer_engine.hpp"
#include "cell2text/text/utf8.hpp"
#include "cell2text/text/vocabulary.hpp"
#include "cell2text/text/word_map.hpp"

namespace cell2text {

/// What a WordPiece tokenizer is made of.
struct WordPieceParts {
  std::string where;  ///< the file, for errors
  Vocabulary vocabulary;
  Vocabulary pieces = {};  ///< of `vocabulary` what words are made of: all but tokens that were added to it
  BertNormalizer normalizer = {};
  AddedTokens added = {};                             ///< none of them normalised
  std::int64_t unknown = 0;                           ///< what a word becomes that the vocabulary cannot make
  std::string inside = "##";                          ///< before pieces that do not begin a word; may be empty
  std::size_t longest_word = 100;                     ///< in characters; longer ones are unknown
  std::vector<std::int64_t> before = {}, after = {};  ///< the ids around a text
  bool clean_up = true;                               ///< decoding drops blanks before marks
};

class WordPieceTokenizer final : public TokenizerEngine {
 public:
  explicit WordPieceTokenizer(WordPieceParts parts) : parts_(std::move(parts)) {
    for (std::int64_t id = 0; id < parts_.pieces.size(); ++id)
      if (const std::string* token = parts_.pieces.find(id)) {
        begins_.add(*token, id);
        if (token->starts_with(parts_.inside)) insides_.add(std::string_view(*token).substr(parts_.inside.size()), id);
      }
    special_.resize(static_cast<std::size_t>(vocabulary_size()));
    for (const AddedToken& token : parts_.added.tokens()) special_[static_cast<std::size_t>(token.id)] = token.special;
  }

  std::vector<std::int64_t> encode(std::string_view text, bool add_special, SpecialText special) const override {
    std::vector<std::int64_t> ids;
    ids.reserve(text.size() / 4 + 8);
    if (add_special) ids = parts_.before;
    const auto use_token = [&](const AddedToken& token) { ids.push_back(token.id); };
    const auto use_text = [&](std::string_view piece, std::size_t) {
      each_bert_word(parts_.normalizer.apply(piece), [&](std::string_view word) { add_word(word, ids); });
    };
    parts_.added.split(text, special == SpecialText::plain, Normalizer(), use_token, use_text);
    if (add_special) ids.insert(ids.end(), parts_.after.begin(), parts_.after.end());
    return ids;
  }

  std::string decode(std::span<const std::int64_t> ids, bool skip_special) const override {
    std::string text;
    bool first = true;
    for (const std::int64_t id : ids) {
      if (!find(id) || (skip_special && is_special(id))) continue;
      std::string token = *find(id);
      if (!first && token.starts_with(parts_.inside))
        token.erase(0, parts_.inside.size());
      else if (!first)
        token.insert(0, " ");
      first = false;
      text += parts_.clean_up ? cleaned_up(std::move(token)) : token;
    }
    return text;
  }

  std::int64_t vocabulary_size() const override { return parts_.vocabulary.size(); }
  std::optional<std::int64_t> id_of(std::string_view token) const override { return parts_.vocabulary.id_of(token); }
  const std::string* find(std::int64_t id) const override { return parts_.vocabulary.find(id); }
  bool is_special(std::int64_t id) const override { return find(id) && special_[static_cast<std::size_t>(id)]; }
  const std::string& where() const override { return parts_.where; }

 private:
  /// Pieces and their ids, with the length of the longest: no more of a word has to be looked up.
  struct Pieces {
    WordMap ids = {};
    std::size_t longest = 0;

    void add(std::string_view piece, std::int64_t id) {
      if (piece.empty()) return;
      ids.add(piece, static_cast<std::uint32_t>(id));
      longest = std::max(longest, piece.size());
    }
  };

  void add_word(std::string_view word, std::vector<std::int64_t>& ids) const {
    const auto starts_character = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; };
    const std::size_t characters = static_cast<std::size_t>(std::ranges::count_if(word, starts_character));
    const std::size_t known = ids.size();
    for (std::size_t start = 0; start < word.size();) {
      const Pieces& pieces = start == 0 ? begins_ : insides_;
      std::size_t end = std::min(word.size(), start + pieces.longest);
      std::uint32_t id = WordMap::none;
      for (; end > start && characters <= parts_.longest_word; --end)
        if (end == word.size() || starts_character(word[end]))
          if ((id = pieces.ids.find(word.substr(start, end - start))) != WordMap::none) break;
      if (id == WordMap::none) {  // then nothing of the word counts
        ids.resize(known);
        ids.push_back(parts_.unknown);
        return;
      }
      ids.push_back(id);
      start = end;
    }
  }

  static std::string cleaned_up(std::string token) {
    static constexpr std::pair<const char*, const char*> steps[] = {
        {" .", "."},   {" ?", "?"},           {" !", "!"},   {" ,", ","},     {" ' ", "'"},   {" n't", "n't"},
        {" 'm", "'m"}, {" do not", " don't"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}};
    for (const auto& [find, with] : steps) token = replace_all(token, find, with);
    return token;
  }

  WordPieceParts parts_;
  Pieces begins_, insides_;
  std::vector<bool> special_;  // by id
};

}  // namespace cell2text
