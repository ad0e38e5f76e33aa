// Text from tokens as they are generated, for a terminal: only what no later token can change is given out.
// Knows no tokenizer: it works through encode and decode alone.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cell2text {

/// Turns token ids, one at a time, into pieces of text that together are the text of all of them. A piece never ends
/// inside a character, and what was given out never changes:
///   TextStream stream(encode, decode);
///   for (id : generated) std::cout << stream.put(id) << std::flush;
///   std::cout << stream.finish();
/// One sequence per object; for one thread.
class TextStream {
 public:
  using Encode = std::function<std::vector<std::int64_t>(std::string_view)>;
  using Decode = std::function<std::string(std::span<const std::int64_t>)>;

  /// `encode` is asked once, for a token that ends in half a character: what it changes of a text behind which it is
  /// put is not settled. (A tokenizer with byte fallback rereads a whole run of byte tokens when one more comes.)
  TextStream(const Encode& encode, Decode decode) : decode_(std::move(decode)) {
    const auto ids = encode("\U0010FFFF");
    if (!ids.empty()) probe_ = ids.back();
  }
  /// Over anything that has encode(text) and decode(ids); it outlives the stream.
  template <class Tokenizer>
  explicit TextStream(const Tokenizer& tokenizer)
      : TextStream([&](std::string_view text) { return tokenizer.encode(text); },
                   [&](std::span<const std::int64_t> ids) { return tokenizer.decode(ids); }) {}

  /// The text that is settled since the last call; often empty.
  std::string put(std::int64_t id) {
    ids_.push_back(id);
    std::string text = decode_(ids_);
    if (text.size() <= given_ || !is_settled(text)) return {};
    std::string piece = text.substr(given_);
    move_on(text.size());
    return piece;
  }

  /// What is left, at the end of the text: half a character becomes U+FFFD here.
  std::string finish() {
    std::string text = decode_(ids_);
    text.erase(0, std::min(given_, text.size()));
    ids_.clear();
    settled_ = given_ = 0;
    return text;
  }

 private:
  bool is_settled(const std::string& text) {
    if (text.ends_with("\uFFFD")) return false;  // perhaps half a character
    if (!probe_) return true;
    ids_.push_back(*probe_);
    const std::string longer = decode_(ids_);
    ids_.pop_back();
    return longer.starts_with(text);
  }

  /// The next call decodes the tokens that were settled last, and what follows them. Some text has to stand before
  /// what is new, and not blanks alone: a decoder may drop those at the start of a text.
  void move_on(std::size_t size) {
    given_ = size;
    if (settled_ > 0) {
      const std::vector<std::int64_t> last(ids_.begin() + static_cast<std::ptrdiff_t>(settled_), ids_.end());
      const std::string text = decode_(last);
      if (text.find_first_not_of(' ') != std::string::npos) {
        ids_ = last;
        given_ = text.size();
      }
    }
    settled_ = ids_.size();
  }

  Decode decode_;
  std::optional<std::int64_t> probe_;
  std::vector<std::int64_t> ids_;  // the window: settled tokens that give context, and those behind them
  std::size_t settled_ = 0;        // how many of them are settled
  std::size_t given_ = 0;          // bytes of the window's text that were given out
};

}  // namespace cell2text
