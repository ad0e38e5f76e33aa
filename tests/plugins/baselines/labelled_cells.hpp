// Made-up cells for tests of baselines: groups in the space of embeddings, with labels.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "cell2text/baselines/types.hpp"
#include "support/oracle.hpp"

namespace cell2text::test {

inline StopQuestion never() {
  return [] { return false; };
}

inline LabelColumn column(const std::string& name, const std::vector<std::string>& values) {
  LabelColumn out{name, {}, {}};
  for (const std::string& value : values) {
    auto found = std::ranges::find(out.values, value);
    if (!value.empty() && found == out.values.end()) found = out.values.insert(found, value);
    out.codes.push_back(value.empty() ? -1 : static_cast<std::int32_t>(found - out.values.begin()));
  }
  return out;
}

/// The answers of a column as texts, "" for none.
inline std::vector<std::string> texts_of(const LabelColumn& column) {
  std::vector<std::string> all;
  for (std::int64_t cell = 0; cell < column.size(); ++cell) all.push_back(column.at(cell).value_or(""));
  return all;
}

/// `size` cells of `groups` cell types, "type 0" and so on, around points `spread` apart; the tissue is always blood,
/// every tenth cell type is unknown, and a cell's pathways are those of its group and the next one.
inline BaselineCells grouped_cells(std::int64_t size, std::int64_t groups, double spread, std::uint64_t seed) {
  const auto generator = at::make_generator<at::CPUGeneratorImpl>(seed);
  BaselineCells cells{size, torch::randn({size, 8}, generator), {}};
  std::vector<std::string> types, tissues, first, second;
  for (std::int64_t cell = 0; cell < size; ++cell) {
    const std::int64_t group = (cell * 7 + cell / 3) % groups;
    cells.embeddings_NE[cell][group % 8] += spread;
    types.push_back(cell % 10 == 9 ? "" : "type " + std::to_string(group));
    tissues.push_back("blood");
    first.push_back("pathway " + std::to_string(group));
    second.push_back("pathway " + std::to_string((group + 1) % groups));
  }
  cells.labels = {column("cell_type", types), column("tissue", tissues)};
  cells.pathways = {column("pathway_1", first), column("pathway_2", second)};
  return cells;
}

inline double share_equal(const std::vector<std::string>& predicted, const std::vector<std::string>& truth) {
  double equal = 0, known = 0;
  for (std::size_t i = 0; i < truth.size(); ++i)
    if (!truth[i].empty()) ++known, equal += predicted[i] == truth[i];
  return equal / known;
}

}  // namespace cell2text::test
