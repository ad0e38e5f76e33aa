// Whether a text begins or ends with a character that words are made of, by PCRE2's tables of Unicode.
#pragma once

#include <cstddef>
#include <string_view>

#include "cell2text/text/split_pattern.hpp"
#include "cell2text/text/utf8.hpp"
#include "cell2text/text/words.hpp"

namespace cell2text {

/// Where the last character of `text` (valid UTF-8, not empty) begins.
inline std::size_t last_character(std::string_view text) {
  std::size_t at = text.size() - 1;
  while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) --at;
  return at;
}

/// Letters, marks, digits, connectors and joiners: \w of Unicode's technical standard 18. Its class Alphabetic is
/// spelled out, which PCRE2 knows by name only since 10.40. Const, and usable from several threads.
class WordCharacters {
 public:
  bool at_start(std::string_view text) const {
    if (text.empty()) return false;
    const auto [code, bytes] = decode_utf8(text, 0);
    if (code < 0x80) return is_digit(text[0]) || (lower(text[0]) >= 'a' && lower(text[0]) <= 'z') || text[0] == '_';
    const auto between = [code = code](char32_t low, char32_t high) { return code >= low && code <= high; };
    if (between(0x24B6, 0x24E9) || between(0x1F130, 0x1F149) || between(0x1F150, 0x1F169) ||
        between(0x1F170, 0x1F189) || between(0x200C, 0x200D))
      return true;  // circled and squared letters, joiners
    bool found = false;
    pattern_.find_all(text.substr(0, bytes), MatchMemory(), [&](std::size_t, std::size_t) { found = true; });
    return found;
  }
  bool at_end(std::string_view text) const { return !text.empty() && at_start(text.substr(last_character(text))); }

 private:
  SplitPattern pattern_{"[\\p{L}\\p{Nl}\\p{M}\\p{Nd}\\p{Pc}]", "word characters"};
};

}  // namespace cell2text
