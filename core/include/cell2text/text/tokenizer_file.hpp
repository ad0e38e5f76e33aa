// A Hugging Face tokenizer.json, each part read strictly: a component that would change the ids and is not known is an
// error. Understood are byte-level BPE (Llama 3, GPT-2, RoBERTa) and BPE over characters with byte fallback (Gemma,
// Llama 2). The model is tokenizer_model.hpp's, encoding bpe_tokenizer.hpp's; WordPiece is word_piece_file.hpp's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "cell2text/error.hpp"
#include "cell2text/io/json.hpp"
#include "cell2text/io/json_member.hpp"
#include "cell2text/text/added_tokens.hpp"
#include "cell2text/text/bpe_tokenizer.hpp"
#include "cell2text/text/tokenizer_model.hpp"
#include "cell2text/text/vocabulary.hpp"

namespace cell2text::tokenizer_file {

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
    token.single_word = flag("single_word");
    if (token.content.empty()) throw InputError(place + ": 'content' is empty; a token's text is expected");
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

/// BertProcessing and RobertaProcessing: one token before and one behind, each written as [text, id].
inline void read_pair_of_tokens(const Json& json, const Vocabulary& vocabulary, Frame& frame,
                                const std::string& where) {
  if (frame.read) throw InputError(where + ": a second component puts tokens around a text; one is expected at most");
  frame.read = true;
  for (const auto& [key, ids] : {std::pair{"cls", &frame.before}, std::pair{"sep", &frame.after}}) {
    const Json& token = json_list(json, key, where);
    std::string expected;
    const auto id = token.size() == 2 ? json_detail::convert<std::int64_t>(token[1], expected) : std::nullopt;
    if (!id || !vocabulary.find(*id))
      throw InputError(where + ": '" + key + "' is " + json_detail::shortened(token) +
                       "; a token's text and its id are expected");
    ids->push_back(*id);
  }
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
  } else if (type == "BertProcessing" || type == "RobertaProcessing") {
    read_pair_of_tokens(json, vocabulary, frame, where);
  } else if (type != "ByteLevel") {  // ByteLevel only moves offsets
    throw InputError(
        where + ": the component '" + type +
        "' is not supported; TemplateProcessing, BertProcessing, RobertaProcessing, ByteLevel or Sequence is " +
        "expected");
  }
}

/// Words and decoder; both are byte level, or neither.
inline void read_ends(const Json& json, BpeParts& parts, const std::string& where) {
  if (const auto normalizer = optional_value<Json>(json, "normalizer", where))
    parts.normalizer = Normalizer(*normalizer, where + ": normalizer");
  if (const auto words = optional_value<Json>(json, "pre_tokenizer", where))
    parts.words = PreTokenizer(*words, where + ": pre_tokenizer");
  parts.decoder = TokenDecoder(json_member(json, "decoder", where), where + ": decoder");
  if (parts.decoder.byte_level() && !parts.words.byte_level())
    throw InputError(where +
                     ": pre_tokenizer: no component of type ByteLevel, though the decoder is one; either both " +
                     "or neither is expected");
  if (parts.words.byte_level() && !parts.decoder.byte_level())
    throw InputError(where + ": decoder: the component 'ByteLevel' is expected, as the pre_tokenizer is one");
}

/// All of the file. `where` names it in errors. InputError: damaged, or with a component that is not known.
inline BpeParts read_parts(const Json& json, const std::string& where) {
  BpeParts parts{where, {}};
  read_ends(json, parts, where);
  const bool byte_level = parts.words.byte_level();
  const std::string at_model = where + ": model";
  const Json& model = member(json, "model", &Json::is_object, "an object", where);
  check_model(model, at_model);
  const auto extra = json.find("added_tokens");
  parts.vocabulary = read_vocabulary(model, extra != json.end() ? extra->size() : 0, at_model);
  parts.symbols = byte_level ? byte_symbols(model, parts.vocabulary, at_model)
                             : character_symbols(model, parts.vocabulary, at_model);
  parts.merges = BytePairMerges(read_merges(model, parts.vocabulary, at_model));
  if (optional_value<bool>(model, "ignore_merges", at_model).value_or(false))
    parts.whole_words = whole_words(parts.vocabulary, byte_level);
  parts.added = AddedTokens(read_added_tokens(json, parts.vocabulary, where), parts.normalizer);
  if (const auto processor = optional_value<Json>(json, "post_processor", where)) {
    Frame frame;
    read_post_processor(*processor, parts.vocabulary, frame, where + ": post_processor");
    parts.before = frame.before, parts.after = frame.after;
  }
  return parts;
}

}  // namespace cell2text::tokenizer_file
