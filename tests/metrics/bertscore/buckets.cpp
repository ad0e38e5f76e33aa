// The order of work of `bertscore`: which texts are held, and how often one is computed.
#include "metrics/bertscore/buckets.hpp"

#include <doctest/doctest.h>

#include <random>
#include <set>

#include "support/oracle.hpp"

using namespace cell2text::bertscore;

namespace {

using Lengths = std::vector<std::int64_t>;

/// Follows the buckets: how often texts are computed, and the most tokens that are held.
struct Walk {
  std::int64_t computed = 0, most_held = 0;

  Walk(const std::vector<Bucket>& buckets, const Lengths& lengths, std::int64_t most) {
    KeptTexts kept(buckets, lengths, most);
    std::set<std::size_t> held;
    for (std::size_t i = 0; i < buckets.size(); ++i) {
      kept.start(i, [&](std::size_t text) { CHECK(held.erase(text) == 1); });
      for (const std::size_t text : buckets[i].texts) computed += held.insert(text).second;
      std::int64_t tokens = 0;
      for (const std::size_t text : held) tokens += lengths[text];
      most_held = std::max(most_held, tokens);
    }
  }
};

}  // namespace

TEST_CASE("buckets: equal texts have one number, equal pairs are compared once") {
  DistinctTexts distinct;
  CHECK(distinct.add("a") == 0);
  CHECK(distinct.add("b") == 1);
  CHECK(distinct.add("a") == 0);
  CHECK((distinct.texts() == std::vector<std::string_view>{"a", "b"}));
  const auto buckets = make_buckets({{0, 1}, {0, 0}, {0, 1}}, {3, 4}, 100);
  REQUIRE(buckets.size() == 1);
  CHECK((buckets[0].pairs == std::vector<TextPair>{{0, 0}, {0, 1}}));
  CHECK((buckets[0].texts == std::vector<std::size_t>{0, 1}));
}

TEST_CASE("buckets: no more tokens than asked for, unless a pair alone has more") {
  const Lengths lengths{5, 5, 5, 50};
  const auto buckets = make_buckets({{0, 1}, {1, 2}, {2, 3}, {0, 2}}, lengths, 15);
  REQUIRE(buckets.size() == 2);
  CHECK((buckets[0].pairs == std::vector<TextPair>{{0, 1}, {0, 2}, {1, 2}}));
  CHECK((buckets[1].pairs == std::vector<TextPair>{{2, 3}}));
  CHECK(make_buckets({}, lengths, 15).empty());
}

TEST_CASE("buckets: a text is computed again only where there was no room to keep it") {
  const Lengths lengths{5, 5, 5, 5, 5};
  const std::vector<TextPair> pairs{{0, 4}, {1, 4}, {2, 4}, {3, 4}};
  const Walk roomy(make_buckets(pairs, lengths, 10), lengths, 10);
  CHECK(roomy.computed == 5);  // the one that all need is kept
  CHECK(roomy.most_held == 10);

  std::mt19937 random(static_cast<unsigned>(cell2text::test::seed()));
  for (int round = 0; round < 100; ++round) {
    Lengths some;
    for (int i = 0; i < 20; ++i) some.push_back(static_cast<std::int64_t>(1 + random() % 20));
    std::vector<TextPair> drawn;
    for (int i = 0; i < 60; ++i) drawn.push_back({random() % 20, random() % 20});
    std::set<TextPair> left(drawn.begin(), drawn.end());
    std::set<std::size_t> texts;
    for (const TextPair& pair : drawn) texts.insert({pair.reference, pair.prediction});
    const std::int64_t most = static_cast<std::int64_t>(40 + random() % 200);
    const auto buckets = make_buckets(drawn, some, most);
    for (const Bucket& bucket : buckets)
      for (const TextPair& pair : bucket.pairs) CHECK(left.erase(pair) == 1);
    CHECK(left.empty());
    const Walk walk(buckets, some, most);
    CHECK(walk.most_held <= most);
    CHECK(walk.computed >= static_cast<std::int64_t>(texts.size()));
    const Walk all(make_buckets(drawn, some, 1000), some, 1000);
    CHECK(all.computed == static_cast<std::int64_t>(texts.size()));
  }
}
