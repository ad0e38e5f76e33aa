// Shannon's entropy over log2 of the number of categories.
#include "cell2text/dataset/diversity.hpp"

#include <fstream>

#include "core/dataset/random_labels.hpp"
#include "support/oracle.hpp"

using namespace cell2text;
using dataset::normalised_diversity;

TEST_CASE("diversity: 1 for even counts, 0 for one category or none, and empty categories do not count") {
  using Counts = std::vector<std::int64_t>;
  CHECK(normalised_diversity(Counts{7, 7, 7}) == doctest::Approx(1));
  CHECK(normalised_diversity(Counts{7, 7, 0, 7, 0}) == doctest::Approx(1));
  CHECK(normalised_diversity(Counts{}) == 0);
  CHECK(normalised_diversity(Counts{0, 0}) == 0);
  CHECK(normalised_diversity(Counts{0, 9}) == 0);
  CHECK(normalised_diversity(Counts{3, 1}) == doctest::Approx(0.8112781));
  CHECK(normalised_diversity(Counts{2, 1, 1}) == doctest::Approx(1.5 / std::log2(3)));
}

TEST_CASE("diversity: in [0, 1] for any counts, the same in any order, and larger where counts are more even") {
  const auto seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 200; ++round) {
    std::vector<std::int64_t> counts;
    for (std::size_t i = 2 + random() % 50; i > 0; --i) counts.push_back(test::random_size(100'000'000, random));
    const double value = normalised_diversity(counts);
    CHECK(value > 0);
    CHECK(value <= 1);
    std::vector<std::int64_t> turned(counts.rbegin(), counts.rend());
    CHECK(normalised_diversity(turned) == doctest::Approx(value));
    const auto [smallest, largest] = std::ranges::minmax_element(counts);
    if (*largest - *smallest < 2) continue;
    ++*smallest, --*largest;
    CHECK(normalised_diversity(counts) >= value - 1e-12);
  }
}

TEST_CASE("diversity: before and after, over the cells of each") {
  const LabelColumn column = test::column_of_texts("disease", {"a", "a", "a", "b", "", "unknown", "c"});
  const auto table =
      dataset::diversity_changes({dataset::known_values("disease", column)},
                                 std::vector<std::int64_t>{0, 1, 2, 3, 4, 5, 6}, std::vector<std::int64_t>{0, 3, 4, 5});
  REQUIRE(table.size() == 1);
  CHECK(table[0].role == "disease");
  CHECK(table[0].categories_before == 3);
  CHECK(table[0].categories_after == 2);
  CHECK(table[0].before == doctest::Approx(normalised_diversity(std::vector<std::int64_t>{3, 1, 1})));
  CHECK(table[0].after == doctest::Approx(1));
}

TEST_CASE("oracle: diversity agrees with scipy's entropy") {
  const auto seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  const auto folder = test::oracle("diversity.py", seed);
  std::ifstream lines(folder / "diversity.txt");
  std::string line;
  int read = 0;
  while (std::getline(lines, line)) {  // the diversity, then the counts
    std::istringstream numbers(line);
    double expected = 0;
    numbers >> expected;
    std::vector<std::int64_t> counts;
    for (std::int64_t count; numbers >> count;) counts.push_back(count);
    CHECK(normalised_diversity(counts) == doctest::Approx(expected).epsilon(1e-12));
    ++read;
  }
  CHECK(read == 100);
}
