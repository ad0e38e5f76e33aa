// What the paper's way of reading makes of the names of labels. Scores nothing.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>

#include "cell2text/evaluate/told_labels.hpp"
#include "cell2text/text/description.hpp"
#include "cell2text/text/paper_labels.hpp"

namespace cell2text::labels {

/// Those that the paper scores: the first three.
inline constexpr std::span<const ScoredLabel> paper_labels(scored_labels, 3);

/// A whole name as the paper's way would have to read it.
inline std::string whole_paper_form(const ScoredLabel& label, const std::string& name) {
  return paper_form(name, label.read == &ReadLabels::cell_type);
}

/// What the paper's way reads where a description says `name`; nothing where it reads nothing.
inline std::optional<std::string> cut_paper_form(const ScoredLabel& label, const std::string& name) {
  CellFacts facts;
  facts.cell_type = label.read == &ReadLabels::cell_type ? name : "cell";
  facts.tissue = label.read == &ReadLabels::tissue ? name : "blood";
  facts.disease = label.read == &ReadLabels::disease ? name : std::string(template_text::normal);
  const auto text = cell2text::describe(facts);
  return text ? read_labels_paper(*text).*label.read : std::nullopt;
}

/// How many of the names become equal to another one by the paper's cut.
inline std::int64_t count_merged_names(const ScoredLabel& label, const std::set<std::string>& names) {
  std::map<std::string, std::int64_t> by_cut;
  for (const std::string& name : names)
    if (const auto cut = cut_paper_form(label, name)) ++by_cut[*cut];
  std::int64_t merged = 0;
  for (const auto& [cut, count] : by_cut) merged += count > 1 ? count : 0;
  return merged;
}

}  // namespace cell2text::labels
