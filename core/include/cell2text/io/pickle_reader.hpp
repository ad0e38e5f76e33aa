// The bytes of a pickle: bounds-checked reading, and how numbers and texts are spelled in it.
// What the opcodes mean is in io/pickle_machine.hpp.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include "cell2text/error.hpp"
#include "cell2text/text/utf8.hpp"

namespace cell2text::pickle_detail {

inline constexpr std::size_t max_file_bytes = std::size_t{64} << 20;

class Reader {
 protected:
  Reader(std::string_view bytes, const std::string& where) : bytes_(bytes), where_(where) {
    if (bytes.size() > max_file_bytes)
      refuse("it has " + std::to_string(bytes.size()) + " bytes, expected at most " + std::to_string(max_file_bytes));
  }

  [[noreturn]] void refuse(const std::string& what) const {
    throw InputError(where_ + " cannot be read as a pickle of plain values: " + what + " (at byte " +
                     std::to_string(opcode_at_) + ")");
  }

  bool starts_with(std::string_view start) const { return bytes_.starts_with(start); }
  std::size_t size() const { return bytes_.size(); }
  std::size_t left() const { return bytes_.size() - at_; }

  unsigned char take_opcode() {
    opcode_at_ = at_;
    return take_number<unsigned char>();
  }
  std::string_view take(std::uint64_t count) {
    if (count > left())
      refuse("it is truncated: " + std::to_string(count) + " bytes expected, " + std::to_string(left()) + " left");
    return bytes_.substr(std::exchange(at_, at_ + count), count);
  }
  template <class T>
  T take_number() {
    T value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);  // little-endian, as this machine
    return value;
  }
  std::string_view take_line() {
    const std::size_t newline = bytes_.find('\n', at_);
    if (newline == std::string_view::npos) refuse("it is truncated: a line without an end");
    return bytes_.substr(std::exchange(at_, newline + 1), newline - at_);
  }

  /// A number in decimal digits.
  template <class T>
  T decimal(std::string_view digits) const {
    T value = {};
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc() || end != digits.data() + digits.size())
      refuse("'" + std::string(digits.substr(0, 40)) + "' is not a number that fits into 64 bits");
    return value;
  }

  /// A whole number in two's complement, lowest byte first, of any length.
  std::int64_t long_number(std::string_view bytes) const {
    if (bytes.size() > 8) refuse("a whole number of " + std::to_string(bytes.size()) + " bytes, expected at most 8");
    std::uint64_t value = !bytes.empty() && (bytes.back() & 0x80) ? ~std::uint64_t{0} : 0;
    for (std::size_t i = bytes.size(); i > 0; --i) value = value << 8 | static_cast<unsigned char>(bytes[i - 1]);
    return static_cast<std::int64_t>(value);
  }

  /// Python's raw-unicode-escape: Latin-1, with \uXXXX and \UXXXXXXXX.
  std::string unescaped_unicode(std::string_view rest) const {
    std::string text;
    while (!rest.empty()) {
      const bool escape = rest.starts_with("\\u") || rest.starts_with("\\U");
      const std::size_t digits = escape && rest[1] == 'U' ? 8 : 4;
      const auto byte = static_cast<unsigned char>(rest[0]);
      rest.remove_prefix(escape ? 2 : 1);
      append_utf8(text, escape ? take_hex(rest, digits) : byte);
    }
    return text;
  }

  /// A quoted byte string as Python's repr writes it.
  std::string unquoted(std::string_view rest) const {
    if (rest.size() < 2 || rest.front() != rest.back() || (rest.front() != '\'' && rest.front() != '"'))
      refuse("a byte string without quotes");
    rest = rest.substr(1, rest.size() - 2);
    std::string text;
    while (!rest.empty()) {
      const char c = rest[0];
      rest.remove_prefix(1);
      if (c != '\\') {
        text += c;
        continue;
      }
      static constexpr std::string_view escapes = "\\'\"nrt", meanings = "\\'\"\n\r\t";
      const std::size_t known = rest.empty() ? std::string_view::npos : escapes.find(rest[0]);
      const bool hex = rest.starts_with('x');
      if (!hex && known == std::string_view::npos) refuse("a damaged escape in a byte string");
      rest.remove_prefix(1);
      text += hex ? static_cast<char>(take_hex(rest, 2)) : meanings[known];
    }
    return text;
  }

  /// The bytes that a text of characters below 256 stands for.
  std::string latin1(std::string_view text) const {
    std::string bytes;
    for (std::size_t i = 0; i < text.size(); ++i) {
      const auto byte = static_cast<unsigned char>(text[i]);
      if (byte > 0xC3) refuse("bytes that are not written as Latin-1");
      bytes += byte < 0x80 ? text[i] : static_cast<char>(byte << 6 | (static_cast<unsigned char>(text[++i]) & 0x3F));
    }
    return bytes;
  }

 private:
  /// `digits` hexadecimal digits at the front of `rest`, which is shortened.
  std::uint32_t take_hex(std::string_view& rest, std::size_t digits) const {
    std::uint32_t code = 0;
    const char* end = rest.data() + std::min(digits, rest.size());
    if (rest.size() < digits || std::from_chars(rest.data(), end, code, 16).ptr != end || code > 0x10FFFF)
      refuse("a damaged escape in a text");
    rest.remove_prefix(digits);
    return code;
  }

  std::string_view bytes_;
  std::string where_;
  std::size_t at_ = 0, opcode_at_ = 0;
};

}  // namespace cell2text::pickle_detail
