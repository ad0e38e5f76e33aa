// From texts and labels to terms of an ontology. Scores nothing.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "cell2text/evaluate/prediction.hpp"
#include "cell2text/ontology/graph.hpp"
#include "cell2text/text/description.hpp"
#include "cell2text/text/label_reader.hpp"
#include "cell2text/text/obo.hpp"

namespace cell2text::pagerank {

/// What one cell's label is, or what a text says it is.
struct Named {
  std::optional<std::string> name;  ///< nothing: unknown, or not readable
  std::optional<OntologyGraph::Node> term;
};

/// Reads the names of one label ("cell_type", "tissue" or "disease") and finds their terms.
class TermReader {
 public:
  /// All must outlive the reader. Names that a text may hold: those in the truth of these cells, those that are known,
  /// and the names and exact synonyms of the ontology.
  TermReader(const Ontology& ontology, const OntologyGraph& graph, const std::string& label,
             std::span<const Prediction> predictions, const KnownLabels& known)
      : ontology_(ontology), graph_(graph), label_(label), reader_(make_reader(predictions, known)) {}

  Named truth(const Prediction& prediction) {
    const auto found = prediction.labels.find(label_);
    if (found == prediction.labels.end() || !known_value(found->second)) return {};
    return {found->second, term_of(found->second)};
  }

  Named predicted(const Prediction& prediction) {
    const ReadLabels read = reader_.read(prediction.prediction);
    const auto& name = label_ == "tissue" ? read.tissue : label_ == "disease" ? read.disease : read.cell_type;
    if (!name) return {};
    return {*name, term_of(*name)};
  }

  /// The term of a name (or id), nothing where the ontology has none.
  std::optional<OntologyGraph::Node> term_of(const std::string& name) {
    const auto [found, is_new] = terms_.try_emplace(name);
    if (is_new)
      if (const Term* term = find_term(ontology_, name)) found->second = graph_.node_of(*term);
    return found->second;
  }

 private:
  /// Names of the truth first: of two that differ in case alone, the reader then prefers the true spelling.
  std::vector<std::string> names_of(const std::string& label, std::span<const Prediction> predictions,
                                    const KnownLabels& known) const {
    std::set<std::string> seen;
    std::vector<std::string> names;
    const auto add = [&](const std::string& name) {
      if (known_value(name) && seen.insert(name).second) names.push_back(name);
    };
    for (const Prediction& one : predictions)
      if (const auto found = one.labels.find(label); found != one.labels.end()) add(found->second);
    if (const auto found = known.values.find(label); found != known.values.end())
      for (const std::string& name : found->second) add(name);
    if (label != label_) return names;
    for (const Term& term : ontology_.terms()) {
      if (term.obsolete) continue;
      add(term.name);
      for (const Synonym& synonym : term.synonyms)
        if (synonym.scope == Synonym::Scope::exact) add(synonym.text);
    }
    return names;
  }
  KnownLabelReader make_reader(std::span<const Prediction> predictions, const KnownLabels& known) const {
    return {names_of("cell_type", predictions, known), names_of("tissue", predictions, known),
            names_of("disease", predictions, known)};
  }

  const Ontology& ontology_;
  const OntologyGraph& graph_;
  std::string label_;
  KnownLabelReader reader_;
  std::map<std::string, std::optional<OntologyGraph::Node>> terms_;
};

}  // namespace cell2text::pagerank
