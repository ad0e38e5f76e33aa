// A choice of cells by label: how many of each, that it is the same with the same seed, and how choices nest.
#include "cell2text/cells/stratified_choice.hpp"

#include <doctest/doctest.h>

#include <numeric>
#include <set>

#include "support/oracle.hpp"

using cell2text::stratified_choice;

namespace {

using Rows = std::vector<std::int64_t>;

Rows rows_until(std::int64_t n) {
  Rows rows(static_cast<std::size_t>(n));
  std::iota(rows.begin(), rows.end(), 0);
  return rows;
}

std::optional<std::string> by_hundreds(std::int64_t row) {
  if (row < 100) return "a";
  if (row < 400) return "b";
  if (row < 990) return "c";
  return std::nullopt;
}

}  // namespace

TEST_CASE("stratified choice: each label has its share to within one cell, and the sum is what was wanted") {
  std::mt19937_64 random(cell2text::test::seed());
  const Rows rows = rows_until(1000);
  for (int i = 0; i < 50; ++i) {
    const auto wanted = static_cast<std::int64_t>(random() % 1000);
    CAPTURE(wanted);
    const Rows chosen = stratified_choice(rows, wanted, random(), by_hundreds);
    CHECK(std::ssize(chosen) == wanted);
    CHECK(std::ranges::is_sorted(chosen));
    CHECK(std::set<std::int64_t>(chosen.begin(), chosen.end()).size() == chosen.size());
    std::map<std::optional<std::string>, double> counts;
    for (const auto row : chosen) ++counts[by_hundreds(row)];
    const std::vector<std::pair<std::optional<std::string>, double>> sizes{
        {"a", 100}, {"b", 300}, {"c", 590}, {std::nullopt, 10}};
    for (const auto& [label, size] : sizes)
      CHECK(std::abs(counts[label] - size * static_cast<double>(wanted) / 1000) < 1);
  }
}

TEST_CASE("stratified choice: one seed gives one choice, another seed another, and all rows are left as they are") {
  const Rows rows = rows_until(1000);
  CHECK((stratified_choice(rows, 200, 7, by_hundreds) == stratified_choice(rows, 200, 7, by_hundreds)));
  CHECK((stratified_choice(rows, 200, 7, by_hundreds) != stratified_choice(rows, 200, 8, by_hundreds)));
  CHECK((stratified_choice(rows, 1000, 7, by_hundreds) == rows));
  CHECK((stratified_choice(rows, 5000, 7, by_hundreds) == rows));
  CHECK(stratified_choice({}, 5, 7, by_hundreds).empty());
}

TEST_CASE("stratified choice: one of fewer cells is among one of more, where shares are whole") {
  const Rows rows = rows_until(1000);
  const Rows few = stratified_choice(rows, 100, 3, by_hundreds), more = stratified_choice(rows, 500, 3, by_hundreds);
  CHECK(std::ranges::includes(more, few));
}
