// Small things that the text headers share: folding case and white space, hashing views.
// Only ASCII letters change case; other bytes pass through, so that no input can fail here.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "cell2text/text/utf8.hpp"

namespace cell2text {

inline bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}
inline bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
inline char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// ASCII lower case; the length stays.
inline std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = lower(c);
  return result;
}

inline std::string_view trim(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

/// Trimmed, each run of white space (line breaks too) as one blank.
inline std::string fold_spaces(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (char c : trim(text)) {
    if (!is_space(c)) {
      result += c;
    } else if (result.back() != ' ') {  // never empty here: the text is trimmed
      result += ' ';
    }
  }
  return result;
}

/// Removes `prefix` from the front of `text`; returns whether it was there.
inline bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

/// Removes `suffix` from the end of `text`; returns whether it was there.
inline bool take_suffix(std::string_view& text, std::string_view suffix) {
  if (!text.ends_with(suffix)) return false;
  text.remove_suffix(suffix.size());
  return true;
}

/// Whether all of `text` is well-formed UTF-8.
inline bool is_utf8(std::string_view text) {
  return valid_utf8_prefix(text) == text.size();
}

/// Lets an unordered_map with text keys be asked with a view: `unordered_map<string, T, ViewHash, equal_to<>>`.
struct ViewHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};

}  // namespace cell2text
