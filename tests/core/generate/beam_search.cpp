#include "cell2text/generate/beam_search.hpp"

#include <doctest/doctest.h>

using namespace cell2text;
using beam_detail::CellSearch;
using Tokens = std::vector<std::int64_t>;

namespace {
const Tokens end_tokens{0};
const double a = std::log(0.6), b = std::log(0.3), c = std::log(0.1);
}  // namespace

TEST_CASE("beam_search: the first step opens the best beams, and the end token among the best ends a text") {
  const BeamSearchOptions options{.beams = 2, .max_new_tokens = 5, .early_stopping = true, .length_penalty = 1};
  CellSearch search(options, end_tokens);
  search.step({{b, 0, 0}, {a, 0, 1}, {c, 0, 2}});
  REQUIRE(search.running().size() == 2);
  CHECK(search.running()[0].tokens == Tokens{1});
  CHECK(search.running()[1].tokens == Tokens{2});
  CHECK(search.parents() == Tokens{0, 0});
  CHECK_FALSE(search.done());
  search.step({{a + a, 0, 0}, {a + b, 0, 1}, {c + a, 1, 1}});
  CHECK(search.done());  // two ended texts, as many as beams
  const Generated text = std::move(search).result();
  CHECK(text.tokens == Tokens{1});  // 2 log .6 / 2 is above log .3 / 1
  CHECK(text.log_probability == doctest::Approx(2 * a));
  CHECK(text.ended);
}

TEST_CASE("beam_search: an end token below the best beams ends nothing") {
  const BeamSearchOptions options{.beams = 1, .max_new_tokens = 5, .early_stopping = true, .length_penalty = 1};
  CellSearch search(options, end_tokens);
  search.step({{a, 0, 3}, {b, 0, 0}});
  CHECK_FALSE(search.done());
  CHECK(search.running().front().tokens == Tokens{3});
}

TEST_CASE("beam_search: without early stopping the search goes on while a running beam may win") {
  const BeamSearchOptions options{.beams = 1, .max_new_tokens = 9, .early_stopping = false, .length_penalty = 2};
  CellSearch search(options, end_tokens);
  search.step({{b, 0, 0}, {2 * b, 0, 1}});
  CHECK(search.done());  // at length 1 the running beam stands below
  CellSearch other(options, end_tokens);
  other.step({{a, 0, 1}, {b, 0, 0}});
  other.step({{2 * b, 0, 0}, {2.5 * b, 0, 1}});
  CHECK(other.done());
  CHECK(std::move(other).result().tokens == Tokens{1});
}

TEST_CASE("beam_search: the limit ends a text that has no end token") {
  const BeamSearchOptions options{.beams = 2, .max_new_tokens = 1, .early_stopping = true, .length_penalty = 1};
  CellSearch search(options, end_tokens);
  search.step({{a, 0, 1}, {b, 0, 0}, {c, 0, 2}});
  CHECK(search.done());
  const Generated text = std::move(search).result();
  CHECK(text.tokens == Tokens{1});
  CHECK_FALSE(text.ended);
}

TEST_CASE("beam_search: where every continuation is ruled out, the best text so far is kept, not ended") {
  const BeamSearchOptions options{.beams = 2, .max_new_tokens = 5, .early_stopping = true, .length_penalty = 1};
  CellSearch search(options, end_tokens);
  search.step({{a, 0, 1}, {b, 0, 2}});
  search.step({{-INFINITY, 0, 1}, {-INFINITY, 1, 1}});
  CHECK(search.done());
  const Generated text = std::move(search).result();
  CHECK(text.tokens == Tokens{1});
  CHECK(text.log_probability == doctest::Approx(a));
  CHECK_FALSE(text.ended);
}

TEST_CASE("beam_search: scores that are not numbers are refused") {
  const BeamSearchOptions options{};
  CellSearch search(options, end_tokens);
  CHECK_THROWS_AS(search.step({{std::nan(""), 0, 1}}), InputError);
}
