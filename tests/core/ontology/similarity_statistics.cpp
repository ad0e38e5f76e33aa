// Statistics of similarities against the same by sorting and counting.
#include "cell2text/ontology/similarity_statistics.hpp"

#include <doctest/doctest.h>

#include <numeric>
#include <random>

#include "support/oracle.hpp"

using namespace cell2text;

namespace {

double plain_quantile(const std::vector<float>& sorted, double q) {
  const double at = q * static_cast<double>(sorted.size() - 1), below = std::floor(at);
  const auto i = static_cast<std::size_t>(below);
  return i + 1 < sorted.size() ? sorted[i] * (1 - (at - below)) + sorted[i + 1] * (at - below) : sorted[i];
}

}  // namespace

TEST_CASE("similarity statistics: mean, percentiles, histogram and cumulative curve are those of the sorted values") {
  const auto seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  std::mt19937_64 random(seed);
  for (const std::size_t n : {1, 2, 3, 1000, 70001}) {
    CAPTURE(n);
    std::vector<float> values;
    for (std::size_t i = 0; i < n; ++i) {
      const double u = static_cast<double>(random() % 100001) / 100000;
      values.push_back(static_cast<float>(random() % 5 == 0 ? std::round(u * 50) / 50 : u * u * u));
    }
    const SimilarityStatistics ours = similarity_statistics(values, values);
    std::ranges::sort(values);
    const double mean = std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(n);
    double square = 0;
    for (const float value : values) square += (value - mean) * (value - mean);
    CHECK(ours.mean == doctest::Approx(mean));
    CHECK(ours.sd == doctest::Approx(std::sqrt(square / static_cast<double>(n))));
    CHECK(ours.median == doctest::Approx(plain_quantile(values, 0.5)));
    CHECK(ours.p95 == doctest::Approx(plain_quantile(values, 0.95)));
    CHECK(ours.p99 == doctest::Approx(plain_quantile(values, 0.99)));
    REQUIRE(ours.edges.size() == 51);
    REQUIRE(ours.share_up_to.size() == 51);
    REQUIRE(ours.pairs.size() == 50);
    CHECK(std::accumulate(ours.pairs.begin(), ours.pairs.end(), std::int64_t{0}) == static_cast<std::int64_t>(n));
    for (std::size_t i = 0; i < 50; ++i) {
      const double low = static_cast<double>(i) / 50, high = static_cast<double>(i + 1) / 50;
      CHECK(ours.edges[i] == doctest::Approx(low));
      CHECK(ours.pairs[i] ==
            std::ranges::count_if(values, [&](double v) { return v >= low && (v < high || i == 49); }));
      CHECK(ours.share_up_to[i] ==
            doctest::Approx(static_cast<double>(std::ranges::count_if(values, [&](double v) { return v <= low; })) /
                            static_cast<double>(n)));
    }
    CHECK(ours.share_up_to.back() == 1);
  }
}

TEST_CASE("similarity statistics: the fits find the exponents of power laws, without zeros") {
  std::vector<float> values(1000, 0.0f);  // the rank-th largest value is rank^-0.7
  for (int rank = 1; rank <= 100000; ++rank) values.push_back(static_cast<float>(std::pow(rank, -0.7)));
  const LineFit log_log = similarity_statistics(values, values).log_log;
  CHECK(log_log.slope == doctest::Approx(-1 / 0.7).epsilon(1e-4));
  CHECK(log_log.r_squared == doctest::Approx(1).epsilon(1e-6));

  std::vector<float> repeated(500, 0.0f);  // the rank-th most frequent value occurs 100000 / rank times
  for (int rank = 1; rank <= 100; ++rank)
    repeated.insert(repeated.end(), 100000 / rank, static_cast<float>(rank) / 128);
  const LineFit rank_frequency = similarity_statistics(repeated, {}).rank_frequency;
  CHECK(rank_frequency.slope == doctest::Approx(-1).epsilon(1e-3));
  CHECK(rank_frequency.r_squared == doctest::Approx(1).epsilon(1e-4));

  const std::vector<float> flat(10, 0.5f);  // no line goes through one point
  CHECK(similarity_statistics(flat, flat).log_log.r_squared == 0);
  CHECK(similarity_statistics(flat, flat).rank_frequency.slope == 0);
}
