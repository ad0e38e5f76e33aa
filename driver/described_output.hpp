// What `describe` writes of each cell: the columns of its table.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "cell2text/generate/describe_cells.hpp"
#include "cell2text/model_folder.hpp"
#include "cell2text/text/label_reader.hpp"
#include "output_table.hpp"

namespace cell2text::driver {

/// The labels that are read from a text, by role.
inline constexpr std::array<const char*, 5> described_labels = {"cell_type", "tissue", "disease", "sex",
                                                                "development_stage"};

/// What stands for a label that the model is not sure of.
inline constexpr const char* unassigned = "unassigned";

/// A described cell with the labels that its text names; a label that is not readable is missing, never guessed.
struct LabelledCell {
  DescribedCell cell;
  std::map<std::string, std::string> labels, ontology_ids;
  std::map<std::string, std::string> raw;  ///< labels as read, where `labels` says "unassigned" of unsure ones
  std::string given;                       ///< roles of the labels that the user knew, as text
};

/// Which columns there are.
struct DescribedColumns {
  bool confidence = true;
  bool best = false;   ///< the most probable labels
  bool raw = false;    ///< labels before unsure ones were taken away
  bool sure = false;   ///< cell_type_sure (sure_cell_type.hpp)
  bool given = false;  ///< which labels the user knew
};

/// A column of the output and how it is read off a cell.
struct DescribedColumn {
  using Type = TableColumn::Type;
  std::string name;
  Type type;
  std::function<std::string(const LabelledCell&)> text;  ///< of text and category; empty: missing
  std::function<double(const LabelledCell&)> number;     ///< of the others; NaN: missing
};
/// `card` must outlive them.
std::vector<DescribedColumn> described_columns(const DescribedColumns& which, const ModelCard& card);

/// Names and types alone.
std::vector<TableColumn> table_columns(const std::vector<DescribedColumn>& columns);

/// What a described cell has in these columns.
TableRow table_row(const std::vector<DescribedColumn>& columns, const LabelledCell& cell);

/// The values of a cell that was not to be described, of which its status says so.
std::vector<TableValue> not_described(const std::vector<TableColumn>& columns);

}  // namespace cell2text::driver
