// The description of a cell, built from its labels by the paper's template (section A.3).
// Reads no files: the caller brings the ontology's definition and the pathways' descriptions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cell2text/error.hpp"
#include "cell2text/text/age_bucket.hpp"
#include "cell2text/text/words.hpp"

namespace cell2text {

/// The fixed words of the template, shared by the writer and the readers.
namespace template_text {
inline constexpr std::string_view cell_type_opener = "This sample consists of ";
inline constexpr std::string_view cell_type_cue = "consists of ";  ///< what readers look for
inline constexpr std::string_view definition_opener = ", ";
inline constexpr std::string_view origin_opener = ". It originates from ";
inline constexpr std::string_view tissue_article = "the ";
inline constexpr std::string_view donor_opener = " of ";
inline constexpr std::string_view normal = "normal";
inline constexpr std::string_view anybody = "individual";
inline constexpr std::string_view disease_opener = " with ";
inline constexpr std::string_view stage_opener = " during ";
inline constexpr std::string_view first_pathway_opener = ". This cell is associated with ";
inline constexpr std::string_view second_pathway_opener = " Additionally, it involves ";
inline constexpr std::string_view end = ".";
}  // namespace template_text

/// What is known of one cell. Missing, empty, "unknown" and "na" all mean that a value is not known.
struct CellFacts {
  std::optional<std::string> cell_type = {};
  std::optional<std::string> cell_type_definition = {};
  std::optional<std::string> tissue = {};          ///< the specific tissue
  std::optional<std::string> tissue_general = {};  ///< told where the specific one is not known
  std::optional<std::string> disease = {};         ///< "normal" for none
  std::optional<std::string> sex = {};
  std::optional<std::string> development_stage = {};   ///< an HsapDv name; told as its age bucket
  std::vector<std::string> sentences = {};             ///< of one's own, told before the pathways
  std::vector<std::string> pathway_descriptions = {};  ///< at most two, the strongest first
};

/// How the template is filled. `authors` repeats what the authors' code does differently: always "a", tissue
/// and disease names cut at their first comma, and no word for a donor of unknown sex who has a disease.
struct DescriptionStyle {
  enum class Preset { paper, authors };
  Preset preset = Preset::paper;
};

/// The value with white space folded, or nothing where it says that it is not known.
inline std::optional<std::string> known_value(const std::optional<std::string>& value) {
  if (!value) return std::nullopt;
  std::string folded = fold_spaces(*value);
  const std::string word = lower(folded);
  if (word.empty() || word == "unknown" || word == "na") return std::nullopt;
  return folded;
}

namespace description_detail {

inline std::string with_article(std::string_view words, DescriptionStyle::Preset preset) {
  const bool vowel = std::string_view("aeiou").find(lower(words.front())) != std::string_view::npos;
  return (vowel && preset == DescriptionStyle::Preset::paper ? "an " : "a ") + std::string(words);
}

inline std::optional<std::string> cut_for(DescriptionStyle::Preset preset, std::optional<std::string> name) {
  if (!name || preset == DescriptionStyle::Preset::paper) return name;
  return known_value(name->substr(0, name->find(',')));
}

/// A definition without the article it begins with and its final period.
inline std::string definition_words(const std::string& definition) {
  std::string_view clause = definition;
  const std::string start = lower(clause.substr(0, 3));
  if (start.starts_with("a ")) {
    clause.remove_prefix(2);
  } else if (start == "an ") {
    clause.remove_prefix(3);
  }
  take_suffix(clause, template_text::end);
  return std::string(trim(clause));
}

/// The definition as it continues the sentence.
inline std::string definition_clause(const std::optional<std::string>& definition) {
  const std::optional<std::string> known = known_value(definition);
  const std::string clause = known ? definition_words(*known) : std::string();
  return clause.empty() ? clause : std::string(template_text::definition_opener).append(clause);
}

/// Further sentences, each from the period before it.
inline std::string further_sentences(const std::vector<std::string>& sentences) {
  std::string text;
  for (const std::string& sentence : sentences) {
    const std::optional<std::string> known = known_value(sentence);
    if (!known) continue;
    std::string_view words = *known;
    take_suffix(words, template_text::end);
    text.append(template_text::end).append(" ").append(words);
  }
  return text;
}

/// "a normal male", "an individual with COVID-19"; empty where neither sex nor disease nor age is known.
inline std::string donor_clause(const CellFacts& facts, DescriptionStyle::Preset preset) {
  const std::optional<std::string> sex = known_value(facts.sex);
  const std::optional<std::string> disease = cut_for(preset, known_value(facts.disease));
  const bool normal = disease && lower(*disease) == template_text::normal;
  std::string who = sex.value_or(std::string(template_text::anybody));
  std::string text;
  if (normal) {
    text = with_article(std::string(template_text::normal) + " " + who, preset);
  } else if (disease) {
    const bool unnamed = !sex && preset == DescriptionStyle::Preset::authors;
    text = unnamed ? "a" : with_article(who, preset);
    text.append(template_text::disease_opener).append(*disease);
  } else {
    text = with_article(who, preset);
  }
  const auto bucket = facts.development_stage ? age_bucket(*facts.development_stage) : std::nullopt;
  if (bucket) text.append(template_text::stage_opener).append(*bucket);
  return sex || disease || bucket ? text : std::string();
}

/// The second sentence, from the period before it; empty where neither tissue nor donor is known.
inline std::string origin_sentence(const CellFacts& facts, DescriptionStyle::Preset preset) {
  std::optional<std::string> tissue = known_value(facts.tissue);
  if (!tissue) tissue = known_value(facts.tissue_general);
  tissue = cut_for(preset, std::move(tissue));
  std::string donor = donor_clause(facts, preset);
  if (!tissue && donor.empty()) return {};
  std::string text(template_text::origin_opener);
  if (!tissue) return text += donor;
  if (donor.empty()) donor = with_article(template_text::anybody, preset);
  return text.append(template_text::tissue_article).append(*tissue).append(template_text::donor_opener).append(donor);
}

}  // namespace description_detail

/// The description of a cell, or nothing where its cell type is not known. What else is not known is left
/// out; a tissue without any word on its donor is "of an individual". Line breaks become blanks.
/// Throws InputError for more than two pathway descriptions.
inline std::optional<std::string> describe(const CellFacts& facts, const DescriptionStyle& style = {}) {
  if (facts.pathway_descriptions.size() > 2)
    throw InputError("a description tells two pathways at most, " + std::to_string(facts.pathway_descriptions.size()) +
                     " were given; give the two strongest");
  const std::optional<std::string> cell_type = known_value(facts.cell_type);
  if (!cell_type) return std::nullopt;

  std::string text(template_text::cell_type_opener);
  text += description_detail::with_article(*cell_type, style.preset);
  text += description_detail::definition_clause(facts.cell_type_definition);
  text += description_detail::origin_sentence(facts, style.preset);
  text += description_detail::further_sentences(facts.sentences);

  std::string_view opener = template_text::first_pathway_opener;
  for (const std::string& pathway : facts.pathway_descriptions) {
    const std::optional<std::string> known = known_value(pathway);
    if (!known) continue;
    text.append(opener).append(*known);
    if (!known->ends_with(template_text::end)) text += template_text::end;
    opener = template_text::second_pathway_opener;
  }
  if (opener == template_text::first_pathway_opener) text += template_text::end;
  return text;
}

}  // namespace cell2text
