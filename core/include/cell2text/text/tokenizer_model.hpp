// The model of a Hugging Face tokenizer.json, read strictly: vocabulary, merges, and the symbols that a word begins
// with. The rest of the file is tokenizer_file.hpp's.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cell2text/error.hpp"
#include "cell2text/io/json.hpp"
#include "cell2text/text/byte_level.hpp"
#include "cell2text/text/byte_pair_merges.hpp"
#include "cell2text/text/first_symbols.hpp"
#include "cell2text/text/vocabulary.hpp"
#include "cell2text/text/word_map.hpp"

namespace cell2text::tokenizer_file {

using Json = nlohmann::json;

/// The value under `key` without copying it; it must be of the type that `is` tells, which `expected` names.
inline const Json& member(const Json& json, const char* key, bool (Json::*is)() const noexcept, const char* expected,
                          const std::string& where) {
  const auto found = json.is_object() ? json.find(key) : json.end();
  if (!json.is_object() || found == json.end() || !((*found).*is)())
    throw InputError(where + ": '" + key + "' is " +
                     (!json.is_object() || found == json.end() ? "missing" : json_detail::type_name(*found)) + "; " +
                     expected + " is expected; this is no BPE tokenizer.json");
  return *found;
}

/// Refuses a setting of the model that would change the ids and is not supported.
inline void check_model(const Json& model, const std::string& where) {
  const auto type = optional_value<std::string>(model, "type", where).value_or("BPE");  // old files leave it out
  if (type != "BPE") throw InputError(where + ": the model '" + type + "' is not supported; 'BPE' is expected");
  if (optional_value<double>(model, "dropout", where).value_or(0) != 0)
    throw InputError(where + ": 'dropout' is not 0: ids would be drawn at random; set it to null");
  for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"})
    if (!optional_value<std::string>(model, key, where).value_or("").empty())
      throw InputError(where + ": '" + key + "' is not supported; null is expected");
}

/// The vocabulary of the model; `added` is how many tokens may come on top. Ids may leave gaps, but none that
/// would cost far more memory than the file is large.
inline Vocabulary read_vocabulary(const Json& model, std::size_t added, const std::string& where) {
  const Json& entries = member(model, "vocab", &Json::is_object, "an object of tokens and ids", where);
  Vocabulary vocabulary(static_cast<std::int64_t>(8 * (entries.size() + added + 256)));
  for (const auto& [token, id] : entries.items()) {
    std::string expected;
    const auto number = json_detail::convert<std::int64_t>(id, expected);
    if (!number)
      throw InputError(where + ".vocab: the id of '" + token + "' is " + json_detail::type_name(id) +
                       "; a whole number is expected");
    vocabulary.add(token, *number, where + ".vocab");
  }
  return vocabulary;
}

/// The two tokens of a merge, written as "left right" or ["left", "right"].
inline std::pair<std::string, std::string> read_pair(const Json& merge, const std::string& where) {
  if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string())
    return {merge[0].get<std::string>(), merge[1].get<std::string>()};
  if (merge.is_string()) {
    const auto& text = merge.get_ref<const std::string&>();
    const auto space = text.find(' ');
    if (space != std::string::npos && text.find(' ', space + 1) == std::string::npos)
      return {text.substr(0, space), text.substr(space + 1)};
  }
  throw InputError(where + ": " + json_detail::shortened(merge) +
                   " is no merge; a text of two tokens with one blank between, or a list of two texts, is expected");
}

inline std::vector<BytePairMerges::Merge> read_merges(const Json& model, const Vocabulary& vocabulary,
                                                      const std::string& where) {
  const Json& entries = member(model, "merges", &Json::is_array, "a list of merges", where);
  std::vector<BytePairMerges::Merge> merges;
  merges.reserve(entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const auto place = [&] { return where + ".merges[" + std::to_string(i) + "]"; };
    if (entries[i].is_string() && entries[i].get_ref<const std::string&>().starts_with("#version")) continue;
    const auto pair = read_pair(entries[i], place());
    const auto id = [&](const std::string& token) {
      if (const auto found = vocabulary.id_of(token)) return static_cast<std::uint32_t>(*found);
      throw InputError(place() + ": the merge of '" + pair.first + "' and '" + pair.second + "' needs the token '" +
                       token + "', which the vocabulary lacks; the file is damaged");
    };
    const auto rank = static_cast<std::uint32_t>(merges.size());
    merges.push_back({id(pair.first), id(pair.second), id(pair.first + pair.second), rank});
  }
  return merges;
}

