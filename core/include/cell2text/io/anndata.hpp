// AnnData's data frames (obs, var) inside an HDF5 file, in every encoding since anndata 0.7:
// numbers, strings, booleans, categoricals old and new, nullable columns. Reads only; cells' counts
// are the business of the h5ad source.
#pragma once

#include <charconv>
#include <cmath>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "cell2text/cells/cell_batch.hpp"
#include "cell2text/io/hdf5.hpp"

namespace cell2text::anndata {

namespace detail {

/// The shortest text that reads back as the same number: 0.1f is "0.1", 3.0 is "3".
template <class T>
std::string shortest_text(T value) {
  char buffer[64];
  return {buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr};
}

/// Values first .. first+count-1 of a plain dataset as text; NaN becomes nothing.
inline std::vector<std::optional<std::string>> texts(const hdf5::Dataset& data, std::int64_t first,
                                                     std::int64_t count) {
  std::vector<std::optional<std::string>> all;
  all.reserve(static_cast<std::size_t>(count));
  switch (data.expect_vector().type()) {
    case hdf5::Dataset::Type::text:
      for (std::string& text : data.read_strings(first, count)) all.emplace_back(std::move(text));
      break;
    case hdf5::Dataset::Type::boolean:
      for (const auto value : data.read<std::int32_t>(first, count)) all.emplace_back(value ? "True" : "False");
      break;
    case hdf5::Dataset::Type::integer:
      for (const auto value : data.read<std::int64_t>(first, count)) all.emplace_back(std::to_string(value));
      break;
    case hdf5::Dataset::Type::real: {
      const bool narrow = data.value_bytes() <= 4;
      for (const double value : data.read<double>(first, count))
        if (std::isnan(value))
          all.emplace_back();
        else
          all.emplace_back(narrow ? shortest_text(static_cast<float>(value)) : shortest_text(value));
      break;
    }
    default:
      data.fail("holds neither text nor numbers; such columns are not supported");
  }
  return all;
}

inline LabelColumn label_column(std::string name, const std::vector<std::optional<std::string>>& values) {
  LabelColumn column{std::move(name), {}, {}};
  column.codes.reserve(values.size());
  std::unordered_map<std::string, std::int32_t> known;
  for (const auto& value : values) {
    if (!value) {
      column.codes.push_back(-1);
      continue;
    }
    const auto [entry, is_new] = known.try_emplace(*value, static_cast<std::int32_t>(column.values.size()));
    if (is_new) column.values.push_back(*value);
    column.codes.push_back(entry->second);
  }
  return column;
}

}  // namespace detail

/// A data frame: named columns of equal length with an index. Holds no values itself; its columns are opened
/// once, in the constructor, and one that cannot be opened is refused when it is asked for.
class DataFrame {
 public:
  DataFrame() = default;
  /// `group` is "obs", "var" or "raw/var" of a file's root.
  DataFrame(const hdf5::Group& root, const std::string& group) {
    if (root.has_dataset(group))
      root.fail("'" + group +
                "' is a table as anndata wrote it before version 0.7; open the file in Python and write "
                "it again: import anndata; anndata.read_h5ad(IN).write_h5ad(OUT)");
    if (!root.has_group(group)) root.fail("has no '" + group + "'; every .h5ad file has one. Is this an AnnData file?");
    group_ = root.group(group);
    index_name_ = group_.text_attribute("_index");
    if (index_name_.empty()) index_name_ = group_.has("_index") ? "_index" : "index";
    if (!group_.has(index_name_)) group_.fail("has no index '" + index_name_ + "'");
    index_ = open_column(index_name_);
    if (!index_.fault.empty()) throw InputError(index_.fault);
    size_ = index_.values.expect_vector().length();
    if (group_.has_attribute("column-order")) {
      columns_ = group_.strings_attribute("column-order");
    } else {
      for (const std::string& name : group_.names())
        if (name != index_name_ && name != "__categories") columns_.push_back(name);
    }
    for (const std::string& name : columns_) opened_.push_back(open_column(name));
  }

  std::int64_t size() const { return size_; }
  const hdf5::Group& group() const { return group_; }
  const std::string& index_name() const { return index_name_; }
  const std::vector<std::string>& columns() const { return columns_; }
  bool has(const std::string& column) const { return std::ranges::find(columns_, column) != columns_.end(); }

  /// Why a column cannot be read, or empty.
  const std::string& fault(std::size_t column) const { return opened_[column].fault; }

  ColumnInfo::Type type(const std::string& column) const { return type_of(find(column)); }

  /// The index values of a range of rows, as text.
  std::vector<std::string> index(std::int64_t first, std::int64_t count) const {
    std::vector<std::string> names;
    for (auto& value : texts(index_, first, count)) names.push_back(std::move(value).value_or(""));
    return names;
  }

  /// The index values of several ranges of rows, ascending and apart, one after the other.
  std::vector<std::string> index(std::span<const hdf5::Range> ranges) const {
    const bool plain = !index_.categories && !index_.mask && index_.values.type() == hdf5::Dataset::Type::text;
    constexpr std::size_t together = 64;  // to select ranges takes HDF5 the square of their number of steps
    std::vector<std::string> names;
    while (!ranges.empty()) {
      const auto some = ranges.first(plain ? std::min(together, ranges.size()) : 1);
      auto part = plain ? index_.values.read_strings(some) : index(some.front().first, some.front().count);
      names.insert(names.end(), std::move_iterator(part.begin()), std::move_iterator(part.end()));
      ranges = ranges.subspan(some.size());
    }
    return names;
  }

