#include "cell2text/generate/generate.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <map>

#include "support/gru_decoder.hpp"
#include "support/oracle.hpp"

using namespace cell2text;
using test::GruDecoder;
using Tokens = std::vector<std::int64_t>;

namespace {

GenerationSettings settings(std::int64_t beams, std::int64_t tokens) {
  GenerationSettings s;
  s.beams = beams;
  s.max_new_tokens.value = tokens;
  return s;
}

struct Fixture {
  std::uint64_t seed = test::seed();
  test::OwnedDecoder decoder = test::make_decoder<GruDecoder>({}, seed);
  Tensor prompts;
  Tokens lengths = {4, 1, 6, 3, 6};

  Fixture() {
    torch::manual_seed(seed);
    prompts = torch::randn({5, 6, 16});
    for (int b = 0; b < 5; ++b)  // what lies beyond a length must not matter
      prompts[b].narrow(0, lengths[b], 6 - lengths[b]).fill_(NAN);
  }
  const DecoderHandle& handle() const { return *decoder.handle; }
  std::vector<Generated> all(const GenerationSettings& s, Constraints constraints = {}) const {
    return generate(handle(), prompts, lengths, s, {std::move(constraints)});
  }
  Generated alone(int b, const GenerationSettings& s) const {
    return generate(handle(), prompts.narrow(0, b, 1).narrow(1, 0, lengths[b]), {lengths[b]}, s).front();
  }
  /// Log probability of the tokens after prompt b, by reading the whole sequence anew, without a state.
  double log_probability(int b, const Tokens& tokens) const {
    torch::NoGradGuard no_grad;
    const Tensor ids = torch::tensor(tokens, torch::kInt64).view({1, -1});
    const Tensor x = torch::cat({prompts.narrow(0, b, 1).narrow(1, 0, lengths[b]), handle().embed(ids)}, 1);
    const auto T = x.size(1);
    const Tensor hidden = handle().forward(x, {T}, torch::arange(T).view({1, T}));
    const Tensor scores = handle().logits(hidden[0]).log_softmax(-1);
    double sum = 0;
    for (std::size_t i = 0; i < tokens.size(); ++i)
      sum += scores[lengths[b] - 1 + static_cast<std::int64_t>(i)][tokens[i]].item<double>();
    return sum;
  }
};

struct ForcedStart final : Constraint {
  NextTokens next(std::int64_t cell, std::span<const std::int64_t> so_far) const override {
    if (so_far.size() == 0) return NextTokens::force(cell + 2);
    if (so_far.size() == 1) return NextTokens::allow({10, 11});
    return {};
  }
};

struct Nothing final : Constraint {
  NextTokens next(std::int64_t cell, std::span<const std::int64_t> so_far) const override {
    return cell == 1 && so_far.size() == 3 ? NextTokens::allow({}) : NextTokens{};
  }
};

}  // namespace

TEST_CASE("generate: greedy takes the most probable token of the whole sequence read anew") {
  const Fixture f;
  INFO("CELL2TEXT_TEST_SEED=" << f.seed);
  const auto texts = f.all(settings(1, 12));
  for (int b = 0; b < 5; ++b) {
    Tokens so_far;
    for (const std::int64_t token : texts[b].tokens) {
      double best = -INFINITY;
      for (std::int64_t other = 0; other < 28; ++other) {
        Tokens next = so_far;
        next.push_back(other);
        best = std::max(best, f.log_probability(b, next));
      }
      so_far.push_back(token);
      CHECK(f.log_probability(b, so_far) == doctest::Approx(best).epsilon(1e-4));
    }
    if (texts[b].ended)
      so_far.push_back(0);
    else
      CHECK(so_far.size() == 12);
    CHECK(texts[b].log_probability == doctest::Approx(f.log_probability(b, so_far)).epsilon(1e-4));
  }
}

