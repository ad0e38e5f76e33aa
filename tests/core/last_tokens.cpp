#include "cell2text/last_tokens.hpp"

#include <doctest/doctest.h>

using namespace cell2text;

TEST_CASE("last tokens: their places in a padded batch, row by row") {
  CHECK((last_places({5, 2, 4}, {2, 2, 0}, 5) == std::vector<std::int64_t>{3, 4, 5, 6}));
  CHECK(last_places({}, {}, 3).empty());
  const Tensor x_BTD = at::arange(3 * 5 * 2).view({3, 5, 2});
  CHECK(rows_at(x_BTD, {3, 4, 5}).equal(x_BTD.view({15, 2}).narrow(0, 3, 3)));
}

TEST_CASE("last tokens: more than a row has, and other numbers of rows, are our own fault") {
  CHECK_THROWS_WITH_AS(last_places({5, 2}, {1}, 5), "the last tokens of 1 rows, of a batch of 2", BugError);
  CHECK_THROWS_WITH_AS(last_places({5, 2}, {1, 3}, 5), "the last 3 of the 2 tokens of row 1, in a batch of 5",
                       BugError);
  CHECK_THROWS_AS(last_places({5}, {-1}, 5), BugError);
  CHECK_THROWS_AS(last_places({6}, {1}, 5), BugError);
}

TEST_CASE("last tokens: tokens at places of each row, whatever stands behind the second axis") {
  const Tensor x_BT = at::arange(2 * 4 * 1 * 3).view({2, 4, 1, 3});
  const Tensor places_BL = torch::tensor({{3, 0}, {1, 1}}, torch::kInt64);
  const Tensor found = tokens_at(x_BT, places_BL);
  REQUIRE(found.sizes() == torch::IntArrayRef({2, 2, 1, 3}));
  for (std::int64_t b = 0; b < 2; ++b)
    for (std::int64_t i = 0; i < 2; ++i) CHECK(found[b][i].equal(x_BT[b][places_BL[b][i].item<std::int64_t>()]));
  CHECK(tokens_at(x_BT, {}).is_same(x_BT));
}
