// The files of a run: settings, environment, a line per step, predictions, scores, model. Which files
// there are and what they are called stands here, once.
#pragma once

#include <ATen/Version.h>
#include <torch/version.h>

#include <ctime>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "cell2text/experiment.hpp"
#include "cell2text/io/atomic_file.hpp"
#include "cell2text/io/sha256.hpp"
#include "cell2text/io/toml.hpp"
#include "cell2text/io/value_json.hpp"
#include "cell2text/train/trainer.hpp"
#include "cell2text/version.hpp"

namespace cell2text {

class RunFolder {
 public:
  /// Makes the folder. InputError where it already holds a run.
  static RunFolder create(const std::filesystem::path& path) {
    if (std::filesystem::exists(path / "experiment.toml"))
      throw InputError(path.string() + " already holds a run; choose another folder with --out DIR, or remove it");
    std::error_code error;
    std::filesystem::create_directories(path / "checkpoints", error);
    if (error) throw EnvironmentError(path.string() + ": the run's folder cannot be made: " + error.message());
    return RunFolder(path);
  }

  explicit RunFolder(std::filesystem::path path) : path_(std::move(path)) {}

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path model() const { return path_ / "model"; }
  std::filesystem::path best_weights() const { return path_ / "checkpoints" / "best.safetensors"; }
  std::filesystem::path predictions() const { return path_ / "predictions.jsonl"; }
  std::filesystem::path metrics() const { return path_ / "metrics.json"; }
  std::filesystem::path confusion() const { return path_ / "confusion.json"; }
  std::filesystem::path report() const { return path_ / "report.html"; }
  std::filesystem::path log() const { return path_ / "log.jsonl"; }
  std::filesystem::path environment() const { return path_ / "environment.json"; }
  std::filesystem::path experiment() const { return path_ / "experiment.toml"; }

  void write_experiment(const Experiment& experiment) const {
    write_atomically(this->experiment(), write_toml(experiment.resolved()));
  }

  /// Versions, machine, data checksum and sizes: what is needed to make the numbers again.
  void write_environment(nlohmann::ordered_json facts) const {
    char date[32];
    const std::time_t now = std::time(nullptr);
    std::strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", std::gmtime(&now));
    facts["date"] = date;
    facts["cell2text"] = version;
    facts["libtorch"] = TORCH_VERSION;
    facts["compiler"] = "g++ " __VERSION__;
    facts["cpu_capability"] = at::get_cpu_capability();
    facts["cores"] = std::thread::hardware_concurrency();
    write_atomically(environment(), facts.dump(2) + "\n");
  }

 private:
  std::filesystem::path path_;
};

/// log.jsonl: one line per optimiser step and one per epoch, flushed as written, so that it can be followed.
class RunLog {
 public:
  explicit RunLog(const std::filesystem::path& path) : path_(path), out_(path, std::ios::app) {}

  void step(const StepReport& report) {
    line({{"step", report.step},
          {"epoch", report.epoch},
          {"loss", report.loss},
          {"learning_rate", report.learning_rate},
          {"gradient_norm", report.gradient_norm},
          {"cells", report.cells},
          {"tokens", report.tokens},
          {"seconds", report.seconds}});
  }
  void epoch(const EpochReport& report, std::int64_t step) {
    nlohmann::ordered_json json{
        {"step", step}, {"epoch", report.epoch}, {"training_loss", report.training_loss}, {"seconds", report.seconds}};
    if (report.validation_loss) json["validation_loss"] = *report.validation_loss, json["best"] = report.best;
    line(json);
  }

 private:
  void line(const nlohmann::ordered_json& json) {
    out_ << json.dump() << '\n' << std::flush;
    if (!out_) throw EnvironmentError(path_.string() + ": the log cannot be written; is the disk full?");
  }
  std::filesystem::path path_;
  std::ofstream out_;
};

}  // namespace cell2text
