#include "../../driver/shown_types.hpp"

#include "support/oracle.hpp"

using namespace cell2text;
using driver::NamedCounts;
using driver::ShownTypes;

TEST_CASE("shown types: the most frequent are told apart, whatever they are called; the others are one") {
  const std::uint64_t number = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << number);
  std::mt19937_64 random(number);
  for (int round = 0; round < 20; ++round) {
    std::vector<std::int64_t> sizes(1 + random() % 60);
    NamedCounts counts;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      sizes[i] = static_cast<std::int64_t>(1 + random() % 1000);
      counts["type-" + std::to_string(random()) + "-" + std::to_string(i)] = sizes[i];
    }
    const std::size_t most = 1 + random() % 40;
    const ShownTypes shown(counts, most);
    std::ranges::sort(sizes, std::greater{});
    const NamedCounts told = shown.counts(counts);
    std::int64_t others = 0;
    for (std::size_t i = most; i < sizes.size(); ++i) others += sizes[i];
    CHECK(told.size() == std::min(sizes.size(), most) + (others > 0));
    CHECK((told.contains("other") ? told.at("other") : 0) == others);
    for (const auto& [type, cells] : counts) {
      if (shown.name(type) == "other") {
        CHECK(cells <= sizes[most - 1]);
      } else {
        CHECK(shown.name(type) == type);
        CHECK(told.at(type) == cells);
      }
    }
  }
}

TEST_CASE("shown types: what comes first is no reason to be shown, and as frequent ones are taken by name") {
  const ShownTypes shown({{"a rare cell", 1}, {"b cell", 7}, {"c cell", 9}, {"d cell", 7}}, 2);
  CHECK(shown.name("a rare cell") == "other");
  CHECK(shown.name("b cell") == "b cell");
  CHECK(shown.name("c cell") == "c cell");
  CHECK(shown.name("d cell") == "other");
  CHECK((shown.counts({{"a rare cell", 1}, {"d cell", 2}, {"c cell", 3}}) == NamedCounts{{"c cell", 3}, {"other", 3}}));
}
