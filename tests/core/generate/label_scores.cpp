// Trees of labels and their probabilities, against reading every path by itself.
#include "cell2text/generate/label_scores.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <random>
#include <set>

#include "support/gru_decoder.hpp"
#include "support/oracle.hpp"

using namespace cell2text;
using test::GruDecoder;
using Tokens = std::vector<std::int64_t>;

namespace {

/// Paths over few tokens, so that many share their beginnings and some end within others.
std::vector<LabelPath> random_paths(std::mt19937_64& random, std::int32_t labels) {
  std::vector<LabelPath> paths;
  std::set<Tokens> taken;
  for (std::int32_t label = 0; label < labels; ++label)
    for (std::uint64_t way = 0; way <= random() % 2; ++way) {
      Tokens tokens(1 + random() % 6);
      for (std::int64_t& token : tokens) token = static_cast<std::int64_t>(2 + random() % 3);
      if (taken.insert(tokens).second) paths.push_back({tokens, label});
    }
  return paths;
}

struct ThreePrompts {
  std::uint64_t seed = test::seed();
  test::OwnedDecoder decoder = test::make_decoder<GruDecoder>({}, seed);
  Tensor prompts;
  Tokens lengths = {4, 1, 6};

  ThreePrompts() {
    torch::manual_seed(seed);
    prompts = torch::randn({3, 6, 16});
  }
  DecodingRows rows() const { return DecodingRows(*decoder.handle, prompts, lengths); }
  /// By reading prompt and path anew, without a state.
  double probability(std::int64_t b, const Tokens& tokens) const {
    torch::NoGradGuard no_grad;
    const Tensor ids = torch::tensor(tokens, torch::kInt64).view({1, -1});
    const Tensor x = torch::cat({prompts.narrow(0, b, 1).narrow(1, 0, lengths[b]), decoder.handle->embed(ids)}, 1);
    const auto T = x.size(1);
    const Tensor hidden = decoder.handle->forward(x, {T}, torch::arange(T).view({1, T}));
    const Tensor scores = decoder.handle->logits(hidden[0]).to(torch::kFloat64).log_softmax(-1);
    double sum = 0;
    for (std::size_t i = 0; i < tokens.size(); ++i)
      sum += scores[lengths[b] - 1 + static_cast<std::int64_t>(i)][tokens[i]].item<double>();
    return std::exp(sum);
  }
};

}  // namespace

TEST_CASE("label tree: its walks are the paths, each with its label") {
  const auto seed = test::seed();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  for (int repeat = 0; repeat < 200; ++repeat) {
    std::vector<LabelPath> paths = random_paths(random, 12), found;
    const LabelTree tree(paths, 12);
    const std::function<void(std::int32_t, Tokens)> walk = [&](std::int32_t number, const Tokens& before) {
      const LabelTree::Node& node = tree.node(number);
      for (const std::int32_t label : node.labels) found.push_back({before, label});
      if (number != LabelTree::root) CHECK((node.edges.size() != 1 || !node.labels.empty()));  // no needless stop
      for (const LabelTree::Edge& edge : node.edges) {
        Tokens all = before;
        all.insert(all.end(), edge.tokens.begin(), edge.tokens.end());
        walk(edge.to, all);
      }
    };
    walk(LabelTree::root, {});
    std::ranges::sort(paths), std::ranges::sort(found);
    CHECK((paths == found));
  }
  CHECK(LabelTree({}, 0).node(LabelTree::root).is_leaf());
  CHECK_THROWS_AS(LabelTree({{{}, 0}}, 1), BugError);
  CHECK_THROWS_AS(LabelTree({{{5}, 2}}, 2), BugError);
}

TEST_CASE("label scores: each is the sum over its paths, each of them read by itself") {
  const ThreePrompts f;
  INFO("CELL2TEXT_TEST_SEED=" << f.seed);
  std::mt19937_64 random(f.seed);
  for (const std::int64_t at_once : {1, 3, 64}) {
    const auto paths = random_paths(random, 20);
    const auto scores = score_labels(f.rows(), LabelTree(paths, 20), {0, at_once});
    REQUIRE(scores.size() == 3);
    for (std::int64_t b = 0; b < 3; ++b) {
      std::vector<double> expected(20);
      for (const LabelPath& path : paths) expected[path.label] += f.probability(b, path.tokens);
      for (std::size_t label = 0; label < 20; ++label)
        CHECK(scores[b].probabilities[label] == doctest::Approx(expected[label]).epsilon(1e-4));
      CHECK(scores[b].left_out == 0);
    }
  }
}

TEST_CASE("label scores: what is left out is no more than is allowed, and is told") {
  const ThreePrompts f;
  INFO("CELL2TEXT_TEST_SEED=" << f.seed);
  std::mt19937_64 random(f.seed);
  auto paths = random_paths(random, 40);
  for (LabelPath& path : paths) path.tokens.push_back(9);  // no path within another, as what must follow sees to
  const LabelTree tree(paths, 40);
  const auto all = score_labels(f.rows(), tree, {0, 64});
  for (const double allowed : {1e-4, 1e-2, 0.2, 1.0}) {
    const auto some = score_labels(f.rows(), tree, {allowed, 64});
    for (std::size_t b = 0; b < 3; ++b) {
      CHECK(some[b].left_out <= allowed);
      CHECK(some[b].known() <= all[b].known() + 1e-6);
      CHECK(some[b].known() + some[b].left_out >= all[b].known() - 1e-6);
    }
  }
  CHECK(score_labels(f.rows(), tree, {1.0, 64})[0].known() == 0);
  CHECK(score_labels(f.rows(), LabelTree({}, 4))[0].probabilities == std::vector<double>(4));
}
