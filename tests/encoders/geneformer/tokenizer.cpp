// GeneTokenizer against small cases by hand, a slow statement of the ranking, and the recipe in numpy.
#include "tokenizer.hpp"

#include <algorithm>
#include <cmath>
#include <random>
#include <set>
#include <thread>

#include "cell2text/io/json.hpp"
#include "cell2text/io/tensors.hpp"
#include "encoders/cells.hpp"

using cell2text::CellBatch;
using cell2text::InputError;
using cell2text::TensorFiles;
using cell2text::geneformer::GeneDictionary;
using cell2text::geneformer::GeneTokenizer;
using cell2text::geneformer::RankedCells;
namespace test = cell2text::test;

namespace {

std::shared_ptr<const GeneDictionary> open(const std::filesystem::path& folder) {
  const auto mapping = folder / "ensembl_mapping_dict.json";
  return std::make_shared<const GeneDictionary>(
      GeneDictionary::open({folder / "token_dictionary.json",
                            folder / "gene_median_dictionary.json",
                            std::filesystem::exists(mapping) ? mapping : std::filesystem::path(),
                            {}}));
}

using Tokens = std::vector<std::int64_t>;

struct Ranked : RankedCells {
  std::int64_t width;
  Tokens tokens;  // rows of `width`
};

Ranked rank(const GeneTokenizer& tokenizer, const CellBatch& cells) {
  Ranked out;
  out.width = tokenizer.width_of(cells);
  out.tokens.resize(cells.size() * out.width, -7);
  static_cast<RankedCells&>(out) = tokenizer.tokenize(cells, out.tokens.data(), out.width);
  return out;
}

Tokens tokens_of(const Ranked& cells, std::size_t cell) {
  const auto row = cells.tokens.begin() + static_cast<std::int64_t>(cell) * cells.width;
  CHECK(std::all_of(row + cells.lengths[cell], row + cells.width, [](auto token) { return token == -7; }));
  return {row, row + cells.lengths[cell]};
}

}  // namespace

TEST_CASE("tokenizer: genes are ranked by count over median, framed, ties by column") {
  const test::TemporaryFolder folder;
  test::write_dictionaries(folder.path(), {1, 2, 4, 0.5});
  const GeneTokenizer tokenizer(open(folder.path()), {});
  const auto genes = test::ensembl_table({"ENSG3", "unknown", "ENSG0", "ENSG2", "ENSG1"});
  // values: ENSG3 2/.5, ENSG0 4/1, ENSG2 4/4, ENSG1 2/2
  const auto ranked = rank(tokenizer, test::cells_of(genes, {{2, 9, 4, 4, 2}, {0, 5, 0, 0, 0}, {0, 0, 0, 0, 1}}));
  CHECK(tokens_of(ranked, 0) == Tokens{2, 7, 4, 6, 5, 3});
  CHECK(tokens_of(ranked, 1) == Tokens{2, 3});
  CHECK(tokens_of(ranked, 2) == Tokens{2, 5, 3});
  CHECK(ranked.known_genes == std::vector<std::int64_t>{4, 0, 1});
}

TEST_CASE("tokenizer: a cut counts the frame, and known genes are counted before it") {
  const test::TemporaryFolder folder;
  test::write_dictionaries(folder.path(), {1, 1, 1, 1, 1});
  const auto genes = test::ensembl_table({"ENSG0", "ENSG1", "ENSG2", "ENSG3", "ENSG4"});
  const auto cells = test::cells_of(genes, {{1, 2, 3, 4, 5}});
  const auto framed = rank(GeneTokenizer(open(folder.path()), {true, 4}), cells);
  CHECK(framed.tokens == Tokens{2, 8, 7, 3});
  CHECK(framed.known_genes[0] == 5);
  CHECK(rank(GeneTokenizer(open(folder.path()), {false, 4}), cells).tokens == Tokens{8, 7, 6, 5});
}

