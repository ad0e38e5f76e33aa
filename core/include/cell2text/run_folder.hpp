// The files of a run: settings, environment, a line per step, predictions, scores, model. Which files
// there are and what they are called stands here, once.
#pragma once

#include <ATen/Version.h>
#include <torch/version.h>

#include <algorithm>
#include <ctime>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

#include "cell2text/experiment.hpp"
#include "cell2text/io/atomic_file.hpp"
#include "cell2text/io/folder_lock.hpp"
#include "cell2text/io/sha256.hpp"
#include "cell2text/io/tensorboard.hpp"
#include "cell2text/io/toml.hpp"
#include "cell2text/io/value_json.hpp"
#include "cell2text/nn/cpu/level.hpp"
#include "cell2text/result_settings.hpp"
#include "cell2text/train/trainer.hpp"
#include "cell2text/version.hpp"

namespace cell2text {

class RunFolder {
 public:
  /// How the names begin of what a grid keeps in a run's folder beside the run.
  static constexpr std::string_view grid_files = "grid_point.";

  /// Makes the folder, or with `resume` opens the one that an interrupted run left; holds it until destroyed.
  /// InputError: it holds a run and `resume` is false, it holds something else, or another process works on it.
  static RunFolder open(const std::filesystem::path& path, bool resume) {
    const bool holds_run = std::filesystem::exists(path / "experiment.toml");
    if (holds_run && !resume)
      throw InputError(path.string() + " already holds a run; go on with it by --resume, choose another folder with " +
                       "--out DIR, or remove it");
    if (!holds_run) expect_empty(path);
    std::error_code error;
    std::filesystem::create_directories(path, error);
    if (error) throw EnvironmentError(path.string() + ": the run's folder cannot be made: " + error.message());
    return RunFolder(path, hold_folder(path));
  }

  explicit RunFolder(std::filesystem::path path, std::shared_ptr<const void> lock = nullptr)
      : path_(std::move(path)), lock_(std::move(lock)) {}

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path model() const { return path_ / "model"; }
  std::filesystem::path checkpoints() const { return path_ / "checkpoints"; }
  std::filesystem::path predictions() const { return path_ / "predictions.jsonl"; }
  std::filesystem::path metrics() const { return path_ / "metrics.json"; }
  std::filesystem::path confusion() const { return path_ / "confusion.json"; }
  std::filesystem::path predictions_of(const std::string& system) const {
    return path_ / ("predictions." + system + ".jsonl");
  }
  std::filesystem::path baselines() const { return path_ / "baselines"; }
  std::filesystem::path comparisons() const { return path_ / "comparisons.json"; }
  std::filesystem::path embeddings() const { return path_ / "embeddings.json"; }
  std::filesystem::path report() const { return path_ / "report.html"; }
  std::filesystem::path log() const { return path_ / "log.jsonl"; }
  std::filesystem::path environment() const { return path_ / "environment.json"; }
  std::filesystem::path experiment() const { return path_ / "experiment.toml"; }

  /// Whether nothing is left to do: the report, which is written last, is there, and is of these metrics and baselines.
  bool finished(const Experiment& experiment) const {
    if (!std::filesystem::exists(report())) return false;
    return std::ranges::none_of(differing_keys(read_toml(this->experiment()), experiment.resolved()), beside_the_model);
  }

  /// Writes experiment.toml and environment.json: every setting; versions, machine, data checksum and sizes, which is
  /// what is needed to make the numbers again. Where they are there already, as with `resume`, this run must be of
  /// the same settings and data (InputError that names what differs); the old files stay. Metrics and baselines may be
  /// others, since the model does not depend on them: then experiment.toml is written anew, and a report of the former
  /// ones goes.
  void describe(const Experiment& experiment, nlohmann::ordered_json facts, const Log& log) const {
    facts = environment_of(std::move(facts));
    if (!std::filesystem::exists(this->experiment())) {
      write_atomically(environment(), facts.dump(2) + "\n");
      write_atomically(this->experiment(), write_toml(experiment.resolved()));  // last: from now on it is a run
      return;
    }
    auto settings = differing_keys(read_toml(this->experiment()), experiment.resolved());
    std::erase_if(settings, changes_no_result);
    const bool other_scores = std::erase_if(settings, beside_the_model) > 0;
    if (!settings.empty())
      throw InputError(this->experiment().string() + " is another experiment: " + list(settings) +
                       (settings.size() == 1 ? " differs" : " differ") +
                       ". Resume with the settings of before, or choose another folder with --out DIR");
    const nlohmann::json before = read_json(environment());
    for (const char* key : {"data", "cells"})
      if (before.value(key, nlohmann::json()) != nlohmann::json(facts.value(key, nlohmann::ordered_json())))
        throw InputError(
            environment().string() + ": '" + key + "' was " + before.value(key, nlohmann::json()).dump() +
            " and is now " + facts.value(key, nlohmann::ordered_json()).dump() +
            "; the cells have changed since, so the run cannot go on. Choose another folder with --out DIR");
    for (const char* key : {"threads", "device", "cell2text", "libtorch", "cpu_capability", "cpu_kernels"})
      if (before.value(key, nlohmann::json()) != nlohmann::json(facts.value(key, nlohmann::ordered_json())))
        log.warning("'" + std::string(key) + "' was " + before.value(key, nlohmann::json()).dump() + " and is now " +
                    facts.value(key, nlohmann::ordered_json()).dump() +
                    ": results may differ in their last digits from an uninterrupted run");
    if (!other_scores) return;
    log.info("metrics or baselines are others than before: the model stays, and what has changed is done anew");
    std::filesystem::remove(report());  // first: without it the run is not finished
    write_atomically(this->experiment(), write_toml(experiment.resolved()));
  }

