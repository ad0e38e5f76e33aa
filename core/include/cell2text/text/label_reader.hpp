// Reading labels back from a description, true or generated, against the labels that are known.
// Scores nothing; read_labels_paper, the paper's own way, comes with paper_labels.hpp.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cell2text/text/age_bucket.hpp"
#include "cell2text/text/description.hpp"
#include "cell2text/text/known_names.hpp"
#include "cell2text/text/paper_labels.hpp"
#include "cell2text/text/words.hpp"

namespace cell2text {

/// Reads a text against the labels that may occur in it: at each place of the template the longest known
/// name, in any case, given back as the list spells it. Names with commas, "of" and "with" stay whole; a
/// place without a known name gives nothing, never a guess. "normal" is known without being listed.
class KnownLabelReader {
 public:
  KnownLabelReader(const std::vector<std::string>& cell_types, const std::vector<std::string>& tissues,
                   const std::vector<std::string>& diseases)
      : cell_types_(cell_types), tissues_(tissues), diseases_(diseases) {
    const auto listed = diseases_.longest_at(FoldedText(template_text::normal), 0, sentence_end);
    normal_ = listed ? listed->first : std::string(template_text::normal);
  }

  /// Never throws on any text. Time grows with the length of the text, not with the number of names.
  ReadLabels read(std::string_view text) const {
    const FoldedText folded(text);
    ReadLabels labels;
    labels.cell_type = read_cell_type(folded);
    read_origin(folded, labels);
    return labels;
  }

 private:
  static constexpr std::array<std::string_view, 2> name_end = {template_text::definition_opener, template_text::end};
  static constexpr std::array<std::string_view, 3> tissue_end = {" of a ", " of an ", template_text::end};
  static constexpr std::array<std::string_view, 2> disease_end = {template_text::stage_opener, template_text::end};
  static constexpr std::array<std::string_view, 1> sentence_end = {template_text::end};

  std::optional<std::string> read_cell_type(const FoldedText& text) const;
  void read_origin(const FoldedText& text, ReadLabels& labels) const;
  void read_donor(const FoldedText& sentence, std::size_t begin, ReadLabels& labels) const;

