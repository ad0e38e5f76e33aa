// Our side of the row `overlap` of bench/run.py: the metric on all pairs of a file, on one thread. Prints one JSON
// object.
//   bench_overlap PAIRS.json REPEATS
#include <ATen/Parallel.h>

#include <cstdio>
#include <cstdlib>

#include "cell2text/io/json.hpp"
#include "metrics/overlap/overlap.hpp"
#include "stopwatch.hpp"

int main(int argc, char** argv) {
  using namespace cell2text;
  if (argc != 3) return std::fprintf(stderr, "bench_overlap: see the head of bench_overlap.cpp\n"), 2;
  try {
    at::set_num_threads(1);
    const overlap::Overlap metric(overlap::Overlap::Settings{}, Context{});
    std::vector<Prediction> predictions;
    for (const auto& pair : read_json(argv[1]))
      predictions.push_back({.cell = "", .reference = pair[0], .prediction = pair[1], .labels = {}});
    nlohmann::ordered_json result, repeats = nlohmann::ordered_json::array();
    for (int i = -1; i < std::atoi(argv[2]); ++i) {
      Stopwatch watch;
      const Scores scores = metric.score(predictions);
      if (i >= 0) repeats.push_back(watch.lap());
      for (const Score& score : scores.scores) result["scores"][score.name] = score.per_cell;
    }
    result["repeats"] = repeats, result["pairs"] = predictions.size();
    std::printf("%s\n", result.dump().c_str());
  } catch (const std::exception& error) {
    return std::fprintf(stderr, "bench_overlap: %s\n", error.what()), 1;
  }
}
