// Greedy decoding with guesses: the text of greedy decoding without them, whatever is guessed.
#include "cell2text/generate/drafted.hpp"

#include <random>

#include "model_setup.hpp"

using namespace cell2text;
using Tokens = std::vector<std::int64_t>;

namespace {

struct Fixture {
  test::Setup setup;
  Model model = setup.build();
  Sequences prompt;
  GenerationSettings settings;

  Fixture() {
    model.set_training(false);
    torch::NoGradGuard no_grad;
    CellLoader loader(test::demo(), *model.encoder, {0, 99, 500, 321, 8}, {5, 1, 0, false});
    prompt = join(model, model.soft_prompt(loader.next()->tokens), {});
    settings.beams = 1, settings.max_new_tokens.value = 40, settings.batch_size = 3;
  }
  std::vector<Generated> texts(const DraftTexts* drafts, DraftCounts* counts = nullptr) const {
    GenerationExtras extras;
    extras.drafts = drafts, extras.draft_counts = counts;
    return generate(*model.decoder, prompt.embeddings_BTD, prompt.lengths, settings, std::move(extras));
  }
};

void check_same(const std::vector<Generated>& found, const std::vector<Generated>& expected) {
  REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    CHECK(found[i].tokens == expected[i].tokens);
    CHECK(found[i].ended == expected[i].ended);
    CHECK((found[i].end_token == expected[i].end_token));
    CHECK(found[i].token_log_probabilities.size() == expected[i].token_log_probabilities.size());
    CHECK(std::abs(found[i].log_probability - expected[i].log_probability) < 1e-3);
  }
}

/// What the texts would be as training descriptions.
std::vector<Tokens> known(const std::vector<Generated>& texts) {
  std::vector<Tokens> all;
  for (const Generated& one : texts) {
    all.push_back(one.tokens);
    if (one.end_token) all.back().push_back(*one.end_token);
  }
  return all;
}

}  // namespace

TEST_CASE("drafted: right, wrong and half right guesses give the same text, and right ones save passes") {
  Fixture f;
  const auto expected = f.texts(nullptr);
  std::int64_t tokens = 0;
  for (const Generated& one : expected) tokens += std::ssize(one.token_log_probabilities);
  const std::vector<Tokens> right = known(expected);
  DraftCounts counts;
  const DraftTexts all_right(right);
  check_same(f.texts(&all_right, &counts), expected);
  CHECK(counts.accepted > tokens / 2);
  CHECK(counts.passes < tokens / 2);

  const auto seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  std::mt19937_64 random(seed);
  const auto V = static_cast<std::uint64_t>(f.model.decoder->vocabulary_size());
  for (int repeat = 0; repeat < 6; ++repeat) {
    std::vector<Tokens> damaged = right;
    for (Tokens& text : damaged)
      for (std::int64_t& token : text)
        if (random() % 5 == 0) token = static_cast<std::int64_t>(random() % V);
    DraftCounts some;
    const DraftTexts drafts(damaged);
    check_same(f.texts(&drafts, &some), expected);
    CHECK(some.accepted < some.drafted);
  }
  const DraftTexts none({});
  check_same(f.texts(&none), expected);
}

TEST_CASE("drafted: rows of a pass are as long as gives most tokens for the work of padded rows") {
  const auto lengths = [](const std::vector<std::size_t>& sizes) {
    std::vector<Tokens> read;
    for (const std::size_t size : sizes) read.emplace_back(size, 1);
    drafted_detail::cut_to_common(read);
    std::vector<std::size_t> left;
    for (const Tokens& row : read) left.push_back(row.size());
    return left;
  };
  using Sizes = std::vector<std::size_t>;
  CHECK((lengths({60}) == Sizes{60}));
  CHECK((lengths({20, 20, 20}) == Sizes{20, 20, 20}));
  CHECK((lengths({60, 58, 1}) ==
         Sizes{58, 58, 1}));  // a row of padding for 57 tokens each of the others; not two for two
  Sizes one_long(16, 1);
  one_long[3] = 60;
  CHECK((lengths(one_long) == Sizes(16, 1)));  // 15 rows of 59 padded tokens, for 59
  CHECK((lengths({30, 6, 6, 6, 6, 6, 6, 6}) == Sizes(8, 6)));
}

TEST_CASE("drafted: limits, stop texts and listeners see what they see without guesses") {
  Fixture f;
  const std::vector<Tokens> right = known(f.texts(nullptr));
  const DraftTexts drafts(right);
  for (const std::int64_t limit : {1, 2, 7}) {
    f.settings.max_new_tokens.value = limit;
    check_same(f.texts(&drafts), f.texts(nullptr));
  }
  f.settings.max_new_tokens.value = 40;
  const std::string text = f.model.decoder->decode_text(right[0]);
  REQUIRE(text.size() > 8);
  f.settings.stop = {text.substr(text.size() / 2, 2)};
  check_same(f.texts(&drafts), f.texts(nullptr));
  f.settings.stop = {};
  std::vector<Tokens> heard(right.size());
  GenerationExtras extras;
  extras.drafts = &drafts;
  extras.on_token = [&](std::int64_t cell, std::int64_t token) { heard[cell].push_back(token); };
  const auto told =
      generate(*f.model.decoder, f.prompt.embeddings_BTD, f.prompt.lengths, f.settings, std::move(extras));
  for (std::size_t i = 0; i < told.size(); ++i) CHECK(heard[i] == told[i].tokens);
}

TEST_CASE("drafted: a model folder keeps the training descriptions") {
  Fixture f;
  f.model.drafts = std::make_shared<const DraftTexts>(std::vector<Tokens>{{5, 6, 7}, {8}});
  save_model(f.setup.model_folder, f.model, f.setup.card);
  const Model again = f.setup.load(f.setup.model_folder);
  REQUIRE(again.drafts);
  CHECK((again.drafts->texts() == std::vector<Tokens>{{5, 6, 7}, {8}}));
}
