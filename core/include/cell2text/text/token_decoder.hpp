// How the texts of tokens become one text again, as the `decoder` of a tokenizer.json says: ByteLevel, or a chain of
// Replace, ByteFallback, Fuse and Strip. Which tokens are left out is not decided here.
#pragma once

#include <algorithm>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cell2text/error.hpp"
#include "cell2text/io/json.hpp"
#include "cell2text/io/json_member.hpp"
#include "cell2text/text/normalizer.hpp"
#include "cell2text/text/utf8.hpp"
#include "cell2text/text/words.hpp"

namespace cell2text {
namespace token_decoder_detail {

/// The byte of a token such as "<0x0A>"; a sign before a single digit counts, as for the `tokenizers` library.
inline std::optional<char> byte_of(std::string_view token) {
  if (token.size() != 6 || !token.starts_with("<0x") || token.back() != '>') return {};
  const auto digit = [](char c) -> int {
    return is_digit(c) ? c - '0' : lower(c) >= 'a' && lower(c) <= 'f' ? lower(c) - 'a' + 10 : -1;
  };
  const int high = token[3] == '+' ? 0 : digit(token[3]), low = digit(token[4]);
  if (high < 0 || low < 0) return {};
  return static_cast<char>(high * 16 + low);
}

/// A run of byte tokens as text: all of it valid UTF-8, or U+FFFD for each byte.
inline std::string text_of_bytes(const std::string& bytes) {
  if (is_utf8(bytes)) return bytes;
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); ++i) text += "\uFFFD";
  return text;
}

}  // namespace token_decoder_detail

/// The value of "decoder". Const, and usable from several threads.
class TokenDecoder {
 public:
  TokenDecoder() = default;  // byte level
  /// `where` names the value in errors. InputError: another component.
  TokenDecoder(const nlohmann::json& json, const std::string& where) {
    byte_level_ = required<std::string>(json, "type", where) == "ByteLevel";
    if (!byte_level_) add(json, where);
  }

  /// Whether tokens are written in the byte-level alphabet; their bytes are then joined, and `join` is not for them.
  bool byte_level() const { return byte_level_; }

  std::string join(std::vector<std::string> tokens) const {
    for (const Step& step : steps_) apply(step, tokens);
    std::string text;
    for (const std::string& token : tokens) text += token;
    return text;
  }

 private:
  enum class Kind { replace, byte_fallback, fuse, strip };
  struct Step {
    Kind kind;
    std::string find = {}, with = {};      // replace
    char32_t character = 0;                // strip
    std::size_t at_start = 0, at_end = 0;  // strip: at most so many
  };
  static constexpr std::size_t max_steps = 20;

  void add(const nlohmann::json& json, const std::string& where) {
    const auto type = required<std::string>(json, "type", where);
    if (type == "Sequence") {
      const nlohmann::json& parts = json_list(json, "decoders", where);
      for (std::size_t i = 0; i < parts.size(); ++i) add(parts[i], where + ".decoders[" + std::to_string(i) + "]");
      return;
    }
    if (type == "Replace") {
      steps_.push_back(
          {Kind::replace, literal_pattern(json, type, where), required<std::string>(json, "content", where)});
      if (steps_.back().with.size() > max_content)
        throw InputError(where + ": 'content' has " + std::to_string(steps_.back().with.size()) + " bytes; at most " +
                         std::to_string(max_content) + " are expected");
    } else if (type == "ByteFallback") {
      steps_.push_back({Kind::byte_fallback});
    } else if (type == "Fuse") {
      steps_.push_back({Kind::fuse});
    } else if (type == "Strip") {
      add_strip(json, where);
    } else {
      throw InputError(where + ": the component '" + type +
                       "' is not supported; ByteLevel, or Replace, ByteFallback, Fuse, Strip and Sequences of these " +
                       "are expected");
    }
    if (steps_.size() > max_steps)
      throw InputError(where + ": more than " + std::to_string(max_steps) + " steps; a few are expected");
  }

  void add_strip(const nlohmann::json& json, const std::string& where) {
    Step step{Kind::strip};
    const auto content = required<std::string>(json, "content", where);
    if (content.empty() || decode_utf8(content, 0).second != content.size())
      throw InputError(where + ": 'content' is '" + content + "'; one character is expected");
    step.character = decode_utf8(content, 0).first;
    step.at_start = required<std::uint32_t>(json, "start", where);
    step.at_end = required<std::uint32_t>(json, "stop", where);
    steps_.push_back(std::move(step));
  }

  static void apply(const Step& step, std::vector<std::string>& tokens) {
    switch (step.kind) {
      case Kind::replace:
        for (std::string& token : tokens) token = replace_all(token, step.find, step.with);
        break;
      case Kind::byte_fallback:
        join_bytes(tokens);
        break;
      case Kind::fuse: {
        std::string all;
        for (const std::string& token : tokens) all += token;
        tokens = {std::move(all)};
        break;
      }
      case Kind::strip:
        for (std::string& token : tokens) strip(step, token);
    }
  }

  static void join_bytes(std::vector<std::string>& tokens) {
    std::vector<std::string> joined;
    std::string bytes;
    const auto end_run = [&] {
      if (!bytes.empty()) joined.push_back(token_decoder_detail::text_of_bytes(bytes));
      bytes.clear();
    };
    for (std::string& token : tokens) {
      if (const auto byte = token_decoder_detail::byte_of(token)) {
        bytes += *byte;
      } else {
        end_run();
        joined.push_back(std::move(token));
      }
    }
    end_run();
    tokens = std::move(joined);
  }

  static void strip(const Step& step, std::string& token) {
    std::string character;
    append_utf8(character, step.character);
    std::string_view rest = token;
    for (std::size_t i = 0; i < step.at_start && take_prefix(rest, character); ++i) {
    }
    for (std::size_t i = 0; i < step.at_end && take_suffix(rest, character); ++i) {
    }
    token = std::string(rest);
  }

  static constexpr std::size_t max_content = 100;
  bool byte_level_ = true;
  std::vector<Step> steps_;
};

}  // namespace cell2text
