#include "cell2text/dataset/variable_genes.hpp"

#include <doctest/doctest.h>

#include <map>
#include <numeric>

#include "core/dataset/counts.hpp"
#include "support/oracle.hpp"

using namespace cell2text;
using namespace cell2text::dataset;
using test::says;

namespace {

using Rows = std::vector<std::vector<float>>;

GeneMoments moments_of(const Rows& rows, std::int64_t genes) {
  GeneMoments moments(genes);
  const CellBatch batch = test::batch_of(rows, genes);
  moments.add(batch, batch.totals);
  return moments;
}

VariableGenes top_genes(const Rows& rows, std::int64_t genes, std::int64_t top) {
  return variable_genes(moments_of(rows, genes), {.top = top});
}

std::string refusal(const auto& f) {
  try {
    f();
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("moments: mean and variance are those of the normalised counts, computed in two passes") {
  const auto seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  std::mt19937_64 random(seed);
  const std::int64_t genes = 60;
  Rows rows = test::made_up_counts(random, 80, genes);
  rows.emplace_back(genes);                // a cell without counts is a cell
  rows[3][5] = 2.5F, rows[4][5] = 300000;  // neither small nor whole
  const GeneMoments moments = moments_of(rows, genes);
  CHECK(moments.cells() == 81);
  for (std::int64_t gene = 0; gene < genes; ++gene) {
    std::vector<double> values;
    for (const auto& row : rows) {
      const double total = std::accumulate(row.begin(), row.end(), 0.0);
      values.push_back(total > 0 ? row[gene] / total * 1e4 : 0);
    }
    const double mean = std::accumulate(values.begin(), values.end(), 0.0) / 81;
    double squares = 0;
    for (const double value : values) squares += (value - mean) * (value - mean);
    CHECK(moments.mean(gene) == doctest::Approx(mean).epsilon(1e-6));
    CHECK(moments.variance(gene) == doctest::Approx(squares / 80).epsilon(3e-6));
  }
}

TEST_CASE("moments: the same bits for any order of the cells, in any number of parts, with stored zeros or without") {
  const auto seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  std::mt19937_64 random(seed);
  const std::int64_t genes = 50;
  const Rows rows = test::made_up_counts(random, 90, genes);
  const CellBatch batch = test::batch_of(rows, genes);
  const GeneMoments whole = moments_of(rows, genes);
  std::vector<std::int32_t> all(genes);
  std::iota(all.begin(), all.end(), 0);
  for (const int parts : {1, 3, 7}) {
    std::vector<std::int64_t> order(rows.size());
    std::iota(order.begin(), order.end(), 0);
    for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random() % i]);
    std::vector<GeneMoments> sums(parts, GeneMoments(genes));
    for (std::size_t i = 0; i < order.size(); ++i) {
      const double total = row_total(batch.counts_of(order[i]));
      CHECK(total == batch.totals[order[i]]);
      sums[i % parts].add(all, rows[order[i]], total);
    }
    for (int part = 1; part < parts; ++part) sums[0].merge(sums[part]);
    REQUIRE(sums[0].cells() == whole.cells());
    for (std::int64_t gene = 0; gene < genes; ++gene) {
      CHECK(sums[0].mean(gene) == whole.mean(gene));
      CHECK(sums[0].variance(gene) == whole.variance(gene));
    }
  }
}

TEST_CASE("moments: other genes, cells or totals are a fault of the caller") {
  const CellBatch batch = test::batch_of({{1, 2}, {0, 1}}, 2);
  GeneMoments moments(2);
  CHECK_THROWS_AS(GeneMoments(3).add(batch, batch.totals), BugError);
  CHECK_THROWS_AS(moments.add(batch, std::span(batch.totals).first(1)), BugError);
  CHECK_THROWS_AS(moments.merge(GeneMoments(3)), BugError);
  CHECK_THROWS_AS(moments.merge(GeneMoments(2, 1e6)), BugError);
  CHECK(moments.cells() == 0);
}

TEST_CASE("log-normalised counts: the logarithm of counts per ten thousand plus one; no counts are zeros") {
  const std::vector<float> counts = {1, 0, 3, 0.5F};
  const auto values = log_normalise(counts, 8);
  REQUIRE(values.size() == 4);
  for (std::size_t i = 0; i < 4; ++i)
    CHECK(values[i] == doctest::Approx(std::log1p(counts[i] / 8 * 1e4)).epsilon(1e-6));
  CHECK(log_normalise(std::vector<float>{0, 0}, 0) == std::vector<float>{0, 0});
  CHECK(log_normalise(counts, 8, 1e6)[0] == doctest::Approx(std::log1p(1e6 / 8)).epsilon(1e-6));
}

TEST_CASE("variable genes: by the definition, bin by bin") {
  const auto seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  std::mt19937_64 random(seed);
  const std::int64_t genes = 400;
  const auto moments = moments_of(test::made_up_counts(random, 60, genes), genes);
  const VariableGenes found = variable_genes(moments, {.top = 50});
  const auto [least, most] = std::ranges::minmax(found.mean);
  std::map<int, std::vector<std::int64_t>> bins;
  for (std::int64_t gene = 0; gene < genes; ++gene) {
    CHECK(found.mean[gene] == doctest::Approx(std::log1p(moments.mean(gene))));
    const double place = std::ceil((found.mean[gene] - least) / (most - least) * 20);
    if (moments.mean(gene) > 0) bins[std::max(1, static_cast<int>(place))].push_back(gene);
    if (moments.mean(gene) == 0) CHECK(std::isnan(found.normalised_dispersion[gene]));
  }
  int alone = 0;
  for (const auto& [bin, members] : bins) {
    double mean = 0, squares = 0;
    for (const auto gene : members) mean += found.dispersion[gene] / static_cast<double>(members.size());
    for (const auto gene : members) squares += std::pow(found.dispersion[gene] - mean, 2);
    for (const auto gene : members) {
      CHECK(found.dispersion[gene] == doctest::Approx(std::log(moments.variance(gene) / moments.mean(gene))));
      const double deviation = std::sqrt(squares / static_cast<double>(members.size() - 1));
      const double expected = members.size() == 1 ? 1 : (found.dispersion[gene] - mean) / deviation;
      CHECK(found.normalised_dispersion[gene] == doctest::Approx(expected));
    }
    alone += members.size() == 1;
  }
  MESSAGE(bins.size() << " bins with genes, " << alone << " of them with one");
  CHECK(found.num_selected() >= 50);  // genes alone in their bins tie, at 1
  CHECK(found.num_selected() < 70);
}

TEST_CASE("variable genes: the order of the genes does not matter, nor that of the cells") {
  const auto seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  std::mt19937_64 random(seed);
  const std::int64_t genes = 300;
  Rows rows = test::made_up_counts(random, 50, genes);
  const VariableGenes before = top_genes(rows, genes, 40);
  std::vector<std::int64_t> order(genes);
  std::iota(order.begin(), order.end(), 0);
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random() % i]);
  Rows turned = rows;
  for (std::size_t cell = 0; cell < rows.size(); ++cell)
    for (std::int64_t gene = 0; gene < genes; ++gene) turned[cell][gene] = rows[rows.size() - 1 - cell][order[gene]];
  const VariableGenes after = top_genes(turned, genes, 40);
  double least = std::numeric_limits<double>::infinity();
  for (std::int64_t gene = 0; gene < genes; ++gene)
    if (before.highly_variable[gene]) least = std::min(least, before.normalised_dispersion[gene]);
  for (std::int64_t gene = 0; gene < genes; ++gene) {
    CHECK(after.mean[gene] == before.mean[order[gene]]);
    const double expected = before.normalised_dispersion[order[gene]];
    if (!std::isnan(expected)) CHECK(after.normalised_dispersion[gene] == doctest::Approx(expected).epsilon(1e-9));
    if (std::abs(expected - least) < 1e-9) continue;  // sums of a bin round by the order of its genes
    CHECK(after.highly_variable[gene] == before.highly_variable[order[gene]]);
  }
}