  /// A column as labels. Categories keep their order in the file; other values come in order of appearance.
  LabelColumn labels(const std::string& column) const {
    const Column& found = find(column);
    if (!found.categories) return detail::label_column(column, texts(found, 0, size_));
    LabelColumn labels = decode(found);
    labels.name = column;
    return labels;
  }

  /// A numeric column; a missing value reads as NaN.
  std::vector<double> numbers(const std::string& column) const {
    const Column& found = find(column);
    if (type_of(found) == ColumnInfo::Type::text)
      group_.fail("column '" + column + "' holds text; numbers were expected");
    expect_length(found.values);
    std::vector<double> values = found.values.read<double>(0, size_);
    if (!found.mask) return values;
    const auto missing = read_mask(found, 0, size_);
    for (std::size_t i = 0; i < values.size(); ++i)
      if (missing[i]) values[i] = std::nan("");
    return values;
  }

 private:
  /// The arrays of a column. Values are codes where there are categories.
  struct Column {
    hdf5::Dataset values;
    std::optional<hdf5::Dataset> mask, categories;
    std::string fault;  ///< why the column cannot be read, or empty
  };

  /// A group of codes and categories or of values and mask (since 0.8), codes with a reference to their
  /// categories (0.7), or plain values.
  Column open_column(const std::string& name) const {
    Column column;
    try {
      if (!group_.has_group(name)) {
        column.values = group_.dataset(name);
        if (column.values.has_attribute("categories"))
          column.categories = group_.dereference(column.values, "categories");
        return column;
      }
      const hdf5::Group parts = group_.group(name);
      const bool categorical = parts.has("codes");
      column.values = parts.dataset(categorical ? "codes" : "values");
      if (!categorical) column.mask = parts.dataset("mask");
      // anndata 0.12 may write the categories as a nullable array, in which nothing is missing
      else
        column.categories = parts.dataset(parts.has_group("categories") ? "categories/values" : "categories");
    } catch (const InputError& error) {
      column.fault = error.what();
    }
    return column;
  }

  const Column& find(const std::string& column) const {
    const auto at = std::ranges::find(columns_, column) - columns_.begin();
    if (at == std::ssize(columns_)) {
      std::string all;
      for (const std::string& name : columns_) all += (all.empty() ? "" : ", ") + name;
      group_.fail("has no column '" + column + "'; it has: " + (all.empty() ? "none" : all));
    }
    if (!opened_[at].fault.empty()) throw InputError(opened_[at].fault);
    return opened_[at];
  }

  static ColumnInfo::Type type_of(const Column& column) {
    if (column.categories) return ColumnInfo::Type::text;
    if (column.values.type() == hdf5::Dataset::Type::boolean) return ColumnInfo::Type::boolean;
    return column.values.is_number() ? ColumnInfo::Type::number : ColumnInfo::Type::text;
  }

  void expect_length(const hdf5::Dataset& data) const {
    if (data.expect_vector().length() != size_)
      data.fail("has " + std::to_string(data.length()) + " values; the index of '" + group_.path() + "' has " +
                std::to_string(size_));
  }

  std::vector<std::int8_t> read_mask(const Column& column, std::int64_t first, std::int64_t count) const {
    expect_length(*column.mask);
    return column.mask->read<std::int8_t>(first, count);
  }

  /// A range of any column as text. A categorical index is rare: it is read whole.
  std::vector<std::optional<std::string>> texts(const Column& column, std::int64_t first, std::int64_t count) const {
    std::vector<std::optional<std::string>> all;
    if (column.categories) {
      const LabelColumn labels = decode(column);
      for (std::int64_t i = 0; i < count; ++i) all.push_back(labels.at(first + i));
      return all;
    }
    expect_length(column.values);
    all = detail::texts(column.values, first, count);
    if (!column.mask) return all;
    const auto missing = read_mask(column, first, count);
    for (std::size_t i = 0; i < all.size(); ++i)
      if (missing[i]) all[i].reset();
    return all;
  }

  LabelColumn decode(const Column& column) const {
    expect_length(column.values);
    LabelColumn result{"", {}, column.values.read<std::int32_t>(0, size_)};
    std::unordered_map<std::string, std::int32_t> known;
    for (const auto& value : detail::texts(*column.categories, 0, column.categories->expect_vector().length())) {
      const auto code = static_cast<std::int32_t>(result.values.size());
      if (!known.try_emplace(value.value_or("nan"), code).second)
        column.categories->fail("holds '" + value.value_or("nan") + "' twice; categories must differ");
      result.values.push_back(value.value_or("nan"));
    }
    for (std::size_t row = 0; row < result.codes.size(); ++row)
      if (result.codes[row] < -1 || result.codes[row] >= static_cast<std::int32_t>(result.values.size()))
        column.values.fail("row " + std::to_string(row) + " has the code " + std::to_string(result.codes[row]) +
                           "; there are " + std::to_string(result.values.size()) + " categories");
    return result;
  }

  hdf5::Group group_;
  std::string index_name_;
  Column index_;
  std::vector<std::string> columns_;
  std::vector<Column> opened_;  ///< beside `columns_`
  std::int64_t size_ = 0;
};

}  // namespace cell2text::anndata
