#include "cell2text/nn/kv_cache.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <random>

#include "cell2text/concepts.hpp"
#include "support/oracle.hpp"
#include "support/plain_attention.hpp"

using cell2text::KvCache;
using Rows = std::vector<std::int64_t>;

static_assert(cell2text::DecoderState<KvCache>);

namespace {

constexpr std::int64_t H = 4, K = 2, C = 8, layers = 2;
constexpr double scale = 0.3;

/// Beside the cache, every row's own queries, keys and values from its first token on, per layer: the truth.
/// float is read row by row by an own kernel, double as LibTorch does it.
template <class Real>
struct TwinOf {
  using Twin = TwinOf;
  KvCache cache{layers};
  cell2text::AttentionRule rule{scale};  // of the second layer; the first one sees everything
  struct Row {
    std::vector<torch::Tensor> q, k, v;  // per layer [length, heads, C]
  };
  std::vector<Row> rows;

  /// Lets every row read `lengths[r]` of T random tokens and compares the outputs. Returns the largest difference.
  double read(const Rows& lengths, std::int64_t T) {
    const auto R = static_cast<std::int64_t>(lengths.size());
    if (rows.empty())
      rows.assign(R, {std::vector<torch::Tensor>(layers), std::vector<torch::Tensor>(layers),
                      std::vector<torch::Tensor>(layers)});
    cache.begin(lengths, T, torch::kCPU);
    double worst = 0;
    for (std::int64_t layer = 0; layer < layers; ++layer) {
      const auto drawn = [&](std::int64_t heads) -> torch::Tensor {
        return torch::randn({R, T, heads, C}, torch::CppTypeToScalarType<Real>::value);
      };
      const torch::Tensor q = drawn(H), k = drawn(K), v = drawn(K);
      const auto of_layer = layer == 1 ? rule : cell2text::AttentionRule(scale);
      const torch::Tensor out = cache.attend(layer, q, k, v, of_layer);
      REQUIRE(out.sizes() == torch::IntArrayRef({R, T, H * C}));
      CHECK(out.isfinite().all().item<bool>());
      for (std::int64_t r = 0; r < R; ++r) {
        const auto grown = [&](std::vector<torch::Tensor>& old, const torch::Tensor& added) -> torch::Tensor {
          const auto part = added[r].narrow(0, 0, lengths[r]);
          old[layer] = old[layer].defined() ? torch::cat({old[layer], part}) : part.clone();
          return old[layer].unsqueeze(0);
        };
        const torch::Tensor all_q = grown(rows[r].q, q), all_k = grown(rows[r].k, k), all_v = grown(rows[r].v, v);
        if (lengths[r] == 0) continue;
        const torch::Tensor expected =
            cell2text::test::plain_attention(all_q, all_k, all_v, scale, of_layer.window, of_layer.soft_cap)[0];
        const torch::Tensor tail = expected.narrow(0, expected.size(0) - lengths[r], lengths[r]);
        worst = std::max(worst, (tail - out[r].narrow(0, 0, lengths[r])).abs().max().item<double>());
      }
    }
    cache.end();
    return worst;
  }
  double read_one() { return read(Rows(cache.rows(), 1), 1); }

  void select(const Rows& parents) {
    cache.select(parents);
    std::vector<Row> next;
    for (const auto parent : parents) next.push_back(rows[parent]);
    rows = next;
  }
  Twin fork(const Rows& parents) const {
    Twin child{cache.fork(parents), rule, {}};
    for (const auto parent : parents) child.rows.push_back(rows[parent]);
    return child;
  }
  static Twin joined(const std::vector<const Twin*>& twins, const std::vector<cell2text::StateRow>& from) {
    std::vector<const KvCache*> caches;
    for (const Twin* twin : twins) caches.push_back(&twin->cache);
    Twin all{KvCache::joined(caches, from), twins.front()->rule, {}};
    for (const auto& one : from) all.rows.push_back(twins[one.state]->rows[one.row]);
    return all;
  }
  void truncate(const Rows& lengths) {
    cache.truncate(lengths);
    for (std::size_t r = 0; r < rows.size(); ++r)
      for (auto* part : {&rows[r].q, &rows[r].k, &rows[r].v})
        for (auto& layer : *part) layer = layer.narrow(0, 0, lengths[r]).clone();
  }
};

constexpr double tolerance = 1e-5;

}  // namespace

