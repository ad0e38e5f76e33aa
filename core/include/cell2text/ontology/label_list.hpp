// A list of labels that a user writes: names or ontology ids, each with what stands below it in an ontology.
#pragma once

#include <algorithm>
#include <filesystem>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cell2text/error.hpp"
#include "cell2text/io/input_file.hpp"
#include "cell2text/settings.hpp"
#include "cell2text/text/obo.hpp"
#include "cell2text/text/words.hpp"

namespace cell2text {

/// A label that a model knows, with its ontology id where its training cells had one.
struct KnownLabel {
  std::string name;
  std::optional<std::string> id;
};

/// "CL:0000236"
inline bool is_term_id(std::string_view text) {
  const std::size_t colon = text.find(':');
  return colon != 0 && colon != std::string_view::npos && colon + 1 < text.size() &&
         std::ranges::all_of(text.substr(colon + 1), is_digit) && text.find(' ') == std::string_view::npos;
}

/// The known label that a text means: by its name, its name in any case, or its id. Null where none is meant, or where
/// a name in another case means several.
inline const KnownLabel* find_label(const std::vector<KnownLabel>& known, std::string_view text) {
  const KnownLabel* found = nullptr;
  bool several = false;
  for (const KnownLabel& one : known) {
    if (one.name == text) return &one;
    if (lower(one.name) != lower(text) && one.id != text) continue;
    several = several || found;
    found = &one;
  }
  return several ? nullptr : found;
}

/// The names of `known`.
inline std::vector<std::string> names_of(const std::vector<KnownLabel>& known) {
  std::vector<std::string> names;
  for (const KnownLabel& one : known) names.push_back(one.name);
  return names;
}

/// The label that looks most like `text`, as the end of a message; else a few of those that there are.
inline std::string nearest_label(std::string_view text, const std::vector<KnownLabel>& known) {
  std::vector<std::string> names = names_of(known);
  if (nearest_name(text, names).empty() && names.size() > 10) names.resize(10), names.push_back("...");
  return suggestion(text, names);
}

struct ListedLabels {
  std::vector<std::string> names;    ///< known labels that are listed, or stand below what is listed
  std::vector<std::string> unknown;  ///< entries that no known label belongs to
};

namespace label_list_detail {

/// One entry with its line, for messages.
struct Entry {
  std::string text, where;
};

inline std::vector<Entry> read_entries(const std::filesystem::path& path) {
  const InputFile file(path);
  std::string content(file.size(), '\0');
  content.resize(file.read_at(0, std::as_writable_bytes(std::span(content))));
  refuse_git_lfs_pointer(content, path);
  std::string_view rest = content;
  take_prefix(rest, "\xEF\xBB\xBF");  // a byte order mark
  std::vector<Entry> entries;
  for (std::size_t number = 1; !rest.empty(); ++number) {
    const std::size_t end = rest.find('\n');
    const std::string line = fold_spaces(rest.substr(0, end));
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    if (!line.empty() && line.front() != '#') entries.push_back({line, path.string() + ":" + std::to_string(number)});
  }
  if (entries.empty())
    throw InputError(path.string() + " lists no labels; names or ontology ids are expected, one a line");
  return entries;
}

/// Whether a term is `listed`, or a kind of it; of an anatomy a part as well.
inline bool belongs_to(const Ontology& ontology, const Term& term, const Term& listed) {
  std::vector<const Term*> open{&term};
  std::set<const Term*> seen(open.begin(), open.end());
  while (!open.empty()) {
    const Term& one = *open.back();
    open.pop_back();
    if (&one == &listed) return true;
    const auto look_at = [&](const std::vector<std::string>& parents) {
      for (const std::string& id : parents)
        if (const Term* parent = ontology.by_id(id); parent && seen.insert(parent).second) open.push_back(parent);
    };
    look_at(one.is_a);
    if (one.id.starts_with("UBERON:")) look_at(one.part_of);
  }
  return false;
}

inline const Term* term_of(const Ontology& ontology, const KnownLabel& label) {
  const Term* term = label.id ? ontology.current(*label.id) : nullptr;
  return term ? term : ontology.by_label(label.name);
}

/// The known labels that an entry stands for. InputError where ontologies are at hand and none knows it, nor the model.
inline std::vector<std::string> names_for(const Entry& entry, const std::vector<KnownLabel>& known,
                                          const std::vector<Ontology>& ontologies) {
  std::vector<std::string> names;
  if (const KnownLabel* one = find_label(known, entry.text)) names.push_back(one->name);
  bool found = !names.empty() || ontologies.empty();
  for (const Ontology& ontology : ontologies) {
    const Term* listed = is_term_id(entry.text) ? ontology.current(entry.text) : ontology.by_label(entry.text);
    if (!listed) continue;
    found = true;
    for (const KnownLabel& one : known)
      if (const Term* term = term_of(ontology, one); term && belongs_to(ontology, *term, *listed))
        names.push_back(one.name);
  }
  if (!found)
    throw InputError(entry.where + ": '" + entry.text + "' is " +
                     (is_term_id(entry.text) ? "no id of a current term of the ontology"
                                             : "neither a name in the ontology nor one that the model knows") +
                     nearest_label(entry.text, known));
  return names;
}

}  // namespace label_list_detail

/// Reads a list, one entry a line; empty lines and those that begin with '#' are skipped. Without an ontology an entry
/// stands for itself alone, with one also for all that is below it. InputError, naming file and line: no entries, or
/// one that neither an ontology at hand nor the model knows; or no entry of which the model knows anything.
inline ListedLabels read_label_list(const std::filesystem::path& path, const std::vector<KnownLabel>& known,
                                    const std::vector<Ontology>& ontologies) {
  ListedLabels listed;
  const auto entries = label_list_detail::read_entries(path);
  for (const auto& entry : entries) {
    const auto names = label_list_detail::names_for(entry, known, ontologies);
    listed.names.insert(listed.names.end(), names.begin(), names.end());
    if (names.empty()) listed.unknown.push_back(entry.text);
  }
  std::ranges::sort(listed.names);
  listed.names.erase(std::unique(listed.names.begin(), listed.names.end()), listed.names.end());
  if (listed.names.empty())
    throw InputError(path.string() + ": the model knows none of the " + std::to_string(entries.size()) +
                     " labels that it lists; the first is '" + entries.front().text + "'" +
                     nearest_label(entries.front().text, known));
  return listed;
}

}  // namespace cell2text
