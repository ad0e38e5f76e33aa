// A SentencePiece model: a whole file through our reader and the library, then texts and ids.
#pragma once

#include "cell2text/text/sentence_piece.hpp"
#include "support.hpp"

namespace cell2text::fuzz {

inline bool sentence_piece(std::string_view input) {
  return accepted([&] {
    const auto tokenizer = read_sentence_piece(input, "tokenizer.model");
    for (const std::string_view text :
         {" a cell, cells <s>\xC3\xA9\xF0\x9F\x98\x80<start_of_turn>\n\n  x", "", "\xE2\x96\x81"})
      for (const SpecialText special : {SpecialText::token, SpecialText::plain}) {
        const auto ids = tokenizer.encode(text, special == SpecialText::token, special);
        for (const std::int64_t id : ids)
          require(id >= 0 && id < tokenizer.vocabulary_size(), "an id is that of a piece");
        for (const bool skip : {true, false}) {
          const std::string decoded = tokenizer.decode(ids, skip);
          require(valid_utf8_prefix(decoded) == decoded.size(), "a decoded text is UTF-8");
        }
      }
  });
}

}  // namespace cell2text::fuzz
