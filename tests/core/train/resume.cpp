// Stopping and going on must be as if nothing had happened, bit for bit.
#include <sys/resource.h>

#include <csignal>
#include <set>

#include "cell2text/train/trainer.hpp"
#include "plugins/finetuning/lora/lora.hpp"
#include "support/gru_decoder.hpp"
#include "support/oracle.hpp"
#include "support/toy_model.hpp"

using cell2text::EnvironmentError;
using cell2text::EpochReport;
using cell2text::InputError;
using cell2text::Model;
using cell2text::StepReport;
using cell2text::Tensor;
using cell2text::Trainer;
using cell2text::TrainingObserver;
using cell2text::TrainingSettings;
using cell2text::Value;
namespace fs = std::filesystem;
namespace test = cell2text::test;

namespace {

constexpr std::int64_t num_cells = 26, held_out = 5;

std::vector<std::int64_t> text_of_row(std::int64_t row) {
  return {2 + row / 6, 8 + row % 3, 0};
}

/// All that a run tells and leaves.
struct Course {
  std::vector<double> losses, norms, rates, validation;
  std::vector<bool> best;
  std::vector<Tensor> weights;
  bool stopped = false;

  bool operator==(const Course& other) const {
    if (losses != other.losses || norms != other.norms || rates != other.rates || validation != other.validation ||
        best != other.best || weights.size() != other.weights.size())
      return false;
    for (std::size_t i = 0; i < weights.size(); ++i)
      if (!torch::equal(weights[i], other.weights[i])) return false;
    return true;
  }
};

/// The toy model as it starts, trained whole or by LoRA.
Model start(bool lora) {
  Value decoder, adapter, tuning;
  decoder.set("deviation", {0.2, {}});
  adapter.set("dropout", {0.2, {}});
  if (!lora) return test::toy_model<test::GruDecoder>(1, decoder, adapter);
  tuning.set("target_modules", {Value::Array{test::text("gates")}, {}});
  tuning.set("rank", test::number(3));
  return test::toy_model<test::GruDecoder, cell2text::lora::Lora>(1, decoder, adapter, tuning);
}

struct Runner {
  TrainingSettings settings;
  bool lora = false;
  fs::path checkpoints;
  cell2text::SourceHandle source = test::toy_source(lengths());

  static std::vector<std::int64_t> lengths() {
    std::vector<std::int64_t> all;
    for (std::int64_t row = 0; row < num_cells; ++row) all.push_back(2 + row % 7);
    return all;
  }

