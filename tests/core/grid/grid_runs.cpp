// Points read as experiments: what is wrong is found before the first run, with axis, value, file and line.
#include "files.hpp"

using cell2text::GridRun;
namespace test = cell2text::test;
using test::has;

TEST_CASE("grid runs: every run is an experiment with a name and a hash of its own, the same at each reading") {
  const test::GridFiles files;
  const std::string text =
      "seeds = [0, 1]\n[axes]\n\"adapter.plugin\" = [\"linear\", \"mlp\"]\n"
      "[[axes.size]]\nname = \"small\"\ndecoder.architecture.layers = 1\n";
  const auto grid = files.read(text), again = files.read(text);
  const auto runs = resolve_grid(grid, files.registry);
  REQUIRE(runs.size() == 4);
  std::set<std::string> hashes;
  for (const GridRun& run : runs) {
    CHECK(run.hash.size() == 64);
    CHECK(run.folder() == run.hash.substr(0, 12));
    hashes.insert(run.hash);
  }
  CHECK(hashes.size() == 4);
  CHECK(runs[3].experiment.general.name == "grid: adapter.plugin = mlp, size = small, seed = 1");
  CHECK(runs[3].experiment.general.seed == 1);
  CHECK(runs[3].json().dump() ==
        "{\"axes\":{\"adapter.plugin\":\"mlp\",\"size\":\"small\"},\"seed\":1,\"hash\":\"" + runs[3].hash + "\"}");
  const auto second = resolve_grid(again, files.registry);
  for (std::size_t i = 0; i < runs.size(); ++i) CHECK(second[i].hash == runs[i].hash);
}

TEST_CASE(
    "grid runs: an axis of an unknown key, or a value of the wrong type, is told with axis, value, file and line") {
  const test::GridFiles files;
  const std::string faults = files.refused(R"([axes]
"training.epocs" = [1, 2]
"training.batch_size" = [4, "many"]
"adapter.plugin" = ["mlp", "mpl"]
)");
  const std::string file = (files.folder / "grid.toml").string();
  CHECK(has(faults,
            file + ":3:21: unknown key 'training.epocs'; did you mean 'epochs'? (axis 'training.epocs', value 1)"));
  CHECK(has(faults, file + ":4:29: 'training.batch_size' is a text ('many'); it must be a whole number (axis "
                           "'training.batch_size', value many)"));
  CHECK(has(faults, "no adapter is called 'mpl'; did you mean 'mlp'?"));
  CHECK(has(faults, "(axis 'adapter.plugin', value mpl)"));
  CHECK(has(faults, "in 4 of 8 runs, first: training.epocs = 1, training.batch_size = many, adapter.plugin = mlp"));
}

TEST_CASE("grid runs: a fault of the base, or between settings, is told once for all runs that have it") {
  const test::GridFiles files;
  const std::string rule = files.refused("[axes]\n\"training.shuffle_block\" = [16, 9000]\n");
  CHECK(has(rule, "'training.shuffle_block' is 9000, more than 'training.shuffle_window'"));
  CHECK(has(rule, "in 1 of 2 runs, first: training.shuffle_block = 9000"));
  const std::string base = files.refused("[set]\ntraining.optimizer = \"sgd\"\n[axes]\n\"training.epochs\" = [1, 2]\n");
  CHECK(has(base, "grid.toml:3:"));
  CHECK(has(base, "'training.optimizer' is 'sgd'"));
  CHECK(has(base, "in 2 of 2 runs, first: training.epochs = 1"));
}

TEST_CASE("grid runs: a path through what is no table, or beyond a list, is refused with its place") {
  const test::GridFiles files;
  CHECK(has(files.refused("[axes]\n\"seed.deep\" = [1]\n"), "grid.toml:3:"));
  CHECK(
      has(files.refused("[axes]\n\"seed.deep\" = [1]\n"), "what stands before 'deep' is a whole number, not a table"));
}

TEST_CASE("grid runs: two runs that differ in nothing that changes a result are refused") {
  const test::GridFiles files;
  CHECK(has(files.refused("[axes]\nthreads = [1, 2]\n"),
            "two runs of the grid come to the same settings: threads = 1; and threads = 2"));
  CHECK(has(files.refused("[axes]\n\"encoder.cache\" = [\"none\", \"disk\"]\n"), "come to the same settings"));
}
