// Columns for obs of an .h5ad: what they hold, what .h5ad takes of it, and how it is written, at once or block by
// block. Which columns a file has is io/h5ad_writer.hpp's business.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <type_traits>
#include <unordered_set>
#include <variant>
#include <vector>

#include "cell2text/cells/cell_batch.hpp"
#include "cell2text/io/anndata.hpp"
#include "cell2text/io/hdf5_write.hpp"
#include "cell2text/text/words.hpp"

namespace cell2text {

/// A column to add to obs, one value per cell: labels become a categorical (code -1 missing; the label
/// column's own name is not used), texts a string array, numbers and truth values an array of their type (NaN missing).
struct ObsColumn {
  std::string name;
  std::variant<LabelColumn, std::vector<std::string>, std::vector<std::int64_t>, std::vector<float>,
               std::vector<double>, std::vector<bool>>
      values;

  std::int64_t size() const {
    return std::visit([](const auto& all) { return static_cast<std::int64_t>(std::size(all)); }, values);
  }
};

/// Columns whose values come block by block, so that they never lie in memory together.
struct ObsBlocks {
  std::vector<ObsColumn> columns;  ///< without values: names, types, and the categories of labels
  std::uint64_t text_bytes = 0;    ///< of all texts that will come
  using Take = std::function<void(const std::vector<ObsColumn>& block)>;
  /// Calls `take` with the columns above for the next cells, in order, until all cells have come.
  std::function<void(const Take& take)> each;
};

namespace h5ad_writer_detail {

inline void set_encoding(const hdf5::Object& object, const char* type, const char* version) {
  hdf5::set_attribute(object, "encoding-type", std::string(type));
  hdf5::set_attribute(object, "encoding-version", std::string(version));
}

inline void check_text(const std::string& text, const std::string& where) {
  if (!is_utf8(text) || text.find('\0') != std::string::npos)
    throw InputError(where + ": a text of " + std::to_string(text.size()) +
                     " bytes is not UTF-8 or holds a byte of 0; .h5ad takes neither");
}
inline void check_name(const std::string& name, const std::string& where) {
  check_text(name, where);
  if (name.empty() || name == "." || name.find('/') != std::string::npos)
    throw InputError(where + ": '" + name + "' cannot be a name in an .h5ad file; names are not empty and hold no '/'");
}

inline void check_texts(const std::vector<std::string>& texts, std::int64_t first, const std::string& where) {
  for (std::size_t i = 0; i < texts.size(); ++i)
    check_text(texts[i], where + ", row " + std::to_string(first + static_cast<std::int64_t>(i)));
}
inline void check_categories(const std::vector<std::string>& categories, const std::string& where) {
  std::unordered_set<std::string> known;
  for (const std::string& value : categories) {
    check_text(value, where);
    if (!known.insert(value).second) throw InputError(where + ": the category '" + value + "' occurs twice");
  }
}
inline void check_codes(const std::vector<std::int32_t>& codes, std::int64_t categories, const std::string& where) {
  for (const std::int32_t code : codes)
    if (code < -1 || code >= categories)
      throw InputError(where + ": the code " + std::to_string(code) + " has no category; codes are -1 to " +
                       std::to_string(categories - 1));
}

/// The values of cells from `first` on, of which `announced` has the categories.
inline void check_values(const ObsColumn& column, const ObsColumn& announced, std::int64_t first,
                         const std::string& where) {
  if (column.values.index() != announced.values.index()) throw BugError(where + ": values of another type came");
  if (const auto* labels = std::get_if<LabelColumn>(&column.values))
    check_codes(labels->codes, std::ssize(std::get<LabelColumn>(announced.values).values), where);
  if (const auto* texts = std::get_if<std::vector<std::string>>(&column.values)) check_texts(*texts, first, where);
}

/// A column of a file to be with `cells` cells.
inline void check_column(const ObsColumn& column, std::int64_t cells, const anndata::DataFrame& obs,
                         const std::string& file) {
  const std::string where = file + ": new obs column '" + column.name + "'";
  check_name(column.name, where);
  if (column.name == obs.index_name() || column.name == "_index" || column.name == "__categories")
    throw InputError(where + ": is the name of the index or kept for anndata; choose another");
  if (cells != obs.size())
    throw InputError(where + ": has " + std::to_string(cells) + " values; the file has " + std::to_string(obs.size()) +
                     " cells");
  if (const auto* labels = std::get_if<LabelColumn>(&column.values)) check_categories(labels->values, where);
  check_values(column, column, 0, where);
}

/// The values of a column to be, of which `column` says type and categories; codes of the narrowest type, as pandas
/// keeps them.
inline hdf5::Dataset announce_column(const hdf5::Group& obs, const ObsColumn& column, std::int64_t cells) {
  const auto count = static_cast<hsize_t>(cells);
  const std::string& name = column.name;
  return std::visit(
      [&]<class Values>(const Values& values) {
        hdf5::Dataset made;
        if constexpr (std::is_same_v<Values, LabelColumn>) {
          const hdf5::Group group = hdf5::write_group(obs, name);
          set_encoding(group, "categorical", "0.2.0");
          hdf5::set_attribute(group, "ordered", false);
          set_encoding(hdf5::write_strings(group, "categories", values.values), "string-array", "0.2.0");
          const auto categories = std::ssize(values.values);
          made = categories <= std::numeric_limits<std::int8_t>::max()
                     ? hdf5::announce_numbers<std::int8_t>(group, "codes", count)
                 : categories <= std::numeric_limits<std::int16_t>::max()
                     ? hdf5::announce_numbers<std::int16_t>(group, "codes", count)
                     : hdf5::announce_numbers<std::int32_t>(group, "codes", count);
        } else if constexpr (std::is_same_v<Values, std::vector<std::string>>) {
          made = hdf5::announce_strings(obs, name, count);
        } else if constexpr (std::is_same_v<Values, std::vector<bool>>) {
          made = hdf5::announce_booleans(obs, name, count);
        } else {
          made = hdf5::announce_numbers<typename Values::value_type>(obs, name, count);
        }
        set_encoding(made, std::is_same_v<Values, std::vector<std::string>> ? "string-array" : "array", "0.2.0");
        return made;
      },
      column.values);
}

template <class Code>
void write_codes(const hdf5::Dataset& dataset, hsize_t first, const std::vector<std::int32_t>& codes) {
  const std::vector<Code> narrow(codes.begin(), codes.end());
  hdf5::write_part<Code>(dataset, first, narrow);
}

/// Values of the cells from `first` on into what `announce_column` made.
inline void write_values(const hdf5::Dataset& dataset, std::int64_t first, const ObsColumn& column) {
  const auto at = static_cast<hsize_t>(first);
  std::visit(
      [&]<class Values>(const Values& values) {
        if constexpr (std::is_same_v<Values, LabelColumn>) {
          const std::int64_t bytes = dataset.value_bytes();
          if (bytes == 1)
            write_codes<std::int8_t>(dataset, at, values.codes);
          else if (bytes == 2)
            write_codes<std::int16_t>(dataset, at, values.codes);
          else
            hdf5::write_part<std::int32_t>(dataset, at, values.codes);
        } else if constexpr (std::is_same_v<Values, std::vector<std::string>>) {
          hdf5::write_strings_part(dataset, at, values);
        } else if constexpr (std::is_same_v<Values, std::vector<bool>>) {
          hdf5::write_booleans_part(dataset, at, {values.begin(), values.end()});
        } else {
          hdf5::write_part<typename Values::value_type>(dataset, at, values);
        }
      },
      column.values);
}

inline void write_column(const hdf5::Group& obs, const ObsColumn& column) {
  write_values(announce_column(obs, column, column.size()), 0, column);
}
inline void write_column(const hdf5::Group& obs, const std::string& name, const std::vector<std::string>& texts) {
  write_column(obs, ObsColumn{name, texts});
}

/// All columns side by side. BugError where more or fewer cells come than the file has.
inline void write_blocks(const hdf5::Group& obs, const ObsBlocks& blocks, std::int64_t cells, const std::string& file) {
  std::vector<hdf5::Dataset> made;
  for (const ObsColumn& column : blocks.columns) made.push_back(announce_column(obs, column, cells));
  std::int64_t done = 0;
  blocks.each([&](const std::vector<ObsColumn>& block) {
    if (block.size() != made.size()) throw BugError("h5ad: a block with " + std::to_string(block.size()) + " columns");
    const std::int64_t count = block.front().size();
    if (done + count > cells) throw BugError("h5ad: more values came for obs than there are cells");
    for (std::size_t i = 0; i < block.size(); ++i) {
      check_values(block[i], blocks.columns[i], done, file + ": new obs column '" + block[i].name + "'");
      write_values(made[i], done, block[i]);
    }
    done += count;
  });
  if (done != cells)
    throw BugError("h5ad: values of " + std::to_string(done) + " cells came for obs; it has " + std::to_string(cells));
}

}  // namespace h5ad_writer_detail

}  // namespace cell2text
