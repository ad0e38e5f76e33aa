// Texts whose labels are restricted or given, by decoders that would rather write others.
#include "cell2text/generate/label_constraint.hpp"

#include <ATen/Parallel.h>
#include <doctest/doctest.h>

#include <random>

#include "cell2text/generate/generate.hpp"
#include "cell2text/text/label_reader.hpp"
#include "support/oracle.hpp"
#include "support/piece_decoder.hpp"

using namespace cell2text;

namespace label_constraint_tests {

using Names = std::vector<std::string>;
using Tokens = std::vector<std::int64_t>;
using test::FollowingDecoder;

const std::map<std::string, Names> known{
    {"cell_type", {"B cell", "T cell", "T cell, CD45RO-positive", "T cell, naive", "alpha cell", "IgG plasma cell"}},
    {"tissue", {"blood", "lung", "skin", "skin of abdomen", "lung parenchyma"}},
    {"disease", {"COVID-19", "influenza", "influenza during pregnancy", "normal"}}};

KnownLabelReader reader() {
  return KnownLabelReader(known.at("cell_type"), known.at("tissue"), known.at("disease"));
}

std::map<std::string, std::string> read(const std::string& text) {
  const ReadLabels labels = reader().read(text);
  std::map<std::string, std::string> all;
  const auto add = [&](const char* role, const std::optional<std::string>& label) {
    if (label) all[role] = *label;
  };
  add("cell_type", labels.cell_type), add("tissue", labels.tissue), add("disease", labels.disease);
  add("sex", labels.sex), add("development_stage", labels.stage);
  return all;
}

template <class T>
const T& any_of(const std::vector<T>& all, std::mt19937_64& random) {
  return all[random() % all.size()];
}

CellFacts facts_of(std::mt19937_64& random) {
  CellFacts facts;
  facts.cell_type = any_of(known.at("cell_type"), random);
  if (random() % 2) facts.cell_type_definition = "An alpha cell that is in the blood.";
  if (random() % 4) facts.tissue = any_of(known.at("tissue"), random);
  if (random() % 4) facts.disease = any_of(known.at("disease"), random);
  if (random() % 4) facts.sex = any_of(Names{"male", "female"}, random);
  if (random() % 2) facts.development_stage = any_of(Names{"67-year-old stage", "1-year-old stage"}, random);
  if (random() % 3 == 0) facts.sentences = {"It was seen in the lung"};
  if (random() % 3 == 0) facts.pathway_descriptions = {"influenza during elderly stage"};
  return facts;
}
std::string text_of(std::mt19937_64& random) {
  const DescriptionStyle style{random() % 2 ? DescriptionStyle::Preset::paper : DescriptionStyle::Preset::authors};
  return *describe(facts_of(random), style);
}

/// Texts that lead to labels which are not allowed, in every way that a reader might fall for.
const Names traps{
    "This sample consists of a T cell, CD45RO-positive, a cell. It originates from the skin of abdomen of a male.",
    "This sample consists of a moon cell, a cell of the moon. It originates from the moon of a normal male.",
    "This sample consists of a B cell. It originates from the lung of a male. He lives with influenza. This cell is "
    "associated with influenza during elderly stage. It originates from the blood of a female with COVID-19.",
    "This sample consists of a T cell. It originates from a female. It was seen during elderly stage. It with "
    "COVID-19.",
    "This sample consists of a T cell, naive. It originates from  the skin of a normal female during infancy.",
    "It originates from the lung of a normal male.",
    "Once upon a time.",
    "This sample consists of the B cell"};

struct Limited {
  LabelLimits limits{known, {}};
  GivenLabels given;
};

Names some_of(Names all, std::mt19937_64& random) {
  std::ranges::shuffle(all, random);
  all.resize(1 + random() % std::min<std::size_t>(3, all.size()));
  return all;
}

/// Some labels restricted, some given.
Limited random_limits(std::mt19937_64& random) {
  Limited made;
  while (made.limits.allowed.empty() && made.given.empty())
    for (const std::string_view name : asked_labels) {
      const std::string role(name);
      const Names all = made.limits.all(role);
      if (const auto what = random() % 3; what == 1)
        made.limits.allowed[role] = some_of(all, random);
      else if (what == 2)
        made.given[role] = any_of(all, random);
    }
  return made;
}

struct Decoders {
  std::uint64_t seed = test::seed();
  std::mt19937_64 random{seed};
  test::OwnedDecoder wild = test::make_decoder<test::PieceGruDecoder>({}, seed),
                     following = test::make_decoder<FollowingDecoder>({}, seed);
  Tensor prompts;
  Tokens lengths = {4, 1, 6, 3};

