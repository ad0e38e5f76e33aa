// A table of comma-separated values: written again, it is read as the same.
#pragma once

#include "cell2text/io/csv.hpp"
#include "support.hpp"

namespace cell2text::fuzz {

inline bool csv(std::string_view input) {
  CsvTable table;
  if (!accepted([&] { table = parse_csv(input, "x.csv"); })) return false;
  std::string text;
  const auto write = [&](const std::vector<std::string>& fields) {
    require(fields.size() == table.header.size(), "a row has as many fields as the header");
    for (std::size_t i = 0; i < fields.size(); ++i) text += (i ? "," : "") + csv_field(fields[i]);
    text += '\n';
  };
  write(table.header);
  for (const CsvRow& row : table.rows) write(row.fields);
  const CsvTable again = parse_csv(text, "again.csv");
  require(again.header == table.header && again.rows.size() == table.rows.size(), "a table is written and read back");
  for (std::size_t i = 0; i < table.rows.size(); ++i)
    require(again.rows[i].fields == table.rows[i].fields, "a row is written and read back");
  return true;
}

}  // namespace cell2text::fuzz