TEST_CASE_TEMPLATE("kv_cache: one token at a time equals the whole sequence", Real, float, double) {
  using Twin = TwinOf<Real>;
  for (const Rows& lengths : {Rows{5, 5, 5}, Rows{5, 3, 1}}) {
    Twin twin;
    CHECK(twin.read(lengths, 5) < tolerance);
    for (int i = 0; i < 40; ++i) CHECK(twin.read_one() < tolerance);  // past every growth of the buffers
    CHECK(twin.cache.length(1) == lengths[1] + 40);
  }
}

TEST_CASE_TEMPLATE("kv_cache: beams of every cell, reordered at each step, over prompts of unequal lengths", Real,
                   float, double) {
  using Twin = TwinOf<Real>;
  Twin twin;
  twin.read({4, 6, 2}, 6);
  twin = twin.fork({0, 0, 0, 1, 1, 1, 2, 2, 2});
  CHECK(twin.read_one() < tolerance);
  twin.select({2, 0, 0, 4, 5, 3, 8, 8, 8});
  CHECK(twin.read_one() < tolerance);
  CHECK(twin.read_one() < tolerance);
  twin.select({0, 1, 2, 7, 6, 6});  // the middle cell leaves
  CHECK(twin.read_one() < tolerance);
}

TEST_CASE_TEMPLATE("kv_cache: rows in any order and number", Real, float, double) {
  using Twin = TwinOf<Real>;
  Twin twin;
  twin.read({4, 6, 2}, 6);
  twin = twin.fork({2, 0, 1, 2});
  CHECK(twin.read_one() < tolerance);
  twin.select({3, 1, 1, 0, 2});
  CHECK(twin.read_one() < tolerance);
}

TEST_CASE_TEMPLATE("kv_cache: forks of some of the rows, in groups of any size, while all prompts are still in use",
                   Real, float, double) {
  using Twin = TwinOf<Real>;
  Twin twin;
  CHECK(twin.read({4, 6, 2, 5}, 6) < tolerance);
  const std::int64_t prompts = twin.cache.bytes();
  Twin some = twin.fork({3, 3, 3, 0, 1, 1, 3});  // the third prompt has no row
  CHECK(some.read({1, 2, 1, 2, 2, 1, 0}, 2) < tolerance);
  CHECK(some.read_one() < tolerance);
  Twin fewer = some.fork({6, 3});
  CHECK(fewer.read_one() < tolerance);
  const std::int64_t tails = 2 * 4 * K * C * 2 * layers * std::int64_t{sizeof(Real)};
  CHECK(fewer.cache.bytes() == prompts + tails);  // of the prompts the shared ones, no copy of a part
  CHECK(twin.read_one() < tolerance);
}

TEST_CASE_TEMPLATE("kv_cache: several tokens at once, unequal numbers of them, and taking some back", Real, float,
                   double) {
  using Twin = TwinOf<Real>;
  Twin twin;
  twin.read({3, 5}, 5);
  twin = twin.fork({0, 0, 1, 1});
  CHECK(twin.read({3, 3, 3, 3}, 3) < tolerance);
  CHECK(twin.read({2, 0, 4, 1}, 4) < tolerance);
  CHECK(twin.read_one() < tolerance);
  twin.truncate({3, 6, 9, 6});
  CHECK(twin.read({4, 1, 2, 3}, 4) < tolerance);
  twin.select({3, 2, 1, 0});
  CHECK(twin.read_one() < tolerance);
}

TEST_CASE_TEMPLATE("kv_cache: what was read becomes a prompt, of which rows see as much as they are cut back to", Real,
                   float, double) {
  using Twin = TwinOf<Real>;
  Twin twin;
  CHECK(twin.read({3, 5}, 5) < tolerance);
  CHECK(twin.read({4, 2}, 4) < tolerance);
  Twin before = twin.fork({0, 1});
  twin.cache.settle();
  CHECK(twin.cache.bytes() == 2 * 7 * K * C * 2 * layers * std::int64_t{sizeof(Real)});
  Twin places = twin.fork({0, 0, 0, 1, 1, 1});
  places.truncate({7, 5, 2, 6, 1, 7});
  CHECK(places.cache.bytes() == twin.cache.bytes());
  CHECK(places.cache.length(4) == 1);
  CHECK(places.read({2, 1, 2, 0, 2, 1}, 2) < tolerance);
  CHECK(places.read_one() < tolerance);
  places.truncate({7, 3, 2, 3, 2, 1});  // some within their tails, some within their prompts
  CHECK(places.read_one() < tolerance);
  CHECK(twin.read_one() < tolerance);  // others see what they saw
  CHECK(before.read_one() < tolerance);
}

