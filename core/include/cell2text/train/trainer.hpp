// The training loop: epochs over shuffled cells, gradient accumulation, schedule, clipping, validation, and the
// choice of the best weights. What it reports goes through an observer; of files it writes checkpoints alone.
#pragma once

#include <chrono>
#include <functional>
#include <limits>

#include "cell2text/cells/cell_loader.hpp"
#include "cell2text/cells/epoch_order.hpp"
#include "cell2text/train/checkpoint.hpp"
#include "cell2text/train/loss.hpp"
#include "cell2text/train/optimizer.hpp"

namespace cell2text {

struct StepReport {
  std::int64_t step = 0, total_steps = 0, epoch = 0;  ///< from 1
  double loss = 0;                                    ///< mean per description token
  double learning_rate = 0, gradient_norm = 0;
  std::int64_t cells = 0, tokens = 0;  ///< of this step
  double seconds = 0;                  ///< since training began
};

struct EpochReport {
  std::int64_t epoch = 0, epochs = 0;
  double training_loss = 0;
  std::optional<double> validation_loss;
  bool best = false;
  double seconds = 0;
  ReadingSpeed reading;  ///< of the epoch's training cells, of this process
};

struct TrainingObserver {
  std::function<void(const StepReport&)> step = [](const StepReport&) {};
  std::function<void(const EpochReport&)> epoch = [](const EpochReport&) {};
  std::function<bool()> stop = [] { return false; };  ///< asked after each step and each validation batch
};

/// What the prompt of a row tells in an epoch (from 0) of what is known of the cell.
using GivenInEpoch = std::function<GivenLabels(std::int64_t row, std::int64_t epoch)>;

/// What is trained on. Rows are of the source; `text` gives description tokens that end in the end token.
struct TrainingData {
  const SourceHandle& source;
  TextOfRow text;
  std::vector<std::int64_t> train, validation;
  GivenInEpoch given = {};  ///< empty: prompts tell nothing

  std::vector<GivenLabels> given_of(const TokenBatch& batch, std::int64_t epoch) const {
    std::vector<GivenLabels> all;
    if (given)
      for (const std::int64_t row : batch.rows) all.push_back(given(row, epoch));
    return all;
  }
};

struct TrainingSummary {
  std::int64_t steps = 0, epochs = 0, best_epoch = 0;  ///< with those before a checkpoint
  double seconds = 0;
  bool stopped = false;        ///< by the observer; a checkpoint was written
  std::vector<double> losses;  ///< of each step since the start or the checkpoint
};

class Trainer {
 public:
  /// Checkpoints and the best weights go into the folder `checkpoints`.
  Trainer(Model& model, const TrainingSettings& settings, std::uint64_t seed, std::filesystem::path checkpoints)
      : model_(model),
        settings_(settings),
        seed_(seed),
        checkpoints_(std::move(checkpoints)),
        groups_(groups_of(model, settings)),
        optimizer_(groups_, settings_) {
    at::manual_seed(seed_);  // dropout draws from the process's generator
  }

  /// Goes back to the newest checkpoint; nothing where there is none. Call before `run`.
  std::optional<TrainingState> resume() {
    const auto newest = checkpoints_.newest();
    if (!newest) return std::nullopt;
    state_ = checkpoints_.read(*newest, model_, optimizer_);
    return state_;
  }

  /// InputError: nothing to train on, or numbers that are not finite. EnvironmentError: a checkpoint cannot be written.
  TrainingSummary run(const TrainingData& data, const TrainingObserver& observer) {
    if (data.train.empty()) throw InputError("no cell is left to train on");
    started_ = last_checkpoint_ = Clock::now();
    seconds_before_ = state_.seconds;
    const auto cells = static_cast<std::int64_t>(data.train.size());
    const std::int64_t batches = (cells + settings_.batch_size - 1) / settings_.batch_size;
    const std::int64_t steps_per_epoch = (batches + settings_.accumulation - 1) / settings_.accumulation;
    total_steps_ = settings_.epochs * steps_per_epoch;
    if (settings_.max_steps) total_steps_ = std::min(total_steps_, *settings_.max_steps);
    while (!summary_.stopped && state_.epoch < settings_.epochs && (state_.step < total_steps_ || state_.cells > 0)) {
      train_epoch(data, observer);
      if (!summary_.stopped) close_epoch(data, observer);
    }
    if (summary_.stopped) checkpoint();
    if (!summary_.stopped && settings_.keep == "best" && state_.best_epoch > 0 && state_.best_epoch < state_.epoch)
      checkpoints_.load_best(model_);
    for (FlatGroup& group : groups_) group.release();
    summary_.steps = state_.step, summary_.epochs = state_.epoch, summary_.best_epoch = state_.best_epoch;
    summary_.seconds = seconds();
    return summary_;
  }

  /// Mean loss over cells without gradients; prompts tell the same after each epoch. `stop` is asked after each batch;
  /// what there is then is given back.
  LossSum validate(const TrainingData& data, const std::function<bool()>& stop = {}) {
    torch::NoGradGuard no_grad;
    model_.set_training(false);
    CellLoader loader(data.source, *model_.encoder, data.validation, {settings_.batch_size, 1, 0, false, 0}, data.text);
    LossSum sum;
    while (auto batch = loader.next()) {
      sum += description_loss(model_, model_.soft_prompt(batch->tokens), batch->texts, {}, data.given_of(*batch, 0));
      if (stop && stop()) break;
    }
    return sum;
  }

 private:
  using Clock = std::chrono::steady_clock;

