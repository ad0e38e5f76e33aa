// Reading an ontology in OBO text form (Cell Ontology, Uberon, Mondo, HsapDv) and looking terms up.
// Keeps what descriptions and similarity need; Typedef and Instance stanzas are passed over.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "cell2text/error.hpp"
#include "cell2text/io/input_file.hpp"
#include "cell2text/text/obo_line.hpp"
#include "cell2text/text/words.hpp"

namespace cell2text {

/// Another name of a term. A synonym without a scope counts as related, as the format has it.
struct Synonym {
  enum class Scope { exact, broad, narrow, related };
  std::string text;
  Scope scope = Scope::related;
};

/// One [Term] stanza. Parents are ids, in file order; they need not be in the file.
struct Term {
  std::string id;
  std::string name;        ///< empty where the file has none
  std::string definition;  ///< as written, unescaped; empty where there is none
  std::vector<Synonym> synonyms;
  std::vector<std::string> is_a;
  std::vector<std::string> part_of;  ///< also the relationship is_a_or_part_of of flattened editions
  std::vector<std::string> alt_ids;
  bool obsolete = false;
  std::vector<std::string> replaced_by;
  std::vector<std::string> consider;
};

/// The terms of one OBO file. Look-ups by text return current terms only: an obsolete term is reached by its
/// id. A text that names several current terms names none. Pointers live as long as the ontology stays put.
class Ontology {
 public:
  /// Reads an OBO file. Throws InputError, with file and line, where it is damaged, compressed or no OBO.
  static Ontology read(const std::filesystem::path& path) {
    const InputFile file(path);
    std::string text(file.size(), '\0');
    text.resize(file.read_at(0, std::as_writable_bytes(std::span(text))));
    refuse_git_lfs_pointer(text, path);
    return parse(text, path.string());
  }

  /// The same from a text; `source` names it in errors.
  static Ontology parse(std::string_view text, std::string source);

  const std::vector<Term>& terms() const { return terms_; }
  /// The header's `data-version` ("releases/2025-07-30"), and its `ontology` ("cl"); empty where absent.
  const std::string& release() const { return release_; }
  const std::string& name() const { return name_; }

  /// The term of an id or, failing that, of an alternative id; null where there is none.
  const Term* by_id(std::string_view id) const { return find(by_id_, id); }
  /// The current term of a name: as spelled, else in any case.
  const Term* by_name(std::string_view name) const {
    const Term* exact = find(by_name_, name);
    return exact ? exact : find(by_lower_name_, lower(name));
  }
  /// The current term with this exact synonym, in any case.
  const Term* by_exact_synonym(std::string_view text) const { return find(by_synonym_, lower(text)); }
  /// By name, else by exact synonym.
  const Term* by_label(std::string_view label) const {
    const Term* named = by_name(label);
    return named ? named : by_exact_synonym(label);
  }
  /// The term of an id or, where that is obsolete, the current one that its only `replaced_by` leads to.
  const Term* current(std::string_view id) const {
    const Term* term = by_id(id);
    for (std::size_t steps = 0; term && term->obsolete; ++steps)
      term = term->replaced_by.size() == 1 && steps < terms_.size() ? by_id(term->replaced_by.front()) : nullptr;
    return term;
  }

 private:
  using Index = std::unordered_map<std::string, std::size_t, ViewHash, std::equal_to<>>;
  static constexpr std::size_t ambiguous = static_cast<std::size_t>(-1);

  void build_indices();
  const Term* find(const Index& index, std::string_view key) const {
    const auto found = index.find(key);
    return found == index.end() || found->second == ambiguous ? nullptr : &terms_[found->second];
  }
  static void add(Index& index, std::string key, std::size_t term) {
    const auto [entry, fresh] = index.try_emplace(std::move(key), term);
    if (!fresh && entry->second != term) entry->second = ambiguous;
  }

