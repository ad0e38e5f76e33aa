// What BERT's tokenizers do to a text: control characters go, Chinese characters stand alone, accents and capitals are
// dropped where the model was trained so; then it is cut at white space and punctuation. Words are taken apart
// elsewhere (word_piece.hpp). Links ICU: included by what reads texts with BERT only.
#pragma once

#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "cell2text/error.hpp"
#include "cell2text/io/json.hpp"
#include "cell2text/text/utf8.hpp"

namespace cell2text {

namespace bert_detail {

/// The category of a character in the tables of the `tokenizers` library, which are those of Unicode 8: newer
/// characters have none, and six have got another one since.
inline std::int8_t category(char32_t code) {
  switch (code) {
    case 0x166D:
    case 0x111C9:
      return U_OTHER_PUNCTUATION;
    case 0x1734:
      return U_NON_SPACING_MARK;
    case 0xA9BD:
      return U_COMBINING_SPACING_MARK;
    case 0x1885:
    case 0x1886:
      return U_OTHER_LETTER;
  }
  UVersionInfo age;
  u_charAge(static_cast<UChar32>(code), age);
  return age[0] == 0 || age[0] > 8 ? static_cast<std::int8_t>(U_UNASSIGNED) : u_charType(static_cast<UChar32>(code));
}

/// Control, format and private characters.
inline bool is_other(char32_t code) {
  if (code < 0x80) return code < 0x20 || code == 0x7F;
  const auto kind = category(code);
  return kind == U_CONTROL_CHAR || kind == U_FORMAT_CHAR || kind == U_PRIVATE_USE_CHAR;
}

/// All of ASCII that is neither letter nor digit, and Unicode's punctuation.
inline bool is_punctuation(char32_t code) {
  if (code < 0x80)
    return (code > 0x20 && code < '0') || (code > '9' && code < 'A') || (code > 'Z' && code < 'a') ||
           (code > 'z' && code < 0x7F);
  switch (category(code)) {
    case U_DASH_PUNCTUATION:
    case U_START_PUNCTUATION:
    case U_END_PUNCTUATION:
    case U_CONNECTOR_PUNCTUATION:
    case U_OTHER_PUNCTUATION:
    case U_INITIAL_PUNCTUATION:
    case U_FINAL_PUNCTUATION:
      return true;
    default:
      return false;
  }
}

/// The blocks of CJK ideographs that BERT's authors list.
inline bool is_chinese(char32_t code) {
  const auto between = [code](char32_t low, char32_t high) { return code >= low && code <= high; };
  return between(0x4E00, 0x9FFF) || between(0x3400, 0x4DBF) || between(0x20000, 0x2A6DF) || between(0x2A700, 0x2B73F) ||
         between(0x2B740, 0x2B81F) || between(0x2B920, 0x2CEAF) || between(0xF900, 0xFAFF) || between(0x2F800, 0x2FA1F);
}

inline bool is_ascii(std::string_view text) {
  for (const char c : text)
    if (static_cast<unsigned char>(c) >= 0x80) return false;
  return true;
}

/// Characters taken apart into letters and marks (Unicode's form NFD). `text` is valid UTF-8.
inline std::string decomposed(std::string_view text) {
  UErrorCode status = U_ZERO_ERROR;
  const UNormalizer2* nfd = unorm2_getNFDInstance(&status);
  std::u16string wide, result;
  for (std::size_t at = 0; at < text.size();) {
    const auto [code, bytes] = decode_utf8(text, at);
    if (code > 0xFFFF) wide += static_cast<char16_t>(0xD7C0 + (code >> 10));
    wide += static_cast<char16_t>(code > 0xFFFF ? 0xDC00 + (code & 0x3FF) : code);
    at += bytes;
  }
  result.resize(4 * wide.size());  // no character has more than 4 units in this form
  const auto size = unorm2_normalize(nfd, wide.data(), static_cast<std::int32_t>(wide.size()), result.data(),
                                     static_cast<std::int32_t>(result.size()), &status);
  if (U_FAILURE(status)) throw BugError(std::string("a text could not be normalised: ") + u_errorName(status));
  std::string out;
  for (std::int32_t i = 0; i < size; ++i) {
    const char32_t unit = result[static_cast<std::size_t>(i)];
    const bool pair = unit >= 0xD800 && unit < 0xDC00;
    append_utf8(out,
                pair ? 0x10000 + ((unit - 0xD800) << 10) + (result[static_cast<std::size_t>(++i)] - 0xDC00) : unit);
  }
  return out;
}

}  // namespace bert_detail

/// The component BertNormalizer of a tokenizer.json. Const, and usable from several threads.
struct BertNormalizer {
  bool clean_text = true;
  bool chinese_apart = true;
  bool lowercase = true;
  std::optional<bool> strip_accents = {};  ///< without a value: as `lowercase`

