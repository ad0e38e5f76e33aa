// Bins of expression values: edges, ties, and what factors and logarithms leave as it is.
#include "binning.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <random>

#include "support/oracle.hpp"

using cell2text::scgpt::Binner;
using cell2text::scgpt::Ties;
using Values = std::vector<float>;

namespace {

Values binned(Values values, Ties ties, std::int64_t bins = 51, double draw = 0.5) {
  Binner(bins, ties).bin(values, [draw](std::size_t) { return draw; });
  return values;
}

Values random_counts(std::mt19937_64& random, std::size_t n) {
  std::gamma_distribution<double> rate(0.5, 4);
  Values values;
  for (std::size_t i = 0; i < n; ++i)
    values.push_back(1 + static_cast<float>(std::poisson_distribution<int>(rate(random))(random)));
  std::ranges::sort(values, std::greater());
  return values;
}

}  // namespace

TEST_CASE("scgpt bins: quantiles of the values are the edges, counted from 1") {
  // Five bins: edges at the quantiles 0, 1/3, 2/3 and 1 of 1..7, which are 1, 3, 5 and 7.
  CHECK(binned({7, 6, 5, 4, 3, 2, 1}, Ties::upper, 5) == Values{4, 3, 3, 2, 2, 1, 1});
  CHECK(binned({7}, Ties::upper, 5) == Values{4});
  CHECK(binned({}, Ties::upper).empty());
}

TEST_CASE("scgpt bins: a value that several bins begin with takes the middle, the upper, or any of them") {
  const Values ones(20, 1.0f);  // all 50 edges are 1
  CHECK(binned(ones, Ties::upper) == Values(20, 50.0f));
  CHECK(binned(ones, Ties::middle) == Values(20, 25.0f));
  CHECK(binned(ones, Ties::random, 51, 0) == Values(20, 50.0f));
  CHECK(binned(ones, Ties::random, 51, 0.999) == Values(20, 1.0f));
}

TEST_CASE("scgpt bins: larger values have larger bins, whatever factor or logarithm they went through") {
  const auto seed = cell2text::test::seed();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  for (const std::size_t n : {1, 2, 50, 333, 2500}) {
    const Values counts = random_counts(random, n), all = binned(counts, Ties::middle);
    CHECK(std::ranges::is_sorted(all, std::greater()));
    CHECK(all.front() <= 50);
    CHECK(all.back() >= 1);
    Values doubled = counts;
    for (float& value : doubled) value *= 4;  // exact in float32
    CHECK(binned(doubled, Ties::middle) == all);
    Values logarithms = counts;
    for (float& value : logarithms) value = std::log1p(value);
    const Values of_logarithms = binned(logarithms, Ties::middle);
    for (std::size_t i = 0; i < n; ++i)  // edges between two values lie elsewhere under the logarithm
      CHECK(std::abs(of_logarithms[i] - all[i]) <= 1);
  }
}
