#include "cell2text/generate/sampling.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <map>
#include <random>

#include "cell2text/io/json.hpp"
#include "cell2text/io/tensors.hpp"
#include "support/oracle.hpp"

using namespace cell2text;
using Row = std::vector<float>;
using Tokens = std::vector<std::int64_t>;

namespace {

constexpr float nothing = -std::numeric_limits<float>::infinity();

Tokens tokens_of(const std::vector<TokenChance>& chances) {
  Tokens tokens;
  for (const TokenChance& one : chances) tokens.push_back(one.token);
  return tokens;
}

Row logs(std::initializer_list<double> probabilities) {
  Row all;
  for (const double p : probabilities) all.push_back(static_cast<float>(std::log(p)));
  return all;
}

}  // namespace

TEST_CASE("sampling: without limits every token may be drawn, at the temperature's probabilities") {
  const auto all = remaining_tokens(logs({.1, .2, .7}), {.temperature = 1});
  CHECK(tokens_of(all) == Tokens{0, 1, 2});
  CHECK(all[2].probability == doctest::Approx(.7));
  const auto cold = remaining_tokens(logs({.1, .2, .7}), {.temperature = .5});
  CHECK(cold[1].probability == doctest::Approx(.04 / (.01 + .04 + .49)));
  const auto icy = remaining_tokens(Row{-1e30F, 3, 4, 1e30F}, {.temperature = 1e-30});
  for (const TokenChance& one : icy) CHECK(std::isfinite(one.probability));
  CHECK(drawn_token(icy, .999999) == 3);
}

TEST_CASE("sampling: top_k keeps the k best and what equals the last of them") {
  const Row scores{1, 3, 2, 2, 0};
  CHECK(tokens_of(remaining_tokens(scores, {.temperature = 1, .top_k = 1})) == Tokens{1});
  CHECK(tokens_of(remaining_tokens(scores, {.temperature = 1, .top_k = 2})) == Tokens{1, 2, 3});
  CHECK(tokens_of(remaining_tokens(scores, {.temperature = 1, .top_k = 99})).size() == 5);
}

TEST_CASE("sampling: top_p keeps the fewest that reach p, and at least one") {
  const Row scores = logs({.2, .5, .3});
  const auto kept = [&](double p) { return tokens_of(remaining_tokens(scores, {.temperature = 1, .top_p = p})); };
  CHECK(kept(0) == Tokens{1});
  CHECK(kept(.4) == Tokens{1});
  CHECK(kept(.6) == Tokens{1, 2});
  CHECK(kept(.9) == Tokens{1, 2, 0});
  CHECK(kept(1) == Tokens{0, 1, 2});
}

TEST_CASE("sampling: min_p is measured by the most probable token") {
  const Row scores = logs({.2, .5, .3});
  const auto kept = [&](double p) { return tokens_of(remaining_tokens(scores, {.temperature = 1, .min_p = p})); };
  CHECK(kept(.3) == Tokens{0, 1, 2});
  CHECK(kept(.5) == Tokens{1, 2});
  CHECK(kept(1) == Tokens{1});
}

TEST_CASE("sampling: what is ruled out is never drawn; where all is, nothing remains") {
  CHECK(tokens_of(remaining_tokens(Row{nothing, 1, nothing}, {.temperature = 2, .top_k = 3})) == Tokens{1});
  CHECK(remaining_tokens(Row{nothing, nothing}, {.temperature = 1}).empty());
  CHECK(remaining_tokens(Row{nothing, nothing}, {.temperature = 1, .top_k = 1, .top_p = .5}).empty());
}

TEST_CASE("sampling: a number of [0, 1) falls on the token that has it") {
  const std::vector<TokenChance> chances{{7, .5}, {3, .25}, {5, .25}, {9, 0}};
  CHECK(drawn_token(chances, 0) == 7);
  CHECK(drawn_token(chances, .4999) == 7);
  CHECK(drawn_token(chances, .5) == 3);
  CHECK(drawn_token(chances, .75) == 5);
  CHECK(drawn_token(chances, std::nextafter(1.0, 0)) == 5);
}