TEST_CASE("generate: as many beams as there are texts find the best text of all") {
  const Fixture f;
  INFO("CELL2TEXT_TEST_SEED=" << f.seed);
  GenerationSettings s = settings(28 * 28, 2);
  s.early_stopping = false;
  const auto texts = f.all(s);
  for (int b = 0; b < 5; ++b) {
    double best = -INFINITY;  // mean log probability per token, end token included
    for (std::int64_t first = 0; first < 28; ++first)
      for (std::int64_t second = 0; second < 28; ++second)
        best = std::max(best, first == 0 ? f.log_probability(b, {0}) : f.log_probability(b, {first, second}) / 2);
    const auto length = static_cast<double>(texts[b].tokens.size()) + texts[b].ended;
    CHECK(texts[b].log_probability / length == doctest::Approx(best).epsilon(1e-4));
  }
}

TEST_CASE("generate: a recurrent state gives the same text alone, in a batch, and in any size of batch") {
  const Fixture f;
  INFO("CELL2TEXT_TEST_SEED=" << f.seed);
  for (const std::int64_t beams : {1, 3, 4}) {
    for (const std::int64_t ngram : {0, 2}) {
      GenerationSettings s = settings(beams, 20);
      s.no_repeat_ngram_size.value = ngram;
      const auto together = f.all(s);
      s.batch_size = 2;
      const auto in_parts = f.all(s);
      for (int b = 0; b < 5; ++b) {
        const Generated alone = f.alone(b, s);
        CHECK(together[b].tokens == alone.tokens);
        CHECK(in_parts[b].tokens == alone.tokens);
        CHECK(together[b].ended == alone.ended);
        CHECK(together[b].log_probability == doctest::Approx(alone.log_probability).epsilon(1e-4));
        Tokens read = together[b].tokens;
        if (together[b].ended) read.push_back(0);
        CHECK(together[b].log_probability == doctest::Approx(f.log_probability(b, read)).epsilon(1e-4));
      }
    }
  }
}

TEST_CASE("generate: no n-gram occurs twice where that is asked for") {
  const Fixture f;
  GenerationSettings s = settings(3, 60);
  s.no_repeat_ngram_size.value = 2;
  for (const Generated& text : f.all(s)) {
    std::map<std::pair<std::int64_t, std::int64_t>, int> seen;
    for (std::size_t i = 0; i + 1 < text.tokens.size(); ++i) CHECK(++seen[{text.tokens[i], text.tokens[i + 1]}] == 1);
  }
}

TEST_CASE("generate: constraints know the cell's number across batches; probabilities stay the model's") {
  const Fixture f;
  for (const std::int64_t beams : {1, 3}) {
    GenerationSettings s = settings(beams, 5);
    s.batch_size = 2;
    const auto texts = f.all(s, {std::make_shared<ForcedStart>()});
    for (int b = 0; b < 5; ++b) {
      REQUIRE(texts[b].tokens.size() >= 2);
      CHECK(texts[b].tokens[0] == b + 2);
      CHECK((texts[b].tokens[1] == 10 || texts[b].tokens[1] == 11));
      Tokens read = texts[b].tokens;
      if (texts[b].ended) read.push_back(0);
      CHECK(texts[b].log_probability == doctest::Approx(f.log_probability(b, read)).epsilon(1e-4));
    }
  }
}

TEST_CASE("generate: a cell with nothing allowed stops, and the others go on") {
  const Fixture f;
  for (const std::int64_t beams : {1, 3}) {
    const auto free = f.all(settings(beams, 10));
    const auto texts = f.all(settings(beams, 10), {std::make_shared<Nothing>()});
    CHECK(texts[1].tokens.size() <= 3);
    for (const int b : {0, 2, 3, 4}) CHECK(texts[b].tokens == free[b].tokens);
  }
}

