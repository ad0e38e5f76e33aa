// Our side of the encoder rows of bench/run.py: from a file of cells to token batches, and on to embeddings, by the
// code that `cell2text` runs. Prints one JSON object. Knows nothing of the peer.
//
//   bench_encoders WHAT PLUGIN CHECKPOINT CELLS.h5ad REPEATS
//
//   encode    embeddings of all cells, 8 at a time
//   cache     the same with an embedding cache: a new one, then again
//   load      token batches from the file
//   tokenize  the same from memory, with BENCH_THREADS workers
//
// BENCH_THREADS is the number of threads (2).
#include <ATen/Parallel.h>
#include <unistd.h>

#include <cstdio>
#include <numeric>

#include "cell2text/cells/cell_loader.hpp"
#include "cell2text/embedding_cache.hpp"
#include "cell2text/embeddings/identity.hpp"
#include "cell2text/model_builder.hpp"
#include "process.hpp"
#include "stopwatch.hpp"

namespace {

using namespace cell2text;
using Json = nlohmann::ordered_json;

struct Bench {
  Registry registry;
  Host host{registry, {{}, 1, at::get_num_threads()}, torch::kCPU};
  Parameters parameters{torch::kCPU, torch::kFloat32, 1};
  std::unique_ptr<EncoderHandle> encoder;
  std::unique_ptr<SourceHandle> source;
  std::vector<std::int64_t> rows;

  Bench(const std::string& plugin, const std::string& checkpoint, const std::string& cells) {
    Value settings;
    settings.set("checkpoint", {checkpoint, {}});
    const PluginChoice choice{"encoder", plugin, settings, {}};
    encoder =
        std::make_unique<EncoderHandle>(model_builder_detail::build_part<kinds::encoder>(host, choice, parameters));
    encoder->set_training(false);
    Value place;
    place.set("path", {cells, {}});
    source = std::make_unique<SourceHandle>(
        registry.load("source", "h5ad").build<kinds::source>(place, {&host.context, nullptr, {}}));
    rows.resize(static_cast<std::size_t>(source->size()));
    std::iota(rows.begin(), rows.end(), 0);
  }
};

/// Sums of each cell's embedding, by row: what the peer must find too.
Json encode(const Bench& bench, EmbeddingCache* cache = nullptr) {
  const torch::NoGradGuard no_grad;
  CellLoader loader(*bench.source, *bench.encoder, bench.rows, {8, free_length_window, 0, false});
  std::vector<double> sums(bench.rows.size());
  std::int64_t tokens = 0, padded = 0;
  while (const auto batch = loader.next()) {
    const auto compute = [&](const GeneTokens& tokens) { return bench.encoder->encode(tokens); };
    const GeneEmbeddings genes = cache ? cache->encode(batch->tokens, compute) : compute(batch->tokens);
    for (std::size_t b = 0; b < batch->rows.size(); ++b) {
      const Tensor own = genes.values_BGE[static_cast<std::int64_t>(b)].narrow(0, 0, genes.lengths[b]);
      sums[static_cast<std::size_t>(batch->rows[b])] =
          own.abs().sum().item<double>() / static_cast<double>(own.numel());
      tokens += batch->tokens.lengths[b];
    }
    padded += batch->tokens.ids_BG.numel();
  }
  return {{"sums", sums}, {"tokens", tokens}, {"padded_tokens", padded}};
}

/// As two runs of an experiment: each opens the file of cells, the second finds what the first has stored.
Json cached(const Bench& bench, const std::string& plugin) {
  const auto folder = std::filesystem::temp_directory_path() / ("bench_encoders-" + std::to_string(getpid()));
  Json result{{"repeats", Json::array()}};
  for (const char* run : {"first", "second"}) {
    Stopwatch watch;
    const std::string identity = encoder_identity({plugin, {}, {}, torch::kCPU}, bench.parameters);
    EmbeddingCache cache({folder, std::int64_t{8} << 30, identity});
    const Json made = encode(bench, &cache);
    result[run] = watch.lap();
    if (result.contains("sums") && result["sums"] != made["sums"]) throw BugError("the cache changed an embedding");
    result["sums"] = made["sums"], result["tokens"] = made["tokens"];
  }
  std::filesystem::remove_all(folder);
  return result;
}

Json load(const Bench& bench) {
  CellLoader loader(*bench.source, *bench.encoder, bench.rows, {8, free_length_window, 0, false});
  std::int64_t tokens = 0, padded = 0;
  while (const auto batch = loader.next()) {
    for (const std::int64_t length : batch->tokens.lengths) tokens += length;
    padded += batch->tokens.ids_BG.numel();
  }
  return {{"tokens", tokens}, {"padded_tokens", padded}};
}

/// All chunks so many times, by workers that live as long as a loader's do.
Json tokenize(const Bench& bench, const std::vector<CellBatch>& chunks, int workers, int passes) {
  std::size_t next = 0;
  Prefetch<std::int64_t> prefetch(
      [&]() -> std::optional<Prefetch<std::int64_t>::Job> {
        if (next == chunks.size() * static_cast<std::size_t>(passes)) return std::nullopt;
        return [&bench, &chunk = chunks[next++ % chunks.size()]] {
          const GeneTokens tokens = bench.encoder->tokenize(chunk);
          return std::accumulate(tokens.lengths.begin(), tokens.lengths.end(), std::int64_t{0});
        };
      },
      {static_cast<std::size_t>(2 * workers), workers});
  std::int64_t tokens = 0;
  while (const auto some = prefetch.next()) tokens += *some;
  return {{"tokens", tokens / passes}};
}

}  // namespace

int main(int argc, char** argv) {
  cell2text::driver::prepare_process();
  if (argc != 6) return std::fprintf(stderr, "bench_encoders: see the head of bench_encoders.cpp\n"), 2;
  try {
    const char* threads = std::getenv("BENCH_THREADS");
    const int workers = threads ? std::atoi(threads) : 2;
    at::set_num_threads(workers);
    const std::string what = argv[1];
    const Bench bench(argv[2], argv[3], argv[4]);
    std::vector<CellBatch> chunks;
    if (what == "tokenize")
      for (std::size_t first = 0; first < bench.rows.size(); first += 256)
        chunks.push_back(bench.source->read(
            std::span(bench.rows).subspan(first, std::min<std::size_t>(256, bench.rows.size() - first))));
    Json result, repeats = Json::array();
    const int times = std::atoi(argv[5]);
    for (int i = -1; i < times; ++i) {
      Stopwatch watch;
      result = what == "encode"  ? encode(bench)
               : what == "cache" ? cached(bench, argv[2])
               : what == "load"  ? load(bench)
                                 : tokenize(bench, chunks, workers, i < 0 ? 1 : times);
      if (what == "cache") break;  // two runs in one
      if (i >= 0) repeats.push_back(watch.lap());
      if (what == "tokenize" && i == 0) break;  // all times in one
    }
    result["cells"] = bench.rows.size(), result["repeats"] = repeats;
    std::printf("%s\n", result.dump().c_str());
  } catch (const std::exception& error) {
    return std::fprintf(stderr, "bench_encoders: %s\n", error.what()), 1;
  }
}
