// Patterns over the names of linear layers: ours (* for any letters) and PEFT's regular expressions.
#pragma once

#ifndef PCRE2_CODE_UNIT_WIDTH
#define PCRE2_CODE_UNIT_WIDTH 8
#endif
#include <pcre2.h>

#include <cctype>
#include <memory>
#include <new>
#include <string>
#include <string_view>

#include "cell2text/error.hpp"

namespace cell2text::lora {

class NamePattern {
 public:
  /// As in target_modules: matches a whole name, or its end after a dot; '*' stands for any letters, also none.
  static NamePattern wildcard(std::string_view pattern) {
    std::string expression;
    for (const char letter : pattern) {
      if (letter == '*')
        expression += ".*";
      else if (letter == '_' || (static_cast<unsigned char>(letter) & 0x80) ||
               std::isalnum(static_cast<unsigned char>(letter)))
        expression += letter;
      else
        (expression += '\\') += letter;
    }
    return NamePattern(expression, "target_modules: '" + std::string(pattern) + "'");
  }

  /// As in rank_pattern and alpha_pattern of PEFT: `(.*\.)?(EXPRESSION)$`. `where` names the file and key in errors;
  /// InputError where it is no regular expression.
  static NamePattern regular_expression(const std::string& expression, const std::string& where) {
    return NamePattern(expression, where + ": '" + expression + "'");
  }

  /// InputError where the expression needs more steps than any sensible one.
  bool matches(std::string_view name) const {
    const std::unique_ptr<pcre2_match_data, void (*)(pcre2_match_data*)> found(pcre2_match_data_create(1, nullptr),
                                                                               pcre2_match_data_free);
    const std::unique_ptr<pcre2_match_context, void (*)(pcre2_match_context*)> limits(
        pcre2_match_context_create(nullptr), pcre2_match_context_free);
    if (!found || !limits) throw std::bad_alloc();
    pcre2_set_match_limit(limits.get(), 1'000'000);
    const int result = pcre2_match(code_.get(), reinterpret_cast<PCRE2_SPTR>(name.data()), name.size(), 0, 0,
                                   found.get(), limits.get());
    if (result < 0 && result != PCRE2_ERROR_NOMATCH)
      throw InputError(where_ + " gives up on the name '" + std::string(name) + "': " + message(result) +
                       "; write the pattern more plainly");
    return result >= 0;
  }

 private:
  NamePattern(const std::string& expression, std::string where) : where_(std::move(where)) {
    int code = 0;
    std::size_t offset = 0;
    const std::string whole = "^(?:.*\\.)?(?:" + expression + ")$";
    code_.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(whole.data()), whole.size(),
                              PCRE2_UTF | PCRE2_DOLLAR_ENDONLY, &code, &offset, nullptr),
                pcre2_code_free);
    if (!code_) throw InputError(where_ + " is no regular expression: " + message(code));
  }

  static std::string message(int code) {
    PCRE2_UCHAR text[256];
    pcre2_get_error_message(code, text, sizeof text);
    return reinterpret_cast<const char*>(text);
  }

  std::string where_;
  std::shared_ptr<pcre2_code> code_;
};

}  // namespace cell2text::lora
