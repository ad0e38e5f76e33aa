#include "cell2text/generate/beam_search.hpp"

#include <doctest/doctest.h>

using namespace cell2text;
using beam_detail::CellSearch;
using Rule = EarlyStopping::Rule;
using Tokens = std::vector<std::int64_t>;

namespace {
const double a = std::log(0.6), b = std::log(0.3), c = std::log(0.1);

GenerationRules rules(std::int64_t max_new_tokens) {
  GenerationRules all;
  all.max_new_tokens = max_new_tokens;
  all.end_tokens = {0};
  return all;
}
}  // namespace

TEST_CASE("beam_search: the first step opens the best beams, and the end token among the best ends a text") {
  const BeamSearchOptions options{.beams = 2, .early_stopping = true, .length_penalty = 1};
  const GenerationRules five = rules(5);
  CellSearch search(options, five);
  search.step({{b, 0, 0, b}, {a, 0, 1, a}, {c, 0, 2, c}});
  REQUIRE(search.running().size() == 2);
  CHECK(search.running()[0].text.tokens == Tokens{1});
  CHECK(search.running()[1].text.tokens == Tokens{2});
  CHECK(search.parents() == Tokens{0, 0});
  CHECK_FALSE(search.done());
  search.step({{a + a, 0, 0, a}, {a + b, 0, 1, b}, {c + a, 1, 1, a}});
  CHECK(search.done());  // two ended texts, as many as beams
  const Generated text = std::move(search).result();
  CHECK(text.tokens == Tokens{1});  // 2 log .6 / 2 is above log .3 / 1
  CHECK(text.log_probability == doctest::Approx(2 * a));
  CHECK(text.token_log_probabilities == std::vector<double>{a, a});
  CHECK(text.ended);
  CHECK(text.end_token == 0);
}

TEST_CASE("beam_search: texts are ranked by their scores, and tell the model's own probabilities") {
  const BeamSearchOptions options{.beams = 2, .early_stopping = true, .length_penalty = 1};
  const GenerationRules two = rules(1);
  CellSearch search(options, two);
  search.step({{3 * a, 0, 1, a}, {b, 0, 2, b}});  // token 1 was penalised
  const Generated text = std::move(search).result();
  CHECK(text.tokens == Tokens{2});
  CHECK(text.log_probability == b);
}

TEST_CASE("beam_search: an end token below the best beams ends nothing") {
  const BeamSearchOptions options{.beams = 1, .early_stopping = true, .length_penalty = 1};
  const GenerationRules five = rules(5);
  CellSearch search(options, five);
  search.step({{a, 0, 3, a}, {b, 0, 0, b}});
  CHECK_FALSE(search.done());
  CHECK(search.running().front().text.tokens == Tokens{3});
}

TEST_CASE("beam_search: without early stopping the search goes on while a running beam may win") {
  const BeamSearchOptions options{.beams = 1, .early_stopping = false, .length_penalty = 2};
  const GenerationRules nine = rules(9);
  CellSearch search(options, nine);
  search.step({{b, 0, 0, b}, {2 * b, 0, 1, b}});
  CHECK(search.done());  // at length 1 the running beam stands below
  CellSearch other(options, nine);
  other.step({{a, 0, 1, a}, {b, 0, 0, b}});
  other.step({{2 * b, 0, 0, b}, {2.5 * b, 0, 1, b}});
  CHECK(other.done());
  CHECK(std::move(other).result().tokens == Tokens{1});
}

TEST_CASE("beam_search: stopping 'never' early, a running beam may still win by its length") {
  const GenerationRules nine = rules(9);
  const auto done_after_one_end = [&](EarlyStopping rule, double length_penalty) {
    const BeamSearchOptions options{.beams = 1, .early_stopping = rule, .length_penalty = length_penalty};
    CellSearch search(options, nine);
    search.step({{b, 0, 0, b}, {2 * b, 0, 1, 2 * b}});
    return search.done();
  };
  CHECK(done_after_one_end(Rule::on, 1));
  CHECK(done_after_one_end(Rule::off, 1));          // 2b is below b
  CHECK_FALSE(done_after_one_end(Rule::never, 1));  // 2b / 9 is above b
  CHECK(done_after_one_end(Rule::never, 0));
  CHECK(done_after_one_end(Rule::never, -1));  // a longer text only gets worse
}

TEST_CASE("beam_search: the limit ends a text that has no end token") {
  const BeamSearchOptions options{.beams = 2, .early_stopping = true, .length_penalty = 1};
  const GenerationRules one = rules(1);
  CellSearch search(options, one);
  search.step({{a, 0, 1, a}, {b, 0, 0, b}, {c, 0, 2, c}});
  CHECK(search.done());
  const Generated text = std::move(search).result();
  CHECK(text.tokens == Tokens{1});
  CHECK_FALSE(text.ended);
  CHECK_FALSE(text.end_token);
}

TEST_CASE("beam_search: a stop text ends a text, and its tokens stay") {
  const BeamSearchOptions options{.beams = 1, .early_stopping = true, .length_penalty = 1};
  GenerationRules five = rules(5);
  five.stop = {{"12"}, [](std::span<const std::int64_t> tokens) {
                 std::string text;
                 for (const std::int64_t token : tokens) text += std::to_string(token);
                 return text;
               }};
  CellSearch search(options, five);
  search.step({{a, 0, 1, a}});
  CHECK_FALSE(search.done());
  search.step({{2 * a, 0, 2, a}, {b, 0, 3, b}});
  CHECK(search.done());
  const Generated text = std::move(search).result();
  CHECK(text.tokens == Tokens{1, 2});
  CHECK(text.ended);
  CHECK_FALSE(text.end_token);
}

TEST_CASE("beam_search: where every continuation is ruled out, the best text so far is kept, not ended") {
  const BeamSearchOptions options{.beams = 2, .early_stopping = true, .length_penalty = 1};
  const GenerationRules five = rules(5);
  CellSearch search(options, five);
  search.step({{a, 0, 1, a}, {b, 0, 2, b}});
  search.step({{-INFINITY, 0, 1, -INFINITY}, {-INFINITY, 1, 1, -INFINITY}});
  CHECK(search.done());
  const Generated text = std::move(search).result();
  CHECK(text.tokens == Tokens{1});
  CHECK(text.log_probability == doctest::Approx(a));
  CHECK_FALSE(text.ended);
}

TEST_CASE("beam_search: scores that are not numbers are refused") {
  const BeamSearchOptions options{};
  const GenerationRules five = rules(5);
  CellSearch search(options, five);
  CHECK_THROWS_AS(search.step({{std::nan(""), 0, 1, 0}}), InputError);
}