TEST_CASE("generate: what cannot be generated is refused") {
  Fixture f;
  GenerationSettings open = settings(2, 5);
  open.max_new_tokens.value.reset();
  CHECK_THROWS_AS(f.all(open), InputError);
  f.lengths[1] = 0;
  CHECK_THROWS_AS(f.all(settings(2, 5)), BugError);
  f.lengths[1] = 7;
  CHECK_THROWS_AS(f.all(settings(2, 5)), BugError);
  f.lengths[1] = 1;
  CHECK_THROWS_AS(generate(f.handle(), f.prompts.narrow(2, 0, 4), f.lengths, settings(1, 5)), BugError);
  f.decoder.parameters->list().front().value.fill_(NAN);
  CHECK_THROWS_AS(f.all(settings(1, 5)), InputError);
  CHECK_THROWS_AS(f.all(settings(3, 5)), InputError);
}

TEST_CASE("generate: no prompts give no texts") {
  const Fixture f;
  CHECK(generate(f.handle(), torch::zeros({0, 3, 16}), {}, settings(2, 5)).empty());
}

TEST_CASE("generate: log probabilities are told of every token and add up to the text's") {
  const Fixture f;
  INFO("CELL2TEXT_TEST_SEED=" << f.seed);
  for (const std::int64_t beams : {1, 3}) {
    GenerationSettings s = settings(beams, 15);
    s.repetition_penalty = 1.7;  // changes what is chosen, not what is told
    s.no_repeat_ngram_size.value = 3;
    const auto texts = f.all(s);
    for (int b = 0; b < 5; ++b) {
      Tokens read = texts[b].tokens;
      if (texts[b].ended) read.push_back(*texts[b].end_token);
      REQUIRE(texts[b].token_log_probabilities.size() == read.size());
      double before = 0;
      for (std::size_t i = 0; i < read.size(); ++i) {
        const double until = f.log_probability(b, {read.begin(), read.begin() + static_cast<std::ptrdiff_t>(i) + 1});
        CHECK(texts[b].token_log_probabilities[i] == doctest::Approx(until - before).epsilon(1e-3));
        before = until;
      }
      CHECK(texts[b].log_probability == doctest::Approx(before).epsilon(1e-4));
    }
  }
}

TEST_CASE("generate: a drawn text depends on seed and cell, and not on batch or neighbours") {
  const Fixture f;
  INFO("CELL2TEXT_TEST_SEED=" << f.seed);
  GenerationSettings s = settings(1, 20);
  s.temperature = 1.2, s.top_k = 20, s.top_p = .95, s.seed = 4;
  GenerationExtras named;
  named.cell_keys = {11, 12, 13, 14, 15};
  const auto together = generate(f.handle(), f.prompts, f.lengths, s, named);
  s.batch_size = 2;
  const auto in_parts = generate(f.handle(), f.prompts, f.lengths, s, named);
  bool seeds_differ = false, cells_differ = false;
  for (int b = 0; b < 5; ++b) {
    const auto prompt = f.prompts.narrow(0, b, 1).narrow(1, 0, f.lengths[b]);
    const auto alone = [&](std::uint64_t key) {
      GenerationExtras extras;
      extras.cell_keys = {key};
      return generate(f.handle(), prompt, {f.lengths[b]}, s, extras).front();
    };
    CHECK(together[b].tokens == in_parts[b].tokens);
    CHECK(together[b].tokens == alone(11 + static_cast<std::uint64_t>(b)).tokens);
    cells_differ |= together[b].tokens != alone(99).tokens;
    s.seed = 5;
    seeds_differ |= together[b].tokens != alone(11 + static_cast<std::uint64_t>(b)).tokens;
    s.seed = 4;
  }
  CHECK(cells_differ);
  CHECK(seeds_differ);
}