/// Symbols of a byte-level vocabulary: all 256 bytes.
inline FirstSymbols byte_symbols(const Json& model, const Vocabulary& vocabulary, const std::string& where) {
  if (optional_value<bool>(model, "byte_fallback", where).value_or(false))
    throw InputError(where +
                     ": 'byte_fallback' is true, which a byte-level vocabulary has no use for; false is expected");
  const ByteLevelAlphabet alphabet;
  std::array<std::uint32_t, 256> ids{};
  for (unsigned byte = 0; byte < 256; ++byte) {
    const auto& character = alphabet.character(static_cast<unsigned char>(byte));
    const auto id = vocabulary.id_of(character);
    if (!id)
      throw InputError(where + ".vocab: no token '" + character + "' for the byte " + std::to_string(byte) +
                       ", so that text could be lost; all 256 bytes are expected");
    ids[byte] = static_cast<std::uint32_t>(*id);
  }
  return FirstSymbols::of_bytes(ids);
}

/// Symbols of a vocabulary of text: characters, and for others their bytes ("<0x0A>") or the unknown token.
inline FirstSymbols character_symbols(const Json& model, const Vocabulary& vocabulary, const std::string& where) {
  FirstSymbols::Bytes bytes{};
  std::size_t found = 0;
  if (optional_value<bool>(model, "byte_fallback", where).value_or(false))
    for (std::size_t byte = 0; byte < 256; ++byte) {
      constexpr std::string_view digits = "0123456789ABCDEF";
      const std::string token = {'<', '0', 'x', digits[byte / 16], digits[byte % 16], '>'};
      if (const auto id = vocabulary.id_of(token)) bytes[byte] = static_cast<std::uint32_t>(*id), ++found;
    }
  std::optional<FirstSymbols::Unknown> unknown;
  if (const auto token = optional_value<std::string>(model, "unk_token", where)) {
    const auto id = vocabulary.id_of(*token);
    if (!id)
      throw InputError(where + ": 'unk_token' is '" + *token + "', which the vocabulary lacks; one of its tokens is " +
                       "expected");
    const bool fused = optional_value<bool>(model, "fuse_unk", where).value_or(false);
    unknown = {static_cast<std::uint32_t>(*id), fused};
  }
  if (!unknown && found < 256)
    throw InputError(where +
                     ": neither an 'unk_token' nor 'byte_fallback' with a token for each of the 256 bytes, so " +
                     "that text could be lost; one of the two is expected");
  auto symbols = FirstSymbols::of_characters(bytes, unknown);
  for (std::int64_t id = 0; id < vocabulary.size(); ++id) {
    const std::string* token = vocabulary.find(id);
    if (!token || token->empty()) continue;
    const auto [code, length] = decode_utf8(*token, 0);
    if (length == token->size()) symbols.add_character(code, static_cast<std::uint32_t>(id));
  }
  return symbols;
}

/// `ignore_merges`: a word that is a token becomes that token, though no merges may lead to it.
inline WordMap whole_words(const Vocabulary& vocabulary, bool byte_level) {
  const ByteLevelAlphabet alphabet;
  WordMap words;
  for (std::int64_t id = 0; id < vocabulary.size(); ++id)
    if (const std::string* token = vocabulary.find(id))
      if (const auto word = byte_level ? alphabet.bytes_of(*token) : std::optional(*token))
        if (!word->empty() && words.find(*word) == WordMap::none) words.add(*word, static_cast<std::uint32_t>(id));
  return words;
}

}  // namespace cell2text::tokenizer_file
