// From a lab's own names of cell types to those of an ontology, so that any column of labels can be scored.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/cells/cell_batch.hpp"
#include "cell2text/error.hpp"
#include "cell2text/evaluate/prediction.hpp"
#include "cell2text/io/csv.hpp"
#include "cell2text/text/description.hpp"
#include "cell2text/text/obo.hpp"

namespace cell2text {

/// Names by label. A label that is not in the map stands for itself.
class LabelMap {
 public:
  LabelMap() = default;
  /// Reads a table with the columns `label` and `id` or `name`; a row without an id or name maps nothing. An id becomes
  /// the name of its current term; without an ontology it stays an id.
  /// InputError naming file and line: a column is missing, a label is listed twice with different targets, or the
  /// ontology does not know an id. Errors of the file as read_csv.
  LabelMap(const std::filesystem::path& path, const Ontology* ontology) {
    const CsvTable table = read_csv(path);
    const auto label = table.column("label"), id = table.column("id"), name = table.column("name");
    if (!label || (!id && !name))
      throw InputError(path.string() + " has the columns " + listed(table.header) +
                       "; 'label' and one of 'id' and 'name' are needed");
    for (const CsvRow& row : table.rows) {
      const std::string where = path.string() + ":" + std::to_string(row.line) + ": ";
      std::string target = id ? row.fields[*id] : "";
      if (!target.empty() && ontology) target = term_name(target, *ontology, where);
      if (target.empty() && name) target = row.fields[*name];
      if (target.empty()) continue;
      const auto [entry, is_new] = names_.emplace(row.fields[*label], target);
      if (!is_new && entry->second != target)
        throw InputError(where + "'" + entry->first + "' is mapped to '" + target + "' and, before, to '" +
                         entry->second + "'; each label needs one line");
    }
  }

  bool has(const std::string& label) const { return names_.contains(label); }
  const std::string& name(const std::string& label) const {
    const auto found = names_.find(label);
    return found == names_.end() ? label : found->second;
  }

 private:
  static std::string listed(const std::vector<std::string>& names) {
    std::string all;
    for (const std::string& name : names) all += (all.empty() ? "'" : ", '") + name + "'";
    return all;
  }
  static std::string term_name(const std::string& id, const Ontology& ontology, const std::string& where) {
    const Term* term = ontology.current(id);
    if (!term || term->name.empty())
      throw InputError(where + "the ontology has no current term " + id + "; correct the id, or leave it empty");
    return term->name;
  }

  std::map<std::string, std::string> names_;
};

/// What a file says of its cells: [cells] in each.
struct LabelColumns {
  std::vector<std::string> cells;
  LabelColumn predicted, truth;
  std::optional<LabelColumn> donors = {};
};

/// Two columns of labels as predictions of cell types, and what was found on the way.
struct LabelledCells {
  std::vector<Prediction> predictions;  ///< of the cells whose true label is known
  std::vector<std::string> names;       ///< that the predicted labels stand for
  std::vector<std::string> unknown;     ///< predicted labels that neither map nor ontology nor truth know
};

/// Each label is told in a sentence of the template, so that every metric that reads cell types from texts can score
/// it. Names that the ontology knows, by name, exact synonym or id, become those of its terms.
/// InputError where no cell has a true label, or no predicted label occurs among the true ones.
inline LabelledCells label_cells(const LabelColumns& columns, const LabelMap& map, const Ontology* ontology) {
  const auto& [cells, predicted, truth, donors] = columns;
  const auto term_of = [&](const std::string& name) -> const Term* {
    if (!ontology) return nullptr;
    const Term* term = ontology->by_label(name);
    return term ? term : ontology->current(name);
  };
  const auto names_of = [&](const LabelColumn& column) {
    std::vector<std::optional<std::string>> names;
    for (const std::string& value : column.values) {
      names.push_back(known_value(map.name(value)));
      const Term* term = names.back() ? term_of(*names.back()) : nullptr;
      if (term && !term->name.empty()) names.back() = term->name;
    }
    return names;
  };
  const auto said = names_of(predicted), meant = names_of(truth);
  const std::set<std::optional<std::string>> true_names(meant.begin(), meant.end());
  const auto text_of = [](const std::optional<std::string>& name) {
    CellFacts facts;
    facts.cell_type = name;
    return describe(facts).value_or("");
  };

  LabelledCells out;
  bool any_shared = false;
  for (std::size_t i = 0; i < said.size(); ++i) {
    if (!said[i]) continue;
    out.names.push_back(*said[i]);
    const bool shared = true_names.contains(said[i]);
    any_shared |= shared;
    if (!shared && !map.has(predicted.values[i]) && !term_of(*said[i])) out.unknown.push_back(predicted.values[i]);
  }
  for (std::size_t row = 0; row < cells.size(); ++row) {
    const std::optional<std::string> name = truth.codes[row] < 0 ? std::nullopt : meant[truth.codes[row]];
    if (!name) continue;
    Prediction one{.cell = cells[row], .reference = text_of(name), .prediction = {}, .labels = {{"cell_type", *name}}};
    if (predicted.codes[row] >= 0) one.prediction = text_of(said[predicted.codes[row]]);
    if (donors) one.donor = known_value(donors->at(static_cast<std::int64_t>(row))).value_or("");
    out.predictions.push_back(std::move(one));
  }
  if (out.predictions.empty())
    throw InputError("no cell has a known label in '" + truth.name + "'; name another column with --truth");
  if (!any_shared)
    throw InputError("no label of '" + predicted.name + "' occurs in '" + truth.name + "': the first has '" +
                     (predicted.values.empty() ? "" : predicted.values.front()) + "', the second '" +
                     truth.values.front() +
                     "'. Map one to the other with --map, or give the ontology that knows both with --ontology");
  return out;
}

}  // namespace cell2text
