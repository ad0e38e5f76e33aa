// The training loop: epochs over shuffled cells, gradient accumulation, schedule, clipping, validation,
// and the choice of the best weights. What it reports goes through an observer; it writes no files itself
// but the best weights, by parameter name.
#pragma once

#include <chrono>
#include <functional>
#include <limits>

#include "cell2text/cells/cell_loader.hpp"
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
};

struct TrainingObserver {
  std::function<void(const StepReport&)> step = [](const StepReport&) {};
  std::function<void(const EpochReport&)> epoch = [](const EpochReport&) {};
  std::function<bool()> stop = [] { return false; };  ///< asked after each step
};

/// What is trained on. Rows are of the source; `text` gives description tokens that end in the end token.
struct TrainingData {
  const SourceHandle& source;
  TextOfRow text;
  std::vector<std::int64_t> train, validation;
};

struct TrainingSummary {
  std::int64_t steps = 0, epochs = 0, best_epoch = 0;
  double seconds = 0;
  bool stopped = false;        ///< by the observer
  std::vector<double> losses;  ///< of each step
};

class Trainer {
 public:
  Trainer(Model& model, const TrainingSettings& settings, std::uint64_t seed, std::filesystem::path best_weights)
      : model_(model),
        settings_(settings),
        seed_(seed),
        best_weights_(std::move(best_weights)),
        groups_(flat_groups({model.encoder_parameters.get(), model.adapter_parameters.get(),
                             model.decoder_parameters.get(), model.tuning_parameters.get()})),
        optimizer_(groups_, settings_) {}

  TrainingSummary run(const TrainingData& data, const TrainingObserver& observer) {
    if (data.train.empty()) throw InputError("no cell is left to train on");
    started_ = std::chrono::steady_clock::now();
    at::manual_seed(seed_);  // dropout draws from the process's generator
    const auto cells = static_cast<std::int64_t>(data.train.size());
    const std::int64_t batches = (cells + settings_.batch_size - 1) / settings_.batch_size;
    const std::int64_t steps_per_epoch = (batches + settings_.accumulation - 1) / settings_.accumulation;
    total_steps_ = settings_.epochs * steps_per_epoch;
    if (settings_.max_steps) total_steps_ = std::min(total_steps_, *settings_.max_steps);
    double best = std::numeric_limits<double>::infinity();
    for (std::int64_t epoch = 0; epoch < settings_.epochs && !finished(); ++epoch) {
      EpochReport report{epoch + 1, settings_.epochs, 0, {}, false, 0};
      report.training_loss = train_epoch(data, epoch, observer).mean();
      if (!data.validation.empty()) {
        report.validation_loss = validate(data).mean();
        expect_finite(*report.validation_loss, "validation loss");
        report.best = *report.validation_loss < best;
        if (report.best) {
          best = *report.validation_loss;
          summary_.best_epoch = epoch + 1;
          if (settings_.keep == "best") save_trained(best_weights_);
        }
      }
      summary_.epochs = epoch + 1;
      report.seconds = seconds();
      observer.epoch(report);
    }
    if (settings_.keep == "best" && summary_.best_epoch > 0 && summary_.best_epoch < summary_.epochs)
      load_trained(best_weights_);
    for (FlatGroup& group : groups_) group.release();
    summary_.seconds = seconds();
    return summary_;
  }

  /// Mean loss over cells without gradients.
  LossSum validate(const TrainingData& data) {
    torch::NoGradGuard no_grad;
    model_.set_training(false);
    CellLoader loader(data.source, *model_.encoder, data.validation, {settings_.batch_size, 1, 0, false}, data.text);
    LossSum sum;
    while (auto batch = loader.next())
      sum += description_loss(model_, model_.soft_prompt(batch->tokens), batch->texts, {});
    return sum;
  }

 private:
  bool finished() const { return summary_.stopped || summary_.steps >= total_steps_; }

