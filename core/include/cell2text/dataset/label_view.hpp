// Labels of many cells as the stages of the dataset builder look at them: columns by role, the cells that are in play,
// and which values of a column are categories. Holds nothing per cell.
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cell2text/cells/cell_batch.hpp"
#include "cell2text/error.hpp"
#include "cell2text/text/age_bucket.hpp"
#include "cell2text/text/description.hpp"

namespace cell2text::dataset {

/// Columns of N cells by role, null where the cells have none, and the cells in play: rows of the columns, ascending,
/// each once. What is pointed at must outlive the view.
struct LabelView {
  const LabelColumn* dataset = nullptr;  ///< within which a donor's id is unique: a dataset or a collection
  const LabelColumn* donor = nullptr;    ///< donor_id, as in the files
  const LabelColumn* assay = nullptr;
  const LabelColumn* cell_type = nullptr;
  const LabelColumn* tissue = nullptr;          ///< the specific one
  const LabelColumn* tissue_general = nullptr;  ///< the organ
  const LabelColumn* disease = nullptr;         ///< "normal" for none
  const LabelColumn* development_stage = nullptr;
  std::span<const std::int64_t> cells = {};
};

/// The column of a role. InputError where there is none: `reason` says what needs it, `way_out` how to do without.
inline const LabelColumn& required(const LabelColumn* column, const std::string& role, const std::string& reason,
                                   const std::string& way_out) {
  if (!column) throw InputError(reason + ", but the cells have no column of the " + role + "; " + way_out);
  return *column;
}

/// The categories of one column. Values that tell nothing (missing, empty, "unknown", "na") are none.
struct Categories {
  std::string role;
  const LabelColumn* column = nullptr;
  std::vector<std::int32_t> of_value = {};  ///< [values] category, or -1
  std::vector<std::string> names = {};      ///< [categories]; not all of them need occur

  std::size_t size() const { return names.size(); }
  std::int32_t at(std::int64_t row) const {
    const std::int32_t code = column->codes[row];
    return code < 0 ? -1 : of_value[code];
  }
};

/// Each value is a category, those that tell nothing too; categories are numbered like the values.
inline Categories every_value(const std::string& role, const LabelColumn& column) {
  Categories categories{role, &column, std::vector<std::int32_t>(column.values.size()), column.values};
  std::iota(categories.of_value.begin(), categories.of_value.end(), 0);
  return categories;
}

/// Each value that tells something is a category; categories are numbered like the values.
inline Categories known_values(const std::string& role, const LabelColumn& column) {
  Categories categories = every_value(role, column);
  for (std::size_t value = 0; value < column.values.size(); ++value)
    if (!known_value(column.values[value])) categories.of_value[value] = -1;
  return categories;
}

/// The age buckets of the development stages ("development_group"); a stage without a bucket is in no category.
inline Categories development_groups(const LabelColumn& stages) {
  Categories categories{"development_group", &stages, {}, {age_buckets.begin(), age_buckets.end()}};
  for (const std::string& stage : stages.values) {
    const auto bucket = age_bucket(stage);
    categories.of_value.push_back(
        bucket ? static_cast<std::int32_t>(std::ranges::find(age_buckets, *bucket) - age_buckets.begin()) : -1);
  }
  return categories;
}

/// Cells of each category, [categories].
inline std::vector<std::int64_t> count_cells(const Categories& categories, std::span<const std::int64_t> cells) {
  std::vector<std::int64_t> counts(categories.size());
  for (const std::int64_t row : cells)
    if (const std::int32_t category = categories.at(row); category >= 0) ++counts[category];
  return counts;
}

}  // namespace cell2text::dataset
