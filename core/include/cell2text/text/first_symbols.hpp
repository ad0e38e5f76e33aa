// The symbols that a word is made of before byte-pair encoding joins them: its bytes, or its characters with bytes or
// an unknown token in place of those that a vocabulary lacks. Reads no file.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "cell2text/text/utf8.hpp"

namespace cell2text {

/// Const, and usable from several threads.
class FirstSymbols {
 public:
  using Bytes = std::array<std::optional<std::uint32_t>, 256>;
  struct Unknown {
    std::uint32_t id = 0;
    bool fused = false;  ///< neighbours become one
  };

  FirstSymbols() = default;
  /// Each byte is a symbol.
  static FirstSymbols of_bytes(const std::array<std::uint32_t, 256>& ids) {
    FirstSymbols symbols;
    symbols.bytes_are_symbols_ = true;
    for (std::size_t i = 0; i < 256; ++i) symbols.bytes_[i] = ids[i];
    return symbols;
  }
  /// Each character is one; where it has no token, its bytes if all of them have (`fallback`), else `unknown`.
  static FirstSymbols of_characters(const Bytes& fallback, std::optional<Unknown> unknown) {
    FirstSymbols symbols;
    symbols.bytes_ = fallback;
    symbols.unknown_ = unknown;
    return symbols;
  }
  void add_character(char32_t code, std::uint32_t id) {
    if (code >= characters_.size()) characters_.resize(code + 1, none);
    characters_[code] = id;
  }

  /// Puts the symbols of `word` (valid UTF-8 where characters are symbols) into `ids`.
  void read(std::string_view word, std::vector<std::uint32_t>& ids) const {
    ids.clear();
    if (!bytes_are_symbols_) return read_characters(word, ids);
    for (const char byte : word) ids.push_back(*bytes_[static_cast<unsigned char>(byte)]);
  }

 private:
  static constexpr std::uint32_t none = 0xFFFFFFFF;

  /// An unknown token waits until a character with a token of its own, or another unknown one, follows; bytes go past
  /// it. So does the `tokenizers` library.
  void read_characters(std::string_view word, std::vector<std::uint32_t>& ids) const {
    bool waiting = false;
    for (std::size_t at = 0; at < word.size();) {
      const auto [code, length] = decode_utf8(word, at);
      const std::string_view character = word.substr(at, length);
      at += length;
      if (code < characters_.size() && characters_[code] != none) {
        if (waiting) ids.push_back(unknown_->id);
        waiting = false;
        ids.push_back(characters_[code]);
      } else if (!read_bytes(character, ids) && unknown_) {
        if (waiting && !unknown_->fused) ids.push_back(unknown_->id);
        waiting = true;
      }
    }
    if (waiting) ids.push_back(unknown_->id);
  }

  bool read_bytes(std::string_view character, std::vector<std::uint32_t>& ids) const {
    for (const char byte : character)
      if (!bytes_[static_cast<unsigned char>(byte)]) return false;
    for (const char byte : character) ids.push_back(*bytes_[static_cast<unsigned char>(byte)]);
    return true;
  }

  bool bytes_are_symbols_ = false;
  Bytes bytes_{};
  std::vector<std::uint32_t> characters_;  // by code point
  std::optional<Unknown> unknown_;
};

}  // namespace cell2text
