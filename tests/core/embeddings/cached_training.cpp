// Training with a cache of embeddings: the same, to the bit, as without.
#include "cell2text/embedding_cache.hpp"
#include "cell2text/train/trainer.hpp"
#include "support/gru_decoder.hpp"
#include "support/oracle.hpp"
#include "support/toy_model.hpp"

using cell2text::EmbeddingCache;
using cell2text::EmbeddingCacheOptions;
using cell2text::GeneTokens;
using cell2text::Model;
using cell2text::Tensor;
using cell2text::Trainer;
using cell2text::TrainingSettings;
namespace test = cell2text::test;

namespace {

struct Course {
  std::vector<double> losses;
  std::vector<Tensor> weights;
};

/// Trains the toy for three epochs, with dropout and validation, from a fresh start.
Course train(const std::shared_ptr<EmbeddingCache>& cache) {
  const test::TemporaryFolder folder;
  cell2text::Value decoder, adapter;
  adapter.set("dropout", {0.2, {}});
  Model model = test::toy_model<test::GruDecoder>(4, decoder, adapter);
  model.max_genes = 5;
  model.cache = cache;
  std::vector<std::int64_t> expressed, rows, held_out;
  for (std::int64_t row = 0; row < 22; ++row) {
    expressed.push_back(1 + row % 9);
    (row < 17 ? rows : held_out).push_back(row);
  }
  const cell2text::SourceHandle source = test::toy_source(expressed);
  TrainingSettings settings;
  settings.epochs = 3, settings.batch_size = 4, settings.learning_rate = 3e-2, settings.length_window = 2;
  Course course;
  cell2text::TrainingObserver observer;
  observer.epoch = [&](const cell2text::EpochReport& report) { course.losses.push_back(*report.validation_loss); };
  const auto text = [](std::int64_t row) { return std::vector<std::int64_t>{2 + row / 6, 8 + row % 3, 0}; };
  const auto summary =
      Trainer(model, settings, 3, folder / "checkpoints").run({source, text, rows, held_out}, observer);
  course.losses.insert(course.losses.end(), summary.losses.begin(), summary.losses.end());
  for (auto* set : {model.adapter_parameters.get(), model.decoder_parameters.get()})
    for (const auto& parameter : set->list()) course.weights.push_back(parameter.value.detach().clone());
  return course;
}

}  // namespace

TEST_CASE("embedding cache: training with it gives the losses and weights of training without it, bit for bit") {
  const test::TemporaryFolder folder;
  const Course without = train(nullptr);
  const auto check = [&](std::int64_t found, std::int64_t computed, std::int64_t limit) {
    const auto cache =
        std::make_shared<EmbeddingCache>(EmbeddingCacheOptions{folder.path(), limit, "toy", torch::kCPU, {}});
    const Course with = train(cache);
    CHECK(with.losses == without.losses);
    REQUIRE(with.weights.size() == without.weights.size());
    for (std::size_t i = 0; i < with.weights.size(); ++i) CHECK(torch::equal(with.weights[i], without.weights[i]));
    if (found >= 0) CHECK(cache->counts().found == found);
    if (computed >= 0) CHECK(cache->counts().computed == computed);
  };
  check(44, 22, 1 << 24);
  check(66, 0, 1 << 24);    // a second run
  check(-1, -1, 8 * 4096);  // and one that drops most of them again and again
}

TEST_CASE("embedding cache: a model asks it only while its encoder is frozen") {
  const test::TemporaryFolder folder;
  Model model = test::toy_model<test::GruDecoder>(4);
  model.cache = std::make_shared<EmbeddingCache>(EmbeddingCacheOptions{folder.path(), 1 << 24, "toy", torch::kCPU, {}});
  const cell2text::SourceHandle source = test::toy_source({3, 4});
  const GeneTokens tokens = test::toy_tokens(model, source, {0, 1});
  model.encoder_frozen = false;
  model.encode(tokens);
  CHECK(model.cache->counts().computed == 0);
  model.encoder_frozen = true;
  CHECK(!model.encode(tokens).values_BGE.requires_grad());
  CHECK(!model.encode(tokens).values_BGE.requires_grad());
  CHECK(model.cache->counts().computed == 2);
  CHECK(model.cache->counts().found == 2);
}
