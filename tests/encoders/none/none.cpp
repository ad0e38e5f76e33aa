// Cells as text: which genes are told, in which order, and what is refused.
#include "none.hpp"

#include "cell2text/concepts.hpp"
#include "encoders/cells.hpp"

using cell2text::Context;
using cell2text::GeneTable;
using cell2text::GeneTokens;
using cell2text::InputError;
using cell2text::ModelContext;
using cell2text::Parameters;
using cell2text::none::None;
namespace test = cell2text::test;

static_assert(cell2text::Encoder<None>);

namespace {

None made(std::int64_t max_genes = 1000) {
  static const Context context;
  static Parameters parameters(torch::kCPU, torch::kFloat32, 1);
  static ModelContext model(context, parameters, torch::kCPU);
  return None({max_genes}, model);
}

std::shared_ptr<const GeneTable> named_genes() {
  return std::make_shared<const GeneTable>(
      GeneTable{{"ENSG1", "ENSG2", "ENSG3", "ENSG4"}, {"CD3D", "LYZ", "NKG7", "MS4A1"}});
}

std::string sentence(const GeneTokens& tokens, std::int64_t cell) {
  std::string text;
  for (std::int64_t i = 0; i < tokens.lengths[cell]; ++i)
    text += static_cast<char>(tokens.ids_BG[cell][i].item<std::int64_t>());
  return text;
}

}  // namespace

TEST_CASE("none: genes are told by their symbols, the highest count first, ties by column, and no others") {
  const auto tokens = made().tokenize(test::cells_of(named_genes(), {{1, 5, 0, 2}, {3, 3, 3, 0}, {0, 0, 0, 0}}));
  CHECK(sentence(tokens, 0) == "LYZ MS4A1 CD3D");
  CHECK(sentence(tokens, 1) == "CD3D LYZ NKG7");
  CHECK(sentence(tokens, 2) == "");
  CHECK((tokens.known_genes == std::vector<std::int64_t>{3, 3, 0}));
  CHECK(sentence(made(2).tokenize(test::cells_of(named_genes(), {{1, 5, 0, 2}})), 0) == "LYZ MS4A1");
  CHECK(made().tokenize(test::cells_of(named_genes(), {})).size() == 0);
}

TEST_CASE("none: a file of symbols tells them as they stand, one of Ensembl ids alone is refused") {
  GeneTable symbols{{"A", "B"}, {}, GeneTable::Kind::symbol}, ids{{"ENSG1", "ENSG2"}, {}};
  CHECK(sentence(made().tokenize(test::cells_of(std::make_shared<const GeneTable>(symbols), {{1, 2}})), 0) == "B A");
  CHECK(test::has(test::message_of<InputError>([&] {
                    made().tokenize(test::cells_of(std::make_shared<const GeneTable>(ids), {{1, 2}}));
                  }),
                  "no gene symbols"));
  CHECK((made().known(ids) == std::vector<bool>{true, true}));
  CHECK_FALSE(made().needs_counts());
}

TEST_CASE("none: what asks for embeddings is told that there are none") {
  CHECK(test::has(test::message_of<InputError>([] { made().encode({}); }), "needs another encoder"));
}
