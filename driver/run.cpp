// cell2text run EXPERIMENT.toml: from cells to a trained model, descriptions and scores.
#include <fmt/format.h>

#include <csignal>

#include "cell2text/evaluate/predictions_file.hpp"
#include "cell2text/experiment_run.hpp"
#include "cell2text/run_folder.hpp"
#include "commands.hpp"
#include "host.hpp"
#include "tables.hpp"
#include "write_report.hpp"

namespace cell2text::driver {

namespace {

struct RunArguments {
  std::string file, out;
  std::vector<std::string> set;
  bool dry_run = false, json = false;
};

volatile std::sig_atomic_t interrupted = 0;

std::string parts_text(const Split& split) {
  return fmt::format("{} to train, {} to validate, {} to test", split.train.size(), split.validation.size(),
                     split.test.size());
}

void log_data(const ExperimentData& data) {
  log().info(fmt::format("cells: {} ({})", data.source->size(), parts_text(data.split)));
  if (data.left_out > 0) log().warning(fmt::format("{} cells have no known cell type and are left out", data.left_out));
  if (data.donors == 1) log().warning("all cells are of one donor: a split by cell overstates quality for new donors");
}

std::string million(std::int64_t n) {
  return fmt::format("{:.2f} M", static_cast<double>(n) / 1e6);
}

void log_model(const Model& model) {
  log().info(fmt::format("parameters: encoder {}{}, adapter {}, decoder {}, of which {} trained",
                         million(model.encoder_parameters->count()), model.encoder_frozen ? " (frozen)" : "",
                         million(model.adapter_parameters->count()), million(model.decoder_parameters->count()),
                         million(model.encoder_parameters->count(true) + model.adapter_parameters->count(true) +
                                 model.decoder_parameters->count(true) + model.tuning_parameters->count(true))));
}

TrainingSummary train(Model& model, const Experiment& experiment, const ExperimentData& data, const TextOfRow& text,
                      const RunFolder& folder) {
  Trainer trainer(model, experiment.training, static_cast<std::uint64_t>(experiment.general.seed),
                  folder.best_weights());
  RunLog run_log(folder.log());
  Progress progress("training", experiment.training.epochs * static_cast<std::int64_t>(data.split.train.size()),
                    "cells");
  std::int64_t cells = 0, last_step = 0;
  TrainingObserver observer;
  observer.step = [&](const StepReport& report) {
    run_log.step(report);
    last_step = report.step;
    progress.update(cells += report.cells, fmt::format("epoch {}, loss {:.3f}", report.epoch, report.loss));
  };
  observer.epoch = [&](const EpochReport& report) {
    run_log.epoch(report, last_step);
    log().debug(fmt::format("epoch {}: loss {:.4f}", report.epoch, report.training_loss));
  };
  observer.stop = [] { return interrupted != 0; };
  std::signal(SIGINT, [](int) { interrupted = 1; });
  std::signal(SIGTERM, [](int) { interrupted = 1; });
  TrainingSummary summary = trainer.run({*data.source, text, data.split.train, data.split.validation}, observer);
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
  return summary;
}

ModelCard card_of(const Experiment& experiment, const ExperimentData& data, const TrainingSummary& summary) {
  ModelCard card;
  card.plan = {experiment.encoder,    experiment.adapter, experiment.decoder,
               experiment.finetuning, experiment.prompt,  experiment.encoder_role.frozen};
  card.generation = experiment.generation;
  card.labels = trained_labels(data);
  card.name = experiment.general.name;
  card.seed = experiment.general.seed;
  card.trained_cells = static_cast<std::int64_t>(data.split.train.size());
  card.trained_epochs = summary.epochs;
  if (data.descriptions->ontology()) card.ontology_release = data.descriptions->ontology()->release();
  return card;
}

nlohmann::ordered_json confusion_json(const AllScores& all) {
  auto list = nlohmann::ordered_json::array();
  for (const auto& [metric, scores] : all)
    for (const ConfusionTable& table : scores.confusion)
      list.push_back({{"label", table.label}, {"classes", table.classes}, {"counts", table.counts}});
  return list;
}

/// What of this run the machine and the file decide; versions are added by the run folder.
nlohmann::ordered_json facts(const Host& host, const Experiment& experiment, const ExperimentData& data) {
  nlohmann::ordered_json all{{"device", host.device.str()}, {"threads", host.context.threads}, {"donors", data.donors}};
  all["cells"] = {{"train", data.split.train.size()},
                  {"validation", data.split.validation.size()},
                  {"test", data.split.test.size()},
                  {"left_out", data.left_out}};
  const Value* path = experiment.data.resolved.find("path");
  const auto* file = path ? path->get_if<std::string>() : nullptr;
  if (file && std::filesystem::is_regular_file(*file)) all["data"] = {{"path", *file}, {"sha256", sha256_file(*file)}};
  return all;
}

void run(const RunArguments& arguments) {
  Value root = read_toml(arguments.file);
  for (const std::string& assignment : arguments.set) apply_override(root, assignment);
  const Registry registry;
  Experiment experiment = read_experiment(root, registry);
  if (arguments.dry_run) return fmt::print("{}", write_toml(experiment.resolved()));

  const Host host = make_host(registry, experiment.general.device, experiment.general.threads, experiment.general.seed);
  const RunFolder folder = RunFolder::create(arguments.out.empty() ? "runs/" + experiment.general.name : arguments.out);
  const ExperimentData data = open_data(host, experiment);
  log_data(data);
  Model model = build_model(host, {experiment.encoder, experiment.adapter, experiment.decoder, experiment.finetuning,
                                   experiment.prompt, experiment.encoder_role.frozen});
  log_model(model);
  const TextOfRow text = text_tokens(data, *model.decoder);
  if (!experiment.generation.max_new_tokens.value)
    experiment.generation.max_new_tokens.value = automatic_max_new_tokens(data, text);
  folder.write_experiment(experiment);
  folder.write_environment(facts(host, experiment, data));

  const TrainingSummary summary = train(model, experiment, data, text, folder);
  log().info(fmt::format(
      "trained {} steps in {}{}", summary.steps, duration_text(summary.seconds),
      summary.best_epoch > 0 ? fmt::format("; lowest validation loss after epoch {}", summary.best_epoch) : ""));
  const ModelCard card = card_of(experiment, data, summary);
  model.set_training(false);
  save_model(folder.model(), model, card);
  log().info("model: " + folder.model().string());
  if (summary.stopped) throw EnvironmentError("interrupted; the model so far is in " + folder.model().string());
  if (data.split.test.empty()) return log().info("no cells to test");

  Progress progress("describing", static_cast<std::int64_t>(data.split.test.size()), "cells");
  const auto predictions =
      predict(model, data, experiment.generation, [&](std::int64_t done) { progress.update(done); });
  {
    JsonLinesWriter out(folder.predictions());
    for (const Prediction& prediction : predictions) out.write(prediction_json(prediction));
    out.flush();
  }
  const AllScores scores = score(host, experiment.metrics, predictions, known_labels(card, data));
  write_atomically(folder.metrics(), metrics_json(scores).dump(2) + "\n");
  write_atomically(folder.confusion(), confusion_json(scores).dump(2) + "\n");
  write_report(folder.path(), folder.report());
  if (arguments.json) return fmt::print("{}\n", metrics_json(scores).dump(2));
  fmt::print("\n{}\n{}\nreport: {}\n", scores_table(scores), examples_text(predictions, 3), folder.report().string());
}

}  // namespace

void add_run(CLI::App& app) {
  static RunArguments arguments;
  auto* command =
      app.add_subcommand("run", "Train a model as an experiment file says, describe the test cells, score the texts");
  command->add_option("EXPERIMENT", arguments.file, "Experiment file (.toml); all keys: docs/experiment.md")
      ->required();
  command->add_option("--set", arguments.set, "Replace a setting, e.g. --set training.epochs=1 (may be repeated)")
      ->take_all();
  command->add_option("--out", arguments.out, "Folder of the run (default runs/NAME)");
  command->add_flag("--dry-run", arguments.dry_run, "Check everything, print the file with all defaults, and stop");
  command->add_flag("--json", arguments.json, "Print the scores as JSON");
  command->callback([] { run(arguments); });
}

}  // namespace cell2text::driver