  KnownNames cell_types_, tissues_, diseases_;
  KnownNames stages_{std::vector<std::string>(age_buckets.begin(), age_buckets.end())};
  std::string normal_;  ///< as the list of diseases spells it
};

namespace label_detail {

/// Where the second sentence begins behind its opening words. Definitions may hold such a sentence of their own, hence
/// the last one.
inline std::optional<std::size_t> origin_begin(const FoldedText& text) {
  const std::string_view lowered = text.lowered;
  const std::string opener = lower(template_text::origin_opener);
  if (const std::size_t at = lowered.rfind(opener); at != npos) return at + opener.size();
  if (lowered.starts_with(std::string_view(opener).substr(2))) return opener.size() - 2;  // nothing stands before it
  return std::nullopt;
}

/// The second sentence from there on, up to the pathways.
inline std::optional<FoldedText> origin_sentence(const FoldedText& text) {
  const auto begin = origin_begin(text);
  if (!begin) return std::nullopt;
  const std::size_t end =
      std::min(text.lowered.find(lower(template_text::first_pathway_opener), *begin), text.lowered.size());
  return FoldedText(std::string_view(text.spelled).substr(*begin, end - *begin));
}

/// Where the last " during " of the sentence is that a known stage follows; with it the stage.
inline std::optional<std::pair<std::size_t, std::string>> find_stage(const FoldedText& sentence,
                                                                     const KnownNames& stages) {
  static constexpr std::array<std::string_view, 1> end = {template_text::end};
  const std::string_view lowered = sentence.lowered;
  for (std::size_t at = lowered.rfind(template_text::stage_opener); at != npos;
       at = at == 0 ? npos : lowered.rfind(template_text::stage_opener, at - 1))
    if (auto stage = stages.longest_at(sentence, at + template_text::stage_opener.size(), end))
      return std::pair(at, std::move(stage->first));
  return std::nullopt;
}

/// Where the donor's words begin (at the blank after "a" or "an") when the tissue before them is not known.
inline std::optional<std::size_t> find_donor(std::string_view sentence) {
  constexpr std::string_view words[] = {" normal", " individual", " male", " female", " with "};
  for (std::size_t at = sentence.find(" of a"); at != npos; at = sentence.find(" of a", at + 1)) {
    std::size_t begin = at + std::string_view(" of a").size();
    if (begin < sentence.size() && sentence[begin] == 'n') ++begin;
    const std::string_view rest = sentence.substr(begin);
    for (const std::string_view word : words)
      if (rest.starts_with(word)) return begin;
  }
  return std::nullopt;
}

/// The donor's sex: the one word of `sentence` from `begin` on before disease, stage or the end; nothing for
/// "individual".
inline std::optional<std::string> read_sex(const FoldedText& sentence, std::size_t begin) {
  if (sentence.lowered.compare(begin, 1, " ") == 0) ++begin;
  const std::string_view donor = std::string_view(sentence.lowered).substr(begin);
  const std::string_view word = donor.substr(0, donor.find_first_of(" ."));
  const std::string_view rest = donor.substr(word.size());
  const bool ends = rest.empty() || rest == template_text::end || rest.starts_with(". ");  // sentences may follow
  const bool complete =
      ends || rest.starts_with(template_text::disease_opener) || rest.starts_with(template_text::stage_opener);
  if (!complete || word.empty() || word == template_text::anybody || word == trim(template_text::disease_opener))
    return std::nullopt;
  return sentence.spelled.substr(begin, word.size());
}

}  // namespace label_detail

inline std::optional<std::string> KnownLabelReader::read_cell_type(const FoldedText& text) const {
  const std::size_t at = text.lowered.find(template_text::cell_type_cue);
  if (at == std::string::npos) return std::nullopt;
  const std::size_t begin = at + template_text::cell_type_cue.size();
  for (const std::string_view article : {"a ", "an ", ""}) {
    if (!std::string_view(text.lowered).substr(begin).starts_with(article)) continue;
    if (auto found = cell_types_.longest_at(text, begin + article.size(), name_end)) return std::move(found->first);
  }
  return std::nullopt;
}

inline void KnownLabelReader::read_origin(const FoldedText& text, ReadLabels& labels) const {
  const std::optional<FoldedText> sentence = label_detail::origin_sentence(text);
  if (!sentence) return;
  const std::string_view lowered = sentence->lowered;

  std::optional<std::size_t> donor;
  if (!lowered.starts_with(template_text::tissue_article)) {  // no tissue: "a normal male"
    if (lowered.starts_with("a ")) donor = 1;
    if (lowered.starts_with("an ")) donor = 2;
  } else if (auto tissue = tissues_.longest_at(*sentence, template_text::tissue_article.size(), tissue_end)) {
    labels.tissue = std::move(tissue->first);
    const std::string_view rest = lowered.substr(tissue->second);
    if (rest.starts_with(" of a")) donor = lowered.find(' ', tissue->second + std::string_view(" of ").size());
  } else {
    donor = label_detail::find_donor(lowered);
  }
  read_donor(*sentence, std::min(donor.value_or(lowered.size()), lowered.size()), labels);

  if (auto stage = label_detail::find_stage(*sentence, stages_)) labels.stage = std::move(stage->second);
}

inline void KnownLabelReader::read_donor(const FoldedText& sentence, std::size_t begin, ReadLabels& labels) const {
  const std::string_view donor = std::string_view(sentence.lowered).substr(begin);
  std::string_view rest = donor;
  if (take_prefix(rest, " ") && take_prefix(rest, template_text::normal) && (rest.empty() || rest.front() == ' ')) {
    labels.disease = normal_;
    labels.sex = label_detail::read_sex(sentence, sentence.lowered.size() - rest.size());
    return;
  }
  labels.sex = label_detail::read_sex(sentence, begin);
  for (std::size_t at = donor.find(template_text::disease_opener); at != std::string_view::npos;
       at = donor.find(template_text::disease_opener, at + 1)) {
    const std::size_t name = begin + at + template_text::disease_opener.size();
    if (auto found = diseases_.longest_at(sentence, name, disease_end)) {
      labels.disease = std::move(found->first);
      return;
    }
  }
}

}  // namespace cell2text
