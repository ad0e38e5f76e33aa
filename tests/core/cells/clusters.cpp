#include "cell2text/cells/clusters.hpp"

#include <set>

#include "core/io/message.hpp"
#include "support/oracle.hpp"

using cell2text::cells_of_each;
using cell2text::Clusters;
using cell2text::clusters_of;
using cell2text::InputError;
using cell2text::LabelColumn;
using namespace cell2text::test;

TEST_CASE("clusters: named by what occurs, in order, numbers as numbers; cells without a value are in none") {
  const Clusters numbered = clusters_of({"leiden", {"10", "2", "unused", "0"}, {0, 1, -1, 3, 1}}, false, "f");
  CHECK((numbered.names == std::vector<std::string>{"0", "2", "10"}));
  CHECK((numbered.codes == std::vector<std::int32_t>{2, 1, -1, 0, 1}));
  const Clusters named = clusters_of({"leiden", {"T", "10", "B"}, {0, 1, 2}}, false, "f");
  CHECK((named.names == std::vector<std::string>{"10", "B", "T"}));
  const Clusters alike = clusters_of({"leiden", {"1", "01"}, {0, 1}}, true, "f");  // the same number, two names
  CHECK((alike.names == std::vector<std::string>{"01", "1"}));
}

TEST_CASE("clusters: too many values, none, and numbers that are not whole are refused") {
  const auto refused = [](const LabelColumn& column, bool numbers) {
    return message_of<InputError>([&] { clusters_of(column, numbers, "cells.h5ad"); });
  };
  LabelColumn many{"barcode", {}, {}};
  for (std::int32_t i = 0; i < 10'000; ++i) many.values.push_back("c" + std::to_string(i)), many.codes.push_back(i);
  CHECK(has(refused(many, false), "cells.h5ad: column 'barcode' has 10000 values; clusters are at most 1000"));
  many.codes.resize(1'000);  // the other values are in no cell
  CHECK(clusters_of(many, false, "f").names.size() == 1'000);
  CHECK(has(refused({"leiden", {"a"}, {-1, -1}}, false), "has no value in any cell"));
  CHECK(has(refused({"leiden", {}, {}}, false), "has no value in any cell"));
  CHECK(has(refused({"mito", {"1", "0.25"}, {0, 1}}, true), "holds the number 0.25"));
  CHECK(clusters_of({"mito", {"1", "0.25"}, {0, 1}}, false, "f").names.size() == 2);  // texts may look as they like
}

TEST_CASE("clusters: as many cells of each as wanted, all of the small ones; more cells hold fewer") {
  const std::uint64_t number = seed();
  INFO("CELL2TEXT_TEST_SEED=" << number);
  std::mt19937_64 random(number);
  Clusters clusters{{"a", "b", "c"}, {}};
  for (int i = 0; i < 2'000; ++i)
    clusters.codes.push_back(i % 400 == 0 ? 2 : static_cast<std::int32_t>(random() % 3) - 1 ? 0 : 1);
  clusters.codes[17] = -1;
  const auto chosen = cells_of_each(clusters, 20, 1), more = cells_of_each(clusters, 50, 1);
  std::map<std::int32_t, int> counts;
  for (const std::int64_t row : chosen) ++counts[clusters.codes[row]];
  CHECK((counts == std::map<std::int32_t, int>{{0, 20}, {1, 20}, {2, 5}}));
  CHECK(std::ranges::is_sorted(chosen));
  CHECK(std::ranges::includes(more, chosen));
  CHECK((cells_of_each(clusters, 20, 1) == chosen));
  CHECK((cells_of_each(clusters, 20, 2) != chosen));
  // What is drawn of one cluster does not depend on the others.
  Clusters alone = clusters;
  for (std::int32_t& code : alone.codes) code = code == 1 ? 1 : -1;
  std::vector<std::int64_t> of_one;
  for (const std::int64_t row : chosen)
    if (clusters.codes[row] == 1) of_one.push_back(row);
  CHECK((cells_of_each(alone, 20, 1) == of_one));
}