TEST_CASE("generate: first tokens are drawn as often as the model says") {
  const Fixture f;
  INFO("CELL2TEXT_TEST_SEED=" << f.seed);
  constexpr int n = 4000;
  GenerationSettings s = settings(1, 1);
  s.temperature = 1, s.batch_size = n;
  const auto prompt = f.prompts.narrow(0, 1, 1).narrow(1, 0, 1).expand({n, 1, 16});
  std::map<std::int64_t, int> counts;
  for (const Generated& text : generate(f.handle(), prompt, Tokens(n, 1), s))
    ++counts[text.ended ? 0 : text.tokens.front()];
  for (std::int64_t token = 0; token < 28; ++token) {
    const double p = std::exp(f.log_probability(1, {token}));
    CHECK(std::abs(counts[token] - n * p) < 5 * std::sqrt(n * p * (1 - p)) + 1);
  }
}

TEST_CASE("generate: a stop text ends the text at its last token, and is cut from what is shown") {
  const Fixture f;
  INFO("CELL2TEXT_TEST_SEED=" << f.seed);
  for (const std::int64_t beams : {1, 3}) {
    const auto free = f.all(settings(beams, 20));
    for (int b = 0; b < 5; ++b) {
      const std::string text = f.handle().decode_text(free[b].tokens);
      if (text.size() < 4) continue;
      GenerationSettings s = settings(1, 20);
      s.stop = {"no such text", text.substr(2, 2)};
      if (beams > 1) s.beams = beams, s.early_stopping = true;
      const Generated stopped = f.alone(b, s);
      const std::string whole = f.handle().decode_text(stopped.tokens), shown = text_of(f.handle(), stopped, s);
      CHECK(shown.find(s.stop[1]) == std::string::npos);
      CHECK(whole.starts_with(shown));
      if (beams > 1) continue;
      CHECK(stopped.ended);
      CHECK_FALSE(stopped.end_token);
      CHECK(whole == text.substr(0, text.find(s.stop[1]) + 2));
    }
  }
}

TEST_CASE("generate: the tokens of a prompt count for penalty and n-gram ban where they are given") {
  const Fixture f;
  INFO("CELL2TEXT_TEST_SEED=" << f.seed);
  const Tokens ids{5, 6, 7, 5};
  const Tensor prompt = f.handle().embed(torch::tensor(ids)).unsqueeze(0);
  GenerationExtras extras;
  extras.prompt_tokens = {ids};
  GenerationSettings s = settings(1, 8);
  s.no_repeat_ngram_size.value = 1;
  const auto tokens = [&] { return generate(f.handle(), prompt, {4}, s, extras).front().tokens; };
  for (const Tokens found = tokens(); const std::int64_t token : found)
    CHECK(std::ranges::find(ids, token) == ids.end());
  s.no_repeat_ngram_size.value = 0;
  s.repetition_penalty = 100;
  for (const std::int64_t beams : {1, 2}) {
    s.beams = beams;
    std::map<std::int64_t, int> seen;
    for (const Tokens found = tokens(); const std::int64_t token : found)
      CHECK(++seen[token] + static_cast<int>(std::ranges::count(ids, token)) == 1);
  }
}

TEST_CASE("generate: tokens are told as they are chosen, and work can be ended between two") {
  const Fixture f;
  std::map<std::int64_t, Tokens> told;
  GenerationExtras extras;
  extras.on_token = [&](std::int64_t cell, std::int64_t token) { told[cell].push_back(token); };
  GenerationSettings s = settings(1, 10);
  s.batch_size = 2;
  const auto texts = generate(f.handle(), f.prompts, f.lengths, s, extras);
  for (int b = 0; b < 5; ++b) CHECK(told[b] == texts[b].tokens);
  for (const std::int64_t beams : {1, 2}) {
    int steps = 0;
    GenerationExtras ending;
    ending.before_step = [&] {
      if (++steps == 3) throw EnvironmentError("enough");
    };
    CHECK_THROWS_AS(generate(f.handle(), f.prompts, f.lengths, settings(beams, 10), ending), EnvironmentError);
    CHECK(steps == 3);
  }
}

