#include "cell2text/dataset/pathway_choice.hpp"

#include <doctest/doctest.h>

#include <numeric>

#include "core/dataset/counts.hpp"
#include "support/oracle.hpp"

using namespace cell2text;
using namespace cell2text::dataset;

TEST_CASE("quantile: between the two nearest numbers, by their order alone") {
  const auto at = [](std::vector<double> numbers, double share) { return quantile(std::span(numbers), share); };
  CHECK(at({3, 1, 2}, 0.5) == 2);
  CHECK(at({4, 1}, 0.25) == 1.75);
  CHECK(at({4, 1}, 0.75) == 3.25);
  CHECK(at({4, 1, 9}, 0) == 1);
  CHECK(at({4, 1, 9}, 1) == 9);
  CHECK(at({7}, 0.95) == 7);
  const auto seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  std::mt19937_64 random(seed);
  for (int i = 0; i < 200; ++i) {
    std::vector<float> numbers(1 + random() % 60);
    for (float& number : numbers) number = static_cast<float>(random() % 20);
    std::vector<float> sorted = numbers;
    std::ranges::sort(sorted);
    const double share = test::uniform(random), position = share * static_cast<double>(numbers.size() - 1);
    const auto below = static_cast<std::size_t>(position);
    const double low = sorted[below], high = sorted[std::min(below + 1, sorted.size() - 1)];
    CHECK(quantile(std::span(numbers), share) ==
          doctest::Approx(low + (high - low) * (position - std::floor(position))));
  }
}

TEST_CASE("pathways: of fifty scores the three highest are active, zeros never") {
  const auto seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  std::mt19937_64 random(seed);
  std::vector<std::int64_t> top_three(50);
  PathwayActivity activity(50), first(50), second(50);
  for (int cell = 0; cell < 300; ++cell) {
    std::vector<float> scores(50);
    for (float& score : scores) score = static_cast<float>(test::uniform(random));
    std::vector<int> order(50);
    std::iota(order.begin(), order.end(), 0);
    std::ranges::sort(order, std::greater{}, [&](int set) { return scores[set]; });
    for (int i = 0; i < 3; ++i) ++top_three[order[i]];
    activity.add(scores);
    (cell % 3 ? first : second).add(scores);
  }
  CHECK(activity.active() == top_three);
  first.merge(second);
  CHECK(first.active() == top_three);
  CHECK(first.cells() == 300);
  CHECK_THROWS_AS(first.merge(PathwayActivity(49)), BugError);

  PathwayActivity zeros(50);
  std::vector<float> scores(50);
  zeros.add(scores);  // the quantile is 0, and nothing is active
  scores[7] = 0.1F;
  zeros.add(scores);
  CHECK(std::accumulate(zeros.active().begin(), zeros.active().end(), 0) == 1);
  CHECK(zeros.active()[7] == 1);
}

TEST_CASE("pathways: retained are those active in the share or more of the cells") {
  PathwayActivity activity(3);
  CHECK(activity.retained() == std::vector<std::uint8_t>{0, 0, 0});
  for (int cell = 0; cell < 600; ++cell)
    activity.add(cell < 3   ? std::vector<float>{1, 0, 0}
                 : cell < 5 ? std::vector<float>{0, 1, 0}
                            : std::vector<float>(3));
  CHECK(activity.active() == std::vector<std::int64_t>{3, 2, 0});
  CHECK(activity.retained() == std::vector<std::uint8_t>{1, 0, 0});  // 3 of 600 is 0.5% exactly
  CHECK(activity.retained(0.003) == std::vector<std::uint8_t>{1, 1, 0});
  CHECK(activity.retained(0) == std::vector<std::uint8_t>{1, 1, 0});  // in no cell at all: never a candidate
  PathwayActivity none(0);
  none.add({});
  CHECK(none.retained().empty());
}

TEST_CASE("pathways: a cell gets the two highest of the retained, ties by their order, zeros never") {
  const std::vector<std::uint8_t> all = {1, 1, 1, 1}, some = {0, 1, 1, 0};
  const auto top = [](std::vector<float> scores, const std::vector<std::uint8_t>& retained) {
    return top_two(scores, retained);
  };
  CHECK(top({.1F, .4F, .2F, .3F}, all) == TopTwo{1, 3});
  CHECK(top({.9F, .2F, .4F, .9F}, some) == TopTwo{2, 1});
  CHECK(top({.3F, .3F, .3F, .3F}, all) == TopTwo{0, 1});
  CHECK(top({.1F, .3F, .3F, .1F}, all) == TopTwo{1, 2});
  CHECK(top({.2F, .1F, .3F, .1F}, all) == TopTwo{2, 0});
  CHECK(top({0, 0, .3F, 0}, all) == TopTwo{2, -1});
  CHECK(top({.3F, 0, 0, .3F}, some) == TopTwo{-1, -1});
  const auto seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  std::mt19937_64 random(seed);
  for (int i = 0; i < 500; ++i) {
    std::vector<float> scores(random() % 12);
    std::vector<std::uint8_t> retained;
    std::vector<std::int32_t> left;
    for (float& score : scores) {
      score = static_cast<float>(random() % 4);
      retained.push_back(random() % 2);
      if (retained.back() && score > 0) left.push_back(static_cast<std::int32_t>(&score - scores.data()));
    }
    std::ranges::stable_sort(left, std::greater{}, [&](std::int32_t set) { return scores[set]; });
    left.resize(2 + left.size(), -1);
    const std::ptrdiff_t real = std::ranges::count_if(left, [](std::int32_t set) { return set >= 0; });
    CHECK(top_two(scores, retained) == TopTwo{real > 0 ? left[0] : -1, real > 1 ? left[1] : -1});
  }
}

TEST_CASE("pathways: a cell is stable where no order of its ties changes its two sets") {
  const std::int64_t genes = 200;
  std::vector<std::vector<std::int32_t>> sets(4);
  for (std::int32_t gene = 0; gene < genes; ++gene) sets[gene % 4].push_back(gene);
  const std::vector<std::uint8_t> selected(genes, 1), retained(4, 1);
  const Aucell aucell(sets, selected, Ties::seeded);
  std::vector<float> clear(genes), tied(genes);
  for (std::int32_t gene = 0; gene < genes; ++gene)
    clear[gene] = gene % 4 == 2 ? static_cast<float>(1000 + gene) : gene % 4 == 0 ? static_cast<float>(1 + gene) : 0;
  clear[0] = 9999;
  Aucell::Scratch scratch;
  const auto tops = [&](const std::vector<float>& row) {
    const CellBatch batch = test::batch_of({row}, genes);
    return seeded_top_twos(aucell, batch.columns, batch.counts, cell_key("a cell"), retained, 5, scratch);
  };
  const SeededTopTwos same = tops(clear), other = tops(tied);
  CHECK(same[0] == TopTwo{2, 0});
  PathwayStability stability, more;
  CHECK(stability.changed() == 0);
  stability.add(same);
  CHECK(stability.reordered() == 0);
  more.add(other);
  stability.merge(more);
  CHECK(stability.cells() == 2);
  CHECK(stability.changed() == 0.5);
  SeededTopTwos turned;
  turned.fill({1, 2});
  turned[9] = {2, 1};
  CHECK(turned[9].same_sets(turned[0]));
  PathwayStability order;
  order.add(turned);
  CHECK(order.changed() == 0);
  CHECK(order.reordered() == 1);
  const Aucell expected(sets, selected, Ties::expected);
  CHECK_THROWS_AS(seeded_top_twos(expected, {}, {}, 0, retained, 0, scratch), BugError);
}
