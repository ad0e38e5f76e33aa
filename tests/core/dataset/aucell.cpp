#include "cell2text/dataset/aucell.hpp"

#include <doctest/doctest.h>

#include <numeric>
#include <thread>

#include "cell2text/dataset/gene_moments.hpp"
#include "core/dataset/counts.hpp"
#include "support/oracle.hpp"

using namespace cell2text;
using namespace cell2text::dataset;

namespace {

using Sets = std::vector<std::vector<std::int32_t>>;
using Row = std::vector<float>;

std::vector<float> scores_of(const Aucell& aucell, const Row& row, Aucell::TieOrder order = {}) {
  std::vector<std::int32_t> columns;
  std::vector<float> counts, scores(aucell.num_sets(), -1);
  for (std::size_t gene = 0; gene < row.size(); ++gene)
    if (row[gene] > 0) columns.push_back(static_cast<std::int32_t>(gene)), counts.push_back(row[gene]);
  Aucell::Scratch scratch;
  aucell.score(columns, counts, order, scores, scratch);
  return scores;
}

/// AUCell as it is written down, on all genes: `place` decides between genes of one count.
std::vector<double> by_definition(const Row& row, const Sets& sets, const std::vector<std::uint8_t>& selected,
                                  double share, const auto& place) {
  std::vector<std::int32_t> order;
  for (std::int32_t gene = 0; gene < static_cast<std::int32_t>(row.size()); ++gene)
    if (selected[gene]) order.push_back(gene);
  const std::int64_t cutoff = aucell_cutoff(static_cast<std::int64_t>(order.size()), share);
  std::ranges::sort(order, [&](auto a, auto b) { return row[a] != row[b] ? row[a] > row[b] : place(a) < place(b); });
  std::vector<double> scores;
  for (const auto& set : sets) {
    double area = 0;
    for (std::int64_t rank = 0; rank < cutoff; ++rank)
      if (std::ranges::count(set, order[rank])) area += static_cast<double>(cutoff - rank);
    scores.push_back(set.empty() ? 0 : area / static_cast<double>((cutoff + 1) * std::ssize(set)));
  }
  return scores;
}

struct Case {
  std::vector<std::uint8_t> selected;
  Sets sets;
  std::vector<Row> cells;
};

/// Cells from empty to full, of few different counts; some genes are not selected, one set is empty.
Case made_up(std::mt19937_64& random, std::int64_t genes) {
  Case made;
  std::vector<std::int32_t> ranked;
  for (std::int32_t gene = 0; gene < genes; ++gene) {
    made.selected.push_back(random() % 5 != 0);
    if (made.selected.back()) ranked.push_back(gene);
  }
  for (int set = 0; set < 6; ++set) {
    auto& columns = made.sets.emplace_back();
    for (const auto gene : ranked)
      if (random() % 6 < static_cast<unsigned>(set)) columns.push_back(gene);
  }
  for (const double depth : {0.5, 0.05, 0.005})
    for (auto& row : test::made_up_counts(random, 4, genes, depth)) made.cells.push_back(std::move(row));
  made.cells.emplace_back(genes);                 // no counts at all
  made.cells.emplace_back(genes, 3.0F);           // all the same
  for (const unsigned percent : {1, 4, 6, 50}) {  // around the share that counts, few ties or none but the zeros
    auto& row = made.cells.emplace_back(genes);
    for (auto& count : row)
      if (random() % 100 < percent) count = static_cast<float>(random() % 100'000) / 8;
  }
  return made;
}

}  // namespace

TEST_CASE("aucell: ties by column and by a drawn order, against the definition on all genes") {
  const auto seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  std::mt19937_64 random(seed);
  for (const std::int64_t genes : {60, 700}) {
    const Case made = made_up(random, genes);
    for (const double share : {0.05, 0.3, 0.9}) {
      const Aucell by_column(made.sets, made.selected, Ties::column, share);
      const Aucell drawn(made.sets, made.selected, Ties::seeded, share);
      for (std::size_t cell = 0; cell < made.cells.size(); ++cell) {
        CAPTURE(genes);
        CAPTURE(share);
        CAPTURE(cell);
        const Row& row = made.cells[cell];
        const Aucell::TieOrder order{seed + 1, cell_key("cell-" + std::to_string(cell))};
        const auto first = by_definition(row, made.sets, made.selected, share, [](std::int32_t gene) { return gene; });
        const auto second = by_definition(row, made.sets, made.selected, share, [&](std::int32_t gene) {
          return draw_bits(order.seed, order.cell, static_cast<std::uint64_t>(gene));
        });
        const auto ours = scores_of(by_column, row), seeded = scores_of(drawn, row, order);
        for (std::size_t set = 0; set < made.sets.size(); ++set) {
          CHECK(ours[set] == doctest::Approx(first[set]).epsilon(1e-6));
          CHECK(seeded[set] == doctest::Approx(second[set]).epsilon(1e-6));
        }
      }
    }
  }
}

TEST_CASE("aucell: the expected score is the mean over the ranks that a gene may have, counted out") {
  const auto seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  std::mt19937_64 random(seed);
  const Case made = made_up(random, 300);
  const auto genes = static_cast<std::int64_t>(made.selected.size()) - std::ranges::count(made.selected, 0);
  for (const double share : {0.05, 0.4}) {
    const Aucell aucell(made.sets, made.selected, Ties::expected, share);
    CHECK(aucell.num_genes() == genes);
    const std::int64_t cutoff = aucell_cutoff(genes, share);
    for (const Row& row : made.cells) {
      const auto ours = scores_of(aucell, row);
      for (std::size_t set = 0; set < made.sets.size(); ++set) {
        double area = 0;
        for (const auto gene : made.sets[set]) {
          std::int64_t above = 0, equal = 0;
          for (std::size_t other = 0; other < row.size(); ++other)
            if (made.selected[other]) above += row[other] > row[gene], equal += row[other] == row[gene];
          for (std::int64_t rank = above; rank < above + equal; ++rank)
            area += static_cast<double>(std::max<std::int64_t>(cutoff - rank, 0)) / static_cast<double>(equal);
        }
        const double expected =
            made.sets[set].empty() ? 0 : area / static_cast<double>((cutoff + 1) * std::ssize(made.sets[set]));
        CHECK(ours[set] == doctest::Approx(expected).epsilon(1e-6));
      }
    }
  }
}

TEST_CASE("aucell: the expected score is the mean over many drawn orders, within its standard error") {
  const auto seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  std::mt19937_64 random(seed);
  const Case made = made_up(random, 400);
  const Aucell expected(made.sets, made.selected, Ties::expected), drawn(made.sets, made.selected, Ties::seeded);
  int varied = 0;
  for (std::size_t cell = 0; cell < made.cells.size(); ++cell) {
    const auto mean = scores_of(expected, made.cells[cell]);
    std::vector<double> sum(made.sets.size()), squares(made.sets.size());
    constexpr int orders = 3000;
    for (int order = 0; order < orders; ++order) {
      const auto scores = scores_of(drawn, made.cells[cell], {static_cast<std::uint64_t>(order), seed + cell});
      for (std::size_t set = 0; set < scores.size(); ++set)
        sum[set] += scores[set], squares[set] += scores[set] * scores[set];
    }
    for (std::size_t set = 0; set < sum.size(); ++set) {
      const double found = sum[set] / orders;
      const double error = std::sqrt(std::max(0.0, squares[set] / orders - found * found) / orders);
      CAPTURE(cell);
      CAPTURE(set);
      CHECK(std::abs(found - mean[set]) < 6 * error + 1e-6);
      varied += error > 1e-4;
    }
  }
  CHECK(varied > 15);
}

TEST_CASE("aucell: the expected score knows neither columns nor scale, and a cell without counts favours no set") {
  const auto seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  std::mt19937_64 random(seed);
  const std::int64_t genes = 500;
  const Case made = made_up(random, genes);
  std::vector<std::int32_t> to(genes);
  std::iota(to.begin(), to.end(), 0);
  for (std::size_t i = to.size(); i > 1; --i) std::swap(to[i - 1], to[random() % i]);
  Sets turned_sets = made.sets;
  std::vector<std::uint8_t> turned_selected(genes);
  for (auto& set : turned_sets)
    for (auto& column : set) column = to[column];
  for (std::int64_t gene = 0; gene < genes; ++gene) turned_selected[to[gene]] = made.selected[gene];
  const Aucell aucell(made.sets, made.selected, Ties::expected), turned(turned_sets, turned_selected, Ties::expected);
  for (const Row& row : made.cells) {
    Row turned_row(genes);
    for (std::int64_t gene = 0; gene < genes; ++gene) turned_row[to[gene]] = row[gene];
    const auto scores = scores_of(aucell, row), turned_scores = scores_of(turned, turned_row);
    for (std::size_t set = 0; set < scores.size(); ++set)
      CHECK(scores[set] == doctest::Approx(turned_scores[set]).epsilon(1e-6));
    CHECK(scores_of(aucell, log_normalise(row, 12345)) == scores);
  }
  const auto empty = scores_of(aucell, Row(genes));
  CHECK(empty[0] == 0);  // a set without genes
  for (std::size_t set = 2; set < empty.size(); ++set) CHECK(empty[set] == doctest::Approx(empty[1]));
  CHECK(empty[1] > 0);
  CHECK(empty[1] < 0.05);
}

TEST_CASE("aucell: stored zeros and genes that are not selected change nothing, and memory is used again") {
  const auto seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  std::mt19937_64 random(seed);
  const std::int64_t genes = 200;
  const Case made = made_up(random, genes);
  std::vector<std::int32_t> all(genes);
  std::iota(all.begin(), all.end(), 0);
  for (const Ties ties : {Ties::expected, Ties::seeded, Ties::column}) {
    const Aucell aucell(made.sets, made.selected, ties);
    Aucell::Scratch scratch;
    for (const Row& row : made.cells) {
      Row other = row;
      for (std::int64_t gene = 0; gene < genes; ++gene)
        if (!made.selected[gene]) other[gene] = static_cast<float>(random() % 50);
      std::vector<float> scores(made.sets.size());
      aucell.score(all, other, {1, 2}, scores, scratch);
      CHECK(scores == scores_of(aucell, row, {1, 2}));
    }
  }
}

TEST_CASE("aucell: several threads score with one object") {
  const auto seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  std::mt19937_64 random(seed);
  const Case made = made_up(random, 300);
  const Aucell aucell(made.sets, made.selected, Ties::seeded);
  std::vector<std::vector<float>> alone, together(made.cells.size());
  for (const Row& row : made.cells) alone.push_back(scores_of(aucell, row, {3, 4}));
  std::vector<std::thread> threads;
  for (std::size_t thread = 0; thread < 3; ++thread)
    threads.emplace_back([&, thread] {
      for (std::size_t cell = thread; cell < made.cells.size(); cell += 3)
        together[cell] = scores_of(aucell, made.cells[cell], {3, 4});
    });
  for (auto& thread : threads) thread.join();
  CHECK(together == alone);
}

TEST_CASE("aucell: how many ranks count is rounded as Python does, less one") {
  CHECK(aucell_cutoff(20'000, 0.05) == 999);
  CHECK(aucell_cutoff(751, 0.05) == 37);  // 37.55
  CHECK(aucell_cutoff(50, 0.05) == 1);    // 2.5: to the even side
  CHECK(aucell_cutoff(70, 0.05) == 3);    // 3.5
  CHECK(aucell_cutoff(20, 0.05) == 0);
  CHECK_THROWS_WITH_AS(aucell_cutoff(10, 0.05), doctest::Contains("of 10 genes is no part of a ranking"), InputError);
  CHECK_THROWS_AS(aucell_cutoff(100, 1), InputError);
  CHECK_THROWS_AS(aucell_cutoff(0, 0.5), InputError);
  CHECK_THROWS_AS(aucell_cutoff(100, std::nan("")), InputError);
  const std::vector<std::uint8_t> selected = {1, 1, 0, 1};
  CHECK_THROWS_AS(Aucell(Sets{{0, 2}}, selected, Ties::expected, 0.5), BugError);
}
