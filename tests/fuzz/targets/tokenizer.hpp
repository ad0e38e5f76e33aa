// A whole tokenizer.json, and behind a byte of zero a text that goes to ids and back.
#pragma once

#include "cell2text/text/tokenizer.hpp"
#include "support.hpp"

namespace cell2text::fuzz {

namespace tokenizer_target {

/// `exact`: the file changes nothing of a text on its way to ids.
inline void use(const Tokenizer& tokenizer, std::string_view text, bool exact) {
  for (const SpecialText special : {SpecialText::token, SpecialText::plain}) {
    const auto ids = tokenizer.encode(text, special == SpecialText::token, special);
    for (const std::int64_t id : ids)
      require(id >= 0 && id < tokenizer.vocabulary_size() && tokenizer.id_of(tokenizer.token(id)) == id,
              "an id is that of a token");
    const std::string decoded = tokenizer.decode(ids, false);
    require(valid_utf8_prefix(decoded) == decoded.size(), "a decoded text is UTF-8");
    if (exact && special == SpecialText::plain)
      require(decoded == replace_invalid_utf8(text), "a text is encoded and decoded back");
  }
}

}  // namespace tokenizer_target

inline bool tokenizer(std::string_view input) {
  const Parts parts(input);
  return accepted([&] {
    const auto json = parse_json(parts.first, "tokenizer.json");
    tokenizer_target::use(Tokenizer::from(json, "tokenizer.json"), parts.second, false);
  });
}

}  // namespace cell2text::fuzz
