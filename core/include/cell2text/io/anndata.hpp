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

/// A data frame: named columns of equal length with an index. Holds no values itself.
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
    size_ = length_of(index_name_);
    if (group_.has_dataset(index_name_) && !group_.dataset(index_name_).has_attribute("categories"))
      plain_index_ = group_.dataset(index_name_);
    if (group_.has_attribute("column-order")) {
      columns_ = group_.strings_attribute("column-order");
    } else {
      for (const std::string& name : group_.names())
        if (name != index_name_ && name != "__categories") columns_.push_back(name);
    }
  }

  std::int64_t size() const { return size_; }
  const hdf5::Group& group() const { return group_; }
  const std::string& index_name() const { return index_name_; }
  const std::vector<std::string>& columns() const { return columns_; }
  bool has(const std::string& column) const { return std::ranges::find(columns_, column) != columns_.end(); }

  ColumnInfo::Type type(const std::string& column) const {
    using Type = hdf5::Dataset::Type;
    if (!has(column) || !group_.has(column)) missing(column);
    std::string part = column;
    if (group_.has_group(column)) {
      if (group_.group(column).has("codes")) return ColumnInfo::Type::text;
      part += "/values";
    }
    const hdf5::Dataset data = group_.dataset(part);
    if (data.has_attribute("categories")) return ColumnInfo::Type::text;
    if (data.type() == Type::boolean) return ColumnInfo::Type::boolean;
    return data.is_number() ? ColumnInfo::Type::number : ColumnInfo::Type::text;
  }

  /// The index values of a range of rows, as text.
  std::vector<std::string> index(std::int64_t first, std::int64_t count) const {
    std::vector<std::string> names;
    auto values = plain_index_ ? detail::texts(*plain_index_, first, count) : texts(index_name_, first, count);
    for (auto& value : values) names.push_back(std::move(value).value_or(""));
    return names;
  }

  /// A column as labels. Categories keep their order in the file; other values come in order of appearance.
  LabelColumn labels(const std::string& column) const {
    if (!has(column) || !group_.has(column)) missing(column);
    if (auto categorical = categorical_of(column)) return std::move(*categorical);
    return detail::label_column(column, texts(column, 0, size_));
  }

  /// A numeric column; a missing value reads as NaN.
  std::vector<double> numbers(const std::string& column) const {
    if (!has(column) || !group_.has(column)) missing(column);
    if (type(column) == ColumnInfo::Type::text)
      group_.fail("column '" + column + "' holds text; numbers were expected");
    const bool nullable = group_.has_group(column);
    const hdf5::Dataset data = group_.dataset(nullable ? column + "/values" : column);
    expect_length(data);
    std::vector<double> values = data.read<double>(0, size_);
    if (nullable) {
      const std::vector<bool> missing = mask(column, 0, size_);
      for (std::size_t i = 0; i < values.size(); ++i)
        if (missing[i]) values[i] = std::nan("");
    }
    return values;
  }

 private:
  [[noreturn]] void missing(const std::string& column) const {
    std::string all;
    for (const std::string& name : columns_) all += (all.empty() ? "" : ", ") + name;
    group_.fail("has no column '" + column + "'; it has: " + (all.empty() ? "none" : all));
  }

  std::int64_t length_of(const std::string& column) const {
    if (!group_.has_group(column)) return group_.dataset(column).expect_vector().length();
    const bool categorical = group_.group(column).has("codes");
    return group_.dataset(column + (categorical ? "/codes" : "/values")).expect_vector().length();
  }
  void expect_length(const hdf5::Dataset& data) const {
    if (data.expect_vector().length() != size_)
      data.fail("has " + std::to_string(data.length()) + " values; the index of '" + group_.path() + "' has " +
                std::to_string(size_));
  }

  std::vector<bool> mask(const std::string& column, std::int64_t first, std::int64_t count) const {
    const hdf5::Dataset data = group_.dataset(column + "/mask");
    expect_length(data);
    const auto values = data.read<std::int8_t>(first, count);
    return {values.begin(), values.end()};
  }

  /// A range of any column as text. A categorical index is rare: it is read whole.
  std::vector<std::optional<std::string>> texts(const std::string& column, std::int64_t first,
                                                std::int64_t count) const {
    if (auto categorical = categorical_of(column)) {
      std::vector<std::optional<std::string>> all;
      for (std::int64_t i = 0; i < count; ++i) all.push_back(categorical->at(first + i));
      return all;
    }
    const bool nullable = group_.has_group(column);
    const hdf5::Dataset data = group_.dataset(nullable ? column + "/values" : column);
    expect_length(data);
    auto all = detail::texts(data, first, count);
    if (nullable) {
      const std::vector<bool> missing = mask(column, first, count);
      for (std::size_t i = 0; i < all.size(); ++i)
        if (missing[i]) all[i].reset();
    }
    return all;
  }

  /// Codes and categories: a group with both (since 0.8), or codes with a reference to categories (0.7).
  std::optional<LabelColumn> categorical_of(const std::string& column) const {
    hdf5::Dataset codes, categories;
    if (group_.has_group(column)) {
      const hdf5::Group group = group_.group(column);
      if (!group.has("codes")) return std::nullopt;
      codes = group.dataset("codes");
      categories = open_categories(group, "categories");
    } else {
      codes = group_.dataset(column);
      if (!codes.has_attribute("categories")) return std::nullopt;
      categories = group_.dereference(codes, "categories");
    }
    return decode(column, codes, categories);
  }
  /// Categories are an array, or (anndata 0.12 on) a nullable array of strings in which nothing is missing.
  static hdf5::Dataset open_categories(const hdf5::Group& group, const std::string& name) {
    return group.has_group(name) ? group.dataset(name + "/values") : group.dataset(name);
  }

  LabelColumn decode(const std::string& column, const hdf5::Dataset& codes, const hdf5::Dataset& categories) const {
    expect_length(codes);
    LabelColumn result{column, {}, codes.read<std::int32_t>(0, size_)};
    std::unordered_map<std::string, std::int32_t> known;
    for (const auto& value : detail::texts(categories, 0, categories.expect_vector().length())) {
      const auto code = static_cast<std::int32_t>(result.values.size());
      if (!known.try_emplace(value.value_or("nan"), code).second)
        categories.fail("holds '" + value.value_or("nan") + "' twice; categories must differ");
      result.values.push_back(value.value_or("nan"));
    }
    for (std::size_t row = 0; row < result.codes.size(); ++row)
      if (result.codes[row] < -1 || result.codes[row] >= static_cast<std::int32_t>(result.values.size()))
        codes.fail("row " + std::to_string(row) + " has the code " + std::to_string(result.codes[row]) +
                   "; there are " + std::to_string(result.values.size()) + " categories");
    return result;
  }

  hdf5::Group group_;
  std::string index_name_;
  std::optional<hdf5::Dataset> plain_index_;  ///< kept open: names are read in many small parts
  std::vector<std::string> columns_;
  std::int64_t size_ = 0;
};

}  // namespace cell2text::anndata
