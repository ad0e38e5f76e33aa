// Trees of labels and their probabilities, against reading every path by itself.
#include "cell2text/generate/label_scores.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <map>
#include <random>
#include <set>

#include "support/gru_decoder.hpp"
#include "support/oracle.hpp"

using namespace cell2text;
using test::GruDecoder;
using test::JoiningGruDecoder;
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

Value with_deviation(double deviation) {
  Value table;
  table.set("deviation", {deviation, {}});
  return table;
}

struct ThreePrompts {
  std::uint64_t seed = test::seed();
  test::OwnedDecoder decoder;
  Tensor prompts;
  Tokens lengths = {4, 1, 6};

  /// The larger the deviation of the weights, the fewer tokens are likely at a place.
  template <class Decoder>
  static ThreePrompts of(double deviation = 0.6) {
    ThreePrompts made;
    made.decoder = test::make_decoder<Decoder>(with_deviation(deviation), made.seed);
    torch::manual_seed(made.seed);
    made.prompts = torch::randn({3, 6, 16});
    return made;
  }
  DecodingRows rows() const { return DecodingRows(*decoder.handle, prompts, lengths); }
  /// By reading prompt and path anew, without a state.
  double probability(std::int64_t b, const Tokens& tokens) const { return begins(b, tokens).back(); }
  /// Of each beginning of the path, the first token alone first.
  std::vector<double> begins(std::int64_t b, const Tokens& tokens) const {
    torch::NoGradGuard no_grad;
    const Tensor ids = torch::tensor(tokens, torch::kInt64).view({1, -1});
    const Tensor x = torch::cat({prompts.narrow(0, b, 1).narrow(1, 0, lengths[b]), decoder.handle->embed(ids)}, 1);
    const auto T = x.size(1);
    const Tensor hidden = decoder.handle->forward(x, {T}, torch::arange(T).view({1, T}));
    const Tensor scores = decoder.handle->logits(hidden[0]).to(torch::kFloat64).log_softmax(-1);
    double sum = 0;
    std::vector<double> all;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      sum += scores[lengths[b] - 1 + static_cast<std::int64_t>(i)][tokens[i]].item<double>();
      all.push_back(std::exp(sum));
    }
    return all;
  }
};

/// One cell's tree with the probability of every way into it, each read by itself; and what two ways of searching read.
class ReadApart {
 public:
  ReadApart(const ThreePrompts& f, std::int64_t cell, const std::vector<LabelPath>& paths, const LabelTree& tree)
      : tree_(tree) {
    for (const LabelPath& path : paths) {
      const std::vector<double> begins = f.begins(cell, path.tokens);
      for (std::size_t i = 0; i < begins.size(); ++i)
        of_[{path.tokens.begin(), path.tokens.begin() + static_cast<std::ptrdiff_t>(i) + 1}] = begins[i];
    }
  }

  struct Found {
    std::vector<double> probabilities;
    double left_out = 0;
    std::int64_t tokens = 0;
  };

  /// A branch at a time, always the one that holds most, until all others may be left out.
  Found best_first(double allowed) const {
    Found found{std::vector<double>(static_cast<std::size_t>(tree_.labels()))};
    std::vector<Way> open;
    push_edges(LabelTree::root, open, found);
    while (!open.empty()) {
      found.left_out = 0;
      for (const Way& way : open) found.left_out += bound(way);
      if (allowed > 0 && found.left_out <= allowed) break;
      const auto largest = std::ranges::max_element(open, {}, [&](const Way& way) { return bound(way); });
      Way way = *largest;
      open.erase(largest);
      const std::size_t end = edge(way).tokens.size() - (tree_.node(edge(way).to).is_leaf() ? 1 : 0);
      const std::size_t taken = bound(way) < label_scores_detail::read_whole_from ? 1 : end - way.next;
      found.tokens += static_cast<std::int64_t>(taken);
      way.next += taken;
      if (way.next < edge(way).tokens.size())
        push(way, open, found);
      else
        count(edge(way).to, found), push_edges(edge(way).to, open, found);
      if (open.empty()) found.left_out = 0;
    }
    return found;
  }

