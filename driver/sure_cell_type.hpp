// The column cell2text_cell_type_sure of `describe`: the written cell type where the model is sure of it, else the
// deepest term of the Cell Ontology above its candidates that it is sure of.
#pragma once

#include <unordered_map>

#include "cell2text/ontology/roll_up.hpp"
#include "console.hpp"
#include "described_output.hpp"

namespace cell2text::driver {

/// An ontology that has terms for a model's cell types.
struct CellOntology {
  std::string file;
  Ontology ontology;

  /// The term of a cell type: by the id that training cells had, else by name. Null where there is none.
  const Term* term_of(const TrainedLabel& cell_type) const {
    const Term* term = cell_type.ontology_id ? ontology.current(*cell_type.ontology_id) : nullptr;
    return term ? term : ontology.by_label(cell_type.name);
  }
};

/// The first of the files that has a term for a cell type of the model; nothing where none has.
inline std::optional<CellOntology> find_cell_ontology(const std::vector<std::string>& files, const ModelCard& card) {
  const auto cell_types = card.labels.find("cell_type");
  if (cell_types == card.labels.end()) return std::nullopt;
  for (const std::string& file : files) {
    CellOntology found{file, Ontology::read(file)};
    if (std::ranges::any_of(cell_types->second, [&](const TrainedLabel& one) { return found.term_of(one); }))
      return found;
  }
  return std::nullopt;
}

class SureCellType {
 public:
  /// A label is sure from `least` on. `card`, which has the ontology's cell types, must outlive this. InputError where
  /// the ontology's terms are kinds of each other in a ring.
  SureCellType(CellOntology found, const ModelCard& card, double least)
      : found_(std::move(found)),
        graph_(found_.ontology, found_.file),
        roll_up_(graph_, terms_of(card), found_.file),
        card_(card),
        least_(least) {
    if (!card.ontology_release.empty() && found_.ontology.release() != card.ontology_release)
      log().warning(found_.file + " is release '" + found_.ontology.release() + "'; the model was trained with '" +
                    card.ontology_release + "'");
  }
  SureCellType(const SureCellType&) = delete;  // the graph points into the ontology

  /// Adds it to the labels, ids and confidences of a cell whose `best` cell types are all known ones; a cell of which
  /// no cell type was asked gets none.
  void add_to(LabelledCell& one) const {
    const auto judged = one.cell.confidences.find("cell_type");
    if (judged == one.cell.confidences.end()) return;
    LabelConfidence& sure = one.cell.confidences[name];
    const auto written = one.raw.find("cell_type");
    if (written != one.raw.end() && judged->second.confidence >= least_) {
      one.labels[name] = written->second;
      if (const auto id = card_.ontology_id("cell_type", written->second)) one.ontology_ids[name] = *id;
      sure.confidence = judged->second.confidence;
      return;
    }
    std::vector<double> probabilities(numbers_.size());
    for (const auto& [label, probability] : judged->second.best) probabilities[numbers_.at(label)] = probability;
    const auto found = roll_up_.deepest(probabilities, least_);
    one.labels[name] = found ? found->term->name : unassigned;
    if (found) one.ontology_ids[name] = found->term->id;
    sure.confidence = found ? found->probability : std::nan("");
  }

  static constexpr const char* name = "cell_type_sure";

 private:
  /// Of the names that the judge asks about, which it numbers.
  std::vector<const Term*> terms_of(const ModelCard& card) {
    std::vector<const Term*> terms;
    for (const TrainedLabel& one : card.labels.at("cell_type"))
      if (const auto label = known_value(one.name); label && numbers_.emplace(*label, terms.size()).second)
        terms.push_back(found_.term_of(one));
    return terms;
  }

  CellOntology found_;
  OntologyGraph graph_;
  std::unordered_map<std::string, std::size_t> numbers_;  // of labels; filled on the way to roll_up_
  RollUp roll_up_;
  const ModelCard& card_;
  double least_;
};

}  // namespace cell2text::driver
