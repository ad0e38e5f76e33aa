// A table with a row per cell as a file: more obs columns of an .h5ad, CSV or JSON lines. Rows come one after the other
// and never lie in memory together.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "cell2text/plugin/handles.hpp"
#include "cell2text/value.hpp"

namespace cell2text::driver {

/// Of columns of text and category: empty is missing. Of the others, NaN is missing (no `truth` is), and 1 is true.
using TableValue = std::variant<std::string, double>;

/// In JSON lines its name is without "cell2text_".
struct TableColumn {
  enum class Type { text, category, integer, real, truth };
  std::string name;
  Type type = Type::text;

  bool holds_text() const { return type == Type::text || type == Type::category; }
};

struct TableRow {
  std::int64_t row = 0;  ///< of the source
  std::string cell;      ///< its name
  std::vector<TableValue> values;
};

struct Table {
  std::vector<TableColumn> columns;
  using Visit = std::function<void(const TableRow&)>;
  /// All rows, in the order of the source; may be called again.
  std::function<void(const Visit&)> each;
};

/// Where a table goes.
struct TablePlace {
  const SourceHandle& source;
  std::filesystem::path input;  ///< which `source` is, opened
  std::filesystem::path output;
  bool overwrite = false;
};

/// InputError where `output` has no ending that can be written.
void check_output_name(const std::filesystem::path& output);

/// Before any work is done. InputError where columns are taken, the folder is missing, or another program writes to the
/// output; EnvironmentError where the output may not be written to.
void check_output(const TablePlace& place, const std::vector<TableColumn>& columns);

/// Writes by the ending (.h5ad, .csv, .jsonl), under a temporary name first. `about` goes into uns["cell2text"]. An
/// .h5ad has a row for each cell of the source.
void write_table(const TablePlace& place, const Table& table, const Value& about);

}  // namespace cell2text::driver
