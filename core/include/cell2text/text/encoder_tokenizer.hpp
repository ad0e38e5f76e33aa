// Opens the tokenizer of a BERT's or RoBERTa's folder, in whichever form it has: tokenizer.json, vocab.txt, or
// vocab.json with merges.txt. Links ICU: included by what reads texts with such models only.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "cell2text/error.hpp"
#include "cell2text/io/json.hpp"
#include "cell2text/io/json_member.hpp"
#include "cell2text/io/mapped_file.hpp"
#include "cell2text/text/tokenizer.hpp"
#include "cell2text/text/word_piece_file.hpp"

namespace cell2text {

namespace encoder_tokenizer_detail {

using Json = nlohmann::json;

/// The tokenizer.json that vocab.json and merges.txt stand for (RoBERTa). InputError: a special token that is missing.
inline Json byte_level_json(const Json& vocabulary, std::string_view merges, const std::string& where,
                            const Json& config, const std::string& config_where) {
  Json added = Json::array(), lines = Json::array();
  const auto special = [&](const char* key, const char* usual) -> Json {
    const std::string name = word_piece_detail::special_name(config, key, usual, config_where);
    const Json& id = json_member(vocabulary, name, where);
    added.push_back({{"id", id}, {"content", name}, {"special", true}, {"normalized", false}});
    return {name, id};
  };
  const Json cls = special("cls_token", "<s>"), sep = special("sep_token", "</s>");
  special("unk_token", "<unk>"), special("pad_token", "<pad>"), special("mask_token", "<mask>");
  for (std::size_t at = 0; at < merges.size();) {
    const std::size_t end = std::min(merges.find('\n', at), merges.size());
    std::string_view line = merges.substr(at, end - at);
    take_suffix(line, "\r");
    if (!line.empty()) lines.push_back(std::string(line));
    at = end + 1;
  }
  const bool blank_first = optional_value<bool>(config, "add_prefix_space", config_where).value_or(false);
  return {{"added_tokens", added},
          {"pre_tokenizer", {{"type", "ByteLevel"}, {"add_prefix_space", blank_first}}},
          {"post_processor", {{"type", "RobertaProcessing"}, {"sep", sep}, {"cls", cls}}},
          {"decoder", {{"type", "ByteLevel"}}},
          {"model", {{"type", "BPE"}, {"vocab", vocabulary}, {"merges", lines}}}};
}

}  // namespace encoder_tokenizer_detail

/// A tokenizer that puts one token before and one behind a text.
struct EncoderTokenizer {
  Tokenizer tokenizer;
  std::int64_t begin = 0;                       ///< [CLS] or <s>
  std::int64_t end = 0;                         ///< [SEP] or </s>
  std::optional<std::int64_t> max_tokens = {};  ///< `model_max_length` of tokenizer_config.json, with begin and end
  bool case_assumed = false;  ///< vocab.txt alone, with capitals in it: capitals are dropped all the same, as
                              ///< transformers does

  /// InputError: no such files, damaged ones, a tokenizer of another kind or with another frame.
  static EncoderTokenizer open(const std::filesystem::path& folder) {
    const auto config_path = folder / "tokenizer_config.json";
    const nlohmann::json config =
        std::filesystem::exists(config_path) ? read_json(config_path) : nlohmann::json::object();
    EncoderTokenizer opened{read(folder, config, config_path.string())};
    const auto frame = opened.tokenizer.encode("", true);
    if (frame.size() != 2)
      throw InputError(folder.string() + ": the tokenizer puts " + std::to_string(frame.size()) +
                       " tokens around a text; one before and one behind it are expected, as of BERT and RoBERTa");
    opened.begin = frame[0], opened.end = frame[1];
    // Files without a limit hold 1e30.
    if (const auto most = optional_value<double>(config, "model_max_length", config_path.string());
        most && *most < 1e9) {
      if (!(*most >= 3))
        throw InputError(config_path.string() + ": 'model_max_length' is " + std::to_string(*most) +
                         "; at least 3 tokens are expected");
      opened.max_tokens = static_cast<std::int64_t>(*most);
    }
    opened.case_assumed = !std::filesystem::exists(folder / "tokenizer.json") && !config.contains("do_lower_case") &&
                          std::filesystem::exists(folder / "vocab.txt") && opened.tokenizer.id_of("The").has_value();
    return opened;
  }

 private:
  static Tokenizer read(const std::filesystem::path& folder, const nlohmann::json& config,
                        const std::string& config_where) {
    if (const auto path = folder / "tokenizer.json"; std::filesystem::exists(path)) {
      const nlohmann::json json = read_json(path);
      const auto& model = json_member(json, "model", path.string());
      const auto type = optional_value<std::string>(model, "type", path.string() + ": model").value_or("BPE");
      return type == "WordPiece" ? read_word_piece(json, path.string()) : Tokenizer::from(json, path.string());
    }
    if (const auto path = folder / "vocab.txt"; std::filesystem::exists(path)) {
      const auto file = MappedFile::open(path);
      return read_word_piece(word_piece_json(file->text(), path.string(), config, config_where), path.string());
    }
    const auto path = folder / "vocab.json", merges = folder / "merges.txt";
    if (!std::filesystem::exists(path) || !std::filesystem::exists(merges))
      throw InputError(folder.string() +
                       " holds no tokenizer: neither tokenizer.json nor vocab.txt (BERT), nor vocab.json and " +
                       "merges.txt (RoBERTa) are there; download the folder again");
    const auto file = MappedFile::open(merges);
    return Tokenizer::from(
        encoder_tokenizer_detail::byte_level_json(read_json(path), file->text(), path.string(), config, config_where),
        path.string());
  }
};

}  // namespace cell2text
