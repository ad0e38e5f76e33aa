// Where in a description its labels stand, or would stand: what a model is asked about, given the text before.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "cell2text/text/label_reader.hpp"

namespace cell2text {

/// Bytes of the text that come before each label, without the blank that follows them; missing where the text has no
/// such place.
struct LabelPlaces {
  std::optional<std::size_t> cell_type;  ///< before "a B cell"
  std::optional<std::size_t> tissue;     ///< before "lung", behind "the"
  std::optional<std::size_t> donor;      ///< before "a normal male" or "a male with influenza"
  std::optional<std::size_t> sex;        ///< before "male" of a normal donor
  std::optional<std::size_t> stage;      ///< before "elderly stage"
};

/// `labels` as read from the text. Never throws; a text with odd white space has no places.
inline LabelPlaces label_places(std::string_view text, const ReadLabels& labels) {
  LabelPlaces places;
  const FoldedText folded(text);
  const std::string& lowered = folded.lowered;
  if (folded.spelled != text) return places;
  if (const auto at = lowered.find(template_text::cell_type_cue); at != std::string::npos)
    places.cell_type = at + template_text::cell_type_cue.size() - 1;

  const auto sentence = label_detail::origin_begin(folded);
  if (!sentence) return places;
  const std::string_view origin = std::string_view(lowered).substr(*sentence);
  if (!origin.starts_with(template_text::tissue_article)) {
    if (origin.starts_with("a ") || origin.starts_with("an ")) places.donor = *sentence - 1;
  } else {
    places.tissue = *sentence + template_text::tissue_article.size() - 1;
    const std::size_t after = labels.tissue ? *places.tissue + 1 + fold_spaces(*labels.tissue).size() - *sentence : 0;
    const std::size_t of = origin.find(" of a", after);
    if (of != std::string_view::npos && (!labels.tissue || of == after)) places.donor = *sentence + of + 3;
  }
  if (places.donor && std::string_view(lowered).substr(*places.donor).starts_with(" a normal"))
    places.sex = *places.donor + std::string_view(" a normal").size();
  if (const auto during = origin.find(std::string(template_text::stage_opener) + lower(labels.stage.value_or("")));
      during != std::string_view::npos)
    places.stage = *sentence + during + template_text::stage_opener.size() - 1;
  return places;
}

}  // namespace cell2text
