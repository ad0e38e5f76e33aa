// How sure a model is of labels, against reading every way of writing every label by itself.
#include "cell2text/generate/label_confidence.hpp"
#include "model_setup.hpp"
#include "support/ascii_tokenizer.hpp"
#include "support/confidence_cases.hpp"
#include "support/gru_decoder.hpp"

using namespace cell2text;
using namespace cell2text::test::confidence_cases;

namespace {

/// One token for any text.
struct WholeTextTokenizer {
  static constexpr std::int64_t size = 40;
  std::vector<std::int64_t> encode(std::string_view text) const {
    return {static_cast<std::int64_t>(2 + text.size() % 38)};
  }
  std::string decode(std::span<const std::int64_t>) const { return "text"; }
};

/// Random texts, and how sure a random model is of their labels.
class JudgedTexts {
 public:
  explicit JudgedTexts(std::uint64_t seed) : model_(setup_.build()), prompts_(model_.decoder->width(), seed) {
    model_.set_training(false);
    for (const std::string& text : random_cases(seed).texts) tokens_.push_back(model_.decoder->encode_text(text));
  }

  auto judged(std::size_t best, const LabelScoreOptions& options, const LabelTemperatures& temperatures) const {
    const KnownLabelReader labels(cell_types, tissues, diseases);
    const std::map<std::string, std::vector<std::string>> known{
        {"cell_type", cell_types}, {"tissue", tissues}, {"disease", diseases}};
    const LabelJudge judge(*model_.decoder, labels, known, best, options, temperatures);
    torch::NoGradGuard no_grad;
    return judge.judge(DecodingRows(*model_.decoder, prompts_.values_BTD, prompts_.lengths), tokens_);
  }

 private:
  const test::Setup setup_;
  const Model model_;
  const SmallPrompts prompts_;
  std::vector<Tokens> tokens_;
};

}  // namespace

TEST_CASE("confidence: of a decoder whose state can be cut, equal to every way of writing read by itself") {
  const test::Setup setup;
  const auto seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  const Model model = setup.build();
  model.set_training(false);
  const SmallPrompts prompts(model.decoder->width(), seed);
  check_confidences(*model.decoder, prompts, random_cases(seed), reading_anew(*model.decoder, prompts));
}

TEST_CASE("confidence: what may be left out, and states that are let go of, change it by no more") {
  const auto seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  const JudgedTexts texts(seed);
  const auto judged = [&](const LabelScoreOptions& options) { return texts.judged(0, options, {}); };
  LabelReadCounts all, kept, dropped;
  const auto exact = judged({0, 64, 16, 0, &all}), some = judged({1e-5, 7, 16, 0, &kept}),
             few = judged({1e-5, 7, 1, 0, &dropped});
  for (std::size_t i = 0; i < exact.size(); ++i)
    for (const auto& [role, one] : exact[i]) {
      INFO(i << " " << role);
      CHECK(std::abs(some[i].at(role).unknown - one.unknown) < 2e-5);  // of 1e-5 at most, and rounding
      CHECK(std::abs(few[i].at(role).unknown - some[i].at(role).unknown) < 1e-5);
    }
  CHECK(kept.tokens <= all.tokens);
  CHECK(kept.tokens <= dropped.tokens);
}

TEST_CASE("confidence: of a decoder whose state cannot be cut, the same") {
  const auto seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  const auto decoder = test::make_decoder<test::BasicGruDecoder<test::AsciiTokenizer>>({}, seed);
  const SmallPrompts prompts(16, seed);
  check_confidences(*decoder.handle, prompts, random_cases(seed), reading_anew(*decoder.handle, prompts));
}

TEST_CASE("confidence: temperatures act on whole labels, and on all else as one more") {
  const auto seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  const JudgedTexts texts(seed);
  const auto judged = [&](const LabelTemperatures& temperatures) { return texts.judged(100, {0, 64}, temperatures); };
  const auto plain = judged({}), ones = judged({{"cell_type", 1}}), tempered = judged({{"cell_type", 2.5}});
  for (std::size_t i = 0; i < plain.size(); ++i)
    for (const auto& [role, before] : plain[i]) {
      INFO(i << " " << role);
      CHECK((ones[i].at(role).best == before.best));
      CHECK(ones[i].at(role).unknown == before.unknown);
      const LabelConfidence& after = tempered[i].at(role);
      if (role != "cell_type") {
        CHECK((after.best == before.best));
        continue;
      }
      const auto changed = [](double probability) { return std::pow(probability, 1 / 2.5); };
      double sum = 0;
      for (const auto& [name, probability] : before.best) sum += changed(probability);
      REQUIRE(after.best.size() == before.best.size());
      for (std::size_t k = 0; k < before.best.size(); ++k)
        CHECK(after.best[k].second == doctest::Approx(changed(before.best[k].second) / sum).epsilon(1e-9));
      CHECK(after.confidence == doctest::Approx(changed(before.confidence) / sum).epsilon(1e-9));
      const double known = 1 - before.unknown, others = changed(before.unknown);
      CHECK(after.unknown == doctest::Approx(others / (others + changed(known) * sum)).epsilon(1e-6));
    }
}

TEST_CASE("confidence: a tokenizer that does not write labels apart from the text before them is refused") {
  const auto decoder = test::make_decoder<test::BasicGruDecoder<WholeTextTokenizer>>({}, 1);
  const KnownLabelReader labels({"B cell"}, {}, {});
  CHECK_THROWS_WITH_AS(LabelJudge(*decoder.handle, labels, {{"cell_type", {"B cell"}}}),
                       doctest::Contains("no-confidence"), InputError);
}

TEST_CASE("confidence: describing cells tells it, by the judge that is given") {
  const test::Setup setup;
  const Model model = setup.build();
  model.set_training(false);
  const KnownLabelReader labels({"B cell"}, {}, {});
  const LabelJudge judge(*model.decoder, labels, {{"cell_type", {"B cell"}}});
  CellLoader loader(test::demo(), *model.encoder, {0, 99, 500}, {3, 1, 0, false});
  const auto cells = describe_cells(model, *loader.next(), setup.card.generation, {&judge});
  REQUIRE(cells.size() == 3);
  for (const DescribedCell& cell : cells)
    CHECK(cell.confidences.contains("cell_type") == (cell.text.find("consists of ") != std::string::npos));
}
