// What every kind of tokenizer offers to `Tokenizer` (tokenizer.hpp), which is what the rest of the program uses.
// Reads no file.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cell2text {

/// What a special token's text, such as "<|eot_id|>", becomes where it occurs in a text to encode.
enum class SpecialText {
  token,  ///< the special token itself: for prompts that the program builds
  plain,  ///< plain text like any other: for text from outside, which must not end a turn
};

/// A tokenizer behind its files. All functions may run in several threads at once; their meaning is told at Tokenizer.
class TokenizerEngine {
 public:
  virtual ~TokenizerEngine() = default;
  TokenizerEngine() = default;
  TokenizerEngine(const TokenizerEngine&) = delete;
  TokenizerEngine& operator=(const TokenizerEngine&) = delete;

  /// `text` is valid UTF-8 of at most 512 MiB.
  virtual std::vector<std::int64_t> encode(std::string_view text, bool add_special, SpecialText special) const = 0;
  virtual std::string decode(std::span<const std::int64_t> ids, bool skip_special) const = 0;
  virtual std::int64_t vocabulary_size() const = 0;
  virtual std::optional<std::int64_t> id_of(std::string_view token) const = 0;
  virtual const std::string* find(std::int64_t id) const = 0;
  virtual bool is_special(std::int64_t id) const = 0;
  virtual const std::string& where() const = 0;
};

}  // namespace cell2text
