#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <random>
#include <thread>
#include <vector>

#include "cell2text/generate/scores.hpp"
#include "cell2text/nn/cpu/kernels.hpp"
#include "cell2text/nn/product.hpp"
#include "cell2text/parallel/openmp_threads.hpp"
#include "cell2text/parallel/started_threads.hpp"
#include "support/oracle.hpp"

using namespace cell2text;

namespace {

std::vector<float> normals(std::mt19937_64& random, std::int64_t n, float deviation = 1) {
  std::normal_distribution<float> draw(0, deviation);
  std::vector<float> values(n);
  for (float& value : values) value = draw(random);
  return values;
}

/// The kernels of a level, as functions; every level that this machine has.
struct Kernels {
  cpu::Level level;
  std::function<void(const cpu::Product<float>&, std::int64_t, std::int64_t)> product;
  std::function<void(const cpu::Product<cpu::Bf16>&, std::int64_t, std::int64_t)> narrow_product;
  std::function<void(const cpu::Bf16*, float*, std::int64_t)> widen;
  std::function<double(const float*, std::int64_t)> log_sum_exp;
  std::function<double(const float*, std::int64_t, std::int64_t, cpu::CrossEntropy, float*)> cross_entropy;
  std::function<void(const float*, std::int64_t, std::int64_t, float*)> block_largest;
  std::function<void(const cpu::RememberingTokens&)> attend;
};

std::vector<Kernels> all_kernels() {
  std::vector<Kernels> all{{cpu::Level::plain, cpu::plain::few_rows_product<float>,
                            cpu::plain::few_rows_product<cpu::Bf16>, cpu::plain::widen, cpu::plain::log_sum_exp,
                            cpu::plain::cross_entropy_gradient, cpu::plain::block_largest,
                            cpu::plain::attend_remembered}};
#ifdef CELL2TEXT_X86_KERNELS
  if (cpu::best_level() >= cpu::Level::avx2)
    all.push_back({cpu::Level::avx2, cpu::avx2::few_rows_product<float>, cpu::avx2::few_rows_product<cpu::Bf16>,
                   cpu::avx2::widen, cpu::avx2::log_sum_exp, cpu::avx2::cross_entropy_gradient,
                   cpu::avx2::block_largest, cpu::avx2::attend_remembered});
  if (cpu::best_level() >= cpu::Level::avx512)
    all.push_back({cpu::Level::avx512, cpu::avx512::few_rows_product<float>, cpu::avx512::few_rows_product<cpu::Bf16>,
                   cpu::avx512::widen, cpu::avx512::log_sum_exp, cpu::avx512::cross_entropy_gradient,
                   cpu::avx512::block_largest, cpu::avx512::attend_remembered});
#endif
  return all;
}

double exact_log_sum_exp(const std::vector<float>& x) {
  const double most = *std::ranges::max_element(x);
  double sum = 0;
  for (const float value : x) sum += std::exp(static_cast<double>(value) - most);
  return most + std::log(sum);
}

}  // namespace

TEST_CASE("cpu level: a forced level is taken, and no other word or higher level") {
  using cpu::Level;
  CHECK(cpu::level_of(nullptr, Level::avx2) == Level::avx2);
  CHECK(cpu::level_of("", Level::avx2) == Level::avx2);
  CHECK(cpu::level_of("plain", Level::avx512) == Level::plain);
  CHECK(cpu::level_of("avx2", Level::avx512) == Level::avx2);
  CHECK_THROWS_WITH_AS(cpu::level_of("avx512", Level::avx2),
                       "CELL2TEXT_CPU is 'avx512'; this machine has avx2 at most. Unset the variable", InputError);
  CHECK_THROWS_WITH_AS(cpu::level_of("sse", Level::avx2), "CELL2TEXT_CPU is 'sse'; plain, avx2 or avx512 is expected",
                       InputError);
}