  /// Leaves out what it may where the first tokens part, and then reads what is below every branch that is left.
  std::int64_t depth_first_tokens(double allowed) const { return below(LabelTree::root, allowed); }

 private:
  struct Way {
    std::int32_t node;
    std::size_t edge, next;
  };
  const LabelTree::Edge& edge(const Way& way) const { return tree_.node(way.node).edges[way.edge]; }
  double probability(const Way& way) const {
    Tokens tokens = tree_.node(way.node).path;
    tokens.insert(tokens.end(), edge(way).tokens.begin(),
                  edge(way).tokens.begin() + static_cast<std::ptrdiff_t>(way.next) + 1);
    return of_.at(tokens);
  }
  /// Labels that one text can have, by trying out all ends.
  std::int64_t most(std::int32_t node) const {
    std::int64_t below = 0;
    for (const LabelTree::Edge& one : tree_.node(node).edges) below = std::max(below, most(one.to));
    return below + std::ssize(tree_.node(node).labels);
  }
  double bound(const Way& way) const { return probability(way) * static_cast<double>(most(edge(way).to)); }

  void count(std::int32_t node, Found& found) const {
    for (const std::int32_t label : tree_.node(node).labels)
      found.probabilities[label] += of_.at(tree_.node(node).path);
  }
  void push(const Way& way, std::vector<Way>& open, Found& found) const {
    if (tree_.node(edge(way).to).is_leaf() && way.next + 1 == edge(way).tokens.size())
      count(edge(way).to, found);
    else
      open.push_back(way);
  }
  void push_edges(std::int32_t node, std::vector<Way>& open, Found& found) const {
    for (std::size_t i = 0; i < tree_.node(node).edges.size(); ++i) push({node, i, 0}, open, found);
  }
  std::int64_t below(std::int32_t node, double& allowed) const {
    std::vector<Way> ways;
    for (std::size_t i = 0; i < tree_.node(node).edges.size(); ++i) ways.push_back({node, i, 0});
    std::ranges::sort(ways, {}, [&](const Way& way) { return probability(way); });
    std::erase_if(ways, [&](const Way& way) {
      const bool leaves = probability(way) <= allowed;
      if (leaves) allowed -= probability(way);
      return leaves;
    });
    std::int64_t tokens = 0;
    for (const Way& way : ways)
      tokens +=
          std::ssize(edge(way).tokens) - (tree_.node(edge(way).to).is_leaf() ? 1 : 0) + below(edge(way).to, allowed);
    return tokens;
  }

  const LabelTree& tree_;
  std::map<Tokens, double> of_;
};

std::vector<LabelScores> score_labels(const DecodingRows& rows, const LabelTree& tree,
                                      const LabelScoreOptions& options = {}) {
  return score_labels(rows, LabelTrees(static_cast<std::size_t>(rows.size()), &tree), options);
}

/// But for rounding, however small they are.
bool near(double a, double b) {
  return std::abs(a - b) <= 1e-4 * std::max(std::abs(a), std::abs(b));
}

/// Paths over many tokens, as names have them, each with an end that stands in no other.
std::vector<LabelPath> names(std::mt19937_64& random, std::int32_t labels) {
  std::vector<LabelPath> paths;
  for (std::int32_t label = 0; label < labels; ++label) {
    Tokens tokens(2 + random() % 4);
    for (std::int64_t& token : tokens) token = static_cast<std::int64_t>(2 + random() % 24);
    tokens.push_back(27);
    paths.push_back({tokens, label});
  }
  return paths;
}

}  // namespace