  static std::vector<FlatGroup> groups_of(Model& model, const TrainingSettings& settings) {
    if (settings.precision == "bfloat16")
      for (Parameter& parameter : model.decoder_parameters->list())
        if (parameter.trainable) parameter.value = parameter.value.to(torch::kBFloat16);
    return flat_groups({model.encoder_parameters.get(), model.adapter_parameters.get(), model.decoder_parameters.get(),
                        model.tuning_parameters.get()});
  }

  double seconds() const { return seconds_before_ + std::chrono::duration<double>(Clock::now() - started_).count(); }

  // Weights that took such a step are lost, and every number after it.
  void expect_finite(double number, const char* what) const {
    if (!std::isfinite(number))
      throw InputError(std::string("the ") + what + " is not finite after " + std::to_string(state_.step) +
                       " steps; lower training.learning_rate (now " +
                       settings_detail::shortest(settings_.learning_rate) + ") or set training.clip_norm");
  }

  // The rest of the epoch under way.
  void train_epoch(const TrainingData& data, const TrainingObserver& observer) {
    if (state_.cells == static_cast<std::int64_t>(data.train.size()) || state_.step >= total_steps_) return;
    model_.set_training(true);
    LoaderOptions options{settings_.batch_size, settings_.length_window,
                          seed_ * 7919 + static_cast<std::uint64_t>(state_.epoch), true, state_.cells};
    options.read_cells = settings_.shuffle().window;
    CellLoader loader(data.source, *model_.encoder, epoch_order(data.train, seed_, state_.epoch, settings_.shuffle()),
                      options, data.text);
    while (!summary_.stopped && state_.step < total_steps_) {
      std::vector<TokenBatch> batches;
      while (static_cast<std::int64_t>(batches.size()) < settings_.accumulation)
        if (auto batch = loader.next())
          batches.push_back(std::move(*batch));
        else
          break;
      if (batches.empty()) break;
      step(data, batches, observer);
      summary_.stopped = observer.stop();
      if (!summary_.stopped && checkpoint_due()) checkpoint();
    }
    reading_ = loader.reading_speed();
  }

  // What follows an epoch's last step: validation, the best weights, the report.
  void close_epoch(const TrainingData& data, const TrainingObserver& observer) {
    EpochReport report{state_.epoch + 1, settings_.epochs, state_.epoch_loss.mean(), {}, false, 0, reading_};
    if (!data.validation.empty()) {
      report.validation_loss = validate(data, [&] { return summary_.stopped = observer.stop(); }).mean();
      if (summary_.stopped) return;  // the whole validation is repeated later
      expect_finite(*report.validation_loss, "validation loss");
      report.best = !state_.best_loss || *report.validation_loss < *state_.best_loss;
      if (report.best) {
        state_.best_loss = report.validation_loss;
        state_.best_epoch = state_.epoch + 1;
        if (settings_.keep == "best") checkpoints_.save_best(model_);
      }
    }
    ++state_.epoch;
    state_.cells = 0;
    state_.epoch_loss = {};
    report.seconds = seconds();
    observer.epoch(report);
  }

  void step(const TrainingData& data, const std::vector<TokenBatch>& batches, const TrainingObserver& observer) {
    StepReport report{state_.step + 1, total_steps_, state_.epoch + 1, 0, 0, 0, 0, 0, 0};
    for (const TokenBatch& batch : batches) {
      report.cells += static_cast<std::int64_t>(batch.rows.size());
      for (const auto& text : batch.texts) report.tokens += static_cast<std::int64_t>(text.size());
    }
    optimizer_.zero_gradients();
    LossSum loss;
    for (const TokenBatch& batch : batches) {
      const SoftPrompt prompt = model_.soft_prompt(batch.tokens);  // not rounded: others may find it in the cache
      const RoundedProducts rounded(settings_.precision == "bfloat16");
      loss += description_loss(model_, prompt, batch.texts,
                               {true, 1.0 / static_cast<double>(report.tokens), settings_.label_smoothing},
                               data.given_of(batch, state_.epoch));
      optimizer_.collect_gradients();
    }
    report.loss = loss.mean();
    expect_finite(report.loss, "loss");
    report.learning_rate = learning_rate_at(settings_, state_.step, state_.epoch, total_steps_);
    report.gradient_norm = optimizer_.clip(settings_.clip_norm);
    expect_finite(report.gradient_norm, "gradient norm");
    optimizer_.step(report.learning_rate);
    ++state_.step;
    state_.cells += report.cells;
    state_.epoch_loss += loss;
    summary_.losses.push_back(report.loss);
    report.seconds = seconds();
    observer.step(report);
  }

  bool checkpoint_due() const {
    if (settings_.checkpoint_steps && state_.step % *settings_.checkpoint_steps == 0) return true;
    const double minutes = std::chrono::duration<double>(Clock::now() - last_checkpoint_).count() / 60;
    return settings_.checkpoint_minutes > 0 && minutes >= settings_.checkpoint_minutes;
  }

  void checkpoint() {
    state_.seconds = seconds();
    checkpoints_.write(state_, model_, optimizer_);
    last_checkpoint_ = Clock::now();
  }

  Model& model_;
  TrainingSettings settings_;
  std::uint64_t seed_;
  Checkpoints checkpoints_;
  std::vector<FlatGroup> groups_;
  Optimizer optimizer_;
  TrainingState state_;
  TrainingSummary summary_;
  ReadingSpeed reading_;  // of the last epoch
  std::int64_t total_steps_ = 0;
  double seconds_before_ = 0;
  Clock::time_point started_, last_checkpoint_;
};

}  // namespace cell2text
