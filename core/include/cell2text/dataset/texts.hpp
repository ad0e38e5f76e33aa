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
#include "cell2text/text/definition_sentence.hpp"
#include "cell2text/text/description.hpp"

namespace cell2text::dataset {

/// What an ontology says of the values of one label, looked up once each. The columns must outlive it.
class Definitions {
 public:
  /// `values` and `ids` may be null. InputError for an ontology that cannot be read.
  Definitions(const LabelColumn* values, const LabelColumn* ids, const std::optional<std::string>& ontology)
      : values_(values), ids_(ids) {
    if (ontology) ontology_ = std::make_unique<Ontology>(Ontology::read(*ontology));
  }

  const Ontology* ontology() const { return ontology_.get(); }

  /// Nothing where the value is missing or has none; several values in one ("a and b") have none.
  const std::optional<std::string>& of(std::int64_t cell) {
    static const std::optional<std::string> nothing;
    if (!ontology_ || !values_ || values_->codes[cell] < 0) return nothing;
    const std::pair key(values_->codes[cell], ids_ ? ids_->codes[cell] : -1);
    const auto [entry, is_new] = known_.try_emplace(key);
    if (is_new) entry->second = cell_definition(*ontology_, *values_->at(cell), ids_ ? ids_->at(cell) : std::nullopt);
    return entry->second;
  }

 private:
  const LabelColumn *values_, *ids_;
  std::unique_ptr<Ontology> ontology_;
  std::map<std::pair<std::int32_t, std::int32_t>, std::optional<std::string>> known_;
};

/// Fills the template. Copies no labels; the table must outlive it.
class CellTexts {
 public:
  /// InputError for an ontology that cannot be read.
  CellTexts(const CellTable& table, const TextSettings& settings)
      : preset_{settings.preset == "authors" ? DescriptionStyle::Preset::authors : DescriptionStyle::Preset::paper},
        cell_types_(table.find("cell_type"), table.find("cell_type_ontology_term_id"), settings.ontology) {
    for (const char* role : {"cell_type", "tissue", "tissue_general", "disease", "sex", "development_stage"})
      labels_.emplace_back(table.find(role));
    if (settings.tissue_sentence)
      told_.push_back(told(table, "tissue", *settings.tissue_sentence, settings.tissue_ontology));
    if (settings.disease_sentence)
      told_.push_back(told(table, "disease", *settings.disease_sentence, settings.disease_ontology));
  }

  /// That of the cell types; null where there is none.
  const Ontology* ontology() const { return cell_types_.ontology(); }

  /// The description of a cell with its pathways' sentences, the strongest first; nothing where its cell type is not
  /// known.
  std::optional<std::string> text(std::int64_t cell, std::vector<std::string> pathways) {
    CellFacts facts;
    std::optional<std::string>* const known[] = {&facts.cell_type, &facts.tissue, &facts.tissue_general,
                                                 &facts.disease,   &facts.sex,    &facts.development_stage};
    for (std::size_t i = 0; i < labels_.size(); ++i)
      if (labels_[i]) *known[i] = labels_[i]->at(cell);
    facts.cell_type_definition = cell_types_.of(cell);
    for (Told& one : told_)
      if (const auto& definition = one.definitions.of(cell))
        facts.sentences.push_back(one.sentence.text(*one.values->at(cell), *definition));
    facts.pathway_descriptions = std::move(pathways);
    return cell2text::describe(facts, preset_);
  }

 private:
  /// A label whose definition has a sentence.
  struct Told {
    const LabelColumn* values;
    Definitions definitions;
    DefinitionSentence sentence;
  };
  static Told told(const CellTable& table, const std::string& role, const std::string& sentence,
                   const std::optional<std::string>& ontology) {
    const LabelColumn* values = table.find(role);
    return {values, {values, table.find(role + "_ontology_term_id"), ontology}, {sentence, role + "_sentence"}};
  }

  DescriptionStyle preset_;
  std::vector<const LabelColumn*> labels_;  // null where no source has the column
  Definitions cell_types_;
  std::vector<Told> told_;
};

}  // namespace cell2text::dataset