TEST_CASE("cpu kernels: the product of few rows, at every level") {
  std::mt19937_64 random(test::seed());
  INFO("seed " << test::seed());
  for (const Kernels& kernels : all_kernels()) {
    CAPTURE(cpu::name_of(kernels.level));
    for (const std::int64_t K : {1, 7, 64, 500, 1030, 2100})
      for (const std::int64_t M : {1, 5, 6, 11, 16}) {
        CAPTURE(K);
        CAPTURE(M);
        const std::int64_t N = 4 * (1 + static_cast<std::int64_t>(random() % 40));
        const auto x = normals(random, M * K), w = normals(random, N * K);
        std::vector<float> y(M * N, 99.0f), alone(N);
        kernels.product({x.data(), w.data(), y.data(), M, K, N}, 0, N);
        const auto row = static_cast<std::int64_t>(random() % M);
        kernels.product({x.data() + row * K, w.data(), alone.data(), 1, K, N}, 0, N);
        CHECK(std::equal(alone.begin(), alone.end(), y.begin() + row * N));  // the same bits
        double worst = 0;
        for (std::int64_t m = 0; m < M; ++m)
          for (std::int64_t n = 0; n < N; ++n) {
            double sum = 0;
            for (std::int64_t k = 0; k < K; ++k) sum += static_cast<double>(x[m * K + k]) * w[n * K + k];
            worst = std::max(worst, std::abs(sum - y[m * N + n]));
          }
        CHECK(worst < 1e-6 * static_cast<double>(K) + 1e-6);
      }
  }
}

TEST_CASE("cpu kernels: weights of two bytes give what the same weights of four give, to the bit, at every level") {
  std::mt19937_64 random(test::seed());
  INFO("seed " << test::seed());
  for (const Kernels& kernels : all_kernels())
    for (const std::int64_t K : {1, 7, 64, 1030})
      for (const std::int64_t M : {1, 6, 11}) {
        CAPTURE(cpu::name_of(kernels.level));
        const std::int64_t N = 4 * (1 + static_cast<std::int64_t>(random() % 40));
        const auto x = normals(random, M * K);
        std::vector<cpu::Bf16> w(N * K);
        for (auto& value : w)
          value.bits = static_cast<std::uint16_t>(0x3f00 + random() % 0x100 + 0x8000 * (random() % 2));
        std::vector<float> wide(N * K), y(M * N), expected(M * N);
        kernels.widen(w.data(), wide.data(), N * K);
        for (std::size_t i = 0; i < w.size(); ++i) REQUIRE(wide[i] == cpu::widened(w[i]));
        kernels.narrow_product({x.data(), w.data(), y.data(), M, K, N}, 0, N);
        kernels.product({x.data(), wide.data(), expected.data(), M, K, N}, 0, N);
        CHECK(y == expected);
      }
}

TEST_CASE("cpu kernels: the product leaves other columns alone") {
  for (const Kernels& kernels : all_kernels()) {
    std::mt19937_64 random(1);
    const auto x = normals(random, 3 * 20), w = normals(random, 200 * 20);
    std::vector<float> y(3 * 200, 7.0f);
    kernels.product({x.data(), w.data(), y.data(), 3, 20, 200}, 72, 148);
    for (int m = 0; m < 3; ++m)
      for (int n = 0; n < 200; ++n) CHECK((y[m * 200 + n] == 7.0f) == (n < 72 || n >= 148));
  }
}

TEST_CASE("cpu kernels: log of the sum of exponentials") {
  std::mt19937_64 random(test::seed());
  INFO("seed " << test::seed());
  constexpr float infinity = std::numeric_limits<float>::infinity();
  for (const Kernels& kernels : all_kernels()) {
    CAPTURE(cpu::name_of(kernels.level));
    for (const std::int64_t n : {1, 3, 16, 65, 1000, 128256})
      for (const float deviation : {0.01f, 3.0f, 60.0f}) {
        auto x = normals(random, n, deviation);
        CHECK(kernels.log_sum_exp(x.data(), n) == doctest::Approx(exact_log_sum_exp(x)).epsilon(2e-7));
        x[random() % n] = std::nanf("");
        CHECK(std::isnan(kernels.log_sum_exp(x.data(), n)));
        x[random() % n] = infinity;
        CHECK(std::isnan(kernels.log_sum_exp(x.data(), n)));
      }
    std::vector<float> x{0, -infinity, 0, -1e30f};
    CHECK(kernels.log_sum_exp(x.data(), 4) == doctest::Approx(std::log(2)));
  }
}

