#include "describe_tables.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>

#include "cell2text/io/atomic_file.hpp"
#include "describe_clusters.hpp"
#include "describe_windows.hpp"
#include "described_output.hpp"

namespace cell2text::driver {

std::filesystem::path cluster_table_path(const ChoiceArguments& arguments, const std::filesystem::path& output) {
  if (arguments.cluster_table) return *arguments.cluster_table;
  return std::filesystem::path(output).replace_extension(".clusters.csv");
}

void check_tables(const DescribedTables& tables) {
  std::vector<TableColumn> columns = tables.columns;
  if (tables.choice.clusters) {
    std::ranges::move(ClusterSummary::columns(), std::back_inserter(columns));
    if (std::filesystem::weakly_canonical(tables.clusters) == std::filesystem::weakly_canonical(tables.place.output))
      throw InputError("--cluster-table " + tables.clusters.string() + ": is the output, too; choose another name");
    const AtomicFile probe(tables.clusters);
  }
  check_output(tables.place, columns);
}

void write_tables(const DescribedTables& tables, const PartFile& part, const Value& about) {
  const TablePlace& place = tables.place;
  const Table described{tables.columns, [&](const Table::Visit& visit) { each_described(part, visit); }};
  const bool is_h5ad = place.output.extension() == ".h5ad";
  if (!is_h5ad && !tables.choice.clusters) return write_table(place, described, about);

  const std::vector<TableValue> others = not_described(tables.columns);
  const auto each = [&](const Table::Visit& visit) { each_cell(part, place.source, others, !is_h5ad, visit); };
  if (!tables.choice.clusters) return write_table(place, {tables.columns, each}, about);

  const ClusterSummary clusters(*tables.choice.clusters, described);
  Table all{tables.columns, [&](const Table::Visit& visit) {
              each([&](TableRow row) {
                std::ranges::copy(clusters.values(row.row), std::back_inserter(row.values));
                visit(row);
              });
            }};
  std::ranges::move(ClusterSummary::columns(), std::back_inserter(all.columns));
  clusters.write(tables.clusters);
  write_table(place, all, about);
}

std::string status_summary(const std::vector<TableColumn>& columns, const PartFile& part) {
  const auto status = std::ranges::find(columns, "cell2text_status", &TableColumn::name) - columns.begin();
  std::map<std::string, std::int64_t> statuses;
  std::int64_t cells = 0;
  each_described(part, [&](const TableRow& row) { ++cells, ++statuses[std::get<std::string>(row.values[status])]; });
  std::string text;
  for (const auto& [name, count] : statuses) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, name);
  return fmt::format("{} cells ({})", cells, text);
}

}  // namespace cell2text::driver
