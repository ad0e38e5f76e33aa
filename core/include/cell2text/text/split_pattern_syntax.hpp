// Rewrites a split pattern, written for the engine of the `tokenizers` library (Oniguruma), for PCRE2.
// What the two read differently is translated or refused; compiling and matching live in split_pattern.hpp.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "cell2text/error.hpp"

namespace cell2text {
namespace split_detail {

/// White space as Unicode defines it. PCRE2's own \s holds U+180E as well, which left that class in Unicode 6.3.
inline constexpr std::string_view white_space =
    R"(\t-\r\x{20}\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000})";

/// Rewrites a pattern for PCRE2, one construct at a time; what is not known to mean the same is an InputError.
class Translator {
 public:
  Translator(std::string_view pattern, const std::string& where) : pattern_(pattern), where_(where) {}

  std::string run() {
    while (at_ < pattern_.size()) {
      const char c = pattern_[at_];
      if (c == '\\') {
        escape();
      } else if (in_class_) {
        class_member(c);
      } else if (c == '[') {
        open_class();
      } else if (c == '(') {
        group();
      } else if (c == '{') {
        repeat();
      } else if (c == '^' || c == '$') {
        refuse(std::string("the anchor '") + c + "'");
      } else {
        take(1);
      }
    }
    return std::move(result_);
  }

 private:
  [[noreturn]] void refuse(const std::string& what) const {
    throw InputError(where_ + ": " + what + " at character " + std::to_string(at_ + 1) + " of the split pattern '" +
                     std::string(pattern_) +
                     "' is not supported; use a tokenizer with a pattern like Llama 3's or GPT-2's");
  }
  bool next_is(std::string_view text) const { return pattern_.substr(at_).starts_with(text); }
  void take(std::size_t count) {
    result_ += pattern_.substr(at_, count);
    at_ += count;
  }

  void escape() {
    const char c = at_ + 1 < pattern_.size() ? pattern_[at_ + 1] : '\0';
    const bool letter_or_digit = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
    if (c == 'p' || c == 'P') {
      property();
    } else if (c == 's' || (c == 'S' && !in_class_)) {
      const std::string inside(white_space);
      result_ += in_class_ ? inside : (c == 's' ? "[" : "[^") + inside + "]";
      at_ += 2;
    } else if (c == 'r' || c == 'n' || c == 't' || c == 'f' || c == 'd' || (c > ' ' && c < 0x7F && !letter_or_digit)) {
      take(2);
    } else {
      refuse(c ? std::string("'\\") + c + "'" : "the backslash");
    }
  }

  /// A general category: \p{L}, \p{Lu}. Scripts and binary properties depend on the engine's version.
  void property() {
    const std::size_t close = pattern_.find('}', at_);
    if (close == std::string_view::npos || at_ + 2 >= pattern_.size() || pattern_[at_ + 2] != '{')
      refuse("'\\p' without {...}");
    std::string_view name = pattern_.substr(at_ + 3, close - at_ - 3);
    if (name.starts_with('^')) name.remove_prefix(1);
    const bool category = !name.empty() && name.size() <= 2 && std::string_view("CLMNPSZ").find(name[0]) < 7 &&
                          (name.size() == 1 || (name[1] >= 'a' && name[1] <= 'z'));
    if (!category) refuse("the property '" + std::string(name) + "'");
    take(close + 1 - at_);
  }

  void open_class() {
    in_class_ = true;
    take(next_is("[^") ? 2 : 1);
    if (next_is("]")) refuse("an empty class");
  }
  void class_member(char c) {
    if (c == '[') refuse("a class in a class");
    if (next_is("&&")) refuse("'&&' in a class");
    if (c == ']') in_class_ = false;
    take(1);
  }

  void group() {
    if (next_is("(*")) refuse("the verb '" + std::string(pattern_.substr(at_, 10)) + "'");
    if (!next_is("(?")) return take(1);
    for (const std::string_view start : {"(?:", "(?i:", "(?=", "(?!", "(?>", "(?<=", "(?<!"})
      if (next_is(start)) return take(start.size());
    refuse("the group '" + std::string(pattern_.substr(at_, 4)) + "'");
  }

  /// {n}, {n,} or {n,m}; a '+' or '?' behind it means something else in each engine.
  void repeat() {
    std::size_t end = at_ + 1;
    const auto digits = [&] {
      const std::size_t start = end;
      while (end < pattern_.size() && pattern_[end] >= '0' && pattern_[end] <= '9') ++end;
      return end > start;
    };
    bool known = digits();
    if (known && end < pattern_.size() && pattern_[end] == ',') {
      ++end;
      digits();
    }
    known = known && end < pattern_.size() && pattern_[end] == '}';
    const char after = known && end + 1 < pattern_.size() ? pattern_[end + 1] : '\0';
    if (!known || after == '+' || after == '?') refuse("the repeat '" + std::string(pattern_.substr(at_, 6)) + "'");
    take(end + 1 - at_);
  }

  std::string_view pattern_;
  const std::string& where_;
  std::string result_;
  std::size_t at_ = 0;
  bool in_class_ = false;
};

}  // namespace split_detail
}  // namespace cell2text
