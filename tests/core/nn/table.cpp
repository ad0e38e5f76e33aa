#include "cell2text/nn/table.hpp"

#include <doctest/doctest.h>

#include "support/oracle.hpp"

using namespace cell2text;

TEST_CASE("table: gradients that are added in place are those of autograd") {
  torch::manual_seed(static_cast<std::int64_t>(test::seed() % 1000));
  INFO("seed " << test::seed());
  const torch::Tensor start = torch::randn({40, 6});
  const torch::Tensor ids = torch::randint(0, 40, {3, 5}, torch::kInt64), mix = torch::randn({3, 5, 6});
  auto loss = [&](const Parameter& table) {
    const torch::Tensor rows = table_rows(table, ids);
    const torch::Tensor scores = table_scores(table, (rows * mix).tanh());
    return scores.square().sum() + (rows * rows).sum();
  };
  Parameter plain{"plain", start.clone().requires_grad_(true), true};
  loss(plain).backward();  // no gradient yet: by autograd alone
  Parameter in_place{"in place", start.clone().requires_grad_(true), true};
  in_place.value.mutable_grad() = torch::zeros_like(start);
  const void* memory = in_place.value.grad().data_ptr();
  loss(in_place).backward();
  CHECK(torch::allclose(in_place.value.grad(), plain.value.grad(), 1e-4, 1e-4));
  CHECK(in_place.value.grad().data_ptr() == memory);
  loss(in_place).backward();
  CHECK(torch::allclose(in_place.value.grad(), 2 * plain.value.grad(), 1e-4, 1e-4));
}

TEST_CASE("table: a frozen table has no gradient, and what reads it still has one") {
  Parameter table{"table", torch::randn({12, 4}), false};
  torch::Tensor hidden = torch::randn({2, 4}).requires_grad_(true);
  table_scores(table, hidden).sum().backward();
  CHECK(torch::allclose(hidden.grad(), table.value.sum(0).expand({2, 4}), 1e-5, 1e-5));
  CHECK_FALSE(table_rows(table, torch::tensor({1, 2}, torch::kInt64)).requires_grad());
  torch::NoGradGuard no_grad;
  table.value.requires_grad_(true);
  CHECK_FALSE(table_scores(table, hidden).requires_grad());
}
