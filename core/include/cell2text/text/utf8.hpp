// UTF-8 from and to code points, and what stands in for invalid bytes (`is_utf8` is in words.hpp).
// Of characters' properties it knows white space alone.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace cell2text {
namespace utf8_detail {

struct Step {
  std::size_t bytes = 1;  ///< how far to go on
  bool valid = true;
};

/// The character at `at`, or the longest start of one that is cut off there (Unicode 15, section 3.9, table 3-7).
inline Step step(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) -> unsigned {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
  };
  const unsigned lead = byte(at);
  if (lead < 0x80) return {1, true};
  if (lead < 0xC2 || lead > 0xF4) return {1, false};
  const std::size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  // The second byte's range keeps out overlong forms, surrogates and values above U+10FFFF.
  const unsigned low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const unsigned high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  if (byte(at + 1) < low || byte(at + 1) > high) return {1, false};
  for (std::size_t i = 2; i < length; ++i)
    if ((byte(at + i) & 0xC0) != 0x80) return {i, false};
  return {length, true};
}

}  // namespace utf8_detail

/// Bytes at the start of `text` that are valid UTF-8; text.size() when all are.
inline std::size_t valid_utf8_prefix(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const auto step = utf8_detail::step(text, at);
    if (!step.valid) break;
    at += step.bytes;
  }
  return at;
}

/// `text` with U+FFFD in place of each longest invalid run of bytes that could have begun a character
/// (what the Unicode standard recommends, and what Rust's and Python's decoders do).
inline std::string replace_invalid_utf8(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const auto step = utf8_detail::step(text, at);
    result += step.valid ? text.substr(at, step.bytes) : std::string_view("\xEF\xBF\xBD");
    at += step.bytes;
  }
  return result;
}

/// White space as Unicode defines it (property White_Space).
inline bool is_white_space(char32_t code) {
  return (code >= 0x09 && code <= 0x0D) || code == 0x20 || code == 0x85 || code == 0xA0 || code == 0x1680 ||
         (code >= 0x2000 && code <= 0x200A) || code == 0x2028 || code == 0x2029 || code == 0x202F || code == 0x205F ||
         code == 0x3000;
}

/// The code point that begins at `at`, and its length in bytes. `text` is valid UTF-8.
inline std::pair<char32_t, std::size_t> decode_utf8(std::string_view text, std::size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  if (lead < 0x80) return {lead, 1};
  const std::size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  char32_t code = lead & (0xFFu >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) code = code << 6 | (static_cast<unsigned char>(text[at + i]) & 0x3Fu);
  return {code, length};
}

/// Appends the code point (below 0x110000, no surrogate) to `text`.
inline void append_utf8(std::string& text, char32_t code) {
  const auto tail = [&](int shift) { text += static_cast<char>(0x80 | ((code >> shift) & 0x3F)); };
  if (code < 0x80) {
    text += static_cast<char>(code);
  } else if (code < 0x800) {
    text += static_cast<char>(0xC0 | (code >> 6));
    tail(0);
  } else if (code < 0x10000) {
    text += static_cast<char>(0xE0 | (code >> 12));
    tail(6);
    tail(0);
  } else {
    text += static_cast<char>(0xF0 | (code >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
}

}  // namespace cell2text
