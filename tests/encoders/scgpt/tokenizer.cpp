// From cells to scGPT's tokens: order, cuts, samples, sums of duplicates.
#include "tokenizer.hpp"

#include <set>

#include "encoders/cells.hpp"

using cell2text::scgpt::Ties;
using cell2text::scgpt::Tokenizer;
using cell2text::scgpt::TokenizerOptions;
using cell2text::scgpt::TokenRows;
using cell2text::scgpt::Vocabulary;
namespace test = cell2text::test;

namespace {

/// Genes G0, G1, ... with tokens 0, 1, ...; <pad>, <cls> and <eoc> after them.
std::shared_ptr<const Vocabulary> genes_to(std::int64_t count) {
  const test::TemporaryFolder folder;
  nlohmann::json json;
  for (std::int64_t i = 0; i < count; ++i) json["G" + std::to_string(i)] = i;
  test::write_json(folder / "vocab.json", json);
  return std::make_shared<const Vocabulary>(Vocabulary::open(folder / "vocab.json", ""));
}

std::shared_ptr<const cell2text::GeneTable> symbols(std::vector<std::string> names) {
  cell2text::GeneTable table;
  table.ids = std::move(names);
  table.kind = cell2text::GeneTable::Kind::symbol;
  return std::make_shared<const cell2text::GeneTable>(std::move(table));
}

struct Written {
  std::vector<std::vector<std::int64_t>> ids;
  std::vector<std::vector<float>> values;
  std::vector<std::int64_t> known;
};

Written written(const Tokenizer& tokenizer, const cell2text::CellBatch& cells) {
  const std::int64_t width = tokenizer.width_of(cells);
  std::vector<std::int64_t> ids(static_cast<std::size_t>(width * cells.size()), -7);
  std::vector<float> values(ids.size(), -7);
  const auto out = tokenizer.tokenize(cells, {ids.data(), values.data(), width});
  Written all;
  all.known = out.known_genes;
  for (std::size_t i = 0; i < out.lengths.size(); ++i) {
    const auto begin = static_cast<std::ptrdiff_t>(i) * width, end = begin + out.lengths[i];
    all.ids.emplace_back(ids.begin() + begin, ids.begin() + end);
    all.values.emplace_back(values.begin() + begin, values.begin() + end);
  }
  return all;
}

cell2text::CellBatch many_genes(std::size_t count) {
  std::vector<std::string> names;
  std::vector<float> counts;
  for (std::size_t i = 0; i < count; ++i)
    names.push_back("G" + std::to_string(i)), counts.push_back(static_cast<float>(i + 1));
  return test::cells_of(symbols(names), {counts, counts});
}

}  // namespace

TEST_CASE("scgpt tokens: <cls>, then known genes from the highest value down, with their bins") {
  TokenizerOptions options;
  options.bins = 4, options.ties = Ties::upper;
  const Tokenizer tokenizer(genes_to(4), options);
  const auto cells = test::cells_of(symbols({"G2", "x", "G0", "G1", "G3"}), {{1, 9, 3, 0, 2}, {0, 5, 0, 0, 0}});
  const Written all = written(tokenizer, cells);
  CHECK(all.ids == std::vector<std::vector<std::int64_t>>{{5, 0, 3, 2}, {5}});
  CHECK(all.values == std::vector<std::vector<float>>{{-2, 3, 2, 1}, {-2}});
  CHECK(all.known == std::vector<std::int64_t>{3, 0});
}

TEST_CASE("scgpt tokens: columns of one gene are summed") {
  TokenizerOptions options;
  options.bins = 3;
  const Tokenizer tokenizer(genes_to(2), options);
  const Written all = written(tokenizer, test::cells_of(symbols({"G0", "G1", "G0"}), {{2, 3, 2}}));
  CHECK(all.ids[0] == std::vector<std::int64_t>{3, 0, 1});
  CHECK(all.known[0] == 2);
}

TEST_CASE("scgpt tokens: a cell of too many genes keeps the highest, binned among all") {
  TokenizerOptions options;
  options.max_tokens = 11;
  const Tokenizer tokenizer(genes_to(100), options);
  const Written all = written(tokenizer, many_genes(100));
  REQUIRE(all.ids[0].size() == 11);
  CHECK(all.known[0] == 100);
  for (std::int64_t i = 1; i <= 10; ++i) CHECK(all.ids[0][static_cast<std::size_t>(i)] == 100 - i);
  CHECK(all.values[0][1] == 50);
  CHECK(all.values[0][10] >= 45);
}

TEST_CASE("scgpt tokens: or a sample, the same for a cell in any batch and another for another seed") {
  TokenizerOptions options;
  options.max_tokens = 11, options.sample = true, options.seed = test::seed();
  INFO("seed " << options.seed);
  const Tokenizer tokenizer(genes_to(100), options);
  const Written all = written(tokenizer, many_genes(100));
  REQUIRE(all.ids[0].size() == 11);
  CHECK(std::set<std::int64_t>(all.ids[0].begin(), all.ids[0].end()).size() == 11);
  CHECK(std::is_sorted(all.ids[0].begin() + 1, all.ids[0].end(), std::greater()));
  CHECK(all.ids[0] != all.ids[1]);  // the chance of the same ten of a hundred is 6e-14
  auto alone = many_genes(100);
  alone.rows.erase(alone.rows.begin()), alone.names.erase(alone.names.begin());
  alone.row_starts = {100, 200};
  CHECK(written(tokenizer, alone).ids[0] == all.ids[1]);
  ++options.seed;
  CHECK(written(Tokenizer(genes_to(100), options), many_genes(100)).ids[0] != all.ids[0]);
}

TEST_CASE("scgpt tokens: each gene is sampled equally often") {
  constexpr int cells = 2000, genes = 40, kept = 10;
  TokenizerOptions options;
  options.max_tokens = kept + 1, options.sample = true, options.seed = test::seed();
  INFO("seed " << options.seed);
  const Tokenizer tokenizer(genes_to(genes), options);
  std::vector<std::vector<float>> rows(cells);
  for (auto& row : rows)
    for (int i = 0; i < genes; ++i) row.push_back(static_cast<float>(i + 1));
  std::vector<int> taken(genes);
  for (const auto& ids : written(tokenizer, test::cells_of(many_genes(genes).genes, rows)).ids)
    for (std::size_t i = 1; i < ids.size(); ++i) ++taken[static_cast<std::size_t>(ids[i])];
  for (const int count : taken) {  // binomial: 500 expected, deviation 19.4
    CHECK(count > 500 - 6 * 20);
    CHECK(count < 500 + 6 * 20);
  }
}

TEST_CASE("scgpt tokens: bins of random ties lie where the ties are, and depend on seed and cell alone") {
  TokenizerOptions options;
  options.ties = Ties::random, options.seed = test::seed();
  INFO("seed " << options.seed);
  const Tokenizer tokenizer(genes_to(60), options);
  const auto cells = test::cells_of(many_genes(60).genes, {std::vector<float>(60, 1), std::vector<float>(60, 1)});
  const Written all = written(tokenizer, cells);
  const std::set<float> bins(all.values[0].begin() + 1, all.values[0].end());
  CHECK(bins.size() > 20);
  CHECK(*bins.begin() >= 1);
  CHECK(*bins.rbegin() <= 50);
  CHECK(all.values[0] != all.values[1]);
  CHECK(written(tokenizer, cells).values == all.values);
}
