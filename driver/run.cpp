// cell2text run EXPERIMENT.toml: from cells to a trained model, descriptions and scores.
#include <fmt/format.h>

#include "cell2text/baselines/compare.hpp"
#include "cell2text/cells/batch_entropy.hpp"
#include "cell2text/dataset/shard_files.hpp"
#include "cell2text/evaluate/predictions_file.hpp"
#include "cell2text/experiment_file.hpp"
#include "cell2text/experiment_run.hpp"
#include "cell2text/model_calibration.hpp"
#include "cell2text/run_folder.hpp"
#include "commands.hpp"
#include "comparisons.hpp"
#include "doctor.hpp"
#include "host.hpp"
#include "interrupts.hpp"
#include "profile.hpp"
#include "tables.hpp"
#include "write_report.hpp"

namespace cell2text::driver {

namespace {

struct RunArguments {
  std::string file, out;
  std::vector<std::string> set;
  bool resume = false, dry_run = false, json = false, force = false;
  std::optional<std::string> profile;
};

std::string parts_text(const Split& split) {
  return fmt::format("{} to train, {} to validate, {} to test", split.train.size(), split.validation.size(),
                     split.test.size());
}

void log_data(const ExperimentData& data) {
  log().info(fmt::format("cells: {} ({})", data.source->size(), parts_text(data.split)));
  if (data.without_counts > 0)
    log().warning(fmt::format("{} cells have no counts and are not trained on", data.without_counts));
  if (data.not_trained > 0)
    log().info(fmt::format("of {} training cells {} are trained on (training.fraction), of each cell type its share",
                           data.not_trained + std::ssize(data.split.train), data.split.train.size()));
  if (data.not_evaluated > 0)
    log().info(
        fmt::format("of {} test cells {} are described and scored (evaluation.max_cells), of each cell type its "
                    "share",
                    data.not_evaluated + std::ssize(data.split.test), data.split.test.size()));
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

/// The cells whose embeddings a run needs: all of them, or where the model is trained those that are tested.
std::vector<std::int64_t> rows_to_encode(const Split& split, bool trained) {
  std::vector<std::int64_t> rows;
  if (!trained)
    for (const auto* part : {&split.train, &split.validation}) rows.insert(rows.end(), part->begin(), part->end());
  rows.insert(rows.end(), split.test.begin(), split.test.end());
  return rows;
}

/// What the cells will take of the cache, and what of it is there, before any work.
void log_need(const EmbeddingNeed& need, const EmbeddingCache& cache) {
  const std::string folder = cache.folder().path().string(), all = byte_size_text(need.bytes),
                    free = byte_size_text(need.free_bytes), limit = byte_size_text(need.limit);
  log().info(fmt::format(
      "embedding cache: {} cells need about {} ({:.0f} x {} numbers each); {} of {} looked at are in {} (limit {}, {} "
      "free on that disk)",
      need.cells, all, need.genes, need.width, need.present, need.sampled, folder, limit, free));
  if (!need.fits_limit())
    log().warning(
        fmt::format("embedding cache: about {} are needed and encoder.cache_limit is {}: the least recently used cells "
                    "are dropped, so that a pass over all of them finds few or none; raise the limit, or lower "
                    "prompt.max_genes",
                    all, limit));
  if (!need.fits_disk())
    log().warning(fmt::format(
        "embedding cache: about {} are missing and {} are free on the disk of {}; when it is full, the run goes on and "
        "stores nothing more",
        byte_size_text(need.missing_bytes), free, folder));
}

/// What the cache was good for; also as a file of the run.
void tell_savings(const EmbeddingCache& cache, const RunFolder& folder) {
  const EmbeddingCacheCounts& counts = cache.counts();
  const nlohmann::ordered_json json{{"found", counts.found},
                                    {"computed", counts.computed},
                                    {"seconds_computing", counts.seconds_computing},
                                    {"seconds_found", counts.seconds_found},
                                    {"seconds_reading", counts.seconds_reading}};
  write_atomically(folder.embeddings(), json.dump(2) + "\n");
  log().info(fmt::format(
      "embedding cache: {} cells found, {} computed in {:.1f} s; {} read, {} written in {:.1f} s; {} dropped, {} "
      "damaged",
      counts.found, counts.computed, counts.seconds_computing, byte_size_text(static_cast<double>(counts.bytes_read)),
      byte_size_text(static_cast<double>(counts.bytes_written)), counts.seconds_writing, cache.folder().dropped(),
      counts.damaged));
  if (counts.found > 0)
    log().info(fmt::format(
        "embedding cache: computing the found cells took {:.1f} s when they were stored, looking cells up {:.1f} s: "
        "{:.1f} s saved",
        counts.seconds_found, counts.seconds_reading, std::max(counts.seconds_found - counts.seconds_reading, 0.0)));
}

/// How near the order of the training cells comes to a fully random one; empty where it is one.
std::string order_text(const Experiment& experiment, const ExperimentData& data) {
  const ShuffleOptions shuffle = experiment.training.shuffle();
  if (std::ssize(data.split.train) <= shuffle.window) return "";
  std::string text = fmt::format("order: blocks of {} within {} cells", shuffle.block, with_commas(shuffle.window));
  if (const std::string& column = experiment.descriptions.cell_type; data.source->has_column(column)) {
    const auto seed = static_cast<std::uint64_t>(experiment.general.seed);
    const OrderEntropy entropy = order_entropy(epoch_order(data.split.train, seed, 0, shuffle),
                                               data.source->labels(column), experiment.training.batch_size, seed);
    text +=
        fmt::format("; batches hold {:.1f}% of the cell-type entropy of a fully random order", 100 * entropy.share());
  }
  return text;
}

TrainingSummary train(Model& model, const Experiment& experiment, const ExperimentData& data, const TextOfRow& text,
                      const RunFolder& folder, const Interrupts& interrupts) {
  Trainer trainer(model, experiment.training, static_cast<std::uint64_t>(experiment.general.seed),
                  folder.checkpoints());
  TrainingState state;
  if (const auto before = trainer.resume()) {
    state = *before;
    log().info(fmt::format("going on after step {} (epoch {}, {} of its cells done)", state.step, state.epoch + 1,
                           state.cells));
  }
  RunLog run_log(folder.log(), state);
  const auto cells_per_epoch = static_cast<std::int64_t>(data.split.train.size());
  Progress progress("training", experiment.training.epochs * cells_per_epoch, "cells");
  std::int64_t cells = state.epoch * cells_per_epoch + state.cells, last_step = state.step;
  std::string order = order_text(experiment, data);
  TrainingObserver observer;
  observer.step = [&](const StepReport& report) {
    run_log.step(report);
    last_step = report.step;
    progress.update(cells += report.cells, fmt::format("epoch {}, loss {:.3f}", report.epoch, report.loss));
  };
  observer.epoch = [&](const EpochReport& report) {
    run_log.epoch(report, last_step);
    log().debug(fmt::format("epoch {}: loss {:.4f}", report.epoch, report.training_loss));
    if (order.empty() || report.reading.cells == 0) return;
    log().info(fmt::format("{}, {} cells/s read", std::exchange(order, ""),
                           with_commas(std::llround(report.reading.cells_per_second()))));
  };
  observer.stop = [&] { return interrupts.asked(); };
  const TrainingSummary summary = trainer.run(
      {*data.source, text, data.split.train, data.split.validation, given_in_training(data, experiment)}, observer);
  interrupts.check(fmt::format("after step {}; a checkpoint is in {}, and the same command with --resume goes on",
                               summary.steps, folder.checkpoints().string()));
  log().info(fmt::format(
      "trained {} steps in {}{}", summary.steps, duration_text(summary.seconds),
      summary.best_epoch > 0 ? fmt::format("; lowest validation loss after epoch {}", summary.best_epoch) : ""));
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
    for (const ConfusionTable& table : scores.confusion) {
      list.push_back({{"label", table.label}, {"classes", table.classes}, {"counts", table.counts}});
      if (!table.ids.empty()) list.back()["ids"] = table.ids;
    }
  return list;
}

/// What of this run the machine and the file decide; versions are added by the run folder.
nlohmann::ordered_json facts(const Host& host, const Experiment& experiment, const ExperimentData& data) {
  nlohmann::ordered_json all{{"device", host.device.str()}, {"threads", host.context.threads}, {"donors", data.donors}};
  all["cells"] = {{"train", data.split.train.size()},
                  {"validation", data.split.validation.size()},
                  {"test", data.split.test.size()},
                  {"left_out", data.left_out},
                  {"without_counts", data.without_counts}};
  if (data.not_trained > 0) all["cells"]["not_trained"] = data.not_trained;
  if (data.not_evaluated > 0) all["cells"]["not_evaluated"] = data.not_evaluated;
  const Value* path = experiment.data.resolved.find("path");
  const auto* file = path ? path->get_if<std::string>() : nullptr;
  if (!file) return all;
  const std::filesystem::path given = *file, whole = is_dataset_folder(given) ? given / dataset_file : given;
  if (std::filesystem::is_regular_file(whole)) all["data"] = {{"path", whole.string()}, {"sha256", sha256_file(whole)}};
  return all;
}

/// Describes the test cells, scores the texts, sets baselines and control beside them, writes the report.
void test(const Host& host, const Experiment& experiment, const ExperimentData& data, const Model& model,
          const ModelCard& card, const RunFolder& folder, const Interrupts& interrupts, bool json) {
  if (data.split.test.empty()) return log().info("no cells to test");
  const Metrics metrics = build_metrics(host, experiment.metrics);
  auto names = card.known_labels().values;
  const KnownLabelReader reader(names["cell_type"], names["tissue"], names["disease"]);
  std::optional<LabelJudge> judge;
  if (std::ranges::any_of(metrics, [](const auto& metric) { return metric.second.reads_confidences(); }))
    judge.emplace(*model.decoder, reader, names, 0, LabelScoreOptions(), read_temperatures(folder.model(), card.hash));
  Progress progress("describing", static_cast<std::int64_t>(data.split.test.size()), "cells");
  const auto tell = [&](std::int64_t done) {
    progress.update(done);
    interrupts.check("while describing the test cells; the model is in " + folder.model().string() +
                     ", and the same command with --resume goes on from there");
  };
  DescribeExtras wanted{judge ? &*judge : nullptr, {}, given_in_test(data, card, experiment)};
  if (wanted.given)
    wanted.constrain = constraint_of_rows(model, {card.known_labels().values, {}}, experiment.generation, wanted.given);
  const auto predictions = predict(model, data, experiment.generation, tell, wanted);
  write_predictions(folder.predictions(), predictions);
  const KnownLabels known = known_labels(card, data);
  const AllScores scores = score(host, metrics, predictions, known);
  write_atomically(folder.confusion(), confusion_json(scores).dump(2) + "\n");
  write_atomically(folder.metrics(), metrics_json(scores).dump(2) + "\n");
  const std::string beside = compare_systems(
      {host, experiment, data, folder, interrupts, metrics, known, card.plan.encoder, predictions, scores});
  write_report(folder.path(), folder.report());
  if (json) return fmt::print("{}\n", metrics_json(scores).dump(2));
  fmt::print("\n{}\n{}\n{}\nreport: {}\n", scores_table(scores), beside, examples_text(predictions, 3),
             folder.report().string());
}

void run(const RunArguments& arguments) {
  Value root = read_experiment_file(arguments.file);
  for (const std::string& assignment : arguments.set) apply_override(root, assignment);
  const Registry registry;
  if (arguments.force) allow_any_values(root, registry);
  Experiment experiment = read_experiment(root, registry);
  if (arguments.dry_run) return fmt::print("{}", write_toml(experiment.resolved()));

  const Profile profile(arguments.profile);
  const Interrupts interrupts;
  const Host host = make_host(registry, experiment.general.device, experiment.general.threads, experiment.general.seed);
  log().info(
      fmt::format("{}, {} threads, {} kernels", host.device.str(), host.context.threads, cpu::name_of(cpu::level())));
  const RunFolder folder =
      RunFolder::open(arguments.out.empty() ? "runs/" + experiment.general.name : arguments.out, arguments.resume);
  if (folder.finished(experiment)) {
    log().info(folder.path().string() + " is finished; nothing is left to do");
    return arguments.json ? fmt::print("{}\n", read_json(folder.metrics()).dump(2))
                          : fmt::print("report: {}\n", folder.report().string());
  }
  build_metrics(host, experiment.metrics);  // what is wrong with their files is said now, not after the training
  const ExperimentData data = open_data(host, experiment);
  log_data(data);
  check_baselines(host, experiment, data);
  const bool trained = std::filesystem::exists(folder.model());
  std::optional<ModelCard> card;
  if (trained) card = read_model_card(folder.model(), registry);
  Model model = trained ? load_model(host, *card, folder.model())
                        : build_model(host, {experiment.encoder, experiment.adapter, experiment.decoder,
                                             experiment.finetuning, experiment.prompt, experiment.encoder_role.frozen});
  log_model(model);
  model.cache = open_cache(host, experiment.encoder_role, card ? card->plan.encoder : experiment.encoder, model);
  const TextOfRow text = text_tokens(data, *model.decoder);
  if (!experiment.generation.max_new_tokens.value)
    experiment.generation.max_new_tokens.value = automatic_max_new_tokens(data, text);
  check_before_training(data, experiment, model, arguments.force);
  folder.describe(experiment, facts(host, experiment, data), log());
  interrupts.check("before training began");
  if (model.cache) {
    const EmbeddingNeed need = embedding_need(*data.source, model, rows_to_encode(data.split, trained));
    log_need(need, *model.cache);
    if (experiment.encoder_role.cache == "auto" && !(need.fits_limit() && need.fits_disk())) {
      log().info("embedding cache: not used, since not all cells fit (encoder.cache = \"auto\")");
      model.cache = nullptr;
    }
  }

  if (!trained) {
    const TrainingSummary summary = train(model, experiment, data, text, folder, interrupts);
    model.set_training(false);
    model.drafts = draft_texts(data, text);
    std::filesystem::remove_all(folder.baselines());  // of a model that was removed by hand
    save_model(folder.model(), model, card_of(experiment, data, summary));
  }
  Checkpoints(folder.checkpoints()).remove();  // the model folder holds what they held
  log().info("model: " + folder.model().string());
  test(host, experiment, data, model, read_model_card(folder.model(), registry), folder, interrupts, arguments.json);
  if (model.cache) tell_savings(*model.cache, folder);
}

}  // namespace

void add_run(CLI::App* command) {
  static RunArguments arguments;
  command->add_option("EXPERIMENT", arguments.file, "Experiment file (.toml); all keys: docs/experiment.md")
      ->required();
  command->add_option("--set", arguments.set, "Replace a setting, e.g. --set training.epochs=1 (may be repeated)")
      ->take_all();
  command->add_option("--out", arguments.out, "Folder of the run (default runs/NAME)");
  command->add_flag("--resume", arguments.resume,
                    "Go on with an interrupted run of the same folder, to the same result. Metrics and baselines may "
                    "be others than before: the trained model stays");
  command->add_option("--profile", arguments.profile, profile_help);
  command->add_flag("--dry-run", arguments.dry_run, "Check everything, print the file with all defaults, and stop");
  command->add_flag("--json", arguments.json, "Print the scores as JSON");
  command->add_flag("--force", arguments.force,
                    "Go on with values that do not look like counts, or an unsuitable file");
  command->callback([] { run(arguments); });
}

}  // namespace cell2text::driver