TEST_CASE("label tree: its walks are the paths, each with its label") {
  const auto seed = test::seed();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  for (int repeat = 0; repeat < 200; ++repeat) {
    std::vector<LabelPath> paths = random_paths(random, 12), found;
    const LabelTree tree(paths, 12);
    std::int64_t most = 0;
    const std::function<void(std::int32_t, Tokens, std::int64_t)> walk = [&](std::int32_t number, const Tokens& before,
                                                                             std::int64_t ended) {
      const LabelTree::Node& node = tree.node(number);
      CHECK((node.path == before));
      ended += std::ssize(node.labels);
      most = std::max(most, ended);
      for (const std::int32_t label : node.labels) found.push_back({before, label});
      if (number != LabelTree::root) CHECK((node.edges.size() != 1 || !node.labels.empty()));  // no needless stop
      for (const LabelTree::Edge& edge : node.edges) {
        Tokens all = before;
        all.insert(all.end(), edge.tokens.begin(), edge.tokens.end());
        walk(edge.to, all, ended);
      }
    };
    walk(LabelTree::root, {}, 0);
    CHECK(tree.node(LabelTree::root).most == most);
    CHECK(tree.paths() == std::ssize(paths));
    std::ranges::sort(paths), std::ranges::sort(found);
    CHECK((paths == found));
  }
  CHECK(LabelTree({}, 0).node(LabelTree::root).is_leaf());
  CHECK_THROWS_AS(LabelTree({{{}, 0}}, 1), BugError);
  CHECK_THROWS_AS(LabelTree({{{5}, 2}}, 2), BugError);
}