TEST_CASE("variable genes: those that tie with the last are selected too, and genes that do not vary never") {
  const auto seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  std::mt19937_64 random(seed);
  Rows rows = test::made_up_counts(random, 40, 100);
  for (auto& row : rows) {
    const std::vector<float> once = row;
    row.insert(row.end(), once.begin(), once.end());  // every gene has a twin
  }
  const VariableGenes odd = top_genes(rows, 200, 31);
  CHECK(odd.num_selected() >= 32);
  std::vector<double> numbers;
  for (const double x : odd.normalised_dispersion)
    if (!std::isnan(x)) numbers.push_back(x);
  std::ranges::sort(numbers, std::greater{});
  CHECK(odd.num_selected() == std::ranges::count_if(numbers, [&](double x) { return x >= numbers[30]; }));
  for (int gene = 0; gene < 100; ++gene) CHECK(odd.highly_variable[gene] == odd.highly_variable[gene + 100]);
  const VariableGenes all = top_genes(rows, 200, 40'000);
  for (int gene = 0; gene < 200; ++gene) {
    CHECK(all.highly_variable[gene] == !std::isnan(all.normalised_dispersion[gene]));
    if (gene % 100 % 9 == 0) CHECK(!all.highly_variable[gene]);
  }
}

TEST_CASE("variable genes: within bounds, where no number of genes is given") {
  const auto seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  std::mt19937_64 random(seed);
  const auto moments = moments_of(test::made_up_counts(random, 50, 500), 500);
  const VariableGenesOptions options{
      .top = std::nullopt, .min_mean = 1, .max_mean = 4, .min_dispersion = 0.2, .max_dispersion = 2};
  const VariableGenes found = variable_genes(moments, options);
  for (int gene = 0; gene < 500; ++gene) {
    const double dispersion = found.normalised_dispersion[gene];
    const bool within = found.mean[gene] > 1 && found.mean[gene] < 4 && dispersion > 0.2 && dispersion < 2;
    CHECK(found.highly_variable[gene] == within);
  }
  CHECK(found.num_selected() > 0);
  CHECK(found.num_selected() < 500);
}

TEST_CASE("variable genes: what cannot be chosen from is refused") {
  CHECK(says(refusal([] { variable_genes(GeneMoments(5)); }), "5 genes of 0 cells"));
  CHECK(says(refusal([] { top_genes({{}, {}}, 0, 5); }), "0 genes of 2 cells"));
  CHECK(says(refusal([] { top_genes({{1, 2}, {2, 1}}, 2, 0); }), "at least 1 is expected"));
  CHECK(says(refusal([] { top_genes({{1, 2, 0}}, 3, 5); }), "none of the 3 genes varies among the 1 cells"));
  CHECK(says(refusal([] { top_genes({{0, 0}, {0, 0}}, 2, 5); }), "none of the 2 genes varies"));
  const VariableGenes bounds = variable_genes(moments_of({{0, 0}, {0, 0}}, 2), {.top = std::nullopt});
  CHECK(bounds.num_selected() == 0);  // scanpy too refuses only where a number of genes is asked for
}
