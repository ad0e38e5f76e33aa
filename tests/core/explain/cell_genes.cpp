// Which gene a token is of, found by letting the encoder read each gene by itself.
#include "cell2text/explain/cell_genes.hpp"

#include <doctest/doctest.h>

#include <functional>

#include "support/toy_cells.hpp"

using namespace cell2text;

namespace {

enum class Manner { framed, merging, doubling, counting };

/// Tokens in reverse order between special tokens, if `framed`; of two columns one token, if `merging`; of each gene
/// two tokens, if `doubling`; tokens that depend on how many there are, if `counting`.
template <Manner manner>
class OddEncoder {
 public:
  struct Settings {
    static void describe(auto&) {}
  };
  OddEncoder(const Settings&, ModelContext&) {}
  GeneTokens tokenize(const CellBatch& cells) const {
    std::vector<std::vector<std::int64_t>> all;
    GeneTokens tokens;
    if (manner == Manner::framed) tokens.first_gene = 1, tokens.special_tokens = 2;
    std::size_t longest = 0;
    for (std::int64_t cell = 0; cell < cells.size(); ++cell) {
      std::vector<std::int64_t> ids;
      for (const std::int32_t column : cells.columns_of(cell)) {
        const std::int64_t id = manner == Manner::merging    ? column / 2
                                : manner == Manner::counting ? column + 100 * std::ssize(cells.columns_of(cell))
                                                             : column;
        if (manner == Manner::doubling) ids.push_back(id);
        if (column < 40 && std::ranges::count(ids, id) < (manner == Manner::doubling ? 2 : 1)) ids.push_back(id);
      }
      if (manner == Manner::framed) {
        std::ranges::reverse(ids);
        ids.insert(ids.begin(), 900), ids.push_back(901);
      }
      tokens.lengths.push_back(std::ssize(ids));
      tokens.known_genes.push_back(std::ssize(ids) - tokens.special_tokens);
      longest = std::max(longest, ids.size());
      all.push_back(std::move(ids));
    }
    tokens.ids_BG = torch::zeros({cells.size(), static_cast<std::int64_t>(longest)}, torch::kInt64);
    for (std::size_t b = 0; b < all.size(); ++b)
      for (std::size_t g = 0; g < all[b].size(); ++g)
        tokens.ids_BG[static_cast<std::int64_t>(b)][static_cast<std::int64_t>(g)] = all[b][g];
    return tokens;
  }
  GeneEmbeddings encode(const GeneTokens& tokens) const {
    return {torch::zeros({tokens.size(), tokens.ids_BG.size(1), 2}), tokens.lengths};
  }
  std::int64_t width() const { return 2; }
  void save(const std::filesystem::path&) const {}
};

struct Made {
  Parameters parameters{torch::kCPU, torch::kFloat32, 1};
  EncoderHandle encoder;
  CellBatch cell;
  template <class P>
  static Made of(std::int64_t row, std::int64_t genes) {
    return Made(std::type_identity<P>{}, row, genes);
  }

 private:
  template <class P>
  Made(std::type_identity<P>, std::int64_t row, std::int64_t genes)
      : encoder(test::toy_part<kinds::encoder, P>({}, parameters)),
        cell(test::toy_source(std::vector<std::int64_t>(static_cast<std::size_t>(row) + 1, genes))
                 .read(std::vector{row})) {}
};

std::vector<CellGene> genes_of(const Made& made, std::int64_t count, std::int64_t max_genes = 100) {
  return cell_genes(made.encoder, made.cell, made.encoder.tokenize(made.cell), count, max_genes);
}

}  // namespace

TEST_CASE("cell genes: in the order of the tokens, special ones left out, as many as are wanted") {
  const Made made = Made::of<OddEncoder<Manner::framed>>(3, 4);  // columns 3 to 6, each counted twice
  const auto genes = genes_of(made, 4);
  REQUIRE(genes.size() == 4);
  for (std::int32_t g = 0; g < 4; ++g) {
    CHECK(genes[g].columns == std::vector{6 - g});
    CHECK(genes[g].count == 2);
  }
  const auto first = genes_of(made, 2, 2);
  REQUIRE(first.size() == 2);
  CHECK(first[1].columns == std::vector{5});
}

TEST_CASE("cell genes: a gene that the encoder does not know is nobody's") {
  Made made = Made::of<test::ToyEncoder>(0, 3);
  made.cell.columns.push_back(40), made.cell.counts.push_back(5), made.cell.row_starts.back() = 4;
  CHECK(genes_of(made, 3).size() == 3);
}

TEST_CASE("cell genes: columns that the encoder takes for one gene are one, with the counts of both") {
  const Made made = Made::of<OddEncoder<Manner::merging>>(3, 4);  // 3 | 4 5 | 6
  const auto genes = genes_of(made, 3);
  REQUIRE(genes.size() == 3);
  CHECK(genes[1].columns == std::vector{4, 5});
  CHECK(genes[1].count == 4);
  const CellBatch rest = without_columns(made.cell, genes[1].columns);
  CHECK(rest.columns == std::vector{3, 6});
  CHECK(rest.counts == std::vector{2.F, 2.F});
  CHECK(rest.totals == std::vector{4.0});
  CHECK(rest.row_starts == std::vector<std::int64_t>{0, 2});
}

TEST_CASE("cell genes: encoders whose tokens are not genes are refused") {
  CHECK_THROWS_WITH_AS(genes_of(Made::of<OddEncoder<Manner::doubling>>(0, 3), 6),
                       doctest::Contains("2 tokens of the gene 'ENSG0'"), InputError);
  CHECK_THROWS_WITH_AS(genes_of(Made::of<OddEncoder<Manner::counting>>(0, 3), 3),
                       doctest::Contains("a token in this cell that none of its genes alone gets"), InputError);
  CHECK_THROWS_WITH_AS(genes_of(Made::of<test::ToyEncoder>(0, 3), 1),
                       doctest::Contains("gives 1 vectors for a cell of 3 genes"), InputError);
}
