#include "cell2text/histogram.hpp"

#include <numeric>
#include <random>

#include "support/oracle.hpp"

using namespace cell2text;

TEST_CASE("histogram: every number is in the class that holds it, and there are few classes") {
  const auto seed = test::seed();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 30; ++round) {
    NumberCounts numbers;
    const std::uint64_t range = 1 + random() % 100'000;
    std::int64_t all = 0;
    double sum = 0;
    for (std::uint64_t i = 0; i <= random() % 300; ++i) {
      const auto number = static_cast<std::int64_t>(random() % range),
                 times = static_cast<std::int64_t>(1 + random() % 5);
      numbers[number] += times, all += times, sum += static_cast<double>(number * times);
    }
    const Histogram one = histogram("x", numbers, 20);
    CHECK(one.counts.size() <= 21);
    CHECK(one.numbers == all);
    CHECK(one.mean == doctest::Approx(sum / static_cast<double>(all)));
    CHECK(one.smallest == numbers.begin()->first);
    CHECK(one.largest == numbers.rbegin()->first);
    for (std::size_t c = 0; c < one.counts.size(); ++c) {
      const std::int64_t begin = one.first + static_cast<std::int64_t>(c) * one.width;
      std::int64_t within = 0;
      for (auto it = numbers.lower_bound(begin); it != numbers.end() && it->first < begin + one.width; ++it)
        within += it->second;
      CHECK(one.counts[c] == within);
    }
  }
  CHECK(histogram("x", {}).counts.empty());
}
