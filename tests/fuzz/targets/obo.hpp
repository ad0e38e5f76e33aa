// An ontology in OBO form: its terms, written again with every character escaped, are read as the same.
#pragma once

#include "cell2text/text/obo.hpp"
#include "support.hpp"

namespace cell2text::fuzz {

namespace obo_target {

inline std::string escaped(std::string_view text) {
  std::string all;
  for (const char c : text) {
    if (c == '\n')
      all += "\\n";
    else if (c == '\t')
      all += "\\t";
    else if (c == ' ')
      all += "\\W";
    else if (is_space(c) || std::string_view("\\\"!{}[]:").find(c) != std::string_view::npos)
      (all += '\\') += c;
    else
      all += c;
  }
  return all;
}

inline std::string line(const char* tag, std::string_view value) {
  return std::string(tag) + ": " + escaped(value) + "\n";
}

inline std::string written(const Term& term) {
  static constexpr const char* scopes[] = {"EXACT", "BROAD", "NARROW", "RELATED"};
  std::string all = "[Term]\n" + line("id", term.id);
  if (!term.name.empty()) all += line("name", term.name);
  if (!term.definition.empty()) all += "def: \"" + escaped(term.definition) + "\" []\n";
  for (const Synonym& synonym : term.synonyms)
    all += "synonym: \"" + escaped(synonym.text) + "\" " + scopes[static_cast<int>(synonym.scope)] + " []\n";
  for (const std::string& id : term.is_a) all += line("is_a", id);
  for (const std::string& id : term.part_of) all += "relationship: part_of " + escaped(id) + "\n";
  for (const std::string& id : term.alt_ids) all += line("alt_id", id);
  if (term.obsolete) all += "is_obsolete: true\n";
  for (const std::string& id : term.replaced_by) all += line("replaced_by", id);
  for (const std::string& id : term.consider) all += line("consider", id);
  return all;
}

}  // namespace obo_target

inline bool obo(std::string_view input) {
  Ontology ontology;
  if (!accepted([&] { ontology = Ontology::parse(input, "x.obo"); })) return false;
  std::string text;
  for (const Term& term : ontology.terms()) {
    text += obo_target::written(term);
    require(ontology.by_id(term.id) == &term, "a term is found by its id");
    const Term* current = ontology.current(term.id);
    require(!current || !current->obsolete, "a current term is not obsolete");
    const Term* named = ontology.by_label(term.name);
    require(!named || !named->obsolete, "a name leads to a current term");
    for (const Synonym& synonym : term.synonyms) ontology.by_exact_synonym(synonym.text);
  }
  const Ontology again = Ontology::parse(text, "again.obo");
  std::string twice;
  for (const Term& term : again.terms()) twice += obo_target::written(term);
  require(twice == text, "terms are written and read back");
  return true;
}

}  // namespace cell2text::fuzz
