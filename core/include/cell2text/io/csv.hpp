// Tables of comma-separated values (RFC 4180): small ones, read whole. What the columns mean is the caller's.
#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cell2text/error.hpp"
#include "cell2text/io/input_file.hpp"
#include "cell2text/text/words.hpp"

namespace cell2text {

struct CsvRow {
  std::size_t line = 0;  ///< where it begins, from 1
  std::vector<std::string> fields;
};

/// A header and rows with as many fields.
struct CsvTable {
  std::vector<std::string> header;
  std::vector<CsvRow> rows;

  /// The column of this name.
  std::optional<std::size_t> column(std::string_view name) const {
    for (std::size_t i = 0; i < header.size(); ++i)
      if (header[i] == name) return i;
    return std::nullopt;
  }
};

/// A field of a line, quoted where it has to be: blanks around a bare field would be lost, and so would a byte order
/// mark before the first.
inline std::string csv_field(const std::string& text) {
  const bool bare = trim(text) == text && !text.starts_with("\xEF\xBB\xBF");
  if (bare && text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

/// Parses lines that end in LF or CRLF; a field in quotes may hold commas, line breaks and doubled quotes. Empty lines
/// are passed over. InputError "source:line: ..." for no UTF-8, an open quote, text behind a closing one, another
/// number of fields than the header has; or for no header at all.
inline CsvTable parse_csv(std::string_view text, const std::string& source) {
  const auto refuse = [&](std::size_t line, const std::string& what) {
    throw InputError(source + ":" + std::to_string(line) + ": " + what);
  };
  if (!is_utf8(text)) refuse(1, "bytes that are no UTF-8 text; a table of comma-separated values is expected");
  take_prefix(text, "\xEF\xBB\xBF");
  CsvTable table;
  std::size_t line = 1;
  const auto take_field = [&](std::size_t first_line) {
    std::string field;
    if (!take_prefix(text, "\"")) {
      const std::size_t end = std::min(text.find_first_of(",\n"), text.size());
      field = trim(text.substr(0, end));
      text.remove_prefix(end);
      return field;
    }
    while (true) {
      const std::size_t quote = text.find('"');
      if (quote == std::string_view::npos) refuse(first_line, "a quote is opened and never closed");
      field += text.substr(0, quote);
      text.remove_prefix(quote + 1);
      if (!take_prefix(text, "\"")) break;
      field += '"';
    }
    line += static_cast<std::size_t>(std::ranges::count(field, '\n'));
    take_prefix(text, "\r");
    if (!text.empty() && text[0] != ',' && text[0] != '\n')
      refuse(line, "text behind a closing quote; a comma or the line's end is expected");
    return field;
  };
  while (!text.empty()) {
    CsvRow row{line, {take_field(line)}};
    while (take_prefix(text, ",")) row.fields.push_back(take_field(line));
    take_prefix(text, "\n");
    ++line;
    if (row.fields.size() == 1 && row.fields[0].empty()) continue;
    if (table.header.empty()) {
      table.header = std::move(row.fields);
      continue;
    }
    if (row.fields.size() != table.header.size())
      refuse(row.line,
             std::to_string(row.fields.size()) + " fields; the header has " + std::to_string(table.header.size()));
    table.rows.push_back(std::move(row));
  }
  if (table.header.empty())
    throw InputError(source + " holds no header; a table of comma-separated values is expected");
  return table;
}

/// The same from a file. Errors also as InputFile.
inline CsvTable read_csv(const std::filesystem::path& path) {
  const InputFile file(path);
  std::string text(file.size(), '\0');
  text.resize(file.read_at(0, std::as_writable_bytes(std::span(text))));
  refuse_git_lfs_pointer(text, path);
  return parse_csv(text, path.string());
}

}  // namespace cell2text
