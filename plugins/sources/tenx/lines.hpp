// Text that comes in pieces, cut into lines. Knows nothing of files.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "cell2text/error.hpp"

namespace cell2text::tenx {

/// Lines that end in LF or CRLF; the last may end with the text. Keeps at most one line.
class Lines {
 public:
  /// `source` names the file in messages.
  explicit Lines(std::string source) : source_(std::move(source)) {}

  /// Calls `use(line)` for each line that is complete with this piece.
  template <class Use>
  void feed(std::string_view piece, const Use& use) {
    while (true) {
      const auto end = piece.find('\n');
      if (end == std::string_view::npos) break;
      give(piece.substr(0, end), use);
      piece.remove_prefix(end + 1);
    }
    rest_ += piece;
    if (rest_.size() > longest) refuse_long();
  }
  /// The last line, where it does not end in a line break.
  template <class Use>
  void finish(const Use& use) {
    if (!rest_.empty()) give({}, use);
  }

  const std::string& source() const { return source_; }
  /// Number of the line at hand, from 1.
  std::int64_t number() const { return number_; }
  /// InputError "source:line: what".
  [[noreturn]] void refuse(const std::string& what) const {
    throw InputError(source_ + ":" + std::to_string(number_) + ": " + what);
  }

 private:
  static constexpr std::size_t longest = std::size_t{1} << 20;

  template <class Use>
  void give(std::string_view line, const Use& use) {
    ++number_;
    if (!rest_.empty()) line = rest_ += line;
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    use(line);
    rest_.clear();
  }
  [[noreturn]] void refuse_long() const {
    throw InputError(source_ + ":" + std::to_string(number_ + 1) +
                     ": is longer than a MiB; no line of such a file is. Is it text?");
  }

  std::string source_, rest_;
  std::int64_t number_ = 0;
};

/// A text in a message: cut where it is long, and quoted.
inline std::string shown(std::string_view text) {
  constexpr std::size_t most = 60;
  std::string all = "'";
  for (const char c : text.substr(0, most)) all += c >= ' ' && c <= '~' ? c : '?';
  return all + (text.size() > most ? "...'" : "'");
}

}  // namespace cell2text::tenx
