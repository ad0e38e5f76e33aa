// One line of an OBO file: its tag, words, quoted text and escapes. Knows no tag's meaning; see obo.hpp.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "cell2text/error.hpp"
#include "cell2text/text/words.hpp"

namespace cell2text::obo_detail {

/// One logical line, read from the left; errors name the file and line it came from.
class Line {
 public:
  Line(std::string_view rest, const std::string& source, std::size_t number)
      : rest_(rest), source_(&source), number_(number) {}

  [[noreturn]] void refuse(const std::string& what) const {
    throw InputError(*source_ + ":" + std::to_string(number_) + ": " + what);
  }

  /// What stands before the first colon, which is taken as well.
  std::string_view tag() {
    const std::size_t colon = rest_.find(':');
    if (colon == 0 || colon == std::string_view::npos)
      refuse("found \"" + std::string(rest_.substr(0, 40)) +
             "\", a line of the form \"tag: value\" is expected; the file is damaged or no OBO");
    const std::string_view tag = rest_.substr(0, colon);
    rest_ = trim(rest_.substr(colon + 1));
    return trim(tag);
  }

  /// The next word: an id, a scope, a relation.
  std::string word() {
    rest_ = trim(rest_);
    std::size_t end = 0;
    while (end < rest_.size() && !is_space(rest_[end])) ++end;
    return unescape(std::exchange(rest_, rest_.substr(end)).substr(0, end));
  }
  std::string required_word(std::string_view tag) {
    std::string value = word();
    if (value.empty() || value.front() == '!') refuse("\"" + std::string(tag) + "\" has no value");
    return value;
  }

  /// Text in double quotes.
  std::string quoted(std::string_view tag) {
    if (!rest_.starts_with('"')) refuse("the text of \"" + std::string(tag) + "\" must stand in double quotes");
    for (std::size_t i = 1; i < rest_.size(); ++i) {
      if (rest_[i] == '\\') {
        ++i;
      } else if (rest_[i] == '"') {
        return unescape(std::exchange(rest_, rest_.substr(i + 1)).substr(1, i - 1));
      }
    }
    refuse("the quoted text of \"" + std::string(tag) + "\" does not end; the file is damaged or cut off");
  }

  /// All that is left, without trailing modifiers `{a="b"}` and without a comment.
  std::string text() const {
    std::size_t end = 0, braces = 0;
    for (; end < rest_.size(); ++end) {
      if (rest_[end] == '\\') {
        ++end;
      } else if (end == 0 || is_space(rest_[end - 1])) {
        if (rest_[end] == '{' && ++braces > max_braces)
          refuse("over " + std::to_string(max_braces) + " opening braces; the file is damaged or no OBO");
        if (rest_[end] == '!' || (rest_[end] == '{' && modifiers_follow(rest_.substr(end)))) break;
      }
    }
    return unescape(trim(rest_.substr(0, end)));
  }

 private:
  static constexpr std::size_t max_braces = 100;  // each costs a look at the rest of the line

  /// `{key=value, key="value"}` and nothing after it but a comment. Names may hold braces of their own.
  static bool modifiers_follow(std::string_view text) {
    bool in_quotes = false, has_value = false;
    for (std::size_t i = 1; i < text.size(); ++i) {
      if (text[i] == '\\') {
        ++i;
      } else if (text[i] == '"') {
        in_quotes = !in_quotes;
      } else if (!in_quotes && text[i] == '=') {
        has_value = true;
      } else if (!in_quotes && text[i] == '}') {
        const std::string_view after = trim(text.substr(i + 1));
        return has_value && (after.empty() || after.front() == '!');
      }
    }
    return false;
  }

  static std::string unescape(std::string_view text) {
    std::string result;
    result.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] != '\\' || i + 1 == text.size()) {
        result += text[i];
        continue;
      }
      const char c = text[++i];
      result += c == 'n' ? '\n' : c == 't' ? '\t' : c == 'W' ? ' ' : c;
    }
    return result;
  }

  std::string_view rest_;
  const std::string* source_;
  std::size_t number_;
};

}  // namespace cell2text::obo_detail