  /// From the value of "normalizer". InputError: another component.
  static BertNormalizer from(const nlohmann::json& json, const std::string& where) {
    if (const auto type = required<std::string>(json, "type", where); type != "BertNormalizer")
      throw InputError(where + ": the component '" + type + "' is not supported here; BertNormalizer is expected");
    return {required<bool>(json, "clean_text", where), required<bool>(json, "handle_chinese_chars", where),
            required<bool>(json, "lowercase", where), optional_value<bool>(json, "strip_accents", where)};
  }

  /// `text` (valid UTF-8) as the model's vocabulary has it. As the `tokenizers` library, but for characters that ICU's
  /// and its version of Unicode take apart or lower differently.
  std::string apply(std::string_view text) const {
    std::string result = cleaned(text);
    if (strip_accents.value_or(lowercase) && !bert_detail::is_ascii(result)) result = without_accents(result);
    return lowercase ? lowered(result) : result;
  }

 private:
  std::string cleaned(std::string_view text) const {
    std::string result;
    result.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
      const auto [code, bytes] = decode_utf8(text, at);
      const std::string_view character = text.substr(at, bytes);
      at += bytes;
      if (chinese_apart && bert_detail::is_chinese(code)) {
        (result += ' ') += character;
        result += ' ';
      } else if (!clean_text) {
        result += character;
      } else if (code == '\t' || code == '\n' || code == '\r') {
        result += ' ';
      } else if (code != 0xFFFD && !bert_detail::is_other(code)) {
        if (is_white_space(code))
          result += ' ';
        else
          result += character;
      }
    }
    return result;
  }

  static std::string without_accents(std::string_view text) {
    const std::string parts = bert_detail::decomposed(text);
    std::string result;
    for (std::size_t at = 0; at < parts.size();) {
      const auto [code, bytes] = decode_utf8(parts, at);
      if (code < 0x80 || bert_detail::category(code) != U_NON_SPACING_MARK)
        result += std::string_view(parts).substr(at, bytes);
      at += bytes;
    }
    return result;
  }

  static std::string lowered(std::string_view text) {
    std::string result;
    result.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
      const auto [code, bytes] = decode_utf8(text, at);
      if (code < 0x80)
        result += static_cast<char>(code >= 'A' && code <= 'Z' ? code + ('a' - 'A') : code);
      else if (code == 0x130)
        result += "i\u0307";  // the one character whose lower case is two
      else
        append_utf8(result, static_cast<char32_t>(u_tolower(static_cast<UChar32>(code))));
      at += bytes;
    }
    return result;
  }
};

/// Calls `use(word)` for each piece of `text` (valid UTF-8) between white space; a punctuation mark is a piece by
/// itself. The component BertPreTokenizer.
template <class Use>
void each_bert_word(std::string_view text, Use&& use) {
  std::size_t begin = 0;
  for (std::size_t at = 0; at < text.size();) {
    const auto [code, bytes] = decode_utf8(text, at);
    const bool white = is_white_space(code), mark = !white && bert_detail::is_punctuation(code);
    if (white || mark) {
      if (at > begin) use(text.substr(begin, at - begin));
      if (mark) use(text.substr(at, bytes));
      begin = at + bytes;
    }
    at += bytes;
  }
  if (begin < text.size()) use(text.substr(begin));
}

}  // namespace cell2text