TEST_CASE_TEMPLATE("kv_cache: rows of several states are joined in any order, and each goes on as it was", Real, float,
                   double) {
  using Twin = TwinOf<Real>;
  Twin place;
  CHECK(place.read({4, 6, 2}, 6) < tolerance);
  CHECK(place.read({1, 2, 0}, 2) < tolerance);
  Twin one = place.fork({0, 1, 1, 2}), other = place.fork({2, 0}), empty = place.fork({});
  CHECK(one.read({1, 3, 2, 1}, 3) < tolerance);
  CHECK(other.read({20, 1}, 20) < tolerance);
  Twin all = Twin::joined({&one, &place, &empty, &other}, {{3, 0}, {0, 1}, {1, 0}, {3, 1}, {0, 3}, {0, 1}, {1, 2}});
  CHECK(all.cache.rows() == 7);
  CHECK(all.read({2, 1, 2, 0, 1, 2, 1}, 2) < tolerance);
  all = Twin::joined({&all, &other}, {{0, 6}, {1, 1}, {0, 0}});
  for (int i = 0; i < 20; ++i) CHECK(all.read_one() < tolerance);
  CHECK(one.read_one() < tolerance);
  CHECK(other.read_one() < tolerance);
  CHECK(place.read_one() < tolerance);
  Twin prompts;
  prompts.read({4, 6}, 6);
  Twin fork = prompts.fork({1, 1});
  CHECK(Twin::joined({&prompts, &fork}, {{1, 1}, {0, 0}}).read_one() < tolerance);  // without tails
}

TEST_CASE_TEMPLATE("kv_cache: what is joined of raw memory does not reach what is read", Real, float, double) {
  using Twin = TwinOf<Real>;
  Twin twin;
  twin.read({3, 3}, 3);
  Twin far = twin.fork({0, 1}), near = twin.fork({0, 1});
  far.read({30, 30}, 30);
  near.read_one();
  for (int i = 0; i < 4; ++i) {
    {  // what the next allocations find
      std::vector<torch::Tensor> spoilt;
      for (int k = 0; k < 64; ++k) spoilt.push_back(torch::full({2, K, 45, C}, NAN));
    }
    CHECK(Twin::joined({&far, &near}, {{0, 0}, {1, 1}}).read_one() < tolerance);
  }
}

TEST_CASE_TEMPLATE("kv_cache: a long random walk of reading, forking, selecting, truncating, settling and joining",
                   Real, float, double) {
  using Twin = TwinOf<Real>;
  const auto seed = cell2text::test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  torch::manual_seed(seed);
  std::mt19937 random(static_cast<unsigned>(seed));
  const auto below = [&](std::int64_t n) { return static_cast<std::int64_t>(random() % n); };
  for (int walk = 0; walk < 6; ++walk) {
    Twin twin;
    Rows lengths(1 + below(3));
    for (auto& length : lengths) length = 1 + below(6);
    twin.read(lengths, 6);
    for (int step = 0; step < 25; ++step) {
      const std::int64_t R = twin.cache.rows();
      Rows rows(1 + below(6));
      for (auto& row : rows) row = below(R);
      switch (below(7)) {
        case 5:
          twin.cache.settle();
          break;
        case 6: {
          Twin other = twin.fork(rows);
          CHECK(other.read_one() < tolerance);
          std::vector<cell2text::StateRow> from;
          for (const auto row : rows) from.push_back({0, row}), from.push_back({1, below(other.cache.rows())});
          from.resize(1 + below(std::ssize(from)));
          twin = Twin::joined({&twin, &other}, from);
          break;
        }
        case 0:
          twin.select(rows);
          break;
        case 1:
          twin = twin.fork(rows);
          break;
        case 2: {
          const std::int64_t T = 1 + below(3);
          Rows some(R);
          for (auto& length : some) length = below(T + 1);
          CHECK(twin.read(some, T) < tolerance);
          break;
        }
        case 3: {  // take back what was read last
          Rows before(R), after(R, 2);
          for (std::int64_t r = 0; r < R; ++r) before[r] = twin.cache.length(r);
          twin.read(after, 2);
          for (auto& length : before) length += below(3);
          twin.truncate(before);
          break;
        }
        default:
          CHECK(twin.read_one() < tolerance);
      }
    }
  }
}

TEST_CASE_TEMPLATE("kv_cache: forks do not see each other's tokens", Real, float, double) {
  using Twin = TwinOf<Real>;
  Twin parent;
  parent.read({4, 4}, 4);
  parent.read_one();
  Twin a = parent.fork({0, 1}), b = parent.fork({1, 0});
  CHECK(a.read_one() < tolerance);
  CHECK(b.read_one() < tolerance);
  CHECK(parent.read_one() < tolerance);
  CHECK(a.read_one() < tolerance);
}

