// Which values of which columns a dataset holds out: named ones and, by an ontology, what stands below them.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "cell2text/dataset/label_view.hpp"
#include "cell2text/dataset/split_settings.hpp"
#include "cell2text/ontology/graph.hpp"
#include "cell2text/settings.hpp"
#include "cell2text/text/obo.hpp"

namespace cell2text::dataset {

/// The values of one column whose cells are held out.
struct HeldOut {
  const LabelColumn* column = nullptr;
  std::vector<bool> values;  ///< [values]

  bool has(std::int64_t row) const { return column->codes[row] >= 0 && values[column->codes[row]]; }
};

/// An ontology with the graph of its terms; for tissues one of OntologyRelations::is_a_or_part_of.
struct TermTree {
  const Ontology* ontology = nullptr;
  const OntologyGraph* graph = nullptr;

  explicit operator bool() const { return graph != nullptr; }
};

namespace holdout_detail {

/// Whether a value of a column is what `wanted` names, or a kind or part of it. Both may be names or ids.
inline bool is_or_below(const std::string& value, const std::string& wanted, const TermTree& tree) {
  if (value == wanted) return true;
  if (!tree) return false;
  const Term *term = find_term(*tree.ontology, value), *above = find_term(*tree.ontology, wanted);
  if (!term || !above) return false;
  const auto node = tree.graph->node_of(*term), node_above = tree.graph->node_of(*above);
  return node && node_above && (node == node_above || tree.graph->is_ancestor(*node_above, *node));
}

/// InputError where a name is that of no cell in play: it would be trained on in another spelling, unnoticed.
inline HeldOut values_of(const LabelView& labels, const LabelColumn& column, const std::string& role,
                         const std::vector<std::string>& names, const TermTree& tree) {
  const std::vector<std::int64_t> counts = count_cells(every_value(role, column), labels.cells);
  HeldOut held{&column, std::vector<bool>(column.values.size())};
  for (const std::string& name : names) {
    std::int64_t cells = 0;
    for (std::size_t value = 0; value < counts.size(); ++value)
      if (counts[value] > 0 && is_or_below(column.values[value], name, tree))
        held.values[value] = true, cells += counts[value];
    if (cells > 0) continue;
    const std::string near = nearest_name(name, column.values);
    throw InputError(
        "split.holdout." + role + " has '" + name + "', but no cell is of it" + (tree ? " or of a term below it" : "") +
        (near.empty() ? "; write it as obs column '" + column.name + "' does" : "; did you mean '" + near + "'?"));
  }
  return held;
}

}  // namespace holdout_detail

/// What `settings` hold out. `cell_types` and `tissues` are needed where cell types or tissues are held out with their
/// descendants. InputError where a tree or a column is missing, or no cell in play is of a named value.
inline std::vector<HeldOut> held_out_values(const LabelView& labels, const HoldoutSettings& settings,
                                            const TermTree& cell_types, const TermTree& tissues) {
  struct List {
    const char* role;
    const std::vector<std::string>& names;
    const LabelColumn* column;
    const TermTree* tree;
  };
  const List lists[] = {{"dataset", settings.dataset, labels.dataset, nullptr},
                        {"assay", settings.assay, labels.assay, nullptr},
                        {"tissue_general", settings.tissue_general, labels.tissue_general, nullptr},
                        {"tissue", settings.tissue, labels.tissue, &tissues},
                        {"cell_type", settings.cell_type, labels.cell_type, &cell_types}};
  std::vector<HeldOut> held;
  for (const List& list : lists) {
    if (list.names.empty()) continue;
    const std::string key = std::string("split.holdout.") + list.role;
    const LabelColumn& column =
        required(list.column, list.role, key + " names values", "name it, or leave that key out");
    const bool below = list.tree && settings.descendants;
    if (below && !*list.tree)
      throw InputError(key + " is to be held out with its descendants, but there is no ontology of it; name the " +
                       "ontology's file, or say split.holdout.descendants = false and list every value");
    held.push_back(holdout_detail::values_of(labels, column, list.role, list.names, below ? *list.tree : TermTree{}));
  }
  return held;
}

}  // namespace cell2text::dataset