TEST_CASE("tokenizer: explicit zeros and empty cells give no genes") {
  const test::TemporaryFolder folder;
  test::write_dictionaries(folder.path(), {1, 1});
  auto cells = test::cells_of(test::ensembl_table({"ENSG0", "ENSG1"}), {{1, 2}, {0, 0}});
  cells.counts[1] = 0;
  const auto ranked = rank(GeneTokenizer(open(folder.path()), {false, 100}), cells);
  CHECK(ranked.lengths == std::vector<std::int64_t>{1, 0});
  CHECK(ranked.known_genes == std::vector<std::int64_t>{1, 0});
}

TEST_CASE("tokenizer: columns of one gene are summed, and stand at the first that is expressed") {
  const test::TemporaryFolder folder;
  test::write_dictionaries(folder.path(), {1, 1, 1});
  test::write_json(folder / "ensembl_mapping_dict.json", {{"ENSG70", "ENSG0"}, {"ENSG71", "ENSG0"}});
  const auto genes = test::ensembl_table({"ENSG70.1", "ENSG1", "ENSG0", "ENSG2", "ENSG71"});
  const auto ranked = rank(GeneTokenizer(open(folder.path()), {false, 100}),
                           test::cells_of(genes, {{1, 3, 1, 2, 2}, {0, 3, 1, 3, 2}, {1, 1, 0, 2, 0}, {0, 3, 0, 1, 0}}));
  CHECK(tokens_of(ranked, 0) == Tokens{4, 5, 6});
  CHECK(tokens_of(ranked, 1) == Tokens{5, 4, 6});
  CHECK(tokens_of(ranked, 2) == Tokens{6, 4, 5});
  CHECK(tokens_of(ranked, 3) == Tokens{5, 6});
  CHECK(ranked.known_genes == std::vector<std::int64_t>{3, 3, 3, 2});
}

TEST_CASE("tokenizer: a frame that the dictionary does not have is refused") {
  const test::TemporaryFolder folder;
  test::write_dictionaries(folder.path(), {1}, false);
  CHECK_NOTHROW(GeneTokenizer(open(folder.path()), {false, 10}));
  const auto message = test::message_of<InputError>([&] { GeneTokenizer(open(folder.path()), {true, 10}); });
  CHECK(message.find("<cls>") != std::string::npos);
}

TEST_CASE("tokenizer: random cells of all sizes agree with a stable sort") {
  const auto seed = test::seed();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  const test::TemporaryFolder folder;
  std::vector<double> medians(3000);
  // over 60 orders of magnitude, so that all digits of the sort are in use
  for (double& median : medians) median = std::pow(10, std::uniform_real_distribution(-30.0, 30.0)(random));
  for (std::size_t i = 0; i < medians.size(); i += 3) medians[i] = 1;
  test::write_dictionaries(folder.path(), medians);
  std::vector<std::string> ids;
  for (std::size_t i = 0; i < medians.size(); ++i) ids.push_back("ENSG" + std::to_string(i));
  std::shuffle(ids.begin(), ids.end(), random);
  const auto genes = test::ensembl_table(ids);
  const GeneTokenizer tokenizer(open(folder.path()), {false, 1000});
  for (const double density : {0.001, 0.01, 0.016, 0.1, 0.5, 1.0}) {
    std::vector<std::vector<float>> counts(4, std::vector<float>(ids.size()));
    for (auto& row : counts)
      for (float& count : row)
        if (std::uniform_real_distribution()(random) < density) count = static_cast<float>(random() % 6);
    const auto ranked = rank(tokenizer, test::cells_of(genes, counts));
    for (std::size_t cell = 0; cell < counts.size(); ++cell) {
      std::vector<std::pair<float, std::int32_t>> expected;
      for (std::size_t column = 0; column < ids.size(); ++column) {
        const int gene = std::stoi(ids[column].substr(4));
        const double inverse = 1 / medians[gene];
        if (counts[cell][column] > 0)
          expected.emplace_back(static_cast<float>(counts[cell][column] * inverse), gene + 4);
      }
      std::ranges::stable_sort(expected, [](const auto& a, const auto& b) { return a.first > b.first; });
      Tokens tokens;
      for (const auto& [value, token] : expected) tokens.push_back(token);
      CHECK(ranked.known_genes[cell] == static_cast<std::int64_t>(tokens.size()));
      tokens.resize(std::min<std::size_t>(tokens.size(), 1000));
      CHECK(tokens_of(ranked, cell) == tokens);
    }
  }
}

