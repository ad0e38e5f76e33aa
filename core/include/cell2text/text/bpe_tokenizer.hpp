// A byte-pair tokenizer as its files describe it: added tokens, normalizer, words, first symbols, merges, decoder.
// Which file says what is not known here (tokenizer_file.hpp, tiktoken.hpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cell2text/text/added_tokens.hpp"
#include "cell2text/text/byte_level.hpp"
#include "cell2text/text/byte_pair_merges.hpp"
#include "cell2text/text/first_symbols.hpp"
#include "cell2text/text/normalizer.hpp"
#include "cell2text/text/pre_tokenizer.hpp"
#include "cell2text/text/token_decoder.hpp"
#include "cell2text/text/tokenizer_engine.hpp"
#include "cell2text/text/vocabulary.hpp"
#include "cell2text/text/word_map.hpp"

namespace cell2text {

/// What a byte-pair tokenizer is made of.
struct BpeParts {
  std::string where;  ///< the file, for errors
  Vocabulary vocabulary;
  Normalizer normalizer = {};
  PreTokenizer words = {};
  FirstSymbols symbols = {};
  BytePairMerges merges = {};
  WordMap whole_words = {};  ///< words that are a token though no merges may lead to it
  AddedTokens added = {};
  std::vector<std::int64_t> before = {}, after = {};  ///< the ids around a text
  TokenDecoder decoder = {};
};

class BpeTokenizer final : public TokenizerEngine {
 public:
  explicit BpeTokenizer(BpeParts parts) : parts_(std::move(parts)) {
    special_.resize(static_cast<std::size_t>(vocabulary_size()));
    const ByteLevelAlphabet alphabet;
    const bool byte_level = parts_.decoder.byte_level();
    const auto text_of = [&](const std::string& token) {
      return byte_level ? alphabet.bytes_of(token).value_or(token) : token;
    };
    for (std::int64_t id = 0; id < vocabulary_size(); ++id) texts_.push_back(find(id) ? text_of(*find(id)) : "");
    for (std::size_t i = 0; i < parts_.added.tokens().size(); ++i) {
      const auto at = static_cast<std::size_t>(parts_.added.tokens()[i].id);
      special_[at] = parts_.added.tokens()[i].special;
      texts_[at] = text_of(parts_.added.texts()[i]);
    }
  }

  std::vector<std::int64_t> encode(std::string_view text, bool add_special, SpecialText special) const override {
    Encoding encoding{parts_};
    encoding.ids.reserve(text.size() / 4 + 8);
    if (add_special) encoding.ids = parts_.before;
    const auto use_token = [&](const AddedToken& token) { encoding.ids.push_back(token.id); };
    const auto use_text = [&](std::string_view piece, std::size_t begins) { encoding.add_text(piece, begins); };
    parts_.added.split(text, special == SpecialText::plain, parts_.normalizer, use_token, use_text);
    if (add_special) encoding.ids.insert(encoding.ids.end(), parts_.after.begin(), parts_.after.end());
    return std::move(encoding.ids);
  }

  std::string decode(std::span<const std::int64_t> ids, bool skip_special) const override {
    std::string bytes;
    std::vector<std::string> tokens;
    for (const std::int64_t id : ids) {
      if (!find(id) || (skip_special && is_special(id))) continue;
      const std::string& text = texts_[static_cast<std::size_t>(id)];
      if (parts_.decoder.byte_level())
        bytes += text;
      else
        tokens.push_back(text);
    }
    if (!parts_.decoder.byte_level()) return parts_.decoder.join(std::move(tokens));
    return is_utf8(bytes) ? bytes : replace_invalid_utf8(bytes);
  }

  std::int64_t vocabulary_size() const override { return parts_.vocabulary.size(); }
  std::optional<std::int64_t> id_of(std::string_view token) const override { return parts_.vocabulary.id_of(token); }
  const std::string* find(std::int64_t id) const override { return parts_.vocabulary.find(id); }
  bool is_special(std::int64_t id) const override { return find(id) && special_[static_cast<std::size_t>(id)]; }
  const std::string& where() const override { return parts_.where; }

 private:
  /// One call of encode. It remembers the words that it has joined: texts repeat them.
  struct Encoding {
    const BpeParts& parts;
    std::vector<std::int64_t> ids = {};
    MatchMemory memory = {};
    BytePairMerges::Workspace workspace = {};
    struct Known {
      std::size_t start, end;
    };
    WordMap known_words = WordMap::like(parts.whole_words);
    std::vector<Known> known = {};
    std::vector<std::uint32_t> known_ids = {};

    static constexpr std::size_t longest_kept = 64, most_kept = 1 << 16;

    void add_text(std::string_view text, std::size_t begins) {
      parts.words.split(text, begins, memory, [this](std::string_view word) { add_word(word); });
    }
    void add_word(std::string_view word) {
      if (const auto whole = parts.whole_words.find(word); whole != WordMap::none) {
        ids.push_back(whole);
      } else if (word.size() > longest_kept) {
        join(word);
        ids.insert(ids.end(), workspace.ids.begin(), workspace.ids.end());
      } else {
        const Known part = known_word(word);
        for (std::size_t i = part.start; i < part.end; ++i) ids.push_back(known_ids[i]);
      }
    }
    Known known_word(std::string_view word) {
      if (const auto number = known_words.find(word); number != WordMap::none) return known[number];
      if (known.size() == most_kept) known_words.clear(), known.clear(), known_ids.clear();
      join(word);
      known_words.add(word, static_cast<std::uint32_t>(known.size()));
      const std::size_t start = known_ids.size();
      known_ids.insert(known_ids.end(), workspace.ids.begin(), workspace.ids.end());
      known.push_back({start, known_ids.size()});
      return known.back();
    }
    void join(std::string_view word) {
      parts.symbols.read(word, workspace.ids);
      parts.merges.join(workspace);
    }
  };

  BpeParts parts_;
  std::vector<bool> special_;       // by id
  std::vector<std::string> texts_;  // by id: what a token gives to the decoder; its bytes where that is byte level
};

}  // namespace cell2text
