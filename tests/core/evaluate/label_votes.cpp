#include "cell2text/evaluate/label_votes.hpp"

#include <doctest/doctest.h>

using cell2text::LabelVotes;
using cell2text::mixed_below;

TEST_CASE("label votes: weights decide, not numbers of cells") {
  LabelVotes votes;
  votes.add("T cell", 0.25);
  votes.add("B cell", 0.75);
  votes.add("T cell", 0.25);
  votes.add("NK cell", 0.25);
  votes.add("monocyte", 0);
  const auto shares = votes.shares();
  REQUIRE(shares.size() == 3);
  CHECK(shares[0].label == "B cell");
  CHECK(shares[0].share == doctest::Approx(0.5));
  CHECK_FALSE(shares[0].share < mixed_below);  // just half is no mixture
  CHECK(shares[1].label == "T cell");
  CHECK(shares[2].share == doctest::Approx(1.0 / 6));
}

TEST_CASE("label votes: of equal ones the alphabet decides; none where nothing weighs") {
  LabelVotes votes;
  CHECK(votes.shares().empty());
  votes.add("a", 0);
  CHECK(votes.shares().empty());
  votes.add("c", 1);
  votes.add("b", 1);
  votes.add("a", 1);
  CHECK(votes.shares()[0].label == "a");
  CHECK(votes.shares()[0].share < mixed_below);
}