TEST_CASE_TEMPLATE("kv_cache: a fork costs no memory, and a prompt goes with its last row", Real, float, double) {
  using Twin = TwinOf<Real>;
  Twin twin;
  twin.read({8, 8, 8, 8}, 8);
  const std::int64_t prompts = 4 * 8 * K * C * 2 * layers * sizeof(Real);
  CHECK(twin.cache.bytes() == prompts);
  Twin beams = twin.fork({0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3});
  CHECK(beams.cache.bytes() == prompts);
  beams.read_one();
  const std::int64_t tails = beams.cache.bytes() - prompts;
  CHECK(tails == 12 * 4 * K * C * 2 * layers * std::int64_t{sizeof(Real)});  // room for 4 tokens, no prompt copied
  beams.select({3, 4, 5, 9, 10, 11});
  CHECK(beams.cache.bytes() == prompts / 2 + tails);
  beams.read_one();
  CHECK(beams.cache.bytes() == prompts / 2 + tails / 2);
  CHECK(twin.cache.bytes() == prompts);
  beams.select({});
  CHECK(beams.cache.bytes() == 0);
  CHECK(beams.cache.rows() == 0);
}

TEST_CASE("kv_cache: half precision gives finite values near those of float32") {
  torch::manual_seed(5);
  KvCache narrow(1), wide(1);
  const auto step = [&](std::int64_t T) {
    const auto q = torch::randn({2, T, H, C}), k = torch::randn({2, T, K, C}), v = torch::randn({2, T, K, C});
    const auto half = [](const torch::Tensor& x) { return x.to(torch::kBFloat16); };
    narrow.begin({T, T - T / 2}, T, torch::kCPU), wide.begin({T, T - T / 2}, T, torch::kCPU);
    const auto a = narrow.attend(0, half(q), half(k), half(v), scale), b = wide.attend(0, q, k, v, scale);
    narrow.end(), wide.end();
    CHECK((a.scalar_type() == torch::kBFloat16));
    CHECK((a.to(torch::kFloat32) - b).abs().max().item<double>() < 0.1);
  };
  step(6), step(1), step(1);
}

TEST_CASE_TEMPLATE("kv_cache: wrong numbers of rows and impossible lengths are refused", Real, float, double) {
  using Twin = TwinOf<Real>;
  Twin twin;
  twin.read({3, 4}, 4);
  CHECK_THROWS_AS(twin.cache.begin({1, 1, 1}, 1, torch::kCPU), cell2text::BugError);
  CHECK_THROWS_AS(twin.cache.begin({1, 3}, 2, torch::kCPU), cell2text::BugError);
  CHECK_THROWS_AS(twin.cache.select(Rows{2}), cell2text::BugError);
  CHECK_THROWS_AS(twin.cache.truncate(Rows{0, 4}), cell2text::BugError);
  CHECK_THROWS_AS(twin.cache.truncate(Rows{3, 5}), cell2text::BugError);
  CHECK_THROWS_AS(twin.cache.truncate(Rows{3}), cell2text::BugError);
  CHECK_THROWS_AS(Twin::joined({&twin}, {{0, 2}}), cell2text::BugError);
  Twin stranger;
  stranger.read({3, 4}, 4);
  CHECK_THROWS_AS(Twin::joined({&twin, &stranger}, {{0, 0}, {1, 0}}), cell2text::BugError);
}

TEST_CASE_TEMPLATE("kv_cache: layers that look back over a window, with and without a cap, in every order of rows",
                   Real, float, double) {
  using Twin = TwinOf<Real>;
  for (const std::int64_t window : {1, 2, 4, 7, 50})
    for (const double cap : {0.0, 1.5}) {
      INFO("window " << window << ", cap " << cap);
      Twin twin;
      twin.rule = {scale, window, cap};
      CHECK(twin.read({4, 6, 2}, 6) < tolerance);
      twin = twin.fork({0, 0, 1, 1, 2, 2});
      for (int i = 0; i < 9; ++i) CHECK(twin.read_one() < tolerance);  // the window leaves the prompts
      twin.select({5, 1, 1, 0, 2});
      CHECK(twin.read({3, 0, 1, 2, 3}, 3) < tolerance);
      CHECK(twin.read_one() < tolerance);
      twin.cache.settle();
      Twin places = twin.fork({0, 0, 1, 2, 2, 2, 3, 4});
      places.truncate({9, 3, 8, 1, 7, 10, 2, 10});
      CHECK(places.read({1, 2, 0, 1, 2, 2, 1, 2}, 2) < tolerance);
      CHECK(Twin::joined({&twin, &places}, {{1, 3}, {0, 2}, {1, 4}}).read_one() < tolerance);
    }
}
