// Reading labels back from a description in the paper's way: plain expressions, no list of labels.
// The reading that keeps names whole is in label_reader.hpp.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "cell2text/text/description.hpp"
#include "cell2text/text/words.hpp"

namespace cell2text {

/// What could be read from a text. `stage` is an age bucket.
struct ReadLabels {
  std::optional<std::string> cell_type, tissue, disease, sex, stage;
};

/// A label in the form that the paper's way compares: lower case, white space folded, and for a cell type
/// without a trailing " cell" or " cells".
inline std::string paper_form(std::string_view label, bool is_cell_type = false) {
  const std::string folded = fold_spaces(lower(label));
  std::string_view form = folded;
  if (is_cell_type && !take_suffix(form, " cells")) take_suffix(form, " cell");
  return std::string(form);
}

namespace label_detail {

inline constexpr std::size_t npos = std::string_view::npos;

/// What follows the first `opener` in `text`; nothing where it does not occur.
inline std::optional<std::string_view> after(std::string_view text, std::string_view opener) {
  const std::size_t at = text.find(opener);
  if (at == npos) return std::nullopt;
  return text.substr(at + opener.size());
}

inline std::optional<std::string> paper_cell_type(std::string_view text) {
  while (auto rest = after(text, "consists of a")) {
    text = *rest;
    take_prefix(*rest, "n");
    if (!take_prefix(*rest, " ")) continue;
    std::string name = paper_form(rest->substr(0, rest->find_first_of(",.")), true);
    if (!name.empty()) return name;
  }
  return std::nullopt;
}

/// Fills in the tissue; returns what follows the " of " after it.
inline std::optional<std::string_view> paper_tissue(std::string_view text, ReadLabels& labels) {
  while (auto rest = after(text, "originates from the ")) {
    const std::string_view phrase = rest->substr(0, rest->find_first_of(",."));
    const std::size_t end = phrase.find(template_text::donor_opener);
    if (end != npos) {
      labels.tissue = std::string(phrase.substr(0, end));
      return phrase.substr(end + template_text::donor_opener.size());
    }
    text = rest->substr(phrase.size());  // no later start within this phrase can match
  }
  return std::nullopt;
}

}  // namespace label_detail

/// The paper's way: plain expressions on the lower-cased text. Cell type `consists of an? ([^,.]+)`, less a
/// trailing " cell(s)"; tissue `originates from the ([^,.]+?) of ([^,.]*)`; the second group is the donor:
/// disease after its "with", else "normal" (also where no tissue is found); stage after its "during".
/// Names that hold a comma or a period are cut, tissues that hold " of " are cut there. Never throws on any text.
inline ReadLabels read_labels_paper(std::string_view text) {
  const std::string folded = fold_spaces(lower(text));
  ReadLabels labels;
  labels.disease = std::string(template_text::normal);
  labels.cell_type = label_detail::paper_cell_type(folded);
  const auto donor = label_detail::paper_tissue(folded, labels);
  if (!donor) return labels;

  const std::size_t during = donor->find(template_text::stage_opener);
  const std::string_view who = donor->substr(0, during);
  if (during != label_detail::npos) {
    std::string stage(trim(donor->substr(during + template_text::stage_opener.size())));
    if (!stage.empty()) labels.stage = std::move(stage);
  }
  if (const auto disease = label_detail::after(who, template_text::disease_opener))
    if (!trim(*disease).empty()) labels.disease = std::string(trim(*disease));
  const std::string words = " " + std::string(who) + " ";
  for (const std::string_view sex : {"female", "male"})
    if (words.find(" " + std::string(sex) + " ") != std::string::npos) labels.sex = std::string(sex);
  return labels;
}

}  // namespace cell2text