  /// Goes on with `course` until the observer was asked `asks` times; a fresh model each time, as a new process has.
  void run(Course& course, int asks, bool resume) const {
    Model model = start(lora);
    torch::manual_seed(test::seed());  // what another process drew before must not matter
    Trainer trainer(model, settings, 3, checkpoints);
    if (resume)
      if (const auto state = trainer.resume()) {
        const auto steps = static_cast<std::size_t>(state->step), epochs = static_cast<std::size_t>(state->epoch);
        for (auto* list : {&course.losses, &course.norms, &course.rates}) list->resize(steps);
        course.validation.resize(epochs), course.best.resize(epochs);
      }
    TrainingObserver observer;
    observer.step = [&](const StepReport& report) {
      CHECK(report.step == static_cast<std::int64_t>(course.losses.size()) + 1);
      course.losses.push_back(report.loss), course.norms.push_back(report.gradient_norm);
      course.rates.push_back(report.learning_rate);
    };
    observer.epoch = [&](const EpochReport& report) {
      course.validation.push_back(report.validation_loss.value()), course.best.push_back(report.best);
      course.validation.back() += report.training_loss;
    };
    observer.stop = [&] { return asks-- == 0; };
    std::vector<std::int64_t> train, validation;
    for (std::int64_t row = 0; row < num_cells; ++row) (row < num_cells - held_out ? train : validation).push_back(row);
    const auto summary = trainer.run({source, text_of_row, train, validation}, observer);
    course.stopped = summary.stopped;
    course.weights.clear();
    for (auto* set : {model.adapter_parameters.get(), model.decoder_parameters.get(), model.tuning_parameters.get()})
      for (const auto& parameter : set->list()) course.weights.push_back(parameter.value.detach().clone());
  }
};

Runner random_runner(std::mt19937_64& random, const fs::path& folder) {
  Runner runner;
  runner.checkpoints = folder;
  runner.settings.epochs = 4, runner.settings.learning_rate = 3e-2;
  runner.settings.batch_size = static_cast<std::int64_t>(1 + random() % 6);
  runner.settings.accumulation = static_cast<std::int64_t>(1 + random() % 3);
  runner.settings.length_window = static_cast<std::int64_t>(1 + random() % 3);
  // An epoch of 21 cells in one window that is read together, or in several, of blocks of neighbours.
  runner.settings.shuffle_window = random() % 3 ? static_cast<std::int64_t>(1 + random() % 12) : 8192;
  runner.settings.shuffle_block = std::min(runner.settings.shuffle_window, static_cast<std::int64_t>(1 + random() % 4));
  runner.settings.schedule = std::vector<std::string>{"step", "cosine", "constant"}[random() % 3];
  runner.settings.optimizer = random() % 2 ? "adam" : "adamw";
  runner.settings.keep = random() % 3 ? "best" : "last";
  runner.lora = random() % 2;
  runner.settings.precision = random() % 3 ? "float32" : "bfloat16";
  if (random() % 3 == 0) runner.settings.max_steps = static_cast<std::int64_t>(3 + random() % 9);
  return runner;
}

}  // namespace

TEST_CASE("resume: stopped at any moments, a run has the losses and weights of one that was not") {
  const auto seed = test::seed();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 6; ++round) {
    const test::TemporaryFolder folder;
    Runner runner = random_runner(random, folder / "whole");
    Course expected, found;
    runner.run(expected, -1, false);
    runner.checkpoints = folder / "parts";
    REQUIRE(!expected.stopped);
    int stops = 0;
    found.stopped = true;
    while (found.stopped) {
      REQUIRE(stops < 200);
      runner.run(found, static_cast<int>(random() % 9), stops++ > 0);
    }
    INFO("round " << round << ", " << stops - 1 << " stops");
    CHECK(found == expected);
  }
}

TEST_CASE("resume: from a checkpoint of some steps ago, the steps since are repeated alike") {
  const test::TemporaryFolder folder;
  Runner runner;
  runner.settings.epochs = 3, runner.settings.batch_size = 4, runner.settings.learning_rate = 3e-2;
  runner.settings.checkpoint_steps = 4;
  runner.checkpoints = folder / "whole";
  Course expected;
  runner.run(expected, -1, false);
  runner.checkpoints = folder / "parts";
  // A killed run: its last checkpoint is kept aside, as it was before the one that a stop writes.
  Course found;
  runner.run(found, 11, false);
  CHECK(fs::exists(runner.checkpoints / "step-10"));
  CHECK_FALSE(fs::exists(runner.checkpoints / "step-8"));        // only the newest is kept
  fs::create_directory(runner.checkpoints / "step-12.partial");  // killed while writing
  fs::create_directory(runner.checkpoints / "step-x");           // somebody else's
  runner.run(found, -1, true);
  CHECK(found == expected);
}

TEST_CASE("resume: with LoRA a checkpoint holds the additions and the cell adapter, and nothing of the base") {
  const test::TemporaryFolder folder;
  Runner runner;
  runner.lora = true;
  runner.settings.epochs = 1, runner.settings.batch_size = 6, runner.settings.learning_rate = 3e-2;
  runner.checkpoints = folder.path();
  Course course;
  runner.run(course, 1, false);
  std::set<std::string> names;
  for (const auto& [name, parameter] : trained_parameters(start(true))) names.insert(name);
  CHECK(names.contains("finetuning.base_model.model.gates.lora_A.weight"));
  CHECK_FALSE(names.contains("decoder.gates.weight"));
  const auto held = cell2text::TensorFiles::open(folder / "step-2/trained.safetensors").names();
  CHECK(std::set<std::string>(held.begin(), held.end()) == names);
  CHECK_FALSE(torch::equal(course.weights.back(), start(true).tuning_parameters->list().back().value));
}

