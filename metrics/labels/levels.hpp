// Labels at a coarser level: each name rolled up to the chosen ontology term above it. Scores nothing.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "cell2text/evaluate/known_labels.hpp"
#include "cell2text/text/obo.hpp"

namespace cell2text::labels {

/// The chosen terms of one ontology. A name below several of them goes to the most specific one, and of several such
/// to the one that was given first. A name below none stays what it is: as one class "other", two different wrong
/// answers would count as equal.
class Levels {
 public:
  /// InputError where the ontology has no current term with one of the ids.
  Levels(const Ontology& ontology, const std::vector<std::string>& ids, const std::string& source)
      : ontology_(&ontology) {
    for (const std::string& id : ids) {
      const Term* term = ontology.current(id);
      if (!term || term->name.empty())
        throw InputError(source + " has no current term " + id +
                         ", which labels.level names; give ids of that ontology, as in level = [\"CL:0000084\"]");
      chosen_[label_of_term(term->id)].push_back(term);
    }
  }

  bool covers(const std::string& label) const { return chosen_.contains(label); }

  /// Each name, unknown ones left as they are.
  std::vector<std::optional<std::string>> rolled_up(const std::string& label,
                                                    const std::vector<std::optional<std::string>>& names) const {
    std::unordered_map<std::string, std::string> done;
    std::vector<std::optional<std::string>> out;
    for (const auto& name : names) {
      if (!name) {
        out.emplace_back();
        continue;
      }
      const auto [entry, is_new] = done.try_emplace(*name);
      if (is_new) entry->second = term_above(label, *name);
      out.emplace_back(entry->second);
    }
    return out;
  }

 private:
  std::string term_above(const std::string& label, const std::string& name) const {
    const Term* term = ontology_->by_label(name);
    if (!term) return name;
    const std::set<const Term*> above = ancestors(*term, label);
    std::vector<const Term*> hits;
    for (const Term* candidate : chosen_.at(label))
      if (above.contains(candidate)) hits.push_back(candidate);
    for (const Term* hit : hits)
      if (std::ranges::none_of(
              hits, [&](const Term* other) { return other != hit && ancestors(*other, label).contains(hit); }))
        return hit->name;
    return name;
  }

  /// The term and all above it by is_a; by part_of as well for tissues, of which the parts lie in organs.
  std::set<const Term*> ancestors(const Term& term, const std::string& label) const {
    std::set<const Term*> found{&term};
    std::vector<const Term*> open{&term};
    while (!open.empty()) {
      const Term& next = *open.back();
      open.pop_back();
      const auto add = [&](const std::string& id) {
        const Term* parent = ontology_->current(id);
        if (parent && found.insert(parent).second) open.push_back(parent);
      };
      for (const std::string& id : next.is_a) add(id);
      if (label == "tissue")
        for (const std::string& id : next.part_of) add(id);
    }
    return found;
  }

  const Ontology* ontology_;
  std::map<std::string, std::vector<const Term*>> chosen_;
};

}  // namespace cell2text::labels