TEST_CASE("sampling: draws differ by seed, cell and step, repeat, and are even") {
  CHECK(uniform_draw(1, 2, 3) == uniform_draw(1, 2, 3));
  CHECK(uniform_draw(1, 2, 3) != uniform_draw(2, 2, 3));
  CHECK(uniform_draw(1, 2, 3) != uniform_draw(1, 3, 2));
  CHECK(cell_key("AAAC-1") != cell_key("AAAC-2"));
  std::vector<int> counts(100);
  double neighbours = 0;
  constexpr int n = 100000;
  for (int i = 0; i < n; ++i) {
    const double u = uniform_draw(5, i / 100, i % 100), v = uniform_draw(5, i / 100, i % 100 + 1);
    REQUIRE((u >= 0 && u < 1));
    ++counts[static_cast<std::size_t>(u * 100)];
    neighbours += (u - .5) * (v - .5);
  }
  double chi2 = 0;
  for (const int count : counts) chi2 += (count - n / 100.) * (count - n / 100.) / (n / 100.);
  CHECK(chi2 < 150);  // 99 degrees of freedom: mean 99, deviation 14
  CHECK(std::abs(neighbours / n) < 4. / 12 / std::sqrt(n));
}

TEST_CASE("sampling: tokens come as often as they are probable") {
  const auto chances = remaining_tokens(logs({.05, .4, .15, .3, .1}), {.temperature = .8, .top_k = 4});
  std::map<std::int64_t, double> counts;
  constexpr int n = 20000;
  for (int i = 0; i < n; ++i) ++counts[drawn_token(chances, uniform_draw(3, 11, i))];
  double chi2 = 0;
  for (const TokenChance& one : chances) {
    const double expected = one.probability * n;
    chi2 += (counts[one.token] - expected) * (counts[one.token] - expected) / expected;
  }
  CHECK(counts.size() == 4);
  CHECK(chi2 < 16.3);  // 3 degrees of freedom: 0.1%; the seed is fixed
}

TEST_CASE("oracle: what remains to be drawn is what transformers' processors leave") {
  const auto seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  const auto folder = test::oracle("sampling.py", seed);
  const auto cases = read_json(folder / "cases.json");
  const TensorFiles tensors = TensorFiles::open(folder / "sampling.safetensors");
  const torch::Tensor logits = tensors.tensor("logits");
  const std::int64_t V = logits.size(1);
  int rows = 0, excused = 0;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const auto& one = cases[i];
    const SamplingOptions options{one["temperature"], one["top_k"], one["top_p"], one["min_p"]};
    CAPTURE(one.dump());
    const torch::Tensor expected = tensors.tensor("probabilities." + std::to_string(i));
    for (std::int64_t r = 0; r < logits.size(0); ++r, ++rows) {
      const double margin = one["margins"][r];
      if (margin < 0) continue;  // the limit falls between equals
      if (margin < 1e-6) {       // a token stands at the limit, to within rounding
        ++excused;
        continue;
      }
      const float* row = logits.const_data_ptr<float>() + r * V;
      std::vector<double> found(static_cast<std::size_t>(V), 0);
      for (const TokenChance& chance : remaining_tokens({row, static_cast<std::size_t>(V)}, options))
        found[chance.token] = chance.probability;
      const float* wanted = expected.const_data_ptr<float>() + r * V;
      for (std::int64_t v = 0; v < V; ++v) {
        INFO("row " << r << ", token " << v);
        REQUIRE((found[v] > 0) == (wanted[v] > 0));
        REQUIRE(found[v] == doctest::Approx(wanted[v]).epsilon(1e-4));
      }
    }
  }
  CHECK(excused <= rows / 50);
}
