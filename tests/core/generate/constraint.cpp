#include "cell2text/generate/constraint.hpp"

#include <doctest/doctest.h>

#include <cmath>

using namespace cell2text;
using Tokens = std::vector<std::int64_t>;

namespace {
struct Fixed final : Constraint {
  NextTokens verdict;
  explicit Fixed(NextTokens verdict) : verdict(std::move(verdict)) {}
  NextTokens next(std::int64_t, std::span<const std::int64_t>) const override { return verdict; }
};
}  // namespace

TEST_CASE("constraint: an n-gram that occurred is banned") {
  const NoRepeatedNgram three(3);
  CHECK(three.next(0, Tokens{}).tokens.empty());
  CHECK(three.next(0, Tokens{1, 2}).tokens.empty());
  CHECK(three.next(0, Tokens{1, 2, 3, 1, 2}).tokens == Tokens{3});
  CHECK(three.next(0, Tokens{1, 2, 3, 1, 2, 4, 1, 2}).tokens == Tokens{3, 4});
  CHECK(three.next(0, Tokens{7, 7, 7}).tokens == Tokens{7});
  CHECK(NoRepeatedNgram(1).next(0, Tokens{5, 6}).tokens == Tokens{5, 6});
  CHECK_THROWS_AS(NoRepeatedNgram(0), InputError);
  const NoRepeatedNgram with_prompts(2, {{8, 9}, {1, 2, 1}});
  CHECK(with_prompts.next(0, Tokens{8}).tokens == Tokens{9});
  CHECK(with_prompts.next(1, Tokens{}).tokens == Tokens{2});
  CHECK(with_prompts.next(1, Tokens{3}).tokens.empty());
}

TEST_CASE("constraint: ban, allow and force leave the other scores as they are") {
  const auto scores = [] { return torch::arange(8, torch::kFloat32).view({2, 4}).clone(); };
  const auto apply = [](NextTokens verdict, torch::Tensor x) {
    const Tokens text{};
    apply_constraints({std::make_shared<Fixed>(std::move(verdict))}, x, Tokens{0, 1}, {text, text});
    return x;
  };
  CHECK(apply({}, scores()).equal(scores()));
  const auto banned = apply(NextTokens::ban({1, 3}), scores());
  CHECK(std::isinf(banned[0][1].item<float>()));
  CHECK(banned[1][2].item<float>() == 6);
  const auto allowed = apply(NextTokens::allow({2, 0}), scores());
  CHECK(allowed[1][2].item<float>() == 6);
  CHECK(allowed.isinf().sum().item<int>() == 4);
  const auto forced = apply(NextTokens::force(3), scores());
  CHECK(forced.argmax(-1).equal(torch::tensor({3, 3})));
  CHECK(apply(NextTokens::allow({}), scores()).isinf().all().item<bool>());
}

TEST_CASE("constraint: a token outside the vocabulary is refused") {
  for (const std::int64_t token : {-1, 4}) {
    torch::Tensor scores = torch::zeros({1, 4});
    const Tokens text{};
    CHECK_THROWS_AS(apply_constraints({std::make_shared<Fixed>(NextTokens::ban({token}))}, scores, Tokens{0}, {text}),
                    InputError);
  }
}
