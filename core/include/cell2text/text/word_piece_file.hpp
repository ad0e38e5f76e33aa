// The files of a WordPiece tokenizer, read strictly: a tokenizer.json, or the older vocab.txt with the settings of
// tokenizer_config.json. Encoding is word_piece.hpp's.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "cell2text/error.hpp"
#include "cell2text/io/json.hpp"
#include "cell2text/io/json_member.hpp"
#include "cell2text/text/tokenizer.hpp"
#include "cell2text/text/tokenizer_file.hpp"
#include "cell2text/text/word_piece.hpp"
#include "cell2text/text/words.hpp"

namespace cell2text {

namespace word_piece_detail {

using Json = nlohmann::json;

inline void read_model(const Json& model, std::size_t added, WordPieceParts& parts, const std::string& where) {
  if (const auto type = required<std::string>(model, "type", where); type != "WordPiece")
    throw InputError(where + ": the model '" + type + "' is not supported here; 'WordPiece' is expected");
  parts.vocabulary = tokenizer_file::read_vocabulary(model, added, where);
  const auto unknown = required<std::string>(model, "unk_token", where);
  const auto id = parts.vocabulary.id_of(unknown);
  if (!id)
    throw InputError(where + ": 'unk_token' is '" + unknown + "', which the vocabulary lacks; one of its tokens is " +
                     "expected");
  parts.unknown = *id;
  parts.inside = optional_value<std::string>(model, "continuing_subword_prefix", where).value_or("##");
  parts.longest_word = optional_value<std::uint32_t>(model, "max_input_chars_per_word", where).value_or(100);
}

/// Decoder and words: of each only the one kind is known.
inline void read_ends(const Json& json, WordPieceParts& parts, const std::string& where) {
  parts.normalizer = BertNormalizer::from(json_member(json, "normalizer", where), where + ": normalizer");
  const auto words =
      required<std::string>(json_member(json, "pre_tokenizer", where), "type", where + ": pre_tokenizer");
  if (words != "BertPreTokenizer")
    throw InputError(where + ": pre_tokenizer: the component '" + words +
                     "' is not supported here; BertPreTokenizer is expected");
  const Json& decoder = json_member(json, "decoder", where);
  if (const auto type = required<std::string>(decoder, "type", where + ": decoder"); type != "WordPiece")
    throw InputError(where + ": decoder: the component '" + type + "' is not supported here; WordPiece is expected");
  parts.clean_up = optional_value<bool>(decoder, "cleanup", where + ": decoder").value_or(true);
}

/// The text of a special token, which the configuration may name: as a text, or as an object that holds it.
inline std::string special_name(const Json& config, const char* key, const char* usual, const std::string& where) {
  const auto value = optional_value<Json>(config, key, where);
  if (!value) return usual;
  return value->is_object() ? required<std::string>(*value, "content", where + ": " + key)
                            : required<std::string>(config, key, where);
}

}  // namespace word_piece_detail

/// All of a tokenizer.json with a WordPiece model; `where` names it in errors. Ids and texts are those of the
/// `tokenizers` library, but for what BertNormalizer::apply tells; truncation and padding of the file are not applied.
/// InputError: damaged, or with a component that is not known.
inline Tokenizer read_word_piece(const nlohmann::json& json, const std::string& where) {
  WordPieceParts parts{where, {}};
  const auto extra = json.find("added_tokens");
  word_piece_detail::read_model(json_member(json, "model", where), extra != json.end() ? extra->size() : 0, parts,
                                where + ": model");
  word_piece_detail::read_ends(json, parts, where);
  parts.pieces = parts.vocabulary;
  auto added = tokenizer_file::read_added_tokens(json, parts.vocabulary, where);
  for (const AddedToken& token : added)
    if (token.normalized)
      throw InputError(where + ": the added token '" + token.content +
                       "' is 'normalized', which is not supported here; false is expected");
  parts.added = AddedTokens(std::move(added));
  if (const auto processor = optional_value<nlohmann::json>(json, "post_processor", where)) {
    tokenizer_file::Frame frame;
    tokenizer_file::read_post_processor(*processor, parts.vocabulary, frame, where + ": post_processor");
    parts.before = frame.before, parts.after = frame.after;
  }
  return Tokenizer(std::make_shared<const WordPieceTokenizer>(std::move(parts)));
}

/// The tokenizer.json that a vocab.txt stands for: a token a line, its number the id. `where` names it in errors.
/// `config` is the value of tokenizer_config.json at `config_where`, or an empty object. InputError: no UTF-8, or a
/// special token that is not among the lines.
inline nlohmann::json word_piece_json(std::string_view lines, const std::string& where, const nlohmann::json& config,
                                      const std::string& config_where) {
  using word_piece_detail::special_name;
  if (!is_utf8(lines)) throw InputError(where + " is no UTF-8; a vocabulary with a token a line is expected");
  nlohmann::json vocabulary = nlohmann::json::object(), added = nlohmann::json::array();
  std::int64_t id = 0;
  for (std::size_t at = 0; at < lines.size(); ++id) {
    const std::size_t end = std::min(lines.find('\n', at), lines.size());
    std::string_view token = lines.substr(at, end - at);
    take_suffix(token, "\r");
    vocabulary[std::string(token)] = id;
    at = end + 1;
  }
  const auto special = [&](const char* key, const char* usual) -> nlohmann::json {
    const std::string name = special_name(config, key, usual, config_where);
    const auto found = vocabulary.find(name);
    if (found == vocabulary.end())
      throw InputError(where + ": no line is '" + name + "', the " + key + "; this is no vocabulary of BERT's kind");
    added.push_back({{"id", *found}, {"content", name}, {"special", true}, {"normalized", false}});
    return {name, *found};
  };
  const auto cls = special("cls_token", "[CLS]"), sep = special("sep_token", "[SEP]");
  const auto unknown = special("unk_token", "[UNK]");
  special("pad_token", "[PAD]"), special("mask_token", "[MASK]");
  const auto flag = [&](const char* key) { return optional_value<bool>(config, key, config_where); };
  nlohmann::json normalizer = {{"type", "BertNormalizer"},
                               {"clean_text", true},
                               {"handle_chinese_chars", flag("tokenize_chinese_chars").value_or(true)},
                               {"lowercase", flag("do_lower_case").value_or(true)},
                               {"strip_accents", nullptr}};
  if (const auto strip = flag("strip_accents")) normalizer["strip_accents"] = *strip;
  return {{"added_tokens", added},
          {"normalizer", normalizer},
          {"pre_tokenizer", {{"type", "BertPreTokenizer"}}},
          {"post_processor", {{"type", "BertProcessing"}, {"sep", sep}, {"cls", cls}}},
          {"decoder", {{"type", "WordPiece"}, {"cleanup", true}}},
          {"model", {{"type", "WordPiece"}, {"unk_token", unknown[0]}, {"vocab", vocabulary}}}};
}

}  // namespace cell2text
