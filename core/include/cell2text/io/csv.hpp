// Comma-separated values as RFC 4180 has them: fields in quotes may hold commas, quotes and line breaks.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cell2text/error.hpp"
#include "cell2text/text/utf8.hpp"

namespace cell2text {

/// One line, and the number of the text's line that it begins in.
struct CsvLine {
  std::size_t number = 0;
  std::vector<std::string> fields;
};

/// A field of a line, quoted where it has to be.
inline std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

/// All lines of a text, blank ones left out. A byte order mark is passed over. InputError "where:line: ...": bytes that
/// are no UTF-8, a quoted field that does not end, text behind a closing quote.
inline std::vector<CsvLine> parse_csv(std::string_view text, const std::string& where) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  if (valid_utf8_prefix(text) != text.size() || text.find('\0') != std::string_view::npos)
    throw InputError(where + ": not a text in UTF-8; save the table as CSV (UTF-8)");
  std::vector<CsvLine> lines;
  CsvLine line{1, {}};
  std::string field;
  std::size_t number = 1;
  const auto end_line = [&] {
    line.fields.push_back(std::exchange(field, {}));
    if (line.fields.size() > 1 || !line.fields[0].empty()) lines.push_back(std::move(line));
    line = {number + 1, {}};
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"' && field.empty()) {
      const std::size_t opened = number;
      for (++i; i < text.size() && (text[i] != '"' || text.substr(i + 1).starts_with('"')); ++i) {
        number += text[i] == '\n';
        field += text[i];
        i += text[i] == '"';
      }
      if (i == text.size())
        throw InputError(where + ":" + std::to_string(opened) + ": a quote is opened and not closed");
      const char next = i + 1 < text.size() ? text[i + 1] : '\n';
      if (next != ',' && next != '\n' && next != '\r')
        throw InputError(where + ":" + std::to_string(number) +
                         ": text stands behind a closing quote; quotes inside a " + "field are written twice");
    } else if (text[i] == ',') {
      line.fields.push_back(std::exchange(field, {}));
    } else if (text[i] == '\n') {
      end_line();
      ++number;
    } else if (text[i] != '\r') {
      field += text[i];
    }
  }
  end_line();
  return lines;
}

}  // namespace cell2text
