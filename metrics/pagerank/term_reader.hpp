// From texts and labels to terms of an ontology. Scores nothing.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cell2text/evaluate/known_labels.hpp"
#include "cell2text/evaluate/label_names.hpp"
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
  /// and the names, ids and exact synonyms of the ontology.
  TermReader(const Ontology& ontology, const OntologyGraph& graph, const std::string& label,
             std::span<const Prediction> predictions, const KnownLabels& known)
      : ontology_(ontology), graph_(graph), label_(label), reader_(make_reader(ontology, label, predictions, known)) {}

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
  static KnownLabelReader make_reader(const Ontology& ontology, const std::string& label,
                                      std::span<const Prediction> predictions, KnownLabels known) {
    add_terms(known, ontology, label);
    const auto names = [&](const char* one) { return LabelNames(one, true_names(predictions, one), known).texts(); };
    return {names("cell_type"), names("tissue"), names("disease")};
  }

  const Ontology& ontology_;
  const OntologyGraph& graph_;
  std::string label_;
  KnownLabelReader reader_;
  std::map<std::string, std::optional<OntologyGraph::Node>> terms_;
};

}  // namespace cell2text::pagerank
