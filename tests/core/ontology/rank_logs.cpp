// Sums of logarithms of ranks, and lines through them, against the same point by point.
#include "cell2text/ontology/rank_logs.hpp"

#include <doctest/doctest.h>

#include <random>
#include <vector>

#include "support/oracle.hpp"

using namespace cell2text;

TEST_CASE("rank logs: sums of logarithms and of their squares are those of the terms, of few and of many") {
  double logs = 0, squares = 0;
  for (std::int64_t n = 0; n <= 300000; ++n) {
    if (n > 0) logs += std::log(n), squares += std::log(n) * std::log(n);
    if (n > 300 && n % 1009 != 0) continue;
    CAPTURE(n);
    REQUIRE(sum_of_logs(n) == doctest::Approx(logs).epsilon(1e-13));
    REQUIRE(sum_of_squared_logs(n) == doctest::Approx(squares).epsilon(1e-13));
  }
}

TEST_CASE("rank logs: a run of ranks counts as its points do") {
  const auto seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  std::mt19937_64 random(seed);
  RankLogs runs, points;
  for (int i = 0; i < 50; ++i) {
    const auto count = static_cast<std::int64_t>(1 + random() % 100);
    const double other = static_cast<double>(random() % 1000) / 100 - i;
    runs.add(count, other);
    for (std::int64_t k = 0; k < count; ++k) points.add(1, other);
  }
  CHECK(runs.over_rank().slope == doctest::Approx(points.over_rank().slope).epsilon(1e-11));
  CHECK(runs.over_rank().r_squared == doctest::Approx(points.over_rank().r_squared).epsilon(1e-11));
  CHECK(runs.of_rank().slope == doctest::Approx(points.of_rank().slope).epsilon(1e-11));
  CHECK(runs.over_rank().slope * runs.of_rank().slope == doctest::Approx(runs.of_rank().r_squared).epsilon(1e-11));
}

TEST_CASE("rank logs: no line goes through one point, nor through points of the same height") {
  RankLogs none, one, flat;
  one.add(1, 3);
  flat.add(100, 3);
  for (const RankLogs& logs : {none, one, flat}) {
    CHECK(logs.over_rank().r_squared == 0);
    CHECK(logs.of_rank().slope == 0);
  }
}
