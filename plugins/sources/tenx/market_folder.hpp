// A folder as Cell Ranger writes it: matrix.mtx, barcodes.tsv, features.tsv (genes.tsv before version 3), each plain or
// with .gz. The matrix has features in its rows; it is read once and kept by barcodes in a temporary file.
#pragma once

#include <algorithm>
#include <filesystem>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/io/spilled_rows.hpp"
#include "cell2text/io/tenx_layout.hpp"
#include "cell_file.hpp"
#include "market_parser.hpp"
#include "text_file.hpp"

namespace cell2text::tenx {

namespace market_detail {

/// `folder/name` or `folder/name.gz`. InputError where both are there; nothing where neither is.
inline std::optional<std::filesystem::path> find_file(const std::filesystem::path& folder, const std::string& name) {
  const auto plain = folder / name, packed = folder / (name + ".gz");
  std::error_code ignored;
  const bool has_plain = std::filesystem::exists(plain, ignored), has_packed = std::filesystem::exists(packed, ignored);
  if (has_plain && has_packed)
    throw InputError(folder.string() + ": holds both " + name + " and " + name +
                     ".gz; remove the one that is not meant");
  if (!has_plain && !has_packed) return std::nullopt;
  return has_plain ? plain : packed;
}

/// Where the matrix of a folder without matrix.mtx may be.
inline std::string hint_for(const std::filesystem::path& folder) {
  const auto near = matrix_nearby(folder);
  if (!near) return "";
  std::error_code ignored;
  if (std::filesystem::is_directory(*near, ignored)) return ". There is one in " + near->string();
  return ". '" + near->filename().string() + "' has another name: put the files of one sample into a folder of their " +
         "own, as matrix.mtx.gz, features.tsv.gz and barcodes.tsv.gz (a link will do)";
}

inline std::filesystem::path need_file(const std::filesystem::path& folder, const std::string& name,
                                       const std::string& other = "") {
  auto found = find_file(folder, name);
  if (!other.empty()) {
    const auto second = find_file(folder, other);
    if (found && second)
      throw InputError(folder.string() + ": holds both " + name + " and " + other +
                       "; remove the one that is not meant");
    if (second) found = second;
  }
  if (found) return *found;
  throw InputError(folder.string() + ": holds no " + name + " or " + name + ".gz" +
                   (other.empty() ? "" : " (nor " + other + " or " + other + ".gz)") +
                   (name == "matrix.mtx" ? hint_for(folder) : ""));
}

template <class Parser, class Use>
void read_all(TextFile& file, Parser& parser, const Use& use) {
  for (std::string_view piece = file.next(); !piece.empty(); piece = file.next()) parser.feed(piece, use);
  parser.finish(use);
}

/// Reads a table that should have `expected` lines; `use` gets no more than these.
template <class Use>
void read_table(const std::filesystem::path& path, std::int64_t expected, const std::string& axis, const Use& use) {
  std::int64_t lines = 0;
  TextFile file(path);
  TableParser parser(path.string());
  read_all(file, parser, [&](const std::vector<std::string_view>& fields) {
    if (++lines <= expected) use(fields);
  });
  if (lines != expected)
    throw InputError(path.string() + ": has " + std::to_string(lines) + " lines; the matrix beside it has " +
                     std::to_string(expected) + " " + axis + ". The files are not of one matrix, or damaged");
}

/// The header of a matrix alone.
inline MarketHeader read_header(const std::filesystem::path& path) {
  TextFile file(path);
  MarketParser parser(path.string());
  const auto pass_over = [](std::int32_t, std::int32_t, float) {};
  for (std::string_view piece = file.next(); !piece.empty() && !parser.header(); piece = file.next())
    parser.feed(piece, pass_over);
  if (!parser.header()) parser.finish(pass_over);
  return *parser.header();
}

/// Calls `visit(barcode, feature, value)` for each entry.
template <class Visit>
void each_entry(const std::filesystem::path& path, const Visit& visit) {
  TextFile file(path);
  MarketParser parser(path.string());
  read_all(file, parser,
           [&](std::int32_t feature, std::int32_t barcode, float value) { visit(barcode, feature, value); });
}

/// The rows of the matrix, in one pass where its entries come by barcodes, as Cell Ranger writes them, else in two.
inline SpilledRows read_rows_by_barcode(const std::filesystem::path& path, std::int64_t barcodes, std::int64_t memory) {
  std::vector<std::int64_t> starts(static_cast<std::size_t>(barcodes) + 1, 0);
  std::optional<RowSpiller> spiller(std::in_place);
  std::int32_t current = 0;
  each_entry(path, [&](std::int32_t barcode, std::int32_t feature, float value) {
    ++starts[static_cast<std::size_t>(barcode) + 1];
    if (spiller && barcode < current) spiller.reset();
    if (!spiller) return;
    for (; current < barcode; ++current) spiller->end_row();
    spiller->add(feature, value);
  });
  if (spiller) {
    for (; current < barcodes; ++current) spiller->end_row();
    return std::move(*spiller).finish();
  }
  std::partial_sum(starts.begin(), starts.end(), starts.begin());
  return deal_out_rows(
      std::move(starts), [&](const auto& visit) { each_entry(path, visit); }, memory, "");
}

}  // namespace market_detail

/// Keeps per barcode its name and 8 bytes. InputError, naming file and line, where a file is missing or damaged.
class MarketFolder : public CellFile {
 public:
  static constexpr std::int64_t memory = std::int64_t{256} << 20;  ///< bytes, to sort a matrix that is not by barcodes

  explicit MarketFolder(const std::filesystem::path& folder, std::int64_t memory_bytes = memory)
      : path_(market_detail::need_file(folder, "matrix.mtx")),
        where_(path_.string()),
        name_(path_.filename().string()),
        rows_(load(folder, memory_bytes)) {}

  const std::string& where() const override { return where_; }
  const std::string& matrix_name() const override { return name_; }
  const FeatureTable& features() const override { return features_; }
  const std::vector<std::int64_t>& starts() const override { return rows_.starts(); }
  RowBlock read(std::int64_t first, std::int64_t count) const override { return rows_.read(first, count); }
  std::vector<std::string> barcodes(std::int64_t first, std::int64_t count) const override {
    std::vector<std::string> all;
    for (std::int64_t i = first; i < first + count; ++i) all.emplace_back(barcodes_.at(i));
    return all;
  }

 private:
  /// The tables first: how large a matrix may claim to be is theirs to say.
  SpilledRows load(const std::filesystem::path& folder, std::int64_t memory_bytes) {
    const MarketHeader header = market_detail::read_header(path_);
    const auto table = market_detail::need_file(folder, "features.tsv", "genes.tsv");
    market_detail::read_table(table, header.rows, "rows", [&](const auto& fields) { add_feature(features_, fields); });
    market_detail::read_table(market_detail::need_file(folder, "barcodes.tsv"), header.columns, "columns",
                              [&](const auto& fields) { barcodes_.add(fields[0]); });
    return market_detail::read_rows_by_barcode(path_, header.columns, memory_bytes);
  }

  std::filesystem::path path_;
  std::string where_, name_;
  FeatureTable features_;
  NameList barcodes_;
  SpilledRows rows_;
};

}  // namespace cell2text::tenx
