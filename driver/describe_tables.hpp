// What `describe` makes of a finished job: its output, and of clusters a table.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "cell2text/io/part_file.hpp"
#include "describe_choice.hpp"
#include "output_table.hpp"

namespace cell2text::driver {

struct DescribedTables {
  TablePlace place;
  std::vector<TableColumn> columns;  ///< of the cells that were described
  const CellChoice& choice;
  std::filesystem::path clusters;  ///< where the table of clusters goes
};

/// Where the table of clusters goes: OUT.clusters.csv without OUT's ending, or as the command line says.
std::filesystem::path cluster_table_path(const ChoiceArguments& arguments, const std::filesystem::path& output);

/// Before any work is done; errors as check_output.
void check_tables(const DescribedTables& tables);

/// A table of cells has those that were described; an .h5ad, and with clusters a table, all cells of the source.
void write_tables(const DescribedTables& tables, const PartFile& part, const Value& about);

/// "700 cells (690 ok, 10 unreadable)".
std::string status_summary(const std::vector<TableColumn>& columns, const PartFile& part);

}  // namespace cell2text::driver
