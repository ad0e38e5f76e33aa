// SentencePiece model files for tests, written field by field.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>

namespace cell2text::test {

inline std::string varint(std::uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(value | 0x80);
  return bytes + static_cast<char>(value);
}
inline std::string number_field(unsigned number, std::uint64_t value) {
  return varint(number << 3) + varint(value);
}
inline std::string bytes_field(unsigned number, const std::string& bytes) {
  return varint(number << 3 | 2) + varint(bytes.size()) + bytes;
}

/// Types: 1 normal, 2 unknown, 3 control, 4 user defined, 5 unused, 6 byte.
inline std::string piece(const std::string& text, float score = 0, int type = 1) {
  std::string raw(4, '\0');
  std::memcpy(raw.data(), &score, 4);
  return bytes_field(1, bytes_field(1, text) + varint(2 << 3 | 5) + raw + (type != 1 ? number_field(3, type) : ""));
}

/// Trainer (type 2 is BPE, ids of unknown, begin, end) and a normalizer that changes nothing.
inline std::string specifications(int type = 2, const std::string& table = "") {
  const std::string trainer = number_field(3, type) + number_field(40, 0) + number_field(41, 1) + number_field(42, 2);
  const std::string normalizer =
      bytes_field(1, "identity") + bytes_field(2, table) + number_field(3, 0) + number_field(4, 0) + number_field(5, 1);
  return bytes_field(2, trainer) + bytes_field(3, normalizer);
}

/// Three special pieces, a turn, letters and what they join to.
inline std::string pieces() {
  return piece("<unk>", 0, 2) + piece("<s>", 0, 3) + piece("</s>", 0, 3) + piece("<start_of_turn>", 0, 4) +
         piece("<td>", 0, 4) + piece("\u2581a", -1) + piece("ab", -2) + piece("a", -3) + piece("b", -4) +
         piece("\u2581", -5) + piece("<", -6) + piece(">", -7) + piece("s", -8) + piece("d", -9) + piece("t", -10);
}

}  // namespace cell2text::test
