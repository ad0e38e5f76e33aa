// Descriptions whose labels are judged, and what their confidences must be: for the tests of any decoder.
#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/generate/label_confidence.hpp"

namespace cell2text::test {

namespace confidence_cases {

using Tokens = std::vector<std::int64_t>;

inline const std::vector<std::string> cell_types{"B cell", "IgG plasma cell", "CD8-positive, alpha-beta T cell",
                                                 "monocyte", "alpha cell"},
    tissues{"blood", "lung", "lung parenchyma"}, diseases{"normal", "COVID-19", "influenza"};

inline CellFacts facts_of(std::mt19937_64& random) {
  const auto one = [&](const std::vector<std::string>& all) { return all[random() % all.size()]; };
  CellFacts facts;
  facts.cell_type = one(cell_types);
  if (random() % 2) facts.cell_type_definition = "A cell of the blood.";
  if (random() % 4) facts.tissue = one(tissues);
  if (random() % 4) facts.disease = one(diseases);
  if (random() % 4) facts.sex = one({"male", "female"});
  if (random() % 2) facts.development_stage = one({"67-year-old stage", "30-year-old stage"});
  return facts;
}

/// Prompts of a few tokens.
struct SmallPrompts {
  Tensor values_BTD;
  Tokens lengths{5, 3, 1, 4, 5, 2};
  SmallPrompts(std::int64_t width, std::uint64_t seed) {
    torch::manual_seed(seed);
    values_BTD = torch::randn({6, 5, width});
  }
};

/// The probability that `words` follow prompt b and the text `before`.
using Probability = std::function<double(std::int64_t b, const std::string& before, const std::string& words)>;

/// By reading prompt and text anew, without a state.
inline Probability reading_anew(const DecoderHandle& decoder, const SmallPrompts& prompts) {
  return [&](std::int64_t b, const std::string& before, const std::string& words) {
    torch::NoGradGuard no_grad;
    const Tokens begin = decoder.encode_text(before), all = decoder.encode_text(before + words);
    const Tensor ids = torch::tensor(all, torch::kInt64).view({1, -1});
    const std::int64_t length = prompts.lengths[b];
    const Tensor x = torch::cat({prompts.values_BTD.narrow(0, b, 1).narrow(1, 0, length), decoder.embed(ids)}, 1);
    const auto T = x.size(1);
    const Tensor scores =
        decoder.logits(decoder.forward(x, {T}, torch::arange(T).view({1, T}))[0]).to(torch::kFloat64).log_softmax(-1);
    double sum = 0;
    for (std::size_t i = begin.size(); i < all.size(); ++i)
      sum += scores[length - 1 + static_cast<std::int64_t>(i)][all[i]].item<double>();
    return std::exp(sum);
  };
}

using Wordings = std::vector<std::pair<std::string, std::string>>;  // label, words

inline Wordings cell_type_wordings() {
  Wordings all;
  for (const std::string& name : cell_types)
    for (const char* article : {" a ", " an "}) {
      const bool vowel = name.front() == 'I' || name.front() == 'a';
      if (std::string(article) == " an " && !vowel) continue;
      for (const char* end : {",", ". It"}) all.emplace_back(name, article + name + end);
    }
  return all;
}
inline Wordings disease_wordings() {
  Wordings all{{"normal", " a normal"}};
  for (const char* name : {"COVID-19", "influenza"})
    for (const char* donor : {"a male", "a female", "an individual", "a individual"})
      for (const char* end : {" during", "."}) all.emplace_back(name, std::string(" ") + donor + " with " + name + end);
  return all;
}
inline Wordings sex_wordings(const std::string& article, const std::vector<std::string>& ends) {
  Wordings all;
  for (const char* name : {"female", "male"})
    for (const std::string& end : ends) all.emplace_back(name, " " + article + name + end);
  return all;
}

/// A place of a description, the label that it has there, and every way of writing every label.
struct PlaceCase {
  std::int64_t prompt;
  std::string role, before, label;
  Wordings wordings;
};

struct Cases {
  std::vector<std::string> texts;  ///< for each prompt; one is empty
  std::vector<PlaceCase> places;
};

inline void add_places(std::int64_t b, const CellFacts& facts, const std::string& text, Cases& cases) {
  const auto add = [&](const char* role, const std::string& before, const std::optional<std::string>& label,
                       Wordings wordings) {
    cases.places.push_back({b, role, before, label.value_or(""), std::move(wordings)});
  };
  add("cell_type", "This sample consists of", facts.cell_type, cell_type_wordings());
  if (facts.tissue) {
    Wordings wordings;
    for (const std::string& name : tissues) wordings.emplace_back(name, " " + name + " of");
    add("tissue", text.substr(0, text.find("originates from the") + 19), facts.tissue, std::move(wordings));
  }
  const auto donor = text.rfind(facts.tissue ? " of a" : "from a");
  if (donor == std::string::npos) return;  // nothing is told of the donor
  const std::string before = text.substr(0, donor + (facts.tissue ? 3 : 4));
  add("disease", before, facts.disease, disease_wordings());
  if (facts.disease == "normal")
    add("sex", before + " a normal", facts.sex, sex_wordings("", {" during", "."}));
  else
    add("sex", before, facts.sex, sex_wordings("a ", {" with", " during", "."}));
  if (!facts.development_stage) return;
  Wordings wordings;
  for (const std::string_view bucket : age_buckets) wordings.emplace_back(bucket, " " + std::string(bucket) + ".");
  add("development_stage", text.substr(0, text.rfind(" during") + 7),
      std::string(*age_bucket(*facts.development_stage)), std::move(wordings));
}

inline Cases random_cases(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  Cases cases;
  for (std::int64_t b = 0; b < 6; ++b) {
    const CellFacts facts = facts_of(random);
    cases.texts.push_back(b == 2 ? "" : *describe(facts));
    if (b != 2) add_places(b, facts, cases.texts.back(), cases);
  }
  return cases;
}

/// Judges the texts, and compares each label's confidence with what `probability_of` says.
inline void check_confidences(const DecoderHandle& decoder, const SmallPrompts& prompts, const Cases& cases,
                              const Probability& probability_of) {
  const KnownLabelReader labels(cell_types, tissues, diseases);
  const LabelJudge judge(decoder, labels, {{"cell_type", cell_types}, {"tissue", tissues}, {"disease", diseases}}, 2,
                         {0, 5});
  std::vector<Tokens> tokens;
  for (const std::string& text : cases.texts) tokens.push_back(decoder.encode_text(text));
  torch::NoGradGuard no_grad;
  const auto all = judge.judge(DecodingRows(decoder, prompts.values_BTD, prompts.lengths), tokens);
  REQUIRE(all.size() == cases.texts.size());
  std::size_t found = 0;
  for (const LabelConfidences& one : all) found += one.size();
  CHECK(found == cases.places.size());
  for (const PlaceCase& place : cases.places) {
    INFO(cases.texts[place.prompt] << " | " << place.role);
    const LabelConfidences& confidences = all[place.prompt];
    REQUIRE(confidences.contains(place.role));
    const LabelConfidence& judged = confidences.at(place.role);
    double known = 0, label = 0, sum = 0;
    for (const auto& [name, words] : place.wordings) {
      const double probability = probability_of(place.prompt, place.before, words);
      known += probability;
      if (name == place.label) label += probability;
    }
    CHECK(std::abs(judged.confidence - label / known) < 1e-5);
    CHECK(std::abs(judged.unknown - (1 - known)) < 1e-5);
    CHECK(judged.best.size() == 2);
    for (const auto& [name, probability] : judged.best) sum += probability;
    CHECK(sum <= 1 + 1e-9);
    CHECK(judged.best[0].second >= judged.best[1].second);
  }
}

}  // namespace confidence_cases

}  // namespace cell2text::test
