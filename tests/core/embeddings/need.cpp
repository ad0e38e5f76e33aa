// What a run says it will need, against what it then takes.
#include "cell2text/embeddings/need.hpp"

#include "support/gru_decoder.hpp"
#include "support/oracle.hpp"
#include "support/toy_model.hpp"

using cell2text::embedding_need;
using cell2text::EmbeddingCache;
using cell2text::EmbeddingNeed;
using cell2text::GeneEmbeddings;
using cell2text::GeneTokens;
using cell2text::Model;
namespace test = cell2text::test;

namespace {

/// The toy with a token before and one after each cell, and one vector per cell where asked.
class FramedEncoder : public test::ToyEncoder {
 public:
  struct Settings : test::ToyEncoder::Settings {
    bool pooled = false;
    static void describe(auto& s) { s.field("pooled", &Settings::pooled, {.help = "one vector per cell"}); }
  };
  FramedEncoder(const Settings& settings, cell2text::ModelContext& context)
      : ToyEncoder(wide(settings), context), pooled_(settings.pooled) {}

  GeneTokens tokenize(const cell2text::CellBatch& cells) const {
    GeneTokens tokens = ToyEncoder::tokenize(cells);
    tokens.ids_BG = torch::cat({tokens.ids_BG, torch::zeros({tokens.size(), 2}, torch::kInt64)}, 1);
    for (auto& length : tokens.lengths) length += 2;
    tokens.special_tokens = 2;
    return tokens;
  }
  GeneEmbeddings encode(const GeneTokens& tokens) const {
    GeneEmbeddings all = ToyEncoder::encode(tokens);
    for (auto& length : all.lengths) length = pooled_ ? 1 : length - 2;
    all.values_BGE = all.values_BGE.narrow(1, 0, pooled_ ? 1 : all.values_BGE.size(1) - 2);
    return all;
  }

 private:
  static Settings wide(Settings settings) {
    settings.width = 300;
    return settings;
  }
  bool pooled_;
};

Model framed_model(bool pooled) {
  Model model = test::toy_model<test::GruDecoder>(1);
  cell2text::Value settings;
  settings.set("pooled", {pooled, {}});
  model.encoder_parameters = std::make_unique<cell2text::Parameters>(torch::kCPU, torch::kFloat32, 1);
  model.encoder = std::make_unique<cell2text::EncoderHandle>(
      test::toy_part<cell2text::kinds::encoder, FramedEncoder>(settings, *model.encoder_parameters));
  return model;
}

}  // namespace

TEST_CASE("embedding need: what is estimated from all cells is what is then stored, to the byte") {
  const auto seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  std::mt19937_64 random(seed);
  for (const bool pooled : {false, true})
    for (const std::int64_t most : {4096, 12, 3}) {
      CAPTURE(pooled);
      CAPTURE(most);
      const test::TemporaryFolder folder;
      Model model = framed_model(pooled);
      model.max_genes = most;
      model.cache = std::make_shared<EmbeddingCache>(
          cell2text::EmbeddingCacheOptions{folder.path(), std::int64_t{1} << 40, "toy", torch::kCPU, {}});
      std::vector<std::int64_t> expressed, rows;
      for (std::int64_t row = 0; row < 30; ++row) {
        expressed.push_back(static_cast<std::int64_t>(6 + random() % 30));
        rows.push_back(row);
      }
      const cell2text::SourceHandle source = test::toy_source(expressed);
      const EmbeddingNeed before = embedding_need(source, model, rows);
      CHECK(before.cells == 30);
      CHECK(before.sampled == 30);
      CHECK(before.present == 0);
      CHECK(before.width == 300);
      CHECK(before.missing_bytes == before.bytes);
      CHECK(before.free_bytes > 0);
      CHECK(before.limit == static_cast<double>(std::int64_t{1} << 40));
      CHECK(before.fits_limit());
      CHECK(model.cache->counts().computed == 0);  // the look at one cell is not counted
      GeneEmbeddings genes;
      for (const std::int64_t row : rows) genes = model.encode(test::toy_tokens(model, source, {row}));
      // Rows of equal tokens share an entry; the toy's do not unless they are the same columns.
      CHECK(static_cast<double>(model.cache->folder().bytes()) == before.bytes);
      const EmbeddingNeed after = embedding_need(source, model, rows);
      CHECK(after.present == 30);
      CHECK(after.bytes == before.bytes);
      CHECK(after.missing_bytes == 0);
      CHECK(after.fits_disk());
      CHECK(after.genes == before.genes);
    }
}

TEST_CASE("embedding need: a sample of some stands for all") {
  const test::TemporaryFolder folder;
  Model model = framed_model(false);
  model.cache = std::make_shared<EmbeddingCache>(
      cell2text::EmbeddingCacheOptions{folder.path(), 1 << 20, "toy", torch::kCPU, {}});
  std::vector<std::int64_t> expressed, rows;
  for (std::int64_t row = 0; row < 300; ++row) {
    expressed.push_back(10 + row % 20);
    rows.push_back(row);
  }
  const cell2text::SourceHandle source = test::toy_source(expressed);
  const EmbeddingNeed all = embedding_need(source, model, rows, 300), some = embedding_need(source, model, rows, 100);
  CHECK(some.sampled == 100);
  CHECK(some.cells == 300);
  CHECK(some.bytes == doctest::Approx(all.bytes).epsilon(0.1));
  CHECK(some.genes == doctest::Approx(all.genes).epsilon(0.1));
  CHECK(!all.fits_limit());  // 300 cells of about 24 kB
  CHECK(embedding_need(source, model, {}).bytes == 0);
  const EmbeddingNeed huge{.cells = 1, .missing_bytes = 2e18, .free_bytes = 1e18};
  CHECK(!huge.fits_disk());
}

TEST_CASE("embedding need: cells without a known gene need no encoder to be estimated") {
  const test::TemporaryFolder folder;
  Model model = test::toy_model<test::GruDecoder>(1);
  model.cache = std::make_shared<EmbeddingCache>(
      cell2text::EmbeddingCacheOptions{folder.path(), 1 << 20, "toy", torch::kCPU, {}});
  const cell2text::SourceHandle source = test::toy_source({-1, -1});
  const EmbeddingNeed need = embedding_need(source, model, {0, 1});
  CHECK(need.genes == 0);
  CHECK(need.bytes == 2 * 4096);
}
