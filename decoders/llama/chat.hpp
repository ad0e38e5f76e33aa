// The prompt around the soft tokens: the chat templates of Llama 3 and Llama 2.
#pragma once

#include <optional>
#include <string>

#include "cell2text/model_types.hpp"
#include "cell2text/text/chat_writer.hpp"

namespace cell2text::llama {

/// What the template of Llama-3.2-Instruct renders for a system and a user message with the generation prompt; the
/// soft tokens end the user message. The date is the template's own fixed one, so that prompts never change.
inline ChatPieces llama3_chat(const PlainTextTokenizer& tokenizer, const ChatText& text) {
  constexpr const char* dates = "Cutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\n";
  ChatPieces pieces;
  pieces.before = ChatWriter(tokenizer, "llama3")
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
  pieces.after = ChatWriter(tokenizer, "llama3")
                     .special("<|eot_id|>")
                     .special("<|start_header_id|>")
                     .text("assistant")
                     .special("<|end_header_id|>")
                     .text("\n\n")
                     .ids();
  return pieces;
}

/// What the template of Llama-2-chat renders: no tokens for roles, the system text stands inside the user's.
inline ChatPieces llama2_chat(const PlainTextTokenizer& tokenizer, const ChatText& text) {
  const std::string system = text.system.empty() ? "" : "<<SYS>>\n" + text.system + "\n<</SYS>>\n\n";
  ChatPieces pieces;
  pieces.before = ChatWriter(tokenizer, "llama2")
                      .special("<s>")
                      .text("[INST] " + system + std::string(trimmed(text.user, false)))
                      .ids();
  pieces.after = ChatWriter(tokenizer, "llama2").text_inside(" [/INST]").ids();
  return pieces;
}

inline ChatPieces chat(const std::string& name, const PlainTextTokenizer& tokenizer, const ChatText& text,
                       std::optional<std::int64_t> begin_token) {
  if (name == "llama3") return llama3_chat(tokenizer, text);
  if (name == "llama2") return llama2_chat(tokenizer, text);
  auto [before, after] = plain_chat(tokenizer, text.system, text.user, begin_token);
  return {std::move(before), std::move(after)};
}

}  // namespace cell2text::llama