  Decoders() {
    at::set_num_threads(1);  // on tensors this small, threads that wait for each other cost more than they do
    torch::manual_seed(static_cast<std::int64_t>(seed));
    prompts = torch::randn({4, 6, 16});
    FollowingDecoder::texts.clear();
    for (const std::string& text : traps) FollowingDecoder::texts.push_back(test::PieceTokenizer().encode(text));
    for (int i = 0; i < 8; ++i) FollowingDecoder::texts.push_back(test::PieceTokenizer().encode(text_of(random)));
  }
};

GenerationSettings settings_of(std::int64_t beams, double temperature, std::uint64_t seed) {
  GenerationSettings settings;
  settings.beams = beams, settings.temperature = temperature, settings.seed = static_cast<std::int64_t>(seed % 1000);
  settings.max_new_tokens.value = 160;
  settings.batch_size = 3;
  return settings;
}

std::string listed(const Limited& limited) {
  std::string text;
  for (const auto& [role, names] : limited.limits.allowed)
    for (const std::string& name : names) text += role + " may be " + name + "; ";
  for (const auto& [role, name] : limited.given) text += role + " is " + name + "; ";
  return text;
}

void check_labels(const std::string& text, const Limited& limited) {
  INFO("text: " << text);
  const auto labels = read(text);
  for (const auto& [role, name] : limited.given) {
    INFO(role << " is " << name);
    REQUIRE(labels.contains(role));
    CHECK(labels.at(role) == name);
  }
  for (const auto& [role, names] : limited.limits.allowed) {
    if (limited.given.contains(role)) continue;
    if (role == "cell_type") REQUIRE(labels.contains(role));
    INFO(role << " is " << (labels.contains(role) ? labels.at(role) : ""));
    if (labels.contains(role)) CHECK(std::ranges::count(names, labels.at(role)) == 1);
  }
}

}  // namespace label_constraint_tests

using namespace label_constraint_tests;

TEST_CASE("label constraint: whatever a decoder would write, labels are in the list, and given ones at their places") {
  Decoders f;
  INFO("CELL2TEXT_TEST_SEED=" << f.seed);
  std::map<std::string, int> found;
  for (int repeat = 0; repeat < 60; ++repeat) {
    const Limited limited = random_limits(f.random);
    INFO(listed(limited));
    FollowingDecoder::strength = 7 + static_cast<double>(f.random() % 6);
    const DecoderHandle& decoder = repeat % 4 ? *f.following.handle : *f.wild.handle;
    for (const GenerationSettings& settings :
         {settings_of(1, 0, 0), settings_of(3, 0, 0), settings_of(1, 1, f.random()), settings_of(1, 2, f.random())}) {
      LabelConstraints constraints(decoder, limited.limits, settings);
      GenerationExtras extras;
      extras.constraints = {constraints.of(std::vector(4, limited.given))};
      for (const Generated& one : generate(decoder, f.prompts, f.lengths, settings, extras)) {
        check_labels(decoder.decode_text(one.tokens), limited);
        for (const auto& [role, label] : read(decoder.decode_text(one.tokens))) ++found[role];
      }
    }
  }
  for (const std::string_view role : asked_labels) CHECK(found[std::string(role)] > 100);  // not by writing none
}

TEST_CASE("label constraint: with all labels allowed, every text of the template may be written") {
  Decoders f;
  INFO("CELL2TEXT_TEST_SEED=" << f.seed);
  Limited all;
  for (const std::string_view role : asked_labels)
    all.limits.allowed[std::string(role)] = all.limits.all(std::string(role));
  GenerationSettings settings = settings_of(1, 0, 0);
  settings.max_new_tokens.value = 400;
  LabelConstraints constraints(*f.following.handle, all.limits, settings);
  for (int repeat = 0; repeat < 300; ++repeat) {
    const std::string text = text_of(f.random);
    INFO(text);
    const auto constraint = constraints.of({{}});
    Tokens tokens = test::PieceTokenizer().encode(text);
    tokens.push_back(0);
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      const NextTokens next = constraint->next(0, std::span(tokens).first(i));
      const bool named = std::ranges::count(next.tokens, tokens[i]) > 0;
      INFO("token " << i);
      REQUIRE(named == (next.kind == NextTokens::Kind::allow));
    }
  }
}

