// The names that one label may have, and which of them mean the same. Reads no texts.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "cell2text/evaluate/prediction.hpp"
#include "cell2text/text/description.hpp"
#include "cell2text/text/words.hpp"

namespace cell2text {

using CellNames = std::vector<std::optional<std::string>>;  ///< one per cell

/// The true names of a label, nothing where they are not known.
inline CellNames true_names(std::span<const Prediction> predictions, const std::string& label) {
  CellNames names(predictions.size());
  for (std::size_t i = 0; i < predictions.size(); ++i)
    if (const auto found = predictions[i].labels.find(label);
        found != predictions[i].labels.end() && known_value(found->second))
      names[i] = found->second;
  return names;
}

/// What texts may say for a label: the true names, the known ones, and the exact synonyms and ids of ontology terms.
/// Each stands for one name, that of its term where an ontology has it. The true names come first: of two that differ
/// in case alone, a reader then prefers the true spelling.
class LabelNames {
 public:
  LabelNames(const std::string& label, const CellNames& truth, const KnownLabels& known) {
    static const KnownLabels::Texts none;
    const auto of = [&](const auto& map) -> const KnownLabels::Texts& {
      const auto found = map.find(label);
      return found == map.end() ? none : found->second;
    };
    ids_ = of(known.ids);
    const KnownLabels::Texts& synonyms = of(known.synonyms);
    for (const auto& [name, id] : ids_) terms_.emplace(lower(name), name);
    for (const auto& [synonym, name] : synonyms) terms_.emplace(lower(synonym), name);
    for (const auto& [name, id] : ids_) terms_.emplace(lower(id), name);

    for (const auto& name : truth)
      if (name) add(*name);
    if (const auto found = known.values.find(label); found != known.values.end())
      for (const std::string& name : found->second) add(name);
    for (const auto& [synonym, name] : synonyms) add(synonym);
    for (const auto& [name, id] : ids_) add(name), add(id);
    if (label == "sex") add("female"), add("male");
  }

  /// All of them, each once.
  const std::vector<std::string>& texts() const { return texts_; }

  /// The name that a text stands for, as spelled or in any case; nothing where it is not known.
  std::optional<std::string> name_of(std::string_view text) const {
    if (const auto found = exact_.find(text); found != exact_.end()) return found->second;
    if (const auto found = any_case_.find(lower(text)); found != any_case_.end()) return found->second;
    return std::nullopt;
  }

  /// The ontology ids of names, "" for those without one; empty where none has one.
  std::vector<std::string> ids_of(const std::vector<std::string>& names) const {
    std::vector<std::string> ids(names.size());
    bool any = false;
    for (std::size_t i = 0; i < names.size(); ++i)
      if (const auto found = ids_.find(names[i]); found != ids_.end()) ids[i] = found->second, any = true;
    return any ? ids : std::vector<std::string>();
  }

 private:
  using Map = std::unordered_map<std::string, std::string, ViewHash, std::equal_to<>>;

  void add(const std::string& text) {
    if (exact_.contains(text) || !known_value(text)) return;
    const auto term = ids_.contains(text) ? terms_.end() : terms_.find(lower(text));
    const std::string& name = term == terms_.end() ? text : term->second;
    texts_.push_back(text);
    exact_.emplace(text, name);
    any_case_.emplace(lower(text), name);
  }

  KnownLabels::Texts ids_;  // name -> id
  Map terms_;               // lower-cased name, synonym or id -> name
  Map exact_, any_case_;    // text -> name
  std::vector<std::string> texts_;
};

}  // namespace cell2text