TEST_CASE("generate: lists of another length than the prompts are refused") {
  const Fixture f;
  GenerationExtras keys, prompts;
  keys.cell_keys = {1, 2};
  prompts.prompt_tokens = {{1}};
  CHECK_THROWS_AS(generate(f.handle(), f.prompts, f.lengths, settings(1, 2), keys), BugError);
  CHECK_THROWS_AS(generate(f.handle(), f.prompts, f.lengths, settings(1, 2), prompts), BugError);
}

TEST_CASE("generate: settings describe themselves and keep their ranges") {
  SettingsFaults faults;
  GenerationSettings s;
  Value table;
  table.set("beams", {std::int64_t{0}, {}});
  table.set("max_new_tokens", {std::string("auto"), {}});
  table.set("beam", {std::int64_t{4}, {}});
  read_fields(table, s, faults, "generation.");
  CHECK(faults.text() ==
        "'generation.beams' is 0; it must be between 1 and 1024\n"
        "unknown key 'generation.beam'; did you mean 'beams'?");
  CHECK(describe_settings<GenerationSettings>().size() == 14);
}

namespace {

GenerationSettings read(const std::vector<std::pair<std::string, Value>>& keys) {
  Value table{Value::Table{}, {}};
  for (const auto& [key, value] : keys) table.set(key, value);
  SettingsFaults faults;
  GenerationSettings s;
  read_fields(table, s, faults, "generation.");
  faults.raise();
  return s;
}
Value number(double value) {
  return {value, {}};
}
Value whole(std::int64_t value) {
  return {value, {}};
}
Value text(const std::string& value) {
  return {value, {}};
}

}  // namespace

TEST_CASE("generation settings: 'auto' means what the preset says, and what is given stands") {
  const auto paper = read({});
  CHECK(paper.no_repeat_ngram_size.value == 0);
  CHECK_FALSE(paper.max_new_tokens.value);
  const auto authors = read({{"preset", text("authors")}});
  CHECK(authors.no_repeat_ngram_size.value == 3);
  CHECK(authors.max_new_tokens.value == 100);
  const auto mixed =
      read({{"preset", text("authors")}, {"no_repeat_ngram_size", whole(0)}, {"max_new_tokens", whole(7)}});
  CHECK(mixed.no_repeat_ngram_size.value == 0);
  CHECK(mixed.max_new_tokens.value == 7);
  const Value written = write_settings(authors);
  SettingsFaults faults;
  GenerationSettings again;
  read_fields(written, again, faults, "");
  CHECK(faults.list.empty());
  CHECK(again.no_repeat_ngram_size.value == 3);
}

TEST_CASE("generation settings: early_stopping is true, false or \"never\"") {
  CHECK(read({}).early_stopping == EarlyStopping(true));
  CHECK(read({{"early_stopping", {false, {}}}}).early_stopping == EarlyStopping(false));
  const auto never = read({{"early_stopping", text("never")}});
  CHECK(never.early_stopping == EarlyStopping::Rule::never);
  CHECK(*write_settings(never).find("early_stopping")->get_if<std::string>() == "never");
  CHECK(*write_settings(read({})).find("early_stopping")->get_if<bool>());
  CHECK_THROWS_WITH_AS(read({{"early_stopping", text("sometimes")}}),
                       "'generation.early_stopping' is a text ('sometimes'); it must be true, false or 'never'",
                       InputError);
}

TEST_CASE("generation settings: what does not go together is refused") {
  CHECK_THROWS_AS(read({{"top_k", whole(5)}}), InputError);
  CHECK_THROWS_AS(read({{"top_p", number(.5)}}), InputError);
  CHECK_THROWS_AS(read({{"min_p", number(.5)}}), InputError);
  CHECK_THROWS_AS(read({{"temperature", number(1)}}), InputError);  // 4 beams
  CHECK(read({{"temperature", number(1)}, {"beams", whole(1)}, {"top_p", number(.5)}}).sampling().top_p == .5);
  CHECK_THROWS_AS(read({{"stop", {Value::Array{text("")}, {}}}}), InputError);
  CHECK_THROWS_AS(read({{"repetition_penalty", number(0)}}), InputError);
}
