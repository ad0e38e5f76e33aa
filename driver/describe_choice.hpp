// Which cells of a file are described: all, those that a list names, some at random, or some of each cluster.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "cell2text/cells/clusters.hpp"
#include "cell2text/plugin/handles.hpp"

namespace cell2text::driver {

struct ChoiceArguments {
  std::optional<std::string> cells, cluster, cluster_table;
  std::int64_t cluster_cells = 20, seed = 0;
};

/// --cells, --cluster, --cluster-cells, --cluster-table, --seed.
void add_choice_options(CLI::App& command, ChoiceArguments& arguments);

struct CellChoice {
  std::vector<std::int64_t> rows;  ///< ascending
  std::optional<Clusters> clusters;
};

/// InputError where a list or a column is unfit.
CellChoice choose_cells(const ChoiceArguments& arguments, const SourceHandle& source, const std::string& file);

}  // namespace cell2text::driver