TEST_CASE("cpu kernels: the gradient of cross-entropy is softmax minus target") {
  std::mt19937_64 random(test::seed());
  INFO("seed " << test::seed());
  for (const Kernels& kernels : all_kernels())
    for (const std::int64_t n : {2, 17, 64, 5001})
      for (const double smoothing : {0.0, 0.1}) {
        CAPTURE(cpu::name_of(kernels.level));
        CAPTURE(n);
        const auto x = normals(random, n, 4);
        const auto target = static_cast<std::int64_t>(random() % n);
        std::vector<float> gradient(n);
        const double loss = kernels.cross_entropy(x.data(), n, target, {0.25, smoothing}, gradient.data());
        const double normaliser = exact_log_sum_exp(x);
        CHECK(loss == doctest::Approx(normaliser - x[target]).epsilon(1e-6));
        double worst = 0;
        for (std::int64_t i = 0; i < n; ++i) {
          const double wanted = (i == target ? 1 - smoothing : 0) + smoothing / static_cast<double>(n);
          worst = std::max(worst, std::abs(0.25 * (std::exp(x[i] - normaliser) - wanted) - gradient[i]));
        }
        CHECK(worst < 1e-7);
      }
}

TEST_CASE("cpu kernels: the largest of each block, the last one shorter") {
  std::mt19937_64 random(3);
  const auto x = normals(random, 1000);
  for (const Kernels& kernels : all_kernels()) {
    std::vector<float> tops(4);
    kernels.block_largest(x.data(), 1000, 256, tops.data());
    for (int b = 0; b < 4; ++b)
      CHECK(tops[b] == *std::max_element(x.begin() + b * 256, x.begin() + std::min(1000, (b + 1) * 256)));
  }
}

namespace {

/// Tokens over one prompt, each with a tail of its own.
struct Remembering {
  std::int64_t heads, C;
  float cap;
  std::vector<float> prompt_k, prompt_v;
  std::vector<std::vector<float>> q, tail_k, tail_v;  // of each token
  std::vector<cpu::RememberingToken> tokens;          // without `out`

  Remembering(std::mt19937_64& random, std::int64_t heads, std::int64_t C) : heads(heads), C(C) {
    const auto up_to = [&](std::int64_t most) { return static_cast<std::int64_t>(random() % (most + 1)); };
    cap = up_to(1) == 0 ? 0.0f : 0.7f;
    const std::int64_t prompt = up_to(1) * up_to(300), count = 1 + up_to(5);
    prompt_k = normals(random, prompt * C), prompt_v = normals(random, prompt * C);
    for (std::int64_t i = 0; i < count; ++i) {
      const std::int64_t tail = 1 + up_to(9), end = up_to(prompt), first = up_to(1) * up_to(end);
      q.push_back(normals(random, heads * C));
      tail_k.push_back(normals(random, tail * C)), tail_v.push_back(normals(random, tail * C));
      tokens.push_back({q[i].data(), nullptr, tail_k[i].data(), tail_v[i].data(), first, end, tail});
    }
  }

  /// [count, heads, C], of the tokens from number `first` on.
  std::vector<float> attend(const Kernels& kernels, std::int64_t first, std::int64_t count) const {
    std::vector<float> out(count * heads * C + 1, 99.0f);
    std::vector<cpu::RememberingToken> some(tokens.begin() + first, tokens.begin() + first + count);
    for (std::int64_t i = 0; i < count; ++i) some[i].out = out.data() + i * heads * C;
    cpu::RememberingTokens all{some.data(), count, heads, C, prompt_k.data(), prompt_v.data(), 0.3f, cap};
    std::vector<float> scratch(cpu::remembering_scratch(all));
    all.scratch = scratch.data();
    kernels.attend(all);
    CHECK(out.back() == 99.0f);
    out.pop_back();
    return out;
  }

