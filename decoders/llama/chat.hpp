// The prompt around the soft tokens: the chat template of Llama 3, or the bare texts.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cell2text/model_types.hpp"
#include "cell2text/text/tokenizer.hpp"

namespace cell2text::llama {

/// The tokenizer as texts from outside go through it: a special token's name in a text is text.
struct TextTokenizer {
  Tokenizer tokenizer;

  std::vector<std::int64_t> encode(std::string_view text) const {
    return tokenizer.encode(text, false, SpecialText::plain);
  }
  std::string decode(std::span<const std::int64_t> ids) const { return tokenizer.decode(ids); }
};

/// Joins token ids from texts and special tokens.
class TokenWriter {
 public:
  explicit TokenWriter(const TextTokenizer& tokenizer) : tokenizer_(&tokenizer) {}

  TokenWriter& special(std::string_view name) {
    const auto id = tokenizer_->tokenizer.id_of(name);
    if (!id)
      throw InputError("the tokenizer has no token " + std::string(name) +
                       ", which the llama3 template needs; set "
                       "decoder.template = \"plain\", or use the tokenizer of a Llama 3 Instruct model");
    ids_.push_back(*id);
    return *this;
  }
  TokenWriter& text(std::string_view text) {
    const auto more = tokenizer_->encode(text);
    ids_.insert(ids_.end(), more.begin(), more.end());
    return *this;
  }
  TokenWriter& id(std::optional<std::int64_t> id) {
    if (id) ids_.push_back(*id);
    return *this;
  }
  std::vector<std::int64_t> ids() { return std::move(ids_); }

 private:
  const TextTokenizer* tokenizer_;
  std::vector<std::int64_t> ids_;
};

inline std::string_view trimmed(std::string_view text, bool end_too = true) {
  constexpr std::string_view blank = " \t\n\r\v\f";
  const auto first = text.find_first_not_of(blank);
  if (first == std::string_view::npos) return {};
  text.remove_prefix(first);
  return end_too ? text.substr(0, text.find_last_not_of(blank) + 1) : text;
}

/// What the template of Llama-3.2-Instruct renders for a system and a user message with the generation prompt; the
/// soft tokens end the user message. The date is the template's own fixed one, so that prompts never change.
inline ChatPieces llama3_chat(const TextTokenizer& tokenizer, const ChatText& text) {
  constexpr const char* dates = "Cutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\n";
  ChatPieces pieces;
  pieces.before = TokenWriter(tokenizer)
                      .special("<|begin_of_text|>")
                      .special("<|start_header_id|>")
                      .text("system")
                      .special("<|end_header_id|>")
                      .text("\n\n" + (dates + std::string(trimmed(text.system))))
                      .special("<|eot_id|>")
                      .special("<|start_header_id|>")
                      .text("user")
                      .special("<|end_header_id|>")
                      // Tokens follow, so only the start of the message is trimmed.
                      .text("\n\n" + std::string(trimmed(text.user, false)))
                      .ids();
  pieces.after = TokenWriter(tokenizer)
                     .special("<|eot_id|>")
                     .special("<|start_header_id|>")
                     .text("assistant")
                     .special("<|end_header_id|>")
                     .text("\n\n")
                     .ids();
  return pieces;
}

/// System text, user text, soft tokens, a line's end.
inline ChatPieces plain_chat(const TextTokenizer& tokenizer, const ChatText& text,
                             std::optional<std::int64_t> begin_token) {
  const std::string between = text.system.empty() || text.user.empty() ? "" : "\n";
  ChatPieces pieces;
  pieces.before = TokenWriter(tokenizer).id(begin_token).text(text.system + between + text.user).ids();
  pieces.after = TokenWriter(tokenizer).text("\n").ids();
  return pieces;
}

}  // namespace cell2text::llama