TEST_CASE("label constraint: greedy decoding with all labels allowed is as without, where that wrote known ones") {
  Decoders f;
  INFO("CELL2TEXT_TEST_SEED=" << f.seed);
  FollowingDecoder::texts.clear();
  for (int i = 0; i < 30; ++i) FollowingDecoder::texts.push_back(test::PieceTokenizer().encode(text_of(f.random)));
  FollowingDecoder::strength = 12;
  Limited all;
  for (const char* role : {"cell_type", "tissue", "disease"}) all.limits.allowed[role] = known.at(role);
  const GenerationSettings settings = settings_of(1, 0, 0);
  LabelConstraints constraints(*f.following.handle, all.limits, settings);
  int same = 0;
  for (int repeat = 0; repeat < 20; ++repeat) {
    const Tensor prompts = torch::randn({4, 6, 16});
    const auto free = generate(*f.following.handle, prompts, f.lengths, settings);
    const auto held = generate(*f.following.handle, prompts, f.lengths, settings,
                               {.constraints = {constraints.of(std::vector<GivenLabels>(4))}});
    for (std::size_t i = 0; i < free.size(); ++i) {
      const std::string text = f.following.handle->decode_text(free[i].tokens);
      const auto labels = read(text);
      if (!free[i].ended || !labels.contains("cell_type") || !labels.contains("tissue") || !labels.contains("sex"))
        continue;
      INFO(text);
      CHECK(held[i].tokens == free[i].tokens);
      ++same;
    }
  }
  CHECK(same > 0);
}

TEST_CASE("label constraint: a verdict depends on the tokens alone, not on what was asked before") {
  Decoders f;
  INFO("CELL2TEXT_TEST_SEED=" << f.seed);
  const Limited limited = random_limits(f.random);
  const GenerationSettings settings = settings_of(1, 1, f.random());
  LabelConstraints constraints(*f.following.handle, limited.limits, settings);
  const auto one = constraints.of(std::vector(4, limited.given));
  const auto texts = generate(*f.following.handle, f.prompts, f.lengths, settings, {.constraints = {one}});
  for (int repeat = 0; repeat < 100; ++repeat) {
    const Tokens& tokens = texts[f.random() % 4].tokens;
    const auto begin = std::span(tokens).first(f.random() % tokens.size());
    const NextTokens asked = one->next(0, begin), anew = constraints.of({limited.given})->next(0, begin);
    CHECK((asked.kind == anew.kind));
    CHECK(asked.tokens == anew.tokens);
  }
}

TEST_CASE("label constraint: behind a label no token makes it another one, nor ends the text before a definition") {
  Decoders f;
  const LabelLimits limits{known, {{"cell_type", {"T cell", "B cell"}}, {"disease", {"COVID-19"}}}};
  LabelConstraints constraints(*f.wild.handle, limits, settings_of(1, 0, 0));
  const auto allowed = [&](const std::string& text, const std::string& next) {
    const Tokens tokens = f.wild.handle->encode_text(text);
    const NextTokens verdict = constraints.of({{}})->next(0, tokens);
    std::int64_t token = 0;  // an empty text stands for the end
    while (token < test::PieceTokenizer::size && f.wild.handle->decode_text(Tokens{token}) != next) ++token;
    REQUIRE(token < test::PieceTokenizer::size);
    const bool named = std::ranges::count(verdict.tokens, token) > 0;
    return verdict.kind == NextTokens::Kind::any || named == (verdict.kind == NextTokens::Kind::allow);
  };
  const std::string type = "This sample consists of a T cell", origin = ". It originates from the lung of a male";
  CHECK_FALSE(allowed(type, " "));
  CHECK(allowed(type, ","));
  CHECK_FALSE(allowed(type + ",", ""));
  CHECK_FALSE(allowed(type + ",", "a"));
  CHECK(allowed(type + ",", " a"));
  CHECK_FALSE(allowed(type + ", ", ""));
  CHECK(allowed(type + ", ", "  "));
  CHECK_FALSE(allowed(type + ", ", "C"));  // of "T cell, CD45RO-positive"
  CHECK(allowed(type + ", ", "c") == allowed(type + ", ", "C"));
  CHECK(allowed(type + ", a", ""));
  CHECK_FALSE(allowed(type + ", naiv", "e"));
  CHECK(allowed(type + ".", ""));
  CHECK_FALSE(allowed(type + ", a. It originates fro", "m t"));
  CHECK(allowed(type + ", fro", "m t"));
  CHECK(allowed(type + origin + ".", ""));
  CHECK_FALSE(allowed(type + origin + ".", " with influenza"));
  CHECK_FALSE(allowed(type + origin + ". He", " with influenza"));
  CHECK(allowed(type + origin + ". He wi", "th influ"));
  CHECK_FALSE(allowed(type + origin + ". He with influenz", "a"));
  CHECK(allowed(type + origin + ". This cell is associated with x", " with influenza"));
  CHECK(allowed(type + origin + ". This cell is associated with", " "));
}

