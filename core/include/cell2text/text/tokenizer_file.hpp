// The parts of a Hugging Face tokenizer.json that a byte-level BPE tokenizer consists of, each read strictly:
// a component that would change the ids and is not known is an error. Encoding lives in tokenizer.hpp.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "cell2text/error.hpp"
#include "cell2text/io/json.hpp"
#include "cell2text/io/json_member.hpp"
#include "cell2text/text/added_tokens.hpp"
#include "cell2text/text/byte_level.hpp"
#include "cell2text/text/byte_pair_merges.hpp"
#include "cell2text/text/vocabulary.hpp"

namespace cell2text::tokenizer_file {

using Json = nlohmann::json;

/// The value under `key` without copying it; it must be of the type that `is` tells, which `expected` names.
inline const Json& member(const Json& json, const char* key, bool (Json::*is)() const noexcept, const char* expected,
                          const std::string& where) {
  const auto found = json.is_object() ? json.find(key) : json.end();
  if (!json.is_object() || found == json.end() || !((*found).*is)())
    throw InputError(where + ": '" + key + "' is " +
                     (!json.is_object() || found == json.end() ? "missing" : json_detail::type_name(*found)) + "; " +
                     expected + " is expected; this is no byte-level BPE tokenizer.json");
  return *found;
}

/// Refuses a setting of the model that would change the ids and is not supported.
inline void check_model(const Json& model, const std::string& where) {
  const auto type = optional_value<std::string>(model, "type", where).value_or("BPE");  // old files leave it out
  if (type != "BPE") throw InputError(where + ": the model '" + type + "' is not supported; 'BPE' is expected");
  if (optional_value<bool>(model, "byte_fallback", where).value_or(false))
    throw InputError(where +
                     ": 'byte_fallback' is true, which a byte-level vocabulary has no use for; false is expected");
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
    merges.push_back({id(pair.first), id(pair.second), id(pair.first + pair.second)});
  }
  return merges;
}

inline std::array<std::uint32_t, 256> byte_ids(const Vocabulary& vocabulary, const ByteLevelAlphabet& alphabet,
                                               const std::string& where) {
  std::array<std::uint32_t, 256> ids{};
  for (unsigned byte = 0; byte < 256; ++byte) {
    const auto& character = alphabet.character(static_cast<unsigned char>(byte));
    const auto id = vocabulary.id_of(character);
    if (!id)
      throw InputError(where + ".vocab: no token '" + character + "' for the byte " + std::to_string(byte) +
                       ", so that text could be lost; all 256 bytes are expected");
    ids[byte] = static_cast<std::uint32_t>(*id);
  }
  return ids;
}

/// Reads "added_tokens" and adds those that are new to the vocabulary.
inline std::vector<AddedToken> read_added_tokens(const Json& json, Vocabulary& vocabulary, const std::string& where) {
  std::vector<AddedToken> tokens;
  std::unordered_set<std::string> contents;
  const auto entries = optional_value<std::vector<Json>>(json, "added_tokens", where).value_or(std::vector<Json>{});
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const std::string place = where + ": added_tokens[" + std::to_string(i) + "]";
    AddedToken token;
    token.id = required<std::int64_t>(entries[i], "id", place);
    token.content = required<std::string>(entries[i], "content", place);
    const auto flag = [&](const char* key) { return optional_value<bool>(entries[i], key, place).value_or(false); };
    token.special = flag("special");
    token.normalized = flag("normalized");
    token.strip_left = flag("lstrip");
    token.strip_right = flag("rstrip");
    if (token.content.empty()) throw InputError(place + ": 'content' is empty; a token's text is expected");
    if (flag("single_word"))
      throw InputError(place + ": 'single_word' is true for '" + token.content +
                       "', which is not supported; false is expected");
    if (!contents.insert(token.content).second)
      throw InputError(place + ": the token '" + token.content + "' is added twice");
    const auto known = vocabulary.id_of(token.content);
    if (!known) {
      vocabulary.add(token.content, token.id, place);
    } else if (*known != token.id) {
      throw InputError(place + ": '" + token.content + "' has the id " + std::to_string(token.id) + " here and " +
                       std::to_string(*known) + " in the vocabulary; the same id is expected");
    }
    tokens.push_back(std::move(token));
  }
  return tokens;
}

/// Null, or a Sequence of nothing: text that is changed before it is cut up is not supported.
inline void check_normalizer(const Json& json, const std::string& where) {
  const auto normalizer = optional_value<Json>(json, "normalizer", where);
  if (!normalizer) return;
  const std::string place = where + ": normalizer";
  const auto type = required<std::string>(*normalizer, "type", place);
  if (type == "Sequence" && required<std::vector<Json>>(*normalizer, "normalizers", place).empty()) return;
  throw InputError(place + ": the component '" + type + "' is not supported; null is expected");
}

inline void check_decoder(const Json& json, const std::string& where) {
  const auto decoder = required<Json>(json, "decoder", where);
  const auto type = required<std::string>(decoder, "type", where + ": decoder");
  if (type != "ByteLevel")
    throw InputError(where + ": decoder: the component '" + type + "' is not supported; ByteLevel is expected");
}

inline constexpr std::size_t max_frame = 1000;

/// The ids that a post-processor puts before and behind a text.
struct Frame {
  std::vector<std::int64_t> before, after;
  bool read = false;  ///< a template was found
};

inline void read_template(const Json& json, const Vocabulary& vocabulary, Frame& frame, const std::string& where) {
  if (frame.read) throw InputError(where + ": a second TemplateProcessing; one is expected at most");
  frame.read = true;
  int texts = 0;
  const Json& specials = json_member(json, "special_tokens", where);
  for (const Json& item : json_list(json, "single", where)) {
    if (const auto sequence = optional_value<Json>(item, "Sequence", where + ".single")) {
      if (required<std::string>(*sequence, "id", where + ".single") == "A")
        ++texts;
      else
        texts = 2;  // of one text there is no B
      continue;
    }
    const auto name =
        required<std::string>(required<Json>(item, "SpecialToken", where + ".single"), "id", where + ".single");
    const Json& special = json_member(specials, name, where + ".special_tokens");
    for (const auto id : required<std::vector<std::int64_t>>(special, "ids", where + ".special_tokens")) {
      if (!vocabulary.find(id))
        throw InputError(where + ".special_tokens: '" + name + "' has the id " + std::to_string(id) +
                         ", which no token has; the id of a token is expected");
      // A short file can name a long list of ids often.
      if (frame.before.size() + frame.after.size() == max_frame)
        throw InputError(where + ".single: over " + std::to_string(max_frame) +
                         " tokens around a text; a few are expected");
      (texts ? frame.after : frame.before).push_back(id);
    }
  }
  if (texts != 1) throw InputError(where + ".single: the text 'A' is expected exactly once, and no other");
}

inline void read_post_processor(const Json& json, const Vocabulary& vocabulary, Frame& frame,
                                const std::string& where) {
  const auto type = required<std::string>(json, "type", where);
  if (type == "Sequence") {
    const Json& parts = json_list(json, "processors", where);
    for (std::size_t i = 0; i < parts.size(); ++i)
      read_post_processor(parts[i], vocabulary, frame, where + ".processors[" + std::to_string(i) + "]");
  } else if (type == "TemplateProcessing") {
    read_template(json, vocabulary, frame, where);
  } else if (type != "ByteLevel") {  // ByteLevel only moves offsets
    throw InputError(where + ": the component '" + type +
                     "' is not supported; TemplateProcessing, ByteLevel or Sequence is expected");
  }
}

}  // namespace cell2text::tokenizer_file
