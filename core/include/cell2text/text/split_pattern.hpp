// The regular expression that cuts a text into words before its bytes are merged. Patterns are written for the
// engine of the `tokenizers` library (Oniguruma); what PCRE2 reads differently is translated or refused.
#pragma once

#ifndef PCRE2_CODE_UNIT_WIDTH
#define PCRE2_CODE_UNIT_WIDTH 8
#endif
#include <pcre2.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
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

struct FreeMatch {
  void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
};

}  // namespace split_detail

/// What one thread needs to match: make one per call, use it for any number of patterns.
class MatchMemory {
 public:
  MatchMemory() : data_(pcre2_match_data_create(1, nullptr)) {
    if (!data_) throw std::bad_alloc();
  }
  pcre2_match_data* get() const { return data_.get(); }

 private:
  std::unique_ptr<pcre2_match_data, split_detail::FreeMatch> data_;
};

/// A compiled split pattern. Const, and usable from several threads; copies share the compiled code.
class SplitPattern {
 public:
  /// Compiles `pattern`. `where` names it in errors. InputError: a construct that is not supported (anchors, classes
  /// in classes, scripts, ...), a fault of syntax, a pattern that matches the empty text.
  SplitPattern(std::string_view pattern, const std::string& where) : where_(where) {
    const std::string translated = split_detail::Translator(pattern, where).run();
    int code = 0;
    std::size_t offset = 0;
    std::unique_ptr<pcre2_compile_context, void (*)(pcre2_compile_context*)> context(
        pcre2_compile_context_create(nullptr), pcre2_compile_context_free);
    if (!context) throw std::bad_alloc();
    pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
    code_.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(translated.data()), translated.size(),
                              PCRE2_UTF | PCRE2_UCP | PCRE2_NO_AUTO_CAPTURE, &code, &offset, context.get()),
                pcre2_code_free);
    if (!code_)
      throw InputError(where + ": the split pattern '" + std::string(pattern) +
                       "' is no regular expression: " + message(code) + "; the file is damaged");
    std::uint32_t matches_empty = 0;
    pcre2_pattern_info(code_.get(), PCRE2_INFO_MATCHEMPTY, &matches_empty);
    if (matches_empty)
      throw InputError(where + ": the split pattern '" + std::string(pattern) +
                       "' matches the empty text; each of its alternatives must take a character");
    // Without a compiler for this machine the interpreter does the same, slower.
    pcre2_jit_compile(code_.get(), PCRE2_JIT_COMPLETE);
  }

  /// Calls `use(piece)` with each match and each stretch between matches, in order; none is empty.
  /// `text` is valid UTF-8. InputError where the pattern gives up on the text.
  template <class Use>
  void split(std::string_view text, const MatchMemory& memory, Use&& use) const {
    std::size_t done = 0;
    while (done < text.size()) {
      const auto [start, end] = find(text, done, memory.get());
      if (start > done) use(text.substr(done, start - done));
      if (end > start) use(text.substr(start, end - start));
      done = end;
    }
  }

 private:
  struct Span {
    std::size_t start, end;
  };

  Span find(std::string_view text, std::size_t from, pcre2_match_data* data) const {
    const auto* subject = reinterpret_cast<PCRE2_SPTR>(text.data());
    int found = pcre2_match(code_.get(), subject, text.size(), from, PCRE2_NO_UTF_CHECK, data, nullptr);
    if (found == PCRE2_ERROR_JIT_STACKLIMIT)  // the interpreter's memory is on the heap
      found = pcre2_match(code_.get(), subject, text.size(), from, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, data, nullptr);
    if (found == PCRE2_ERROR_NOMATCH) return {text.size(), text.size()};
    if (found < 0)
      throw InputError(where_ + ": the split pattern gives up on a text of " + std::to_string(text.size()) +
                       " bytes: " + message(found) + "; pass shorter texts");
    const std::size_t* bounds = pcre2_get_ovector_pointer(data);
    return {bounds[0], bounds[1]};
  }

  static std::string message(int code) {
    PCRE2_UCHAR text[256];
    pcre2_get_error_message(code, text, sizeof text);
    return reinterpret_cast<const char*>(text);
  }

  std::string where_;
  std::shared_ptr<pcre2_code> code_;
};

}  // namespace cell2text
