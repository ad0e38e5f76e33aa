#include "cell2text/cells/gene_ranker.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <random>

#include "support/oracle.hpp"

using namespace cell2text;

namespace {

std::vector<cpu::Level> levels() {
  std::vector<cpu::Level> all;
  for (const auto level : {cpu::Level::plain, cpu::Level::avx2, cpu::Level::avx512})
    if (level <= cpu::best_level()) all.push_back(level);
  return all;
}

/// The recipe as it is written down: sums per gene, divided by the median, sorted, stable by first column.
std::vector<std::int64_t> by_definition(const RankedColumns& table, const std::vector<std::int32_t>& columns,
                                        const std::vector<float>& counts, std::size_t limit) {
  struct Gene {
    std::size_t first;
    double sum, weight;
  };
  std::map<std::int32_t, Gene> genes;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const RankedColumn& column = table.columns[columns[i]];
    if (column.token < 0 || !(counts[i] > 0)) continue;
    genes.try_emplace(column.token, Gene{i, 0, column.weight}).first->second.sum += counts[i];
  }
  std::vector<std::pair<std::int32_t, Gene>> list(genes.begin(), genes.end());
  std::ranges::sort(list, {}, [](const auto& gene) { return gene.second.first; });
  std::ranges::stable_sort(list, std::greater{},
                           [](const auto& gene) { return static_cast<float>(gene.second.sum * gene.second.weight); });
  std::vector<std::int64_t> tokens;
  for (const auto& [token, gene] : list) tokens.push_back(token);
  tokens.resize(std::min(tokens.size(), limit));
  return tokens;
}

struct RankedOnce {
  std::int64_t known;
  std::vector<std::int64_t> tokens;
};

RankedOnce rank_once(GeneRanker& ranker, const std::vector<std::int32_t>& columns, const std::vector<float>& counts,
                     std::size_t limit) {
  std::vector<std::int64_t> tokens(std::min(columns.size(), limit) + 1, -7);
  const RankedCell cell = ranker.rank(columns, counts, limit, tokens.data());
  CHECK(tokens[cell.written] == -7);  // nothing is written beyond
  tokens.resize(cell.written);
  return {cell.known, tokens};
}

}  // namespace

TEST_CASE("ranker: every instruction set ranks as the definition says") {
  std::mt19937_64 random(test::seed());
  INFO("seed " << test::seed());
  for (const bool duplicates : {false, true})
    for (const double spread : {0.0, 0.5, 30.0}) {  // 0: nothing but ties; 30: keys over the whole range of floats
      RankedColumns table;
      std::normal_distribution<double> normal;
      for (int column = 0; column < 3000; ++column) {
        const bool known = random() % 5 != 0;
        table.columns.push_back({known ? std::exp(spread * normal(random)) : 0, known ? column + 4 : -1, -1});
      }
      if (duplicates)
        for (int gene = 0; gene < 40; ++gene) {
          const auto first = random() % 3000, second = random() % 3000;
          if (table.columns[first].token < 0 || table.columns[first].duplicate >= 0 || first == second) continue;
          if (table.columns[second].duplicate >= 0) continue;
          table.columns[first].duplicate = table.num_duplicated++;
          table.columns[second] = table.columns[first];
        }
      for (const cpu::Level level : levels()) {
        CAPTURE(cpu::name_of(level));
        GeneRanker ranker(table, level);
        for (const unsigned share : {0, 1, 3, 30, 100}) {
          std::vector<std::int32_t> columns;
          std::vector<float> counts;
          for (int column = 0; column < 3000; ++column)
            if (random() % 100 < share) {
              columns.push_back(column);
              counts.push_back(static_cast<float>(random() % 7));
            }
          const auto all = by_definition(table, columns, counts, columns.size());
          const auto [known, tokens] = rank_once(ranker, columns, counts, columns.size());
          CHECK(known == static_cast<std::int64_t>(all.size()));
          CHECK(tokens == all);
          CHECK(rank_once(ranker, columns, counts, 17).tokens == by_definition(table, columns, counts, 17));
        }
      }
    }
}

TEST_CASE("ranker: keys that crowd in a narrow place of a wide range are sorted too") {
  RankedColumns table;
  table.columns.push_back({1e30, 1, -1});  // one far away, so that the passes see the upper bits alone
  for (int column = 1; column < 4000; ++column)
    table.columns.push_back({1 + 1e-7 * static_cast<double>((column * 7919) % 97), column + 1, -1});
  std::vector<std::int32_t> columns(4000);
  for (int i = 0; i < 4000; ++i) columns[i] = i;
  const std::vector<float> counts(4000, 1);
  for (const cpu::Level level : levels()) {
    GeneRanker ranker(table, level);
    CHECK(rank_once(ranker, columns, counts, 4000).tokens == by_definition(table, columns, counts, 4000));
  }
}
