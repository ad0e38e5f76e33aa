#include "describe_choice.hpp"

#include <charconv>
#include <numeric>

#include "cell2text/cells/chosen_cells.hpp"
#include "console.hpp"
#include "open_cells.hpp"

namespace cell2text::driver {

namespace {

/// Nothing where the text is no number.
std::optional<std::int64_t> number_of_cells(const std::string& text) {
  std::int64_t number = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (fault != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (number < 1) throw InputError("--cells " + text + ": at least 1 cell is expected");
  return number;
}

std::vector<std::int64_t> all_rows(std::int64_t size) {
  std::vector<std::int64_t> rows(static_cast<std::size_t>(size));
  std::iota(rows.begin(), rows.end(), 0);
  return rows;
}

std::vector<std::int64_t> drawn_rows(std::int64_t wanted, std::int64_t size, std::uint64_t seed) {
  if (wanted > size)
    log().warning("--cells " + std::to_string(wanted) + ": there are " + std::to_string(size) +
                  " cells; all of them are described");
  return stratified_choice(all_rows(size), wanted, seed, [](std::int64_t) { return std::nullopt; });
}

Clusters clusters_in(const SourceHandle& source, const std::string& key, const std::string& file) {
  std::vector<std::string> names;
  for (const ColumnInfo& column : source.columns()) {
    if (column.name == key) return clusters_of(source.labels(key), column.type == ColumnInfo::Type::number, file);
    names.push_back(column.name);
  }
  throw InputError("--cluster " + key + ": " + file + " has no such column" + suggestion(key, names));
}

}  // namespace

void add_choice_options(CLI::App& command, ChoiceArguments& arguments) {
  auto* cells = command
                    .add_option("--cells", arguments.cells,
                                "Describe these cells alone: a file with their names, one a line, or how many to draw "
                                "at random")
                    ->option_text("FILE|N");
  auto* cluster = command
                      .add_option("--cluster", arguments.cluster,
                                  "Describe some cells of each cluster, of which this column tells, and write what "
                                  "most of them are for all its cells (cell2text_cluster_X)")
                      ->option_text("COLUMN")
                      ->excludes(cells);
  command.add_option("--cluster-cells", arguments.cluster_cells, "Cells to describe of each cluster (default: 20)")
      ->check(CLI::Range(1, 1'000'000))
      ->needs(cluster);
  command
      .add_option(
          "--cluster-table", arguments.cluster_table,
          "Where the table of clusters goes (default: beside the output, OUT.clusters.csv without OUT's ending)")
      ->needs(cluster);
  command.add_option("--seed", arguments.seed, "Of the cells that --cells N and --cluster draw (default: 0)")
      ->check(CLI::NonNegativeNumber);
}

CellChoice choose_cells(const ChoiceArguments& arguments, const SourceHandle& source, const std::string& file) {
  const auto seed = static_cast<std::uint64_t>(arguments.seed);
  if (arguments.cluster) {
    Clusters clusters = clusters_in(source, *arguments.cluster, file);
    auto rows = cells_of_each(clusters, arguments.cluster_cells, seed);
    return {std::move(rows), std::move(clusters)};
  }
  if (!arguments.cells) return {all_rows(source.size()), std::nullopt};
  if (const auto wanted = number_of_cells(*arguments.cells))
    return {drawn_rows(*wanted, source.size(), seed), std::nullopt};
  return {named_rows(source, read_cell_names(*arguments.cells), *arguments.cells, file), std::nullopt};
}

}  // namespace cell2text::driver
