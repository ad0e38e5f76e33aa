// What the decoders' chat templates are written with: texts and special tokens in a row, as token ids. The templates
// themselves are the decoders'.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cell2text/error.hpp"
#include "cell2text/text/encode_inside.hpp"
#include "cell2text/text/tokenizer.hpp"

namespace cell2text {

/// The tokenizer as texts from outside go through it: a special token's name in a text is text.
struct PlainTextTokenizer {
  Tokenizer tokenizer;

  std::vector<std::int64_t> encode(std::string_view text) const {
    return tokenizer.encode(text, false, SpecialText::plain);
  }
  /// For prompts that the user of the program writes: names of special tokens are these tokens.
  std::vector<std::int64_t> encode_prompt(std::string_view text, bool framed) const {
    return tokenizer.encode(text, framed, SpecialText::token);
  }
  std::string decode(std::span<const std::int64_t> ids) const { return tokenizer.decode(ids); }
};

/// Joins token ids from texts and special tokens.
class ChatWriter {
 public:
  /// `chat_template` is the template's name, for errors.
  ChatWriter(const PlainTextTokenizer& tokenizer, std::string chat_template)
      : tokenizer_(&tokenizer), template_(std::move(chat_template)) {}

  /// InputError where the tokenizer has no such token.
  ChatWriter& special(std::string_view name) {
    const auto id = tokenizer_->tokenizer.id_of(name);
    if (!id)
      throw InputError("the tokenizer has no token " + std::string(name) + ", which the " + template_ +
                       " template needs; set decoder.template = \"plain\", or use the tokenizer of a model that was "
                       "made for this template");
    ids_.push_back(*id);
    return *this;
  }
  ChatWriter& text(std::string_view text) { return add(tokenizer_->encode(text)); }
  /// As it is cut within a text: a tokenizer that puts a space before a text does not put one here.
  ChatWriter& text_inside(std::string_view text) {
    return add(encode_inside([&](const std::string& part) { return tokenizer_->encode(part); }, text));
  }
  ChatWriter& id(std::optional<std::int64_t> id) {
    if (id) ids_.push_back(*id);
    return *this;
  }
  std::vector<std::int64_t> ids() { return std::move(ids_); }

 private:
  ChatWriter& add(const std::vector<std::int64_t>& more) {
    ids_.insert(ids_.end(), more.begin(), more.end());
    return *this;
  }

  const PlainTextTokenizer* tokenizer_;
  std::string template_;
  std::vector<std::int64_t> ids_;
};

/// Without white space at the start and, where `end_too`, at the end: as templates trim messages.
inline std::string_view trimmed(std::string_view text, bool end_too = true) {
  constexpr std::string_view blank = " \t\n\r\v\f";
  const auto first = text.find_first_not_of(blank);
  if (first == std::string_view::npos) return {};
  text.remove_prefix(first);
  return end_too ? text.substr(0, text.find_last_not_of(blank) + 1) : text;
}

/// The two texts alone, for small models: begin token, system text, user text; a line's end behind the soft tokens.
inline std::pair<std::vector<std::int64_t>, std::vector<std::int64_t>> plain_chat(
    const PlainTextTokenizer& tokenizer, const std::string& system, const std::string& user,
    std::optional<std::int64_t> begin_token) {
  const std::string between = system.empty() || user.empty() ? "" : "\n";
  return {ChatWriter(tokenizer, "plain").id(begin_token).text(system + between + user).ids(),
          ChatWriter(tokenizer, "plain").text("\n").ids()};
}

}  // namespace cell2text