  /// [heads, C] of token i, in double precision.
  std::vector<double> exact(std::int64_t i) const {
    std::vector<double> out(heads * C);
    const auto& token = tokens[i];
    for (std::int64_t head = 0; head < heads; ++head) {
      double sum = 0;
      const auto add = [&](const float* k, const float* v) {
        const float* x = q[i].data() + head * C;
        double score = 0.3 * std::inner_product(x, x + C, k, 0.0);
        if (cap > 0) score = cap * std::tanh(score / cap);
        sum += std::exp(score);
        for (std::int64_t c = 0; c < C; ++c) out[head * C + c] += std::exp(score) * v[c];
      };
      for (auto key = token.prompt_first; key < token.prompt_end; ++key)
        add(prompt_k.data() + key * C, prompt_v.data() + key * C);
      for (std::int64_t key = 0; key < token.tail_keys; ++key) add(token.tail_k + key * C, token.tail_v + key * C);
      for (std::int64_t c = 0; c < C; ++c) out[head * C + c] /= sum;
    }
    return out;
  }
};

}  // namespace

TEST_CASE("cpu kernels: attention over a prompt and tails, and the same bits whoever looks at the prompt beside it") {
  std::mt19937_64 random(test::seed());
  INFO("seed " << test::seed());
  for (const Kernels& kernels : all_kernels())
    for (const std::int64_t C : {1, 8, 20, 32, 40, 64})
      for (const std::int64_t heads : {1, 2, 3, 4, 7}) {
        CAPTURE(cpu::name_of(kernels.level));
        CAPTURE(C);
        CAPTURE(heads);
        const Remembering made(random, heads, C);
        const std::int64_t count = std::ssize(made.tokens);
        const std::vector<float> together = made.attend(kernels, 0, count);
        double worst = 0;
        for (std::int64_t i = 0; i < count; ++i) {
          const std::vector<float> alone = made.attend(kernels, i, 1);
          const auto part = together.begin() + i * heads * C;
          CHECK(std::equal(alone.begin(), alone.end(), part));
          const std::vector<double> exact = made.exact(i);
          for (std::int64_t c = 0; c < heads * C; ++c) worst = std::max(worst, std::abs(exact[c] - part[c]));
        }
        CHECK(worst < 3e-6);
      }
}

TEST_CASE("best tokens: as a full sort finds them, lower numbers first among equals") {
  std::mt19937_64 random(test::seed());
  INFO("seed " << test::seed());
  for (const std::int64_t V : {5, 300, 5000})
    for (const bool coarse : {false, true}) {
      torch::Tensor scores = torch::randn({3, V});
      if (coarse) scores = scores.round();
      scores[1].fill_(-std::numeric_limits<float>::infinity());
      scores[1][V / 2] = 1;
      const std::int64_t n = std::min<std::int64_t>(V, 1 + static_cast<std::int64_t>(random() % 12));
      const auto normalisers = log_sums_of_exponentials(scores);
      const BestTokens best = best_tokens(scores, normalisers, n);
      REQUIRE(best.each == n);
      for (std::int64_t r = 0; r < 3; ++r) {
        const float* row = scores.data_ptr<float>() + r * V;
        std::vector<std::int64_t> order(V);
        std::iota(order.begin(), order.end(), 0);
        std::ranges::stable_sort(order, [&](auto a, auto b) { return row[a] > row[b]; });
        for (std::int64_t i = 0; i < n; ++i) {
          CHECK(best.tokens[r * n + i] == order[i]);
          CHECK(best.log_probabilities[r * n + i] == static_cast<double>(row[order[i]]) - normalisers[r]);
        }
      }
      CHECK(best_tokens(scores, normalisers, V + 10).each == V);
    }
  const torch::Tensor doubles = torch::randn({2, 40}, torch::kFloat64);  // LibTorch's way
  const BestTokens best = best_tokens(doubles, log_sums_of_exponentials(doubles), 3);
  CHECK(best.tokens[3] == doubles[1].argmax().item<std::int64_t>());
  CHECK(best.log_probabilities[3] == doctest::Approx(doubles[1].log_softmax(0).max().item<double>()).epsilon(1e-9));
}

