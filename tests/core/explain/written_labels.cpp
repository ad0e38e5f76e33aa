// Which tokens of a text write its labels, against the text itself and against confidences.
#include "cell2text/explain/written_labels.hpp"

#include <doctest/doctest.h>

#include "support/ascii_tokenizer.hpp"
#include "support/confidence_cases.hpp"
#include "support/gru_decoder.hpp"
#include "support/oracle.hpp"

using namespace cell2text;
using namespace cell2text::test::confidence_cases;

namespace {

struct Reading {
  test::OwnedDecoder decoder = test::make_decoder<test::BasicGruDecoder<test::AsciiTokenizer>>({}, 1);
  std::map<std::string, std::vector<std::string>> known{
      {"cell_type", cell_types}, {"tissue", tissues}, {"disease", diseases}};
  KnownLabelReader reader{cell_types, tissues, diseases};
  LabelQuestions questions{*decoder.handle, known};

  std::vector<WrittenLabel> labels(const std::string& text) const {
    const Tokens tokens = decoder.handle->encode_text(text);
    return written_labels(*decoder.handle, asked_places(*decoder.handle, reader, questions, tokens), tokens);
  }
};

}  // namespace

TEST_CASE("written labels: each with what must follow it, in the order of the text") {
  const Reading reading;
  const std::string text =
      "This sample consists of an IgG plasma cell, a cell of the blood. It originates from the lung parenchyma of a "
      "male "
      "with COVID-19 during young adult stage.";
  const auto labels = reading.labels(text);
  const std::vector<std::array<std::string, 3>> expected{
      {"cell_type", "IgG plasma cell", " an IgG plasma cell,"},
      {"tissue", "lung parenchyma", " lung parenchyma of"},
      {"disease", "COVID-19", " a male with COVID-19 during"},
      {"sex", "male", " a male with"},
  };
  REQUIRE(labels.size() >= expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CHECK(labels[i].role == expected[i][0]);
    CHECK(labels[i].value == expected[i][1]);
    CHECK(labels[i].words == expected[i][2]);
    CHECK(text.substr(labels[i].span.first, labels[i].span.count) == labels[i].words);  // a token is a byte here
  }
}

TEST_CASE("written labels: as many as confidences are told of, in descriptions made anew") {
  const auto seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  const Reading reading;
  const Cases cases = random_cases(seed);
  for (std::size_t b = 0; b < cases.texts.size(); ++b) {
    INFO(cases.texts[b]);
    std::map<std::string, const PlaceCase*> places;
    for (const PlaceCase& place : cases.places)
      if (place.prompt == static_cast<std::int64_t>(b) && !place.label.empty()) places[place.role] = &place;
    const auto labels = cases.texts[b].empty() ? std::vector<WrittenLabel>() : reading.labels(cases.texts[b]);
    CHECK(labels.size() == places.size());
    for (const WrittenLabel& label : labels) {
      INFO(label.role << ": " << label.words);
      REQUIRE(places.contains(label.role));
      const PlaceCase& place = *places[label.role];
      CHECK(label.value == place.label);
      CHECK(label.span.first == place.before.size());
      CHECK(std::ranges::count_if(place.wordings, [&](const auto& wording) {
              const bool ends = cases.texts[b].ends_with(label.words) && wording.second.starts_with(label.words);
              return wording.first == label.value && (wording.second == label.words || ends);
            }) == 1);
    }
  }
}

TEST_CASE("written labels: none where a name is not known, or not followed by what the template has there") {
  const Reading reading;
  CHECK(reading.labels("This sample consists of a cloud, a thing.").empty());
  CHECK(reading.labels("This sample consists of a B cell").empty());
  CHECK(reading.labels("A B cell, of the lung.").empty());
  CHECK(reading.labels("This sample consists of a B cell. A thing").empty());
  const auto labels = reading.labels("This sample consists of a B cell. It originates from the lung of a male.");
  REQUIRE(labels.size() == 3);
  CHECK(labels[0].words == " a B cell. It");
  CHECK(labels[1].words == " lung of");
  CHECK(labels[2].words == " a male.");
  const auto alone = reading.labels("This sample consists of a B cell.");
  REQUIRE(alone.size() == 1);
  CHECK(alone[0].words == " a B cell.");
}
