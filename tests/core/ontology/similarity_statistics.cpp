// Statistics of similarities against the same by sorting and counting.
#include "cell2text/ontology/similarity_statistics.hpp"

#include <ATen/Parallel.h>
#include <doctest/doctest.h>

#include <functional>
#include <numeric>
#include <random>

#include "core/ontology/graphs.hpp"
#include "support/oracle.hpp"

using namespace cell2text;
using namespace cell2text::test;

namespace {

double plain_quantile(const std::vector<float>& sorted, double q) {
  const double at = q * static_cast<double>(sorted.size() - 1), below = std::floor(at);
  const auto i = static_cast<std::size_t>(below);
  return i + 1 < sorted.size() ? sorted[i] * (1 - (at - below)) + sorted[i + 1] * (at - below) : sorted[i];
}

/// Of `values` as ordered pairs and `once` as pairs of terms, in a few rows.
SimilarityStatistics statistics_of(const std::vector<float>& values, const std::vector<float>& once) {
  constexpr std::size_t num_rows = 300;
  return similarity_statistics(num_rows, [&](std::size_t row, const auto& f) {
    for (std::size_t i = row; i < values.size(); i += num_rows) f(values[i], 1, 0);
    for (std::size_t i = row; i < once.size(); i += num_rows) f(once[i], 0, 1);
  });
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
    const SimilarityStatistics ours = statistics_of(values, values);
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
  const LineFit log_log = statistics_of(values, values).log_log;
  CHECK(log_log.slope == doctest::Approx(-1 / 0.7).epsilon(1e-4));
  CHECK(log_log.r_squared == doctest::Approx(1).epsilon(1e-6));

  std::vector<float> repeated(500, 0.0f);  // the rank-th most frequent value occurs 100000 / rank times
  for (int rank = 1; rank <= 100; ++rank)
    repeated.insert(repeated.end(), 100000 / rank, static_cast<float>(rank) / 128);
  const LineFit rank_frequency = statistics_of(repeated, {}).rank_frequency;
  CHECK(rank_frequency.slope == doctest::Approx(-1).epsilon(1e-3));
  CHECK(rank_frequency.r_squared == doctest::Approx(1).epsilon(1e-4));

  const std::vector<float> flat(10, 0.5f);  // no line goes through one point
  CHECK(statistics_of(flat, flat).log_log.r_squared == 0);
  CHECK(statistics_of(flat, flat).rank_frequency.slope == 0);
}

TEST_CASE("similarity statistics: of the classes of twins they are those of all pairs, for any number of threads") {
  const auto number = seed();
  INFO("CELL2TEXT_TEST_SEED=" << number);
  std::mt19937_64 random(number);
  for (const std::size_t components : {1, 3}) {
    const SomeOntology some(random_obo(random, 150, components) + term_text("alone") + term_text("alone_too"));
    const SimilarityMatrix matrix(some.graph, {});
    std::vector<float> values, once;
    for (OntologyGraph::Node from = 0; from < matrix.size(); ++from)
      for (OntologyGraph::Node to = 0; to < matrix.size(); ++to) {
        values.push_back(matrix.at(from, to));
        if (from < to) once.push_back(values.back());
      }
    const int threads = at::get_num_threads();
    at::set_num_threads(1);
    const SimilarityStatistics expected = statistics_of(values, once), one = similarity_statistics(matrix);
    at::set_num_threads(2);
    const SimilarityStatistics two = similarity_statistics(matrix);
    at::set_num_threads(threads);
    CHECK(one.pairs == expected.pairs);
    CHECK(one.share_up_to == expected.share_up_to);
    CHECK(one.median == expected.median);
    CHECK(one.p95 == expected.p95);
    CHECK(one.p99 == expected.p99);
    CHECK(one.mean == doctest::Approx(expected.mean).epsilon(1e-12));
    CHECK(one.sd == doctest::Approx(expected.sd).epsilon(1e-12));
    CHECK(one.log_log.slope == doctest::Approx(expected.log_log.slope).epsilon(1e-12));
    CHECK(one.log_log.r_squared == doctest::Approx(expected.log_log.r_squared).epsilon(1e-12));
    CHECK(one.rank_frequency.slope == doctest::Approx(expected.rank_frequency.slope).epsilon(1e-12));
    CHECK(two.mean == one.mean);
    CHECK(two.sd == one.sd);
    CHECK(two.pairs == one.pairs);
    CHECK(two.log_log.slope == one.log_log.slope);
    CHECK(two.rank_frequency.r_squared == one.rank_frequency.r_squared);
  }
}

TEST_CASE("similarity statistics: the fit of the share above is the line through all points") {
  const auto number = seed();
  INFO("CELL2TEXT_TEST_SEED=" << number);
  std::mt19937_64 random(number);
  std::vector<float> values;
  for (int i = 0; i < 200000; ++i) {
    const double u = static_cast<double>(random() % 1000001) / 1000000;
    values.push_back(static_cast<float>(u * u * u * u));
  }
  const LineFit ours = statistics_of(values, values).log_log;
  std::ranges::sort(values, std::greater());
  double n = 0, x = 0, y = 0, xx = 0, yy = 0, xy = 0;
  for (std::size_t i = 0; i < values.size() && values[i] > 0; ++i) {
    const double px = std::log(double{values[i]}), py = std::log(static_cast<double>(i + 1));
    ++n, x += px, y += py, xx += px * px, yy += py * py, xy += px * py;
  }
  const double var_x = xx - x * x / n, var_y = yy - y * y / n, covariance = xy - x * y / n;
  CHECK(ours.slope == doctest::Approx(covariance / var_x).epsilon(1e-7));
  CHECK(ours.r_squared == doctest::Approx(covariance * covariance / (var_x * var_y)).epsilon(1e-7));
}
