// Our side of the rows `bertscore` of bench/run.py: the metric on the first COUNT pairs of a file. Prints one JSON
// object.
//   bench_bertscore MODEL PAIRS.json COUNT LAYER REPEATS
// BENCH_THREADS is the number of threads (2).
#include <ATen/Parallel.h>

#include <cstdio>
#include <cstdlib>

#include "metrics/bertscore/bertscore.hpp"
#include "stopwatch.hpp"

int main(int argc, char** argv) {
  using namespace cell2text;
  if (argc != 6) return std::fprintf(stderr, "bench_bertscore: see the head of bench_bertscore.cpp\n"), 2;
  try {
    const char* threads = std::getenv("BENCH_THREADS");
    at::set_num_threads(threads ? std::atoi(threads) : 2);
    at::globalContext().setFlushDenormal(true);
    bertscore::Settings settings;
    settings.model = argv[1];
    settings.layer.value = std::atoi(argv[4]);
    const bertscore::BertScore metric(settings, Context{});
    std::vector<Prediction> predictions;
    for (const auto& pair : read_json(argv[2]))
      if (predictions.size() < std::stoull(argv[3]))
        predictions.push_back({.cell = "", .reference = pair[0], .prediction = pair[1], .labels = {}});
    nlohmann::ordered_json result, repeats = nlohmann::ordered_json::array();
    for (int i = -1; i < std::atoi(argv[5]); ++i) {
      Stopwatch watch;
      const Scores scores = metric.score(predictions);
      if (i >= 0) repeats.push_back(watch.lap());
      result["f1"] = scores.scores[2].per_cell;
    }
    result["repeats"] = repeats;
    std::printf("%s\n", result.dump().c_str());
  } catch (const std::exception& error) {
    return std::fprintf(stderr, "bench_bertscore: %s\n", error.what()), 1;
  }
}
