// A split pattern, and behind a byte of zero a text that it cuts: the pieces joined are the text.
#pragma once

#include "cell2text/text/split_pattern.hpp"
#include "cell2text/text/utf8.hpp"
#include "support.hpp"

namespace cell2text::fuzz {

inline bool split_pattern(std::string_view input) {
  const Parts parts(input);
  const std::string pattern = replace_invalid_utf8(parts.first);  // a JSON file's texts are UTF-8
  const std::string text = replace_invalid_utf8(parts.second);
  return accepted([&] {
    const SplitPattern split(pattern, "x.json");
    std::string joined;
    split.split(text, MatchMemory(), [&](std::string_view piece) {
      require(!piece.empty(), "no piece is empty");
      require(valid_utf8_prefix(piece) == piece.size(), "no character is cut");
      joined += piece;
    });
    require(joined == text, "the pieces joined are the text");
  });
}

}  // namespace cell2text::fuzz
