// The tables beside a matrix: barcodes.tsv, features.tsv or genes.tsv; and what a features table says, whatever file it
// comes from. Includes neither HDF5 nor LibTorch.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cell2text/text/words.hpp"
#include "lines.hpp"

namespace cell2text::tenx {

/// The features of a matrix, one for each of its columns. `types` and `genomes` are empty where the file has none: then
/// all are genes.
struct FeatureTable {
  std::vector<std::string> ids, names, types, genomes;

  std::int64_t size() const { return static_cast<std::int64_t>(ids.size()); }
};

/// Many short texts without a heap block for each: of the millions of barcodes of an unfiltered matrix.
class NameList {
 public:
  void add(std::string_view name) {
    text_ += name;
    ends_.push_back(text_.size());
  }
  std::int64_t size() const { return static_cast<std::int64_t>(ends_.size()); }
  std::string_view at(std::int64_t i) const {
    const std::size_t begin = i == 0 ? 0 : ends_[static_cast<std::size_t>(i) - 1];
    return std::string_view(text_).substr(begin, ends_[static_cast<std::size_t>(i)] - begin);
  }

 private:
  std::string text_;
  std::vector<std::size_t> ends_;
};

/// Takes a table without header, cut by tabs, in pieces; gives the fields of each line.
class TableParser {
 public:
  explicit TableParser(std::string source) : lines_(std::move(source)) {}

  /// Calls `use(fields)` for each line that is not empty; the first field is not empty either. InputError, naming file
  /// and line, where it is, and for bytes that are no text.
  template <class Use>
  void feed(std::string_view piece, const Use& use) {
    lines_.feed(piece, [&](std::string_view line) { take(line, use); });
  }
  template <class Use>
  void finish(const Use& use) {
    lines_.finish([&](std::string_view line) { take(line, use); });
  }

 private:
  template <class Use>
  void take(std::string_view line, const Use& use) {
    if (!is_utf8(line) || line.find('\0') != std::string_view::npos)
      lines_.refuse("bytes that are no UTF-8 text; a table cut by tabs is expected");
    if (line.empty()) return;
    fields_.clear();
    while (true) {
      const auto tab = line.find('\t');
      fields_.push_back(line.substr(0, tab));
      if (tab == std::string_view::npos) break;
      line.remove_prefix(tab + 1);
    }
    if (fields_.front().empty()) lines_.refuse("begins with an empty field; a name is expected in each line");
    use(std::as_const(fields_));
  }

  Lines lines_;
  std::vector<std::string_view> fields_;
};

/// A line of features.tsv (id, name, type) or genes.tsv (id, name). What comes behind is ignored; a missing name is the
/// id.
inline void add_feature(FeatureTable& table, const std::vector<std::string_view>& fields) {
  table.ids.emplace_back(fields[0]);
  table.names.emplace_back(fields.size() > 1 ? fields[1] : fields[0]);
  table.types.emplace_back(fields.size() > 2 ? fields[2] : std::string_view("Gene Expression"));
}

}  // namespace cell2text::tenx
