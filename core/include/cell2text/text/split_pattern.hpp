// The regular expression that cuts a text into words before its bytes are merged, matched by PCRE2.
// How a pattern is rewritten for PCRE2 is in split_pattern_syntax.hpp.
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
#include "cell2text/text/split_pattern_syntax.hpp"

namespace cell2text {
namespace split_detail {

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

  /// Calls `use(start, end)` with the place of each match, in order. `text` is valid UTF-8. InputError where the
  /// pattern gives up on the text.
  template <class Use>
  void find_all(std::string_view text, const MatchMemory& memory, Use&& use) const {
    for (std::size_t done = 0; done < text.size();) {
      const auto [start, end] = find(text, done, memory.get());
      if (end > start) use(start, end);
      done = end;
    }
  }

  /// Calls `use(piece)` with each match and each stretch between matches, in order; none is empty. As find_all.
  template <class Use>
  void split(std::string_view text, const MatchMemory& memory, Use&& use) const {
    std::size_t done = 0;
    const auto give = [&](std::size_t end) {
      if (end > done) use(text.substr(done, end - done));
      done = end;
    };
    find_all(text, memory, [&](std::size_t start, std::size_t end) {
      give(start);
      give(end);
    });
    give(text.size());
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