TEST_CASE("tokenizer: a gene table is looked up once while it lives, also from several threads") {
  const test::TemporaryFolder folder;
  test::write_dictionaries(folder.path(), {1, 2, 3});
  const GeneTokenizer tokenizer(open(folder.path()), {});
  auto genes = test::ensembl_table({"ENSG0", "ENSG1"});
  const auto other = test::ensembl_table({"ENSG2", "x"});
  const auto columns = tokenizer.columns_of(genes);
  std::vector<std::thread> threads;
  std::vector<Tokens> results(4);
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&, i] {
      for (int k = 0; k < 50; ++k)
        results[i] = tokens_of(rank(tokenizer, test::cells_of(i % 2 ? genes : other, {{3, 1}})), 0);
    });
  for (auto& thread : threads) thread.join();
  CHECK(tokenizer.columns_of(genes) == columns);
  for (int i = 0; i < 4; ++i) CHECK(results[i] == (i % 2 ? Tokens{2, 4, 5, 3} : Tokens{2, 6, 3}));
  const std::weak_ptr<const cell2text::GeneTable> old = genes;
  genes.reset();
  CHECK(old.expired());  // the cache holds no table
  CHECK(tokenizer.columns_of(test::ensembl_table({"ENSG2"}))->num_known == 1);
}

namespace {

// At each rank the value must be the recipe's; where values tie, which gene stands there is free.
void check_against_recipe(const test::TemporaryFolder& folder, std::int64_t limit) {
  const auto files = TensorFiles::open(folder / "cells.safetensors");
  const auto counts = files.tensor("counts"), by_token = files.tensor("by_token"), values = files.tensor("values");
  const auto ids = cell2text::read_json(folder / "genes.json").get<std::vector<std::string>>();
  std::vector<std::vector<float>> rows;
  for (std::int64_t cell = 0; cell < counts.size(0); ++cell)
    rows.emplace_back(counts[cell].const_data_ptr<float>(), counts[cell].const_data_ptr<float>() + counts.size(1));
  const auto cells = test::cells_of(test::ensembl_table(ids), rows);
  const auto ranked = rank(GeneTokenizer(open(folder.path()), {true, limit + 2}), cells);
  std::int64_t compared = 0;
  for (std::int64_t cell = 0; cell < counts.size(0); ++cell) {
    const Tokens tokens = tokens_of(ranked, cell);
    REQUIRE(tokens.front() == 2);
    REQUIRE(tokens.back() == 3);
    CHECK(ranked.known_genes[cell] == files.tensor("known")[cell].item<std::int64_t>());
    const double* of_token = by_token[cell].const_data_ptr<double>();
    const double* at_rank = values[cell].const_data_ptr<double>();
    for (std::int64_t rank = 0; rank < values.size(1); ++rank) {
      const bool expected = at_rank[rank] > 0, found = rank + 2 < static_cast<std::int64_t>(tokens.size());
      REQUIRE(found == expected);
      if (!expected) break;
      CHECK(of_token[tokens[rank + 1]] == doctest::Approx(at_rank[rank]).epsilon(1e-6));
      ++compared;
    }
    CHECK(std::set<std::int64_t>(tokens.begin(), tokens.end()).size() == tokens.size());
  }
  CHECK(compared > 500);
}

}  // namespace

TEST_CASE("oracle: tokenizer: values at each rank are those of the recipe in numpy") {
  const auto seed = test::seed();
  INFO("seed " << seed);
  check_against_recipe(test::oracle("geneformer_tokens.py", seed, {"--limit", "100"}), 100);
}

TEST_CASE("oracle: tokenizer: real blood cells are ranked as by the recipe in numpy") {
  const auto data = test::source_dir() / "data/demo";
  check_against_recipe(test::oracle("geneformer_tokens.py", 0,
                                    {"--limit", "4094", "--cells", (data / "pbmc.h5ad").string(), "--dictionaries",
                                     (data / "genes").string()}),
                       4094);
}
