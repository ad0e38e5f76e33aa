// The tokenizer.model of Llama 3: one line a token, its bytes in Base64 and its rank. The pattern that cuts words and
// the 256 special tokens behind the ranks are not in the file; they are Meta's.
#pragma once

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cell2text/error.hpp"
#include "cell2text/io/json.hpp"
#include "cell2text/text/base64.hpp"
#include "cell2text/text/bpe_tokenizer.hpp"
#include "cell2text/text/tokenizer.hpp"
#include "cell2text/text/tokenizer_model.hpp"

namespace cell2text {
namespace tiktoken_detail {

inline constexpr const char* llama3_pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*)"
    R"(|\s*[\r\n]+|\s+(?!\S)|\s+)";
inline constexpr std::size_t special_tokens = 256;
inline constexpr std::size_t max_token_bytes = 256;  // Llama 3's longest has 128

struct Line {
  std::string bytes;
  std::int64_t rank = 0;
};

inline std::optional<Line> read_line(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  const auto blank = line.find(' ');
  if (blank == std::string_view::npos || blank == 0) return {};
  const std::string_view digits = line.substr(blank + 1);
  Line result;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), result.rank);
  if (error != std::errc() || end != digits.data() + digits.size() || result.rank < 0) return {};
  auto bytes = decode_base64(line.substr(0, blank));
  if (!bytes || bytes->empty()) return {};
  result.bytes = std::move(*bytes);
  return result;
}

/// The names that Llama 3.1 and later give to the tokens behind the ranks. (Llama 3.0 calls the fifth, sixth, ninth
/// and eleventh otherwise; all that a prompt needs have the same ids in both.)
inline std::string special_name(std::size_t index) {
  constexpr std::array<const char*, 11> first = {"begin_of_text",
                                                 "end_of_text",
                                                 "reserved_special_token_0",
                                                 "reserved_special_token_1",
                                                 "finetune_right_pad_id",
                                                 "reserved_special_token_2",
                                                 "start_header_id",
                                                 "end_header_id",
                                                 "eom_id",
                                                 "eot_id",
                                                 "python_tag"};
  // From here on they are numbered.
  const std::string name = index < first.size() ? first[index] : "reserved_special_token_" + std::to_string(index - 8);
  return "<|" + name + "|>";
}

/// All pairs of tokens that together are a token, of the rank of that token.
inline std::vector<BytePairMerges::Merge> merges_of(const std::vector<Line>& lines, const WordMap& ids) {
  std::vector<BytePairMerges::Merge> merges;
  for (const Line& line : lines) {
    const std::string_view bytes = line.bytes;
    const auto joined = static_cast<std::uint32_t>(line.rank);
    for (std::size_t i = 1; i < bytes.size(); ++i) {
      const auto left = ids.find(bytes.substr(0, i)), right = ids.find(bytes.substr(i));
      if (left != WordMap::none && right != WordMap::none) merges.push_back({left, right, joined, joined});
    }
  }
  return merges;
}

inline std::vector<Line> read_lines(std::string_view text, const std::string& where) {
  std::vector<Line> lines;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const auto end = text.find('\n');
    const std::string_view whole = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (whole.empty() && text.empty()) break;
    auto line = read_line(whole);
    if (!line || line->bytes.size() > max_token_bytes)
      throw InputError(where + ":" + std::to_string(number) + ": '" + std::string(whole.substr(0, 60)) +
                       "' is no line of a tiktoken file; a token of at most " + std::to_string(max_token_bytes) +
                       " bytes in Base64, a blank and a rank are expected");
    lines.push_back(std::move(*line));
  }
  return lines;
}

}  // namespace tiktoken_detail

/// Whether a file begins as a tiktoken file does: with a token in Base64, a blank and a rank.
inline bool is_tiktoken(std::string_view text) {
  return tiktoken_detail::read_line(text.substr(0, std::min(text.find('\n'), std::size_t{1000}))).has_value();
}

/// Names of special tokens by id.
using SpecialNames = std::map<std::int64_t, std::string>;

/// The names of special tokens that a tokenizer_config.json gives ("added_tokens_decoder"), by id.
inline SpecialNames read_special_names(const nlohmann::json& json, const std::string& where) {
  SpecialNames names;
  const auto entries = optional_value<nlohmann::json>(json, "added_tokens_decoder", where);
  if (!entries) return names;
  const std::string at = where + ": added_tokens_decoder";
  if (!entries->is_object())
    throw InputError(at + " is " + json_detail::type_name(*entries) + "; an object is expected");
  for (const auto& [key, value] : entries->items()) {
    std::int64_t id = -1;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), id);
    auto content = required<std::string>(value, "content", at + "['" + key + "']");
    if (error != std::errc() || end != key.data() + key.size() || content.empty())
      throw InputError(at + ": '" + key + "' stands for '" + content +
                       "'; the id of a token and its text are expected");
    names[id] = std::move(content);
  }
  return names;
}

/// Reads a tiktoken file as Llama 3's. Ids are tiktoken's. Tokens are named in the byte-level alphabet ("Ġcell"), the
/// special ones as `names` or else Llama 3.1 calls them; `add_special` puts the first of them, the begin of text,
/// before a text. `where` names the file in errors. InputError: a damaged line, a rank or a token that occurs twice,
/// a missing byte.
inline Tokenizer read_tiktoken(std::string_view text, const std::string& where, const SpecialNames& names = {}) {
  using namespace tiktoken_detail;
  const auto lines = read_lines(text, where);
  const ByteLevelAlphabet alphabet;
  BpeParts parts{where, Vocabulary(static_cast<std::int64_t>(8 * (lines.size() + special_tokens)))};
  for (const Line& line : lines) {
    std::string token;
    for (const char byte : line.bytes) token += alphabet.character(static_cast<unsigned char>(byte));
    parts.vocabulary.add(std::move(token), line.rank, where);
    parts.whole_words.add(line.bytes, static_cast<std::uint32_t>(line.rank));
  }
  parts.symbols = tokenizer_file::byte_symbols(nlohmann::json::object(), parts.vocabulary, where);
  parts.merges = BytePairMerges(merges_of(lines, parts.whole_words));
  parts.words = PreTokenizer::byte_level(llama3_pattern, where);
  SpecialNames special = names;
  const std::int64_t ranks = parts.vocabulary.size();
  for (std::size_t i = 0; i < special_tokens; ++i)
    special.try_emplace(ranks + static_cast<std::int64_t>(i), special_name(i));
  std::vector<AddedToken> added;
  for (const auto& [id, name] : special) {
    parts.vocabulary.add(name, id, where);
    added.push_back({.id = id, .content = name, .special = true});
  }
  parts.added = AddedTokens(std::move(added));
  parts.before = {ranks};
  return Tokenizer(std::make_shared<const BpeTokenizer>(std::move(parts)));
}

}  // namespace cell2text
