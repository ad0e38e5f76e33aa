// Matrix Market files of counts (coordinate, integer or real, general), line by line. Includes neither HDF5 nor
// LibTorch. Format: https://math.nist.gov/MatrixMarket/formats.html
#pragma once

#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "cell2text/text/words.hpp"
#include "lines.hpp"

namespace cell2text::tenx {

/// What a file says of its matrix.
struct MarketHeader {
  bool whole = true;  ///< integer, not real
  std::int64_t rows = 0, columns = 0, entries = 0;
};

/// Takes a file in pieces. Keeps no entries; what the header claims takes no memory.
class MarketParser {
 public:
  explicit MarketParser(std::string source) : lines_(std::move(source)) {}

  /// What the file says of its matrix, once that has come.
  const std::optional<MarketHeader>& header() const { return header_; }

  /// Calls `visit(row, column, value)`, counted from 0, for each entry that is complete with this piece. Values are
  /// finite and 0 or more. InputError, naming file and line, for anything else.
  template <class Visit>
  void feed(std::string_view piece, const Visit& visit) {
    lines_.feed(piece, [&](std::string_view line) { take(line, visit); });
  }
  /// After the last piece. InputError where entries are missing.
  template <class Visit>
  void finish(const Visit& visit) {
    lines_.finish([&](std::string_view line) { take(line, visit); });
    if (lines_.number() == 0) throw InputError(lines_.source() + " is empty; a Matrix Market file is expected");
    if (!header_) lines_.refuse("the file ends before the line with the matrix's size. Copy it again");
    if (entries_ != header_->entries)
      lines_.refuse("the file ends after " + std::to_string(entries_) + " entries; its header says " +
                    std::to_string(header_->entries) + ". Copy it again");
  }

 private:
  template <class Visit>
  void take(std::string_view line, const Visit& visit) {
    if (lines_.number() == 1) return take_banner(line);
    if (line.starts_with('%')) return;
    const std::string_view whole = line;
    const auto first = word(line), second = word(line), third = word(line);
    if (first.empty()) return;
    if (third.empty() || !word(line).empty())
      lines_.refuse(shown(whole) + " has " + (third.empty() ? "too few" : "too many") +
                    " numbers; expected three: row, column, " + (header_ ? "value" : "entries"));
    if (!header_) return take_size(first, second, third);
    if (entries_ == header_->entries)
      lines_.refuse("more entries than the " + std::to_string(entries_) + " that the header says. Copy the file again");
    ++entries_;
    const std::int32_t row = place(first, header_->rows, "row"), column = place(second, header_->columns, "column");
    visit(row, column, value(third));
  }

  static std::string_view word(std::string_view& line) {
    while (!line.empty() && is_space(line.front())) line.remove_prefix(1);
    std::size_t end = 0;
    while (end < line.size() && !is_space(line[end])) ++end;
    const std::string_view found = line.substr(0, end);
    line.remove_prefix(end);
    return found;
  }

  void take_banner(std::string_view line) {
    constexpr const char* expected =
        "expected '%%MatrixMarket matrix coordinate integer general' (or real for integer)";
    const std::string_view whole = line;
    std::string words;
    for (std::string_view next = word(line); !next.empty(); next = word(line))
      words += (words.empty() ? "" : " ") + lower(next);
    const bool integer = words == "%%matrixmarket matrix coordinate integer general";
    if (!integer && words != "%%matrixmarket matrix coordinate real general")
      lines_.refuse(shown(whole) + " is no header of a matrix of counts; " + expected);
    whole_ = integer;
  }

  void take_size(std::string_view rows, std::string_view columns, std::string_view entries) {
    constexpr std::int64_t most = std::numeric_limits<std::int32_t>::max() - 1;
    header_ = MarketHeader{whole_, size(rows, most), size(columns, most),
                           size(entries, std::numeric_limits<std::int64_t>::max() / 64)};
    // Both are below 2^31, so that this does not overflow.
    if (header_->entries > header_->rows * header_->columns)
      lines_.refuse("more entries (" + std::to_string(header_->entries) + ") than a matrix of " +
                    std::to_string(header_->rows) + " x " + std::to_string(header_->columns) + " has. " + damaged);
  }

  std::int64_t size(std::string_view text, std::int64_t most) const {
    std::int64_t found = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), found);
    if (error != std::errc() || end != text.data() + text.size() || found < 0 || found > most)
      lines_.refuse(shown(text) + " is no size of a matrix; expected a whole number of 0 to " + std::to_string(most));
    return found;
  }

  std::int32_t place(std::string_view text, std::int64_t size, const char* axis) const {
    std::int64_t found = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), found);
    if (error != std::errc() || end != text.data() + text.size() || found < 1 || found > size)
      lines_.refuse("the " + std::string(axis) + " " + shown(text) + " is none of 1 to " + std::to_string(size) + ". " +
                    damaged);
    return static_cast<std::int32_t>(found - 1);
  }

  float value(std::string_view text) const {
    double found = 0;
    std::from_chars_result read{};
    if (header_->whole) {
      std::int64_t integer = 0;
      read = std::from_chars(text.data(), text.data() + text.size(), integer);
      found = static_cast<double>(integer);
    } else {
      read = std::from_chars(text.data(), text.data() + text.size(), found);
    }
    const auto narrow = static_cast<float>(found);
    if (read.ec != std::errc() || read.ptr != text.data() + text.size() || !(narrow >= 0) || std::isinf(narrow))
      lines_.refuse("the value " + shown(text) + " is no count; expected a " + (header_->whole ? "whole " : "") +
                    "number, finite and 0 or more");
    return narrow;
  }

  static constexpr const char* damaged = "The file is damaged; copy it again";

  Lines lines_;
  bool whole_ = true;
  std::optional<MarketHeader> header_;
  std::int64_t entries_ = 0;
};

}  // namespace cell2text::tenx
