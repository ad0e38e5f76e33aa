// The description template filled with labels that a baseline gives.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cell2text/cells/cell_batch.hpp"
#include "cell2text/text/description.hpp"
#include "cell2text/text/obo.hpp"

namespace cell2text {

/// Labels of N cells, named as in prediction_labels, and their pathways as texts tell them.
struct LabelAnswers {
  const std::vector<LabelColumn>& labels;
  const std::vector<LabelColumn>& pathways;
};

/// The description of one cell. The definition follows the cell type where `ontology` (which may be null) has it. Empty
/// where the cell type is not known.
inline std::string text_of_labels(const LabelAnswers& answers, std::int64_t cell, const Ontology* ontology,
                                  const DescriptionStyle& style) {
  CellFacts facts;
  const std::pair<const char*, std::optional<std::string> CellFacts::*> places[] = {
      {"cell_type", &CellFacts::cell_type},
      {"tissue", &CellFacts::tissue},
      {"disease", &CellFacts::disease},
      {"sex", &CellFacts::sex},
      {"development_stage", &CellFacts::development_stage}};
  for (const LabelColumn& column : answers.labels)
    for (const auto& [name, place] : places)
      if (column.name == name) facts.*place = column.at(cell);
  for (const LabelColumn& column : answers.pathways)
    if (const auto pathway = column.at(cell)) facts.pathway_descriptions.push_back(*pathway);
  const Term* term = ontology && facts.cell_type ? ontology->by_label(*facts.cell_type) : nullptr;
  if (term && !term->definition.empty()) facts.cell_type_definition = term->definition;
  return describe(facts, style).value_or("");
}

}  // namespace cell2text
