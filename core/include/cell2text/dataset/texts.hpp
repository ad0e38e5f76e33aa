// The stage `describe`: the text of each cell, from the builder's table of labels.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/dataset/cell_table.hpp"
#include "cell2text/text/cell_definition.hpp"
#include "cell2text/text/description.hpp"

namespace cell2text::dataset {

/// Fills the template. Copies no labels; the table must outlive it.
class CellTexts {
 public:
  /// InputError for an ontology that cannot be read.
  CellTexts(const CellTable& table, const TextSettings& settings)
      : preset_{settings.preset == "authors" ? DescriptionStyle::Preset::authors : DescriptionStyle::Preset::paper} {
    for (const char* role : {"cell_type", "tissue", "tissue_general", "disease", "sex", "development_stage"})
      labels_.emplace_back(table.find(role));
    ids_ = table.find("cell_type_ontology_term_id");
    if (settings.ontology) ontology_ = std::make_unique<Ontology>(Ontology::read(*settings.ontology));
  }

  const Ontology* ontology() const { return ontology_.get(); }

  /// The description of a cell with its pathways' sentences, the strongest first; nothing where its cell type is not
  /// known.
  std::optional<std::string> text(std::int64_t cell, std::vector<std::string> pathways) {
    CellFacts facts;
    std::optional<std::string>* const known[] = {&facts.cell_type, &facts.tissue, &facts.tissue_general,
                                                 &facts.disease,   &facts.sex,    &facts.development_stage};
    for (std::size_t i = 0; i < labels_.size(); ++i)
      if (labels_[i]) *known[i] = labels_[i]->at(cell);
    if (ontology_ && facts.cell_type) facts.cell_type_definition = definition(cell, *facts.cell_type);
    facts.pathway_descriptions = std::move(pathways);
    return cell2text::describe(facts, preset_);
  }

 private:
  const std::optional<std::string>& definition(std::int64_t cell, const std::string& name) {
    const std::pair key(labels_[0]->codes[cell], ids_ ? ids_->codes[cell] : -1);
    const auto [entry, is_new] = definitions_.try_emplace(key);
    if (is_new) entry->second = cell_definition(*ontology_, name, ids_ ? ids_->at(cell) : std::nullopt);
    return entry->second;
  }

  DescriptionStyle preset_;
  std::vector<const LabelColumn*> labels_;  // null where no source has the column
  const LabelColumn* ids_ = nullptr;
  std::unique_ptr<Ontology> ontology_;
  std::map<std::pair<std::int32_t, std::int32_t>, std::optional<std::string>> definitions_;
};

}  // namespace cell2text::dataset
