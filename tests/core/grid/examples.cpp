// The grids and the paper's experiments of examples/: each reads, and comes to the runs that it says.
#include <map>

#include "files.hpp"

namespace test = cell2text::test;
namespace fs = std::filesystem;

namespace {

/// The grids of a folder by name, with their numbers of runs.
std::map<std::string, std::size_t> grids_of(const fs::path& folder) {
  const auto registry = test::built_plugins();
  std::map<std::string, std::size_t> found;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() != ".toml" || entry.path().filename() == "base.toml") continue;
    INFO(entry.path());
    const auto grid = cell2text::read_grid_file(entry.path());
    found[grid.name] = resolve_grid(grid, registry).size();
  }
  return found;
}

using Sizes = std::map<std::string, std::size_t>;

}  // namespace

TEST_CASE("examples: every shipped grid resolves, and has a tiny form of the same name") {
  const auto full = grids_of(test::source_dir() / "examples/grids");
  const auto tiny = grids_of(test::source_dir() / "examples/grids/tiny");
  CHECK((full == Sizes{{"paper", 3},
                       {"encoders-adapters", 8},
                       {"lora", 9},
                       {"genes", 4},
                       {"pooled", 3},
                       {"output-norm", 3},
                       {"random-decoder", 2},
                       {"fractions", 7},
                       {"frozen", 2},
                       {"cells-as-text", 2}}));
  CHECK((tiny == Sizes{{"paper", 3},
                       {"encoders-adapters", 24},
                       {"lora", 4},
                       {"genes", 3},
                       {"pooled", 3},
                       {"output-norm", 3},
                       {"random-decoder", 2},
                       {"fractions", 5},
                       {"frozen", 2},
                       {"cells-as-text", 2}}));
}

TEST_CASE("examples: the paper's experiments hold the values of its appendix D") {
  const auto registry = test::built_plugins();
  struct Expected {
    const char* file;
    std::int64_t epochs, cells_a_step;
    double learning_rate;
  };
  for (const Expected& expected : {Expected{"llama-lora", 3, 128, 2e-4}, Expected{"llama-full", 2, 192, 2e-4},
                                   Expected{"gemma-full", 3, 128, 5e-5}}) {
    INFO(expected.file);
    const auto file = test::source_dir() / "examples/paper" / (std::string(expected.file) + ".toml");
    const auto experiment = read_experiment(cell2text::read_experiment_file(file), registry);
    CHECK(experiment.training.epochs == expected.epochs);
    CHECK(experiment.training.batch_size * experiment.training.accumulation == expected.cells_a_step);
    CHECK(experiment.training.learning_rate == expected.learning_rate);
    CHECK(experiment.training.optimizer == "adam");
    CHECK(experiment.training.schedule == "step");
    CHECK(experiment.training.gamma == 0.98);
    CHECK(experiment.generation.beams == 4);
    CHECK(experiment.metrics.size() == 6);
    CHECK(experiment.baselines.size() == (expected.file == std::string("llama-full") ? 2 : 0));
  }
  const auto lora =
      read_experiment(cell2text::read_experiment_file(test::source_dir() / "examples/paper/llama-lora.toml"), registry);
  CHECK(*lora.finetuning.resolved.find("rank")->get_if<std::int64_t>() == 256);
  CHECK(*lora.finetuning.resolved.find("alpha")->get_if<double>() == 512);
}
