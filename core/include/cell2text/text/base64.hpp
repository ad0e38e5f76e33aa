// Base64 to bytes (RFC 4648, section 4), as tiktoken's files hold it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace cell2text {

/// The bytes, or nothing where `text` is no Base64 with its padding.
inline std::optional<std::string> decode_base64(std::string_view text) {
  const auto value_of = [](char c) -> int {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
  };
  if (text.size() % 4 != 0) return {};
  for (int i = 0; i < 2 && text.ends_with('='); ++i) text.remove_suffix(1);
  std::string bytes;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const int value = value_of(c);
    if (value < 0) return {};
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes += static_cast<char>(bits >> count);
    bits &= (1u << count) - 1;
  }
  if (count >= 6 || bits != 0) return {};  // a character too many, or bits that belong to no byte
  return bytes;
}

}  // namespace cell2text
