// Our side of bench/run.py: training steps, generation and tokenising by the code that `cell2text` runs, timed inside
// the process. Prints one JSON object. Knows nothing of the peer.
//   bench_cell2text save EXPERIMENT.toml FOLDER     initial weights, as folders that transformers opens
//   bench_cell2text train EXPERIMENT.toml CELLS     loss of the first cells, then the experiment's max_steps
//   bench_cell2text generate EXPERIMENT.toml CELLS REPEATS [CELLS_TOGETHER]
//   bench_cell2text tokenize EXPERIMENT.toml CELLS REPEATS
// BENCH_THREADS is the number of threads (2), BENCH_PROFILE a file for the trace of what is timed.
#include <ATen/Parallel.h>

#include <cstdio>
#include <numeric>

#include "cell2text/experiment_run.hpp"
#include "cell2text/io/toml.hpp"
#include "process.hpp"
#include "profile.hpp"
#include "stopwatch.hpp"

namespace {

using namespace cell2text;
using Json = nlohmann::ordered_json;
using Arguments = std::vector<std::string>;

std::optional<std::string> profile_file() {
  const char* file = std::getenv("BENCH_PROFILE");
  return file ? std::optional<std::string>(file) : std::nullopt;
}

struct Bench {
  Registry registry;
  Experiment experiment;
  Host host;
  std::unique_ptr<SourceHandle> source;
  Model model;

  explicit Bench(const std::string& file)
      : experiment(read_experiment(read_toml(file), registry)),
        host{registry, {{}, static_cast<std::uint64_t>(experiment.general.seed), at::get_num_threads()}, torch::kCPU},
        source(std::make_unique<SourceHandle>(
            registry.load("source", experiment.data.name)
                .build<kinds::source>(experiment.data.settings, {&host.context, nullptr, {}}))),
        model(build_model(host, {experiment.encoder, experiment.adapter, experiment.decoder, experiment.finetuning,
                                 experiment.prompt, experiment.encoder_role.frozen})) {
    model.set_training(false);
  }

  static std::vector<std::int64_t> first_rows(std::int64_t n) {
    std::vector<std::int64_t> rows(n);
    std::iota(rows.begin(), rows.end(), 0);
    return rows;
  }
};

Json save(Bench& bench, const Arguments& arguments) {
  const std::filesystem::path folder = arguments.at(0);
  std::filesystem::create_directories(folder);
  bench.model.encoder->save(folder / "encoder");
  if (bench.model.tuning->changes_base()) bench.model.decoder->save(folder / "decoder");  // else it is a checkpoint
  bench.model.adapter_parameters->save(folder / "adapter.safetensors");
  return {{"encoder", bench.model.encoder_parameters->count()}, {"decoder", bench.model.decoder_parameters->count()}};
}

Json train(Bench& bench, const Arguments& arguments) {
  const Experiment& experiment = bench.experiment;
  const DescriptionSource descriptions(*bench.source, experiment.descriptions);
  const auto end = bench.model.decoder->end_tokens().front();
  const TextOfRow text = [&](std::int64_t row) {
    auto tokens = bench.model.decoder->encode_text(*descriptions.text(row));
    tokens.push_back(end);
    return tokens;
  };
  const TrainingData data{*bench.source, text, Bench::first_rows(bench.source->size()),
                          Bench::first_rows(std::stoll(arguments.at(0)))};
  Trainer trainer(bench.model, experiment.training, static_cast<std::uint64_t>(experiment.general.seed),
                  std::filesystem::temp_directory_path() / "bench_cell2text");
  const LossSum check = trainer.validate(data);
  Json result{{"check_loss", check.mean()}, {"check_tokens", check.tokens}, {"steps", Json::array()}};
  const driver::Profile profile(profile_file());
  Stopwatch watch;
  TrainingObserver observer;
  observer.step = [&](const StepReport& report) {
    Json step = watch.lap();
    step["cells"] = report.cells, step["tokens"] = report.tokens, step["loss"] = report.loss;
    result["steps"].push_back(step);
  };
  TrainingData without_validation = data;
  without_validation.validation.clear();
  trainer.run(without_validation, observer);
  return result;
}

Json generate(Bench& bench, const Arguments& arguments) {
  const std::int64_t cells = std::stoll(arguments.at(0)), repeats = std::stoll(arguments.at(1));
  const std::int64_t together = arguments.size() > 2 ? std::stoll(arguments[2]) : cells;
  CellLoader loader(*bench.source, *bench.model.encoder, Bench::first_rows(cells), {together, 1, 0, false});
  std::vector<TokenBatch> batches;
  while (auto batch = loader.next()) batches.push_back(std::move(*batch));
  Json result{{"repeats", Json::array()}, {"texts", Json::array()}, {"log_probabilities", Json::array()}};
  for (std::int64_t i = -1; i < repeats; ++i) {
    const driver::Profile profile(i < 0 ? std::nullopt : profile_file());
    std::vector<DescribedCell> described;
    Stopwatch watch;
    for (const TokenBatch& batch : batches)
      std::ranges::move(describe_cells(bench.model, batch, bench.experiment.generation), std::back_inserter(described));
    if (i >= 0) result["repeats"].push_back(watch.lap());
    if (i + 1 < repeats) continue;
    for (const DescribedCell& cell : described)
      result["texts"].push_back(cell.text), result["log_probabilities"].push_back(cell.log_probability);
  }
  return result;
}

Json tokenize(Bench& bench, const Arguments& arguments) {
  const std::int64_t cells = std::stoll(arguments.at(0)), repeats = std::stoll(arguments.at(1));
  std::vector<CellBatch> chunks;
  const auto all = Bench::first_rows(cells);
  for (std::int64_t first = 0; first < cells; first += 512)
    chunks.push_back(bench.source->read(std::span(all).subspan(first, std::min<std::int64_t>(512, cells - first))));
  Json result{{"repeats", Json::array()}};
  for (std::int64_t i = -1; i < repeats; ++i) {
    Stopwatch watch;
    std::int64_t tokens = 0, weighted = 0;
    for (const CellBatch& chunk : chunks) {
      const GeneTokens ranked = bench.model.encoder->tokenize(chunk);
      for (const std::int64_t length : ranked.lengths) tokens += length;
      weighted += ranked.ids_BG.select(1, 1).sum().item<std::int64_t>();
    }
    if (i >= 0) result["repeats"].push_back(watch.lap());
    result["tokens"] = tokens, result["first_genes"] = weighted;
  }
  result["cells"] = cells;
  return result;
}

}  // namespace

int main(int argc, char** argv) {
  cell2text::driver::prepare_process();
  const Arguments all(argv + 1, argv + argc);
  if (all.size() < 3) return std::fprintf(stderr, "bench_cell2text: see the head of bench_cell2text.cpp\n"), 2;
  try {
    const char* threads = std::getenv("BENCH_THREADS");
    at::set_num_threads(all[0] == "tokenize" ? 1 : threads ? std::atoi(threads) : 2);
    Bench bench(all[1]);
    const Arguments rest(all.begin() + 2, all.end());
    const Json result = all[0] == "save"       ? save(bench, rest)
                        : all[0] == "train"    ? train(bench, rest)
                        : all[0] == "generate" ? generate(bench, rest)
                                               : tokenize(bench, rest);
    std::printf("%s\n", result.dump().c_str());
  } catch (const std::exception& error) {
    return std::fprintf(stderr, "bench_cell2text: %s\n", error.what()), 1;
  }
}