TEST_CASE_TEMPLATE("label scores: each is the sum over its paths, each of them read by itself", Decoder, GruDecoder,
                   JoiningGruDecoder) {
  const auto f = ThreePrompts::of<Decoder>();
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

TEST_CASE_TEMPLATE("label scores: what is left out is no more than is allowed, and is told", Decoder, GruDecoder,
                   JoiningGruDecoder) {
  const auto f = ThreePrompts::of<Decoder>();
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

TEST_CASE_TEMPLATE(
    "label scores: what is read is what a best-first search reads branch by branch, whatever reads along", Decoder,
    GruDecoder, JoiningGruDecoder) {
  const auto f = ThreePrompts::of<Decoder>();
  INFO("CELL2TEXT_TEST_SEED=" << f.seed);
  std::mt19937_64 random(f.seed);
  for (const bool within : {false, true}) {  // paths that end within others
    const auto paths = within ? random_paths(random, 40) : names(random, 80);
    const LabelTree tree(paths, 80);
    std::vector<ReadApart> cells;
    for (std::int64_t b = 0; b < 3; ++b) cells.emplace_back(f, b, paths, tree);
    for (const double allowed : {0.0, 1e-4, 1e-2, 0.3}) {
      std::vector<ReadApart::Found> expected;
      std::int64_t tokens = 0;
      for (const ReadApart& cell : cells)
        expected.push_back(cell.best_first(allowed)), tokens += expected.back().tokens;
      for (const std::int64_t rows : {1, 5, 64}) {
        LabelReadCounts counts;
        const auto scores = score_labels(f.rows(), tree, {allowed, rows, 1000, 0, &counts});
        CHECK(counts.tokens == tokens);
        CHECK(counts.passes >= (tokens + 6 * rows - 1) / (6 * rows));
        for (std::size_t b = 0; b < 3; ++b) {
          CHECK(near(scores[b].left_out, expected[b].left_out));
          for (std::size_t label = 0; label < 80; ++label)
            CHECK(near(scores[b].probabilities[label], expected[b].probabilities[label]));
        }
      }
      const auto alone = score_labels(f.rows().fork(Tokens{1}), tree, {allowed, 3, 1000});
      CHECK(near(alone[0].left_out, expected[1].left_out));
    }
  }
}

TEST_CASE_TEMPLATE("label scores: places with trees of their own are read together as each by itself", Decoder,
                   GruDecoder, JoiningGruDecoder) {
  const auto f = ThreePrompts::of<Decoder>();
  INFO("CELL2TEXT_TEST_SEED=" << f.seed);
  std::mt19937_64 random(f.seed);
  const LabelTree few(random_paths(random, 5), 5), many(names(random, 80), 80), none({}, 4);
  const LabelTrees trees{&many, &few, &none, &few, &many};
  const Tokens prompts{0, 0, 1, 1, 2};
  LabelReadCounts together, apart;
  const auto scores = score_labels(f.rows().fork(prompts), trees, {1e-3, 16, 1000, 0, &together});
  REQUIRE(scores.size() == trees.size());
  for (std::size_t i = 0; i < trees.size(); ++i) {
    const auto alone = score_labels(f.rows().fork(Tokens{prompts[i]}), *trees[i], {1e-3, 16, 1000, 0, &apart});
    REQUIRE(scores[i].probabilities.size() == alone[0].probabilities.size());
    CHECK(near(scores[i].left_out, alone[0].left_out));
    for (std::size_t label = 0; label < alone[0].probabilities.size(); ++label)
      CHECK(near(scores[i].probabilities[label], alone[0].probabilities[label]));
  }
  CHECK(together.tokens == apart.tokens);
  CHECK(together.passes < apart.passes);
}

TEST_CASE_TEMPLATE("label scores: states that were let go of are read again, and change nothing", Decoder, GruDecoder,
                   JoiningGruDecoder) {
  const auto f = ThreePrompts::of<Decoder>();
  INFO("CELL2TEXT_TEST_SEED=" << f.seed);
  std::mt19937_64 random(f.seed);
  const auto paths = names(random, 80);
  const LabelTree tree(paths, 80);
  LabelReadCounts all, enough, few, none;
  const auto expected = score_labels(f.rows(), tree, {1e-3, 4, 1000, 0, &all});
  const auto some = score_labels(f.rows(), tree, {1e-3, 4, 2, 0, &few}),
             again = score_labels(f.rows(), tree, {1e-3, 4, 0, 0, &none});
  score_labels(f.rows(), tree, {1e-3, 4, 0, std::int64_t{1} << 30, &enough});
  for (std::size_t b = 0; b < 3; ++b)
    for (std::size_t label = 0; label < 80; ++label) {
      CHECK(near(some[b].probabilities[label], expected[b].probabilities[label]));
      CHECK(near(again[b].probabilities[label], expected[b].probabilities[label]));
    }
  CHECK(all.tokens == enough.tokens);
  CHECK(all.tokens <= few.tokens);
  CHECK(few.tokens <= none.tokens);
  CHECK(all.tokens < none.tokens);
}

TEST_CASE_TEMPLATE("label scores: all that is missing is no more than is told, and that no more than is allowed",
                   Decoder, GruDecoder, JoiningGruDecoder) {
  for (const double deviation : {0.6, 1.5}) {
    const auto f = ThreePrompts::of<Decoder>(deviation);
    INFO("CELL2TEXT_TEST_SEED=" << f.seed << ", deviation " << deviation);
    std::mt19937_64 random(f.seed);
    for (const bool within : {false, true}) {
      const auto paths = within ? random_paths(random, 60) : names(random, 60);
      const LabelTree tree(paths, 60);
      for (const double allowed : {1e-6, 1e-4, 1e-2, 0.2}) {
        const auto scores = score_labels(f.rows(), tree, {allowed});
        for (std::int64_t b = 0; b < 3; ++b) {
          std::vector<double> exact(60);
          for (const LabelPath& path : paths) exact[path.label] += f.probability(b, path.tokens);
          double missing = 0;
          for (std::size_t label = 0; label < 60; ++label)
            missing += std::abs(exact[label] - scores[b].probabilities[label]);
          CHECK(scores[b].left_out <= allowed);
          CHECK(missing <= scores[b].left_out + 1e-5);
        }
      }
    }
  }
}

TEST_CASE_TEMPLATE("label scores: where few labels are likely, less is read than by leaving out first tokens alone",
                   Decoder, GruDecoder, JoiningGruDecoder) {
  const auto f = ThreePrompts::of<Decoder>(1.5);
  INFO("CELL2TEXT_TEST_SEED=" << f.seed);
  std::mt19937_64 random(f.seed);
  const auto paths = names(random, 200);
  const LabelTree tree(paths, 200);
  LabelReadCounts counts;
  score_labels(f.rows(), tree, {1e-4, 64, 1000, 0, &counts});
  std::int64_t depth_first = 0;
  for (std::int64_t b = 0; b < 3; ++b) depth_first += ReadApart(f, b, paths, tree).depth_first_tokens(1e-4);
  CHECK(counts.tokens < depth_first);
}
