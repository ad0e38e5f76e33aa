#include "cell2text/nn/attention.hpp"

#include <doctest/doctest.h>
#include <torch/csrc/autograd/autograd.h>

#include "cell2text/last_tokens.hpp"
#include "support/oracle.hpp"
#include "support/plain_attention.hpp"

using cell2text::test::plain_attention;

TEST_CASE("attention: whole sequences, with as many and with fewer key/value heads") {
  const auto seed = cell2text::test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  torch::manual_seed(seed);
  for (const std::int64_t kv_heads : {6, 3, 2, 1}) {
    const auto q = torch::randn({2, 7, 6, 8}), k = torch::randn({2, 7, kv_heads, 8}),
               v = torch::randn({2, 7, kv_heads, 8});
    CHECK(at::allclose(cell2text::causal_attention(q, k, v, 0.4), plain_attention(q, k, v, 0.4), 1e-4, 1e-5));
  }
}

TEST_CASE("attention: gradients of grouped heads are those of the plain form") {
  torch::manual_seed(3);
  std::vector<torch::Tensor> a, b;
  for (const std::int64_t heads : {4, 2, 2}) {
    a.push_back(torch::randn({2, 5, heads, 4}).requires_grad_());
    b.push_back(a.back().detach().clone().requires_grad_());
  }
  const auto weight = torch::randn({2, 5, 16});
  (cell2text::causal_attention(a[0], a[1], a[2], 0.5) * weight).sum().backward();
  (plain_attention(b[0], b[1], b[2], 0.5) * weight).sum().backward();
  for (int i = 0; i < 3; ++i) CHECK(at::allclose(a[i].grad(), b[i].grad(), 1e-4, 1e-5));
}

TEST_CASE("attention: what stands after a length changes nothing before it") {
  const auto q = torch::randn({1, 6, 4, 8}), k = torch::randn({1, 6, 2, 8}), v = torch::randn({1, 6, 2, 8});
  const auto whole = cell2text::causal_attention(q, k, v, 0.3);
  const auto part = cell2text::causal_attention(q.narrow(1, 0, 4), k.narrow(1, 0, 4), v.narrow(1, 0, 4), 0.3);
  CHECK(at::allclose(whole.narrow(1, 0, 4), part, 1e-5, 1e-6));
}

TEST_CASE("attention: tokens that ask alone get what they get among all, gradients included") {
  const auto seed = cell2text::test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  torch::manual_seed(seed);
  const auto places = torch::randint(0, 7, {2, 3}, torch::kInt64);
  for (const std::int64_t window : {0, 3, 20})
    for (const double cap : {0.0, 0.7}) {
      INFO("window " << window << ", cap " << cap);
      const auto q = torch::randn({2, 7, 6, 8}).requires_grad_(), k = torch::randn({2, 7, 3, 8}).requires_grad_(),
                 v = torch::randn({2, 7, 3, 8}).requires_grad_();
      const auto some = cell2text::causal_attention(cell2text::tokens_at(q, places), k, v, {0.4, window, cap}, places);
      const auto all = cell2text::tokens_at(plain_attention(q, k, v, 0.4, window, cap), places);
      CHECK(at::allclose(some, all, 1e-4, 1e-5));
      const auto weight = torch::randn_like(all);
      const auto found = torch::autograd::grad({(some * weight).sum()}, {q, k, v});
      const auto expected = torch::autograd::grad({(all * weight).sum()}, {q, k, v});
      for (int i = 0; i < 3; ++i) CHECK(at::allclose(found[i], expected[i], 1e-4, 1e-5));
    }
}

TEST_CASE("attention: a window and a cap of the scores, together and alone") {
  const auto seed = cell2text::test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  torch::manual_seed(seed);
  const auto q = torch::randn({2, 7, 6, 8}), k = torch::randn({2, 7, 3, 8}), v = torch::randn({2, 7, 3, 8});
  for (const std::int64_t window : {0, 1, 3, 6, 7, 20})
    for (const double cap : {0.0, 0.7}) {
      INFO("window " << window << ", cap " << cap);
      CHECK(at::allclose(cell2text::causal_attention(q, k, v, {0.4, window, cap}),
                         plain_attention(q, k, v, 0.4, window, cap), 1e-4, 1e-5));
    }
}