TEST_CASE("label constraint: what cannot go with restricted labels is refused") {
  Decoders f;
  LabelLimits limits{known, {{"tissue", {"lung"}}}};
  const auto refused = [&](const GenerationSettings& settings, const GivenLabels& given, const char* part) {
    CHECK_THROWS_WITH_AS(LabelConstraints(*f.wild.handle, limits, settings).of({given}), doctest::Contains(part),
                         InputError);
  };
  GenerationSettings settings = settings_of(1, 0, 0);
  settings.no_repeat_ngram_size.value = 3;
  refused(settings, {}, "no_repeat_ngram_size is 3");
  settings = settings_of(1, 0, 0);
  settings.stop = {"."};
  refused(settings, {}, "generation.stop has the text '.'");
  settings = settings_of(1, 0, 0);
  settings.max_new_tokens.value = 10;
  refused(settings, {{"sex", "male"}}, "max_new_tokens is 10");
  const auto letters = test::make_decoder<test::GruDecoder>({}, 1);
  CHECK_THROWS_WITH_AS(LabelConstraints(*letters.handle, limits, settings_of(1, 0, 0)).of({{}}),
                       doctest::Contains("gives back"), InputError);
  const auto constraint = LabelConstraints(*f.wild.handle, limits, settings_of(1, 0, 0)).of({{}});
  CHECK_THROWS_AS(constraint->next(0, Tokens{5}), BugError);
}

TEST_CASE("token texts: as they stand inside a text, found by beginning or as a whole") {
  const auto decoder = test::make_decoder<test::PieceGruDecoder>({}, 1);
  const TokenTexts texts(*decoder.handle);
  const auto decoded = [&](std::int64_t id) { return squeezed(decoder.handle->decode_text(Tokens{id})); };
  REQUIRE(texts.size() == test::PieceTokenizer::size);
  for (const std::string prefix : {"", " ", " w", "m", "th", "x"}) {
    Tokens starting, equal;
    for (std::int64_t id = 0; id < texts.size(); ++id) {
      CHECK(texts[id] == decoded(id));
      if (decoded(id).starts_with(prefix)) starting.push_back(id);
      if (decoded(id) == prefix) equal.push_back(id);
    }
    const auto sorted = [](std::span<const std::int64_t> all) {
      Tokens copy(all.begin(), all.end());
      std::ranges::sort(copy);
      return copy;
    };
    CHECK(sorted(texts.starting_with(prefix)) == starting);
    CHECK(sorted(texts.equal_to(prefix)) == equal);
    if (prefix == " ") CHECK(texts.blank_first() == starting);
  }
  CHECK(squeezed(" \n A  B\t") == " a b ");
}

TEST_CASE("forbidden phrases: no token may complete one; letters beyond ASCII end what counts") {
  const auto decoder = test::make_decoder<test::PieceGruDecoder>({}, 1);
  const TokenTexts texts(*decoder.handle);
  const ForbiddenPhrases phrases({" with influenza", " with gr\u00fc", " during elderly stage"});
  const auto banned = [&](const std::string& text, bool entering = false) {
    Tokens tokens;
    phrases.ban(text, texts, entering, tokens);
    std::set<std::string> all;
    for (const std::int64_t token : tokens) all.insert(texts[token]);
    return all;
  };
  using Set = std::set<std::string>;
  CHECK(banned("he lives").empty());  // a whole phrase: see below
  CHECK((banned("he lives with influe") == Set{"nza."}));
  CHECK((banned("he lives with influenz") == Set{"a", "a t"}));
  CHECK((banned("he lives with") == Set{}));
  CHECK((banned("he lives with g") == Set{"r"}));
  CHECK((banned("x during elderly ", true).contains("stage")));
  CHECK((banned("x during elderly ", true).contains("s")));
  CHECK_FALSE((banned("x during elderly ").contains("s")));
  Tokens all(test::PieceTokenizer::size);
  std::iota(all.begin(), all.end(), 0);
  const Tokens within = phrases.within(texts, all);
  REQUIRE(within.size() == 2);
  CHECK(texts[within[0]] == " with influenza");
  CHECK(texts[within[1]] == " during elderly stage");
}