 private:
  static bool beside_the_model(const std::string& key) { return key == "metrics" || key == "baselines"; }

  static nlohmann::ordered_json environment_of(nlohmann::ordered_json facts) {
    char date[32];
    const std::time_t now = std::time(nullptr);
    std::strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", std::gmtime(&now));
    facts["date"] = date;
    facts["cell2text"] = version;
    facts["libtorch"] = TORCH_VERSION;
    facts["compiler"] = "g++ " __VERSION__;
    facts["cpu_capability"] = at::get_cpu_capability();
    facts["cpu_kernels"] = cpu::name_of(cpu::level());
    facts["cores"] = std::thread::hardware_concurrency();
    return facts;
  }

  // A run that was killed before it began leaves nothing but the folder; a grid's files are there before its run.
  static void expect_empty(const std::filesystem::path& path) {
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(path, ignored))
      if (const std::string name = entry.path().filename().string();
          name != "environment.json" && !name.starts_with(grid_files) && entry.path().extension() != ".tmp")
        throw InputError(path.string() + " is not empty and holds no run (there is '" +
                         entry.path().filename().string() + "'); choose another folder with --out DIR");
  }

  static std::string list(const std::vector<std::string>& keys) {
    std::string text;
    for (std::size_t i = 0; i < keys.size() && i < 5; ++i) text += (i ? ", '" : "'") + keys[i] + "'";
    return text + (keys.size() > 5 ? " and " + std::to_string(keys.size() - 5) + " more" : "");
  }

  std::filesystem::path path_;
  std::shared_ptr<const void> lock_;
};

/// log.jsonl, one line per optimiser step and one per epoch, and the same beside it as TensorBoard events; both are
/// flushed as written, so that they can be followed.
class RunLog {
 public:
  /// Goes on after a checkpoint: lines of steps and epochs that come after it are dropped, they will be written again.
  RunLog(const std::filesystem::path& path, const TrainingState& state)
      : path_(path), events_(path.parent_path(), state.step + 1) {
    if (std::filesystem::exists(path)) write_atomically(path, lines_until(path, state));
    out_.open(path, std::ios::app);
  }

  void step(const StepReport& report) {
    line({{"step", report.step},
          {"epoch", report.epoch},
          {"loss", report.loss},
          {"learning_rate", report.learning_rate},
          {"gradient_norm", report.gradient_norm},
          {"cells", report.cells},
          {"tokens", report.tokens},
          {"seconds", report.seconds}});
    events_.scalars(report.step, {{"training/loss", report.loss},
                                  {"training/learning_rate", report.learning_rate},
                                  {"training/gradient_norm", report.gradient_norm}});
  }
  void epoch(const EpochReport& report, std::int64_t step) {
    nlohmann::ordered_json json{
        {"step", step}, {"epoch", report.epoch}, {"training_loss", report.training_loss}, {"seconds", report.seconds}};
    if (report.validation_loss) json["validation_loss"] = *report.validation_loss, json["best"] = report.best;
    line(json);
    std::vector<std::pair<std::string, double>> values{{"epoch/training_loss", report.training_loss}};
    if (report.validation_loss) values.emplace_back("epoch/validation_loss", *report.validation_loss);
    events_.scalars(step, values);
  }

 private:
  static std::string lines_until(const std::filesystem::path& path, const TrainingState& state) {
    std::ifstream in(path);
    std::string kept;
    for (std::string text; std::getline(in, text);) {
      const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
      if (!json.is_object()) break;  // the last line of a run that was killed
      const bool of_epoch = json.contains("training_loss");
      if (of_epoch ? json.value("epoch", 0) <= state.epoch : json.value("step", 0) <= state.step) kept += text + '\n';
    }
    return kept;
  }

  void line(const nlohmann::ordered_json& json) {
    out_ << json.dump() << '\n' << std::flush;
    if (!out_) throw EnvironmentError(path_.string() + ": the log cannot be written; is the disk full?");
  }
  std::filesystem::path path_;
  TensorBoardWriter events_;
  std::ofstream out_;
};

}  // namespace cell2text
