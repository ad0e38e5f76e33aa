// What the cache stands on: on a CPU, an encoder gives a cell the same bits in any batch.
#include "cell2text/cells/cell_loader.hpp"
#include "cell2text/embedding_level.hpp"
#include "cell2text/nn/bert.hpp"
#include "entries.hpp"

using cell2text::BertConfig;
using cell2text::BertEncoder;
using cell2text::EmbeddingLevel;
using cell2text::GeneEmbeddings;
using cell2text::GeneTokens;
namespace test = cell2text::test;

TEST_CASE("embedding cache: what it keeps does not depend on the batch that it was computed in") {
  const auto seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  std::mt19937_64 random(seed);
  torch::NoGradGuard no_grad;
  for (int round = 0; round < 12; ++round) {
    BertConfig config;
    config.heads = static_cast<std::int64_t>(1 + random() % 4);
    config.width = config.heads * 8 * static_cast<std::int64_t>(1 + random() % 4);
    config.feed_forward = 3 * config.width;
    config.vocabulary_size = 50, config.max_positions = 80, config.layers = 2;
    cell2text::Parameters parameters(torch::kCPU, torch::kFloat32, seed);
    const BertEncoder bert(parameters, config, 2);
    for (auto& parameter : parameters.list()) parameter.value = torch::randn_like(parameter.value) * 0.3;
    GeneTokens tokens;
    const bool framed = round % 2;
    tokens.first_gene = framed, tokens.special_tokens = 2 * tokens.first_gene;
    for (int b = 0; b < 6; ++b) {
      tokens.lengths.push_back(static_cast<std::int64_t>(random() % 76) + tokens.special_tokens);
      tokens.known_genes.push_back(tokens.lengths.back() - tokens.special_tokens);
    }
    tokens.ids_BG = torch::randint(0, 50, {6, std::ranges::max(tokens.lengths)}, torch::kInt64);
    if (round % 3) tokens.wanted_genes = static_cast<std::int64_t>(1 + random() % 40);
    if (round % 4 == 1) tokens.wanted_genes = std::max<std::int64_t>(tokens.known_genes[random() % 6], 1);
    for (const auto level : {EmbeddingLevel::gene, EmbeddingLevel::mean, EmbeddingLevel::cls}) {
      if (level == EmbeddingLevel::cls && !framed) continue;
      CAPTURE(static_cast<int>(level));
      CAPTURE(framed);
      const auto encode = [&](const GeneTokens& cells) {
        return cell2text::encode_at_level(cells, {level, config.width, torch::kCPU}, [&](std::int64_t wanted) {
          return bert.forward(cells.ids_BG, cells.lengths, false, wanted);
        });
      };
      const GeneEmbeddings all = encode(tokens);
      for (std::int64_t b = 0; b < 6; ++b) {
        std::vector<std::int64_t> chosen{b, static_cast<std::int64_t>(random() % 6)};
        if (random() % 2) chosen.pop_back();
        const GeneEmbeddings some = encode(cell2text::loader_detail::select(tokens, chosen));
        REQUIRE(some.lengths[0] == all.lengths[b]);
        CHECK(torch::equal(some.values_BGE[0].narrow(0, 0, some.lengths[0]),
                           all.values_BGE[b].narrow(0, 0, all.lengths[b])));
      }
    }
  }
}
