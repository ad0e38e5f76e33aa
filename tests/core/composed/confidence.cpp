// How sure a model is of labels, against reading every way of writing every label by itself.
#include <random>

#include "cell2text/generate/label_confidence.hpp"
#include "model_setup.hpp"
#include "support/gru_decoder.hpp"

using namespace cell2text;
using Tokens = std::vector<std::int64_t>;

namespace {

const std::vector<std::string> cell_types{"B cell", "IgG plasma cell", "CD8-positive, alpha-beta T cell", "monocyte",
                                          "alpha cell"},
    tissues{"blood", "lung", "lung parenchyma"}, diseases{"normal", "COVID-19", "influenza"};

CellFacts facts_of(std::mt19937_64& random) {
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

/// Small prompts, and probabilities by reading prompt and text anew, without a state.
struct Reader {
  const DecoderHandle& decoder;
  Tensor prompts;
  Tokens lengths;

  double probability(std::int64_t b, const std::string& before, const std::string& words) const {
    torch::NoGradGuard no_grad;
    const Tokens begin = decoder.encode_text(before), all = decoder.encode_text(before + words);
    const Tensor ids = torch::tensor(all, torch::kInt64).view({1, -1});
    const Tensor x = torch::cat({prompts.narrow(0, b, 1).narrow(1, 0, lengths[b]), decoder.embed(ids)}, 1);
    const auto T = x.size(1);
    const Tensor scores =
        decoder.logits(decoder.forward(x, {T}, torch::arange(T).view({1, T}))[0]).to(torch::kFloat64).log_softmax(-1);
    double sum = 0;
    for (std::size_t i = begin.size(); i < all.size(); ++i)
      sum += scores[lengths[b] - 1 + static_cast<std::int64_t>(i)][all[i]].item<double>();
    return std::exp(sum);
  }
};

struct Expected {
  double label = 0, known = 0;
};

/// Over all ways of writing the labels at the place that ends `before`.
Expected expected(const Reader& reader, std::int64_t b, const std::string& before, const std::string& label,
                  const std::vector<std::pair<std::string, std::string>>& wordings) {
  Expected sums;
  for (const auto& [name, words] : wordings) {
    const double probability = reader.probability(b, before, words);
    sums.known += probability;
    if (name == label) sums.label += probability;
  }
  return sums;
}

void check(const LabelConfidences& found, const std::string& role, const Expected& wanted) {
  INFO(role);
  REQUIRE(found.contains(role));
  CHECK(found.at(role).confidence == doctest::Approx(wanted.label / wanted.known).epsilon(1e-4));
  CHECK(std::abs(found.at(role).unknown - (1 - wanted.known)) < 1e-5);
}

using Wordings = std::vector<std::pair<std::string, std::string>>;

Wordings cell_type_wordings() {
  Wordings all;
  for (const std::string& name : cell_types)
    for (const char* article : {" a ", " an "}) {
      const bool vowel = name.front() == 'I' || name.front() == 'a';
      if (std::string(article) == " an " && !vowel) continue;
      for (const char* end : {",", ". It"}) all.emplace_back(name, article + name + end);
    }
  return all;
}
Wordings disease_wordings() {
  Wordings all{{"normal", " a normal"}};
  for (const char* name : {"COVID-19", "influenza"})
    for (const char* donor : {"a male", "a female", "an individual", "a individual"})
      for (const char* end : {" during", "."}) all.emplace_back(name, std::string(" ") + donor + " with " + name + end);
  return all;
}
Wordings sex_wordings(const std::string& article, const std::vector<std::string>& ends) {
  Wordings all;
  for (const char* name : {"female", "male"})
    for (const std::string& end : ends) all.emplace_back(name, " " + article + name + end);
  return all;
}

/// Judges random descriptions, and compares each label's confidence.
void compare(const DecoderHandle& decoder, std::int64_t width, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  torch::manual_seed(seed);
  const std::int64_t B = 6;
  Reader reader{decoder, torch::randn({B, 5, width}), {5, 3, 1, 4, 5, 2}};
  const KnownLabelReader labels(cell_types, tissues, diseases);
  const LabelJudge judge(decoder, labels, {{"cell_type", cell_types}, {"tissue", tissues}, {"disease", diseases}}, 2,
                         {0, 5});
  std::vector<CellFacts> facts;
  std::vector<std::string> written;
  std::vector<Tokens> tokens;
  for (std::int64_t b = 0; b < B; ++b) {
    facts.push_back(facts_of(random));
    written.push_back(b == 2 ? "" : *describe(facts.back()));
    tokens.push_back(decoder.encode_text(written.back()));
  }
  torch::NoGradGuard no_grad;
  const auto all = judge.judge(DecodingRows(decoder, reader.prompts, reader.lengths), tokens);
  REQUIRE(std::ssize(all) == B);
  CHECK(all[2].empty());
  for (std::int64_t b = 0; b < B; ++b) {
    if (b == 2) continue;
    const std::string& text = written[b];
    INFO(text);
    check(all[b], "cell_type",
          expected(reader, b, "This sample consists of", *facts[b].cell_type, cell_type_wordings()));
    double sum = 0;
    for (const auto& [name, probability] : all[b].at("cell_type").best) sum += probability;
    CHECK(all[b].at("cell_type").best.size() == 2);
    CHECK(sum <= 1 + 1e-9);
    const auto donor = text.rfind(facts[b].tissue ? " of a" : "from a");
    CHECK(all[b].contains("tissue") == facts[b].tissue.has_value());
    if (facts[b].tissue) {
      Wordings wordings;
      for (const std::string& name : tissues) wordings.emplace_back(name, " " + name + " of");
      check(all[b], "tissue",
            expected(reader, b, text.substr(0, text.find("originates from the") + 19), *facts[b].tissue, wordings));
    }
    if (donor == std::string::npos) continue;  // nothing is told of the donor
    const std::string before = text.substr(0, donor + (facts[b].tissue ? 3 : 4));
    check(all[b], "disease", expected(reader, b, before, facts[b].disease.value_or(""), disease_wordings()));
    if (facts[b].disease == "normal")
      check(all[b], "sex",
            expected(reader, b, before + " a normal", facts[b].sex.value_or(""), sex_wordings("", {" during", "."})));
    else
      check(all[b], "sex",
            expected(reader, b, before, facts[b].sex.value_or(""), sex_wordings("a ", {" with", " during", "."})));
    CHECK(all[b].contains("development_stage") == facts[b].development_stage.has_value());
    if (!facts[b].development_stage) continue;
    Wordings wordings;
    for (const std::string_view bucket : age_buckets) wordings.emplace_back(bucket, " " + std::string(bucket) + ".");
    check(all[b], "development_stage",
          expected(reader, b, text.substr(0, text.rfind(" during") + 7),
                   std::string(*age_bucket(*facts[b].development_stage)), wordings));
  }
}

/// A tokenizer of single bytes.
struct AsciiTokenizer {
  static constexpr std::int64_t size = 130;
  std::vector<std::int64_t> encode(std::string_view text) const {
    std::vector<std::int64_t> ids;
    for (const char letter : text) ids.push_back(static_cast<unsigned char>(letter) % 128 + 2);
    return ids;
  }
  std::string decode(std::span<const std::int64_t> ids) const {
    std::string text;
    for (const std::int64_t id : ids)
      if (id >= 2) text += static_cast<char>(id - 2);
    return text;
  }
};

}  // namespace

TEST_CASE("confidence: of a decoder whose state can be cut, equal to every way of writing read by itself") {
  const test::Setup setup;
  const auto seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  const Model model = setup.build();
  model.set_training(false);
  compare(*model.decoder, model.decoder->width(), seed);
}

TEST_CASE("confidence: of a decoder whose state cannot be cut, the same") {
  const auto seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  const auto decoder = test::make_decoder<test::BasicGruDecoder<AsciiTokenizer>>({}, seed);
  compare(*decoder.handle, 16, seed);
}

TEST_CASE("confidence: a tokenizer that does not write labels apart from the text before them is refused") {
  const auto decoder = test::make_decoder<test::GruDecoder>({}, 1);  // it writes neither blanks nor points
  const KnownLabelReader labels({"42"}, {}, {});
  CHECK_THROWS_WITH_AS(LabelJudge(*decoder.handle, labels, {{"cell_type", {"B cell"}}, {"tissue", {"42"}}}),
                       doctest::Contains("no-confidence"), InputError);
}

TEST_CASE("confidence: describing cells tells it, by the judge that is given") {
  const test::Setup setup;
  const Model model = setup.build();
  model.set_training(false);
  const KnownLabelReader labels({"B cell"}, {}, {});
  const LabelJudge judge(*model.decoder, labels, {{"cell_type", {"B cell"}}});
  CellLoader loader(test::demo(), *model.encoder, {0, 99, 500}, {3, 1, 0, false});
  const auto cells = describe_cells(model, *loader.next(), setup.card.generation, &judge);
  REQUIRE(cells.size() == 3);
  for (const DescribedCell& cell : cells)
    CHECK(cell.confidences.contains("cell_type") == (cell.text.find("consists of ") != std::string::npos));
}