TEST_CASE("resume: the best weights are those of the checkpoint, not of what came after it") {
  const test::TemporaryFolder folder;
  Runner runner;
  runner.settings.epochs = 4, runner.settings.batch_size = 6, runner.settings.learning_rate = 3e-2;
  runner.checkpoints = folder / "checkpoints";
  Course expected;
  runner.run(expected, -1, false);
  fs::remove_all(runner.checkpoints);
  Course found;
  runner.run(found, 11, false);
  REQUIRE(fs::exists(runner.checkpoints / "best.safetensors"));
  // As an epoch that was lost leaves it: replaced by rename, other weights.
  fs::remove(runner.checkpoints / "best.safetensors");
  test::write_file(runner.checkpoints / "best.safetensors", "other weights");
  runner.run(found, -1, true);
  CHECK(found == expected);
}

TEST_CASE("resume: a checkpoint that does not fit or is damaged is refused by name") {
  const test::TemporaryFolder folder;
  Runner runner;
  runner.settings.epochs = 2, runner.settings.batch_size = 6;
  runner.checkpoints = folder.path();
  Course course;
  runner.run(course, 2, false);
  const auto step = folder / "step-3";
  REQUIRE(fs::exists(step / "state.json"));
  const auto refused = [&](const std::string& file, const std::string& bytes, const char* message) {
    const std::string before = test::read_file(step / file);
    test::write_file(step / file, bytes);
    Course other;
    CHECK_THROWS_WITH_AS(runner.run(other, -1, true), doctest::Contains(message), InputError);
    test::write_file(step / file, before);
  };
  refused("state.json", "{\"step\": 3}", "state.json");
  refused("trained.safetensors", test::read_file(step / "trained.safetensors").substr(0, 200), "trained.safetensors");
  refused("trained.safetensors", test::read_file(step / "optimizer.safetensors"), "holds no tensor");
  cell2text::save_tensors(folder / "small.safetensors", {{"adapter.input.weight", torch::zeros({1})}});
  const auto tensors = cell2text::TensorFiles::open(step / "trained.safetensors");
  std::vector<std::pair<std::string, Tensor>> shapes;
  for (const auto& name : tensors.names()) shapes.emplace_back(name, torch::zeros({1, 1, 1}));
  cell2text::save_tensors(folder / "shapes.safetensors", shapes);
  refused("trained.safetensors", test::read_file(folder / "shapes.safetensors"), "has another shape");
}

TEST_CASE("resume: a full disk is an error that keeps the last good checkpoint") {
  const test::TemporaryFolder folder;
  Runner runner;
  runner.settings.epochs = 1, runner.settings.batch_size = 6;
  runner.checkpoints = folder.path();
  Course course;
  runner.run(course, 0, false);
  REQUIRE(fs::exists(folder / "step-1/state.json"));
  // No file may grow beyond 4 kB from here on.
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before;
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small{4096, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  std::string message;
  try {
    runner.run(course, 0, true);
  } catch (const EnvironmentError& error) {
    message = error.what();
  }
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, SIG_DFL);
  INFO(message);
  CHECK(message.find("The checkpoint of step 2 was not written; the last good one is ") != std::string::npos);
  CHECK(message.find("step-1") != std::string::npos);
  CHECK(std::distance(fs::directory_iterator(folder.path()), {}) == 1);  // nothing half-written
  runner.run(course, -1, true);
  CHECK(!course.stopped);
}