TEST_CASE("linear map: as at::linear, and the same bits for a row in any batch") {
  torch::manual_seed(static_cast<std::int64_t>(test::seed() % 1000));
  INFO("seed " << test::seed());
  for (const std::int64_t out : {4, 60, 62, 1000})  // 62 is no multiple of four: LibTorch's kernel
    for (const std::int64_t rows : {1, 7, 200}) {
      const torch::Tensor x = torch::randn({rows, 1, 96}), w = torch::randn({out, 96}), b = torch::randn({out});
      const torch::Tensor y = linear_map(x, w, b);
      CHECK(torch::allclose(y, at::linear(x, w, b), 1e-4, 1e-4));
      if (out % 4 == 0 && rows <= few_rows) CHECK(torch::equal(linear_map(x[0], w, b), y[0]));
    }
  const torch::Tensor w = torch::randn({8, 16}).requires_grad_(true), x = torch::randn({3, 32}).slice(1, 0, 32, 2);
  CHECK(linear_map(x, w).requires_grad());
  torch::NoGradGuard no_grad;
  CHECK_FALSE(linear_map(x, w).requires_grad());
  CHECK(torch::allclose(linear_map(x, w), at::linear(x, w), 1e-5, 1e-5));  // x is not contiguous
  CHECK(linear_map(torch::randn({0, 16}), w).sizes() == torch::IntArrayRef({0, 8}));
}

TEST_CASE("linear map: weights of two bytes as the same weights of four, with gradients") {
  torch::manual_seed(static_cast<std::int64_t>(test::seed() % 1000));
  INFO("seed " << test::seed());
  for (const auto type : {torch::kBFloat16, torch::kHalf})
    for (const std::int64_t out : {4, 62, 3000})
      for (const std::int64_t rows : {1, 7, 100}) {
        const torch::Tensor x = torch::randn({rows, 1, 700}), w = torch::randn({out, 700}).to(type);
        const torch::Tensor wide = w.to(torch::kFloat32), b = torch::randn({out}).to(type);
        const torch::Tensor y = linear_map(x, w, b);
        CHECK((y.scalar_type() == torch::kFloat32));
        CHECK(torch::allclose(y, at::linear(x, wide, b.to(torch::kFloat32)), 1e-4, 1e-4));

        const torch::Tensor x1 = x.clone().requires_grad_(true), x2 = x.clone().requires_grad_(true);
        const torch::Tensor w1 = w.clone().requires_grad_(true), w2 = wide.clone().requires_grad_(true);
        const torch::Tensor d_y = torch::randn(y.sizes());
        linear_map(x1, w).backward(d_y);  // a frozen weight
        at::linear(x2, w2).backward(d_y);
        const torch::Tensor exact = at::matmul(d_y.to(torch::kFloat64), wide.to(torch::kFloat64));
        CHECK(torch::allclose(x1.grad().to(torch::kFloat64), exact, 1e-4, 1e-4));
        linear_map(x1, w1).backward(d_y);
        CHECK((w1.grad().scalar_type() == type));
        CHECK(torch::equal(w1.grad(), w2.grad().to(type)));
      }
  CHECK((activation_type(torch::empty({2, 2}, torch::kBFloat16)) == torch::kFloat32));
}

namespace {

template <class Threads>
void check_pieces() {
  for (const std::int64_t n : {0, 1, 10, 1001})
    for (const std::int64_t grain : {1, 7, 5000}) {
      std::vector<int> seen(n);
      parallel_pieces<Threads>(n, grain, [&](std::int64_t first, std::int64_t last) {
        CHECK_FALSE((Threads::several() && n > grain));  // a loop within a loop is one piece
        for (std::int64_t i = first; i < last; ++i) ++seen[i];
      });
      CHECK(std::ranges::all_of(seen, [](int times) { return times == 1; }));
    }
  CHECK_THROWS_AS(parallel_pieces<Threads>(100, 1,
                                           [](std::int64_t first, std::int64_t last) {
                                             if (first <= 50 && last > 50) throw InputError("at fifty");
                                           }),
                  InputError);
}

}  // namespace

TEST_CASE("parallel pieces: every number once, and an exception comes back") {
  at::set_num_threads(2);
  check_pieces<threads_detail::OpenMpThreads>();
  check_pieces<threads_detail::StartedThreads>();
  at::set_num_threads(1);
}

TEST_CASE("parallel pieces: threads that are started run beside each other") {
  if (threads_detail::StartedThreads::count() < 2) return;
  std::atomic<int> inside = 0;
  parallel_pieces<threads_detail::StartedThreads>(2, 1, [&](std::int64_t, std::int64_t) {
    ++inside;
    while (inside < 2) std::this_thread::yield();  // each waits for the other
  });
  CHECK(inside == 2);
}
