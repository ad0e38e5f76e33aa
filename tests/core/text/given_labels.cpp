#include "cell2text/text/given_labels.hpp"

#include <doctest/doctest.h>

using cell2text::given_field;
using cell2text::given_text;
using cell2text::InputError;

TEST_CASE("given labels: the field of a user message names them, and the message stands around it") {
  CHECK_FALSE(given_field("Sequence embeddings: "));
  const auto field = given_field("Look. {given:tissue,development_stage,cell_type}Cell: {genes:5}");
  REQUIRE(field);
  CHECK(field->before == "Look. ");
  CHECK(field->after == "Cell: {genes:5}");
  CHECK((field->labels == std::vector<std::string>{"tissue", "development_stage", "cell_type"}));
}

TEST_CASE("given labels: a field that is not written so is refused with what is wrong") {
  const auto refusal = [](const std::string& user) -> std::string {
    try {
      given_field(user);
    } catch (const InputError& error) {
      return error.what();
    }
    return "";
  };
  const auto has = [](const std::string& text, const char* part) { return text.find(part) != text.npos; };
  for (const char* wrong : {"{given}", "{given", "{given:tissue", "{given;tissue}", "{given tissue}"}) {
    CAPTURE(wrong);
    CHECK(has(refusal(wrong), "labels that may be given are written {given:tissue,sex}"));
  }
  CHECK(has(refusal("x {given:tisue} y"),
            "'user' holds '{given:tisue}': descriptions have no label 'tisue'; did you mean "
            "'tissue'?"));
  for (const char* wrong :
       {"{given:}", "{given:tissue,}", "{given:,tissue}", "{given:tissue,,sex}", "{given: tissue}"}) {
    CAPTURE(wrong);
    CHECK(has(refusal(wrong), "descriptions have no label '"));
  }
  CHECK(has(refusal("{given:sex,tissue,sex}"), "names 'sex' twice"));
  CHECK(has(refusal("{given:sex} {given:tissue}"), "another field of given labels"));
}

TEST_CASE("given labels: what is given is told in the field's order, and of nothing nothing is") {
  const std::vector<std::string> labels{"tissue", "sex", "development_stage"};
  CHECK(given_text(labels, {}) == "");
  CHECK(given_text(labels, {{"cell_type", "B cell"}}) == "");
  CHECK(given_text(labels, {{"sex", "male"}}) == "Known: sex male. ");
  CHECK(given_text(labels, {{"development_stage", "adult stage"}, {"sex", "male"}, {"tissue", "lung"}}) ==
        "Known: tissue lung, sex male, development stage adult stage. ");
}