  double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count(); }

  // Weights that took such a step are lost, and every number after it.
  void expect_finite(double number, const char* what) const {
    if (!std::isfinite(number))
      throw InputError(std::string("the ") + what + " is not finite after " + std::to_string(summary_.steps) +
                       " steps; lower training.learning_rate (now " +
                       settings_detail::shortest(settings_.learning_rate) + ") or set training.clip_norm");
  }

  LossSum train_epoch(const TrainingData& data, std::int64_t epoch, const TrainingObserver& observer) {
    model_.set_training(true);
    const LoaderOptions options{settings_.batch_size, settings_.length_window,
                                seed_ * 7919 + static_cast<std::uint64_t>(epoch), true};
    CellLoader loader(data.source, *model_.encoder, shuffled_rows(data.train, seed_, epoch), options, data.text);
    LossSum epoch_loss;
    while (!finished()) {
      std::vector<TokenBatch> batches;
      while (static_cast<std::int64_t>(batches.size()) < settings_.accumulation)
        if (auto batch = loader.next())
          batches.push_back(std::move(*batch));
        else
          break;
      if (batches.empty()) break;
      epoch_loss += step(batches, epoch, observer);
      summary_.stopped = observer.stop();
    }
    return epoch_loss;
  }

  LossSum step(const std::vector<TokenBatch>& batches, std::int64_t epoch, const TrainingObserver& observer) {
    StepReport report{summary_.steps + 1, total_steps_, epoch + 1, 0, 0, 0, 0, 0, 0};
    for (const TokenBatch& batch : batches) {
      report.cells += static_cast<std::int64_t>(batch.rows.size());
      for (const auto& text : batch.texts) report.tokens += static_cast<std::int64_t>(text.size());
    }
    optimizer_.zero_gradients();
    LossSum loss;
    for (const TokenBatch& batch : batches)
      loss += description_loss(model_, model_.soft_prompt(batch.tokens), batch.texts,
                               {true, 1.0 / static_cast<double>(report.tokens), settings_.label_smoothing});
    report.loss = loss.mean();
    expect_finite(report.loss, "loss");
    report.learning_rate = learning_rate_at(settings_, summary_.steps, epoch, total_steps_);
    report.gradient_norm = optimizer_.clip(settings_.clip_norm);
    expect_finite(report.gradient_norm, "gradient norm");
    optimizer_.step(report.learning_rate);
    ++summary_.steps;
    summary_.losses.push_back(report.loss);
    report.seconds = seconds();
    observer.step(report);
    return loss;
  }

  std::vector<std::pair<std::string, Parameter*>> trained() const {
    std::vector<std::pair<std::string, Parameter*>> all;
    const std::pair<const char*, Parameters*> sets[] = {{"encoder.", model_.encoder_parameters.get()},
                                                        {"adapter.", model_.adapter_parameters.get()},
                                                        {"decoder.", model_.decoder_parameters.get()},
                                                        {"finetuning.", model_.tuning_parameters.get()}};
    for (const auto& [prefix, set] : sets)
      for (Parameter& parameter : set->list())
        if (parameter.trainable) all.emplace_back(prefix + parameter.name, &parameter);
    return all;
  }

  void save_trained(const std::filesystem::path& path) const {
    std::vector<std::pair<std::string, Tensor>> tensors;
    for (const auto& [name, parameter] : trained()) tensors.emplace_back(name, parameter->value.detach());
    std::filesystem::create_directories(path.parent_path());
    save_tensors(path, tensors, {});
  }

  void load_trained(const std::filesystem::path& path) const {
    torch::NoGradGuard no_grad;
    const TensorFiles files = TensorFiles::open(path);
    for (const auto& [name, parameter] : trained()) parameter->value.copy_(files.tensor(name));
  }

  Model& model_;
  TrainingSettings settings_;
  std::uint64_t seed_;
  std::filesystem::path best_weights_;
  std::vector<FlatGroup> groups_;
  Optimizer optimizer_;
  TrainingSummary summary_;
  std::int64_t total_steps_ = 0;
  std::chrono::steady_clock::time_point started_;
};

}  // namespace cell2text