  std::string release_, name_;
  std::vector<Term> terms_;
  Index by_id_, by_name_, by_lower_name_, by_synonym_;
};

namespace obo_detail {

inline Synonym read_synonym(Line& line) {
  Synonym synonym;
  synonym.text = line.quoted("synonym");
  const std::string scope = line.word();
  if (scope == "EXACT") synonym.scope = Synonym::Scope::exact;
  if (scope == "BROAD") synonym.scope = Synonym::Scope::broad;
  if (scope == "NARROW") synonym.scope = Synonym::Scope::narrow;
  return synonym;
}

/// Takes one line of a [Term] stanza; tags that nobody needs are passed over.
inline void read_term_line(Term& term, Line& line) {
  const std::string_view tag = line.tag();
  if (tag == "id") {
    if (!term.id.empty()) line.refuse("a second id in the stanza of " + term.id + "; a [Term] line is missing");
    term.id = line.required_word(tag);
  } else if (tag == "name") {
    term.name = line.text();
  } else if (tag == "def") {
    term.definition = line.quoted(tag);
  } else if (tag == "synonym") {
    term.synonyms.push_back(read_synonym(line));
  } else if (tag == "is_a") {
    term.is_a.push_back(line.required_word(tag));
  } else if (tag == "relationship") {
    const std::string relation = line.required_word(tag);
    std::string parent = line.required_word(tag);
    if (relation == "part_of" || relation == "is_a_or_part_of") term.part_of.push_back(std::move(parent));
  } else if (tag == "alt_id") {
    term.alt_ids.push_back(line.required_word(tag));
  } else if (tag == "is_obsolete") {
    term.obsolete = line.required_word(tag) == "true";
  } else if (tag == "replaced_by") {
    term.replaced_by.push_back(line.required_word(tag));
  } else if (tag == "consider") {
    term.consider.push_back(line.required_word(tag));
  }
}

}  // namespace obo_detail

inline Ontology Ontology::parse(std::string_view text, std::string source) {
  if (text.starts_with("\x1f\x8b"))
    throw InputError(source + " is compressed with gzip; OBO text is expected: run gunzip on it first");
  take_prefix(text, "\xEF\xBB\xBF");  // a byte order mark

  enum class Stanza { header, term, other } stanza = Stanza::header;
  Ontology ontology;
  std::unordered_map<std::string, std::size_t> line_of_id;
  std::size_t number = 0, stanza_line = 0;
  const auto finish_stanza = [&] {
    if (stanza != Stanza::term) return;
    const std::string& id = ontology.terms_.back().id;
    const std::string where = source + ":" + std::to_string(stanza_line) + ": ";
    if (id.empty()) throw InputError(where + "a [Term] without an id; the file is damaged");
    const auto [first, fresh] = line_of_id.try_emplace(id, stanza_line);
    if (!fresh) throw InputError(where + id + " is defined twice, first in line " + std::to_string(first->second));
  };

  while (!text.empty()) {
    ++number;
    const std::size_t end = text.find('\n');
    const std::string_view content = trim(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    obo_detail::Line line(content, source, number);
    if (content.find('\0') != std::string_view::npos || !is_utf8(content))
      line.refuse("bytes that are no UTF-8 text; the file is damaged or no OBO");
    if (content.empty() || content.front() == '!') continue;
    if (content.front() == '[') {
      finish_stanza();
      stanza = content.starts_with("[Term]") ? Stanza::term : Stanza::other;
      stanza_line = number;
      if (stanza == Stanza::term) ontology.terms_.emplace_back();
    } else if (stanza == Stanza::term) {
      obo_detail::read_term_line(ontology.terms_.back(), line);
    } else if (stanza == Stanza::header) {
      const std::string_view tag = line.tag();
      if (tag == "data-version") ontology.release_ = line.text();
      if (tag == "ontology") ontology.name_ = line.text();
    }
  }
  finish_stanza();
  if (ontology.terms_.empty()) throw InputError(source + " holds no [Term]; an ontology in OBO form is expected");
  ontology.build_indices();
  return ontology;
}

inline void Ontology::build_indices() {
  for (std::size_t i = 0; i < terms_.size(); ++i) by_id_.emplace(terms_[i].id, i);
  for (std::size_t i = 0; i < terms_.size(); ++i) {
    const Term& term = terms_[i];
    for (const std::string& id : term.alt_ids) by_id_.try_emplace(id, i);
    if (term.obsolete) continue;
    if (!term.name.empty()) {
      add(by_name_, term.name, i);
      add(by_lower_name_, lower(term.name), i);
    }
    for (const Synonym& synonym : term.synonyms)
      if (synonym.scope == Synonym::Scope::exact) add(by_synonym_, lower(synonym.text), i);
  }
}

}  // namespace cell2text
