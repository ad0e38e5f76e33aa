// The byte-level alphabet of GPT-2: each of the 256 bytes is written as one printable character, so that a
// vocabulary of bytes can be kept as text. Holds the table only.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "cell2text/text/utf8.hpp"

namespace cell2text {

/// Bytes to characters and back. Printable Latin-1 stands for itself, the other bytes for U+0100, U+0101, ...
/// in their order (Radford et al. 2019, bytes_to_unicode).
class ByteLevelAlphabet {
 public:
  ByteLevelAlphabet() {
    bytes_.fill(-1);
    char32_t next = 0x100;
    for (int byte = 0; byte < 256; ++byte) {
      const bool itself = (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
      const char32_t code = itself ? static_cast<char32_t>(byte) : next++;
      append_utf8(characters_[static_cast<std::size_t>(byte)], code);
      bytes_[code] = byte;
    }
  }

  /// The character of a byte, in UTF-8.
  const std::string& character(unsigned char byte) const { return characters_[byte]; }

  /// The bytes that a token's characters stand for; nothing where one of them stands for no byte.
  /// `token` is valid UTF-8.
  std::optional<std::string> bytes_of(std::string_view token) const {
    std::string result;
    for (std::size_t at = 0; at < token.size();) {
      const auto [code, length] = decode_utf8(token, at);
      if (code >= bytes_.size() || bytes_[code] < 0) return std::nullopt;
      result += static_cast<char>(bytes_[code]);
      at += length;
    }
    return result;
  }

 private:
  std::array<std::string, 256> characters_;
  std::array<int, 0x144> bytes_{};  // by code point; the last of the alphabet is U+0143
};

}  // namespace cell2text
