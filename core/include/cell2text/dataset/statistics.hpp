// What a built dataset holds, counted from its own files: cells of each part, frequencies of labels, and whether the
// split keeps its promises.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/dataset/label_view.hpp"
#include "cell2text/histogram.hpp"
#include "cell2text/plugin/handles.hpp"

namespace cell2text::dataset {

/// Cells of one part, and how many different values they have of each label.
struct PartStatistics {
  std::string part;
  std::int64_t cells = 0, donors = 0, cell_types = 0, tissues = 0, diseases = 0;
};

/// How many cells have each value of a label, the most frequent first; missing values are not among them.
struct Frequencies {
  std::string label;
  std::vector<std::pair<std::string, std::int64_t>> values;
};

/// A value that cells of validation or test have, and no cell of train.
struct Uncovered {
  std::string part, label, value;
  std::int64_t cells = 0;
};

struct DatasetStatistics {
  std::vector<PartStatistics> parts;
  std::vector<Frequencies> frequencies;
  std::vector<Uncovered> uncovered;
  std::vector<std::string> donors_in_two_parts;
  std::vector<Histogram> histograms;
};

namespace statistics_detail {

/// Columns of a dataset by name, missing where it has none.
class Columns {
 public:
  explicit Columns(const SourceHandle& source) {
    for (const char* name : {"split", "cell_type", "tissue", "tissue_general", "disease", "donor_id", "dataset_id",
                             "assay", "sex", "development_stage", "pathway_1", "pathway_2"})
      if (source.has_column(name)) all_.emplace(name, source.labels(name));
  }
  const LabelColumn* find(const std::string& name) const {
    const auto found = all_.find(name);
    return found == all_.end() ? nullptr : &found->second;
  }

 private:
  std::map<std::string, LabelColumn> all_;
};

/// Distinct known values of a column among the cells of each part.
inline std::map<std::string, std::set<std::int32_t>> values_by_part(const LabelColumn* column,
                                                                    const LabelColumn& parts) {
  std::map<std::string, std::set<std::int32_t>> found;
  if (!column) return found;
  for (std::int64_t cell = 0; cell < parts.size(); ++cell)
    if (parts.codes[cell] >= 0 && column->codes[cell] >= 0 && known_value(column->values[column->codes[cell]]))
      found[parts.values[parts.codes[cell]]].insert(column->codes[cell]);
  return found;
}

inline Frequencies frequencies(const std::string& label, const std::vector<const LabelColumn*>& columns) {
  std::map<std::string, std::int64_t> counts;
  for (const LabelColumn* column : columns)
    for (std::int64_t cell = 0; column && cell < column->size(); ++cell)
      if (column->codes[cell] >= 0) ++counts[column->values[column->codes[cell]]];
  Frequencies all{label, {counts.begin(), counts.end()}};
  std::ranges::stable_sort(all.values, std::greater{}, [](const auto& one) { return one.second; });
  return all;
}

inline void add_uncovered(const std::string& label, const LabelColumn* column, const LabelColumn& parts,
                          std::vector<Uncovered>& uncovered) {
  const auto found = values_by_part(column, parts);
  const auto train = found.find("train");
  for (const char* part : {"validation", "test"}) {
    if (!found.contains(part)) continue;
    for (const std::int32_t value : found.at(part)) {
      if (train != found.end() && train->second.contains(value)) continue;
      Uncovered one{part, label, column->values[value], 0};
      for (std::int64_t cell = 0; cell < parts.size(); ++cell)
        one.cells += column->codes[cell] == value && parts.codes[cell] >= 0 && parts.values[parts.codes[cell]] == part;
      uncovered.push_back(std::move(one));
    }
  }
}

}  // namespace statistics_detail

/// Counts a dataset. InputError where it has no column `split`.
inline DatasetStatistics dataset_statistics(const SourceHandle& source) {
  using namespace statistics_detail;
  const Columns columns(source);
  const LabelColumn* parts = columns.find("split");
  if (!parts)
    throw InputError("there is no obs column 'split'; statistics are of a dataset that 'cell2text dataset build' made");
  DatasetStatistics all;
  std::map<std::string, std::int64_t> cells;
  for (const std::int32_t code : parts->codes)
    if (code >= 0) ++cells[parts->values[code]];
  // A donor is known within its dataset alone.
  std::map<std::pair<std::int32_t, std::int32_t>, std::set<std::int32_t>> parts_of_donor;
  const LabelColumn *donor = columns.find("donor_id"), *dataset = columns.find("dataset_id");
  for (std::int64_t cell = 0; donor && cell < parts->size(); ++cell)
    if (parts->codes[cell] >= 0)
      parts_of_donor[{dataset ? dataset->codes[cell] : -1, donor->codes[cell]}].insert(parts->codes[cell]);
  const auto types = values_by_part(columns.find("cell_type"), *parts),
             tissues = values_by_part(columns.find("tissue"), *parts),
             diseases = values_by_part(columns.find("disease"), *parts);
  const auto count = [](const auto& found, const std::string& part) {
    const auto values = found.find(part);
    return values == found.end() ? std::int64_t{0} : std::ssize(values->second);
  };
  for (const char* part : {"train", "validation", "test", "holdout"}) {
    if (!cells.contains(part)) continue;
    PartStatistics one{part, cells.at(part), 0, count(types, part), count(tissues, part), count(diseases, part)};
    for (const auto& [key, in] : parts_of_donor)
      one.donors += std::ranges::any_of(in, [&](std::int32_t code) { return parts->values[code] == part; });
    all.parts.push_back(std::move(one));
  }
  for (const auto& [key, in] : parts_of_donor) {
    std::int64_t trained_or_tested = 0;
    for (const std::int32_t code : in) trained_or_tested += parts->values[code] != "holdout";
    if (trained_or_tested > 1)
      all.donors_in_two_parts.push_back((key.first < 0 ? "" : dataset->values[key.first] + "/") +
                                        (key.second < 0 ? "(no donor id)" : donor->values[key.second]));
  }
  for (const char* label : {"cell_type", "tissue_general", "disease"})
    add_uncovered(label, columns.find(label), *parts, all.uncovered);
  for (const char* label : {"cell_type", "tissue_general", "tissue", "disease", "assay", "sex", "development_stage"})
    if (const LabelColumn* column = columns.find(label)) all.frequencies.push_back(frequencies(label, {column}));
  if (columns.find("pathway_1"))
    all.frequencies.push_back(frequencies("pathway", {columns.find("pathway_1"), columns.find("pathway_2")}));
  return all;
}

}  // namespace cell2text::dataset
