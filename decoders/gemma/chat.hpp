// The prompt around the soft tokens: the chat template of Gemma 2 and 3.
#pragma once

#include <optional>
#include <string>

#include "cell2text/model_types.hpp"
#include "cell2text/text/chat_writer.hpp"

namespace cell2text::gemma {

/// What the template of gemma-3-it renders for a system and a user message with the generation prompt. There is no
/// role for the system: its text opens the user's turn. The soft tokens end the user message.
inline ChatPieces gemma_chat(const PlainTextTokenizer& tokenizer, const ChatText& text) {
  const std::string system = text.system.empty() ? "" : text.system + "\n\n";
  ChatPieces pieces;
  pieces.before = ChatWriter(tokenizer, "gemma")
                      .special("<bos>")
                      .special("<start_of_turn>")
                      // Tokens follow, so only the start of the message is trimmed.
                      .text("user\n" + system + std::string(trimmed(text.user, false)))
                      .ids();
  pieces.after = ChatWriter(tokenizer, "gemma")
                     .special("<end_of_turn>")
                     .text("\n")
                     .special("<start_of_turn>")
                     .text("model\n")
                     .ids();
  return pieces;
}

inline ChatPieces chat(const std::string& name, const PlainTextTokenizer& tokenizer, const ChatText& text,
                       std::optional<std::int64_t> begin_token) {
  if (name == "gemma") return gemma_chat(tokenizer, text);
  auto [before, after] = plain_chat(tokenizer, text.system, text.user, begin_token);
  return {std::move(before), std::move(after)};
}

}  // namespace cell2text::gemma
