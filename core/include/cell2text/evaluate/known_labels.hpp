// What the labels of a text may be called: names that stand beside predictions, and the terms of ontologies.
// Reads no texts; that is text/label_reader.hpp's.
#pragma once

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cell2text/evaluate/prediction.hpp"
#include "cell2text/text/obo.hpp"

namespace cell2text {

/// The label whose values have such ids: "tissue" for UBERON, "disease" for MONDO, else "cell_type".
inline const char* label_of_term(std::string_view id) {
  if (id.starts_with("UBERON:")) return "tissue";
  return id.starts_with("MONDO:") ? "disease" : "cell_type";
}

/// Adds the current terms of an ontology: their names, ids, and exact synonyms that belong to one term alone and are
/// no term's name. They are values of `of_label`, else of the label that each id tells.
inline void add_terms(KnownLabels& known, const Ontology& ontology, const std::optional<std::string>& of_label = {}) {
  for (const Term& term : ontology.terms()) {
    if (term.obsolete || term.name.empty()) continue;
    const std::string label = of_label ? *of_label : label_of_term(term.id);
    known.values[label].push_back(term.name);
    known.ids[label].emplace(term.name, term.id);
    for (const Synonym& synonym : term.synonyms)
      if (synonym.scope == Synonym::Scope::exact && ontology.by_label(synonym.text) == &term)
        known.synonyms[label].emplace(synonym.text, term.name);
  }
}

/// Adds the labels that stand beside predictions.
inline void add_labels(KnownLabels& known, std::span<const Prediction> predictions) {
  for (const Prediction& one : predictions)
    for (const auto& [label, name] : one.labels) known.values[label].push_back(name);
}

/// Leaves each name once, in byte order.
inline void sort_names(KnownLabels& known) {
  for (auto& [label, names] : known.values) {
    std::ranges::sort(names);
    const auto rest = std::ranges::unique(names);
    names.erase(rest.begin(), rest.end());
  }
}

}  // namespace cell2text
