// The column cell2text_cell_type_sure of `describe`: the written cell type where the model is sure of it, else the
// deepest term of the Cell Ontology above its candidates that it is sure of.
#pragma once

#include <unordered_map>

#include "cell2text/ontology/roll_up.hpp"
#include "console.hpp"
#include "described_output.hpp"

namespace cell2text::driver {

class SureCellType {
 public:
  /// A label is sure from `least` on. `cell_types` are the names that the judge knows; `card` must outlive this.
  /// InputError: the file is no usable ontology, or knows none of the cell types.
  SureCellType(const std::filesystem::path& file, const ModelCard& card, const std::vector<std::string>& cell_types,
               double least)
      : ontology_(Ontology::read(file)),
        graph_(ontology_, file.string()),
        roll_up_(graph_, terms_of(file, card, cell_types), file.string()),
        card_(card),
        least_(least) {
    if (!card.ontology_release.empty() && ontology_.release() != card.ontology_release)
      log().warning(file.string() + " is release '" + ontology_.release() + "'; the model was trained with '" +
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
  std::vector<const Term*> terms_of(const std::filesystem::path& file, const ModelCard& card,
                                    const std::vector<std::string>& cell_types) {
    std::vector<const Term*> terms;
    for (const std::string& label : cell_types) {
      if (const auto folded = known_value(label); !folded || !numbers_.emplace(*folded, terms.size()).second) continue;
      const auto id = card.ontology_id("cell_type", label);
      const Term* term = id ? ontology_.current(*id) : nullptr;
      terms.push_back(term ? term : ontology_.by_label(label));
    }
    if (std::ranges::all_of(terms, [](const Term* term) { return term == nullptr; }))
      throw InputError(file.string() + " has no term for any of the model's " + std::to_string(terms.size()) +
                       " cell types; give the Cell Ontology (cl.obo) with --ontology");
    return terms;
  }

  Ontology ontology_;
  OntologyGraph graph_;
  std::unordered_map<std::string, std::size_t> numbers_;  // of labels; filled on the way to roll_up_
  RollUp roll_up_;
  const ModelCard& card_;
  double least_;
};

}  // namespace cell2text::driver
