// Where a text of tokens has the labels that a model is asked about, and which it has there.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cell2text/generate/label_questions.hpp"
#include "cell2text/text/label_places.hpp"
#include "cell2text/text/label_reader.hpp"

namespace cell2text {

/// One place of a text.
struct AskedPlace {
  std::optional<std::size_t> at;  ///< tokens before the label, one at least; nothing where the text has no place
  const LabelQuestion* question = nullptr;  ///< what may stand there
  std::optional<std::string> label = {};    ///< that the text has there
};

/// In the order of `asked_labels`: each place no later in the text than the one before it.
using AskedPlaces = std::array<AskedPlace, asked_labels.size()>;

namespace asked_places_detail {

/// How many tokens write just `begin`; nothing where one reaches beyond it.
inline std::optional<std::size_t> tokens_of(const DecoderHandle& decoder, const std::vector<std::int64_t>& tokens,
                                            std::string_view begin) {
  std::size_t low = 0, high = tokens.size();
  const auto written = [&](std::size_t count) { return decoder.decode_text(std::span(tokens).first(count)); };
  while (low < high) {
    const std::size_t middle = (low + high) / 2;
    if (written(middle).size() < begin.size())
      low = middle + 1;
    else
      high = middle;
  }
  return written(low) == begin ? std::optional(low) : std::nullopt;
}

}  // namespace asked_places_detail

/// The places of a text, given as its tokens. `questions` must outlive them.
inline AskedPlaces asked_places(const DecoderHandle& decoder, const KnownLabelReader& reader,
                                const LabelQuestions& questions, const std::vector<std::int64_t>& tokens) {
  const std::string text = decoder.decode_text(tokens);
  const ReadLabels labels = reader.read(text);
  const LabelPlaces places = label_places(text, labels);
  const auto place = [&](std::optional<std::size_t> bytes, const LabelQuestion& question,
                         const std::optional<std::string>& label) {
    const auto at = bytes ? asked_places_detail::tokens_of(decoder, tokens, std::string_view(text).substr(0, *bytes))
                          : std::nullopt;
    return AskedPlace{at, &question, label};
  };
  AskedPlaces asked{
      place(places.stage, questions.stage(), labels.stage),
      place(places.sex ? places.sex : places.donor, places.sex ? questions.normal_sex() : questions.sex(), labels.sex),
      place(places.donor, questions.disease(), labels.disease), place(places.tissue, questions.tissue(), labels.tissue),
      place(places.cell_type, questions.cell_type(), labels.cell_type)};
  std::size_t end = tokens.size();
  for (AskedPlace& one : asked) {
    if (one.at && (*one.at > end || *one.at == 0)) one.at.reset();
    if (one.at) end = *one.at;
  }
  return asked;
}

}  // namespace cell2text
