// How much work a run is, before it is begun: numbers of parameters from its model without values, of cells from its
// file. Host only.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <string>

#include "cell2text/experiment_run.hpp"
#include "cell2text/io/value_json.hpp"

namespace cell2text {

struct RunWork {
  std::optional<std::int64_t> parameters, trained;      ///< of the model; unset: `reason`
  std::optional<std::int64_t> train, validation, test;  ///< cells; unset: `reason`
  std::optional<std::int64_t> steps, cells;             ///< of training, all epochs
  std::string reason;                                   ///< why something is not known
};

/// Optimiser steps of a training, and the cells that they see.
inline std::pair<std::int64_t, std::int64_t> training_work(const TrainingSettings& training, std::int64_t train) {
  const std::int64_t batches = (train + training.batch_size - 1) / training.batch_size;
  const std::int64_t per_epoch = (batches + training.accumulation - 1) / training.accumulation;
  const std::int64_t all = training.epochs * per_epoch, steps = std::min(all, training.max_steps.value_or(all));
  if (steps == all) return {steps, training.epochs * train};
  const std::int64_t epochs = steps / per_epoch, rest = steps % per_epoch;
  return {steps, epochs * train + std::min(rest * training.batch_size * training.accumulation, train)};
}

/// Looks at each model and each file of cells once, however many runs share them.
class WorkEstimator {
 public:
  /// Models are built on the device that holds no values.
  explicit WorkEstimator(const Registry& registry) : registry_(registry) {}

  /// Never throws for what is wrong with a run's files: `reason` says it.
  RunWork of(const Experiment& experiment) {
    RunWork work;
    const Value all = experiment.resolved();
    const auto key = [&](std::initializer_list<const char*> tables) {
      std::string text;
      for (const char* table : tables)
        if (const Value* found = all.find(table)) text += to_json(*found).dump() + '\n';
      return text;
    };
    const Known& model = look_up(key({"encoder", "adapter", "decoder", "finetuning", "prompt"}),
                                 [&](Known& known) { count_parameters(experiment, known); });
    const Known& data = look_up(key({"data", "split", "descriptions", "evaluation", "seed"}),
                                [&](Known& known) { count_cells(experiment, known); });
    if (model.reason.empty()) work.parameters = model.numbers[0], work.trained = model.numbers[1];
    if (data.reason.empty()) {
      work.train = data.numbers[0], work.validation = data.numbers[1], work.test = data.numbers[2];
      const auto [steps, cells] = training_work(experiment.training, *work.train);
      work.steps = steps, work.cells = cells;
    }
    work.reason = model.reason.empty() ? data.reason : model.reason;
    return work;
  }

 private:
  struct Known {
    std::int64_t numbers[3] = {};
    std::string reason;
  };

  template <class Look>
  const Known& look_up(const std::string& key, const Look& look) {
    const auto [found, is_new] = known_.try_emplace(key);
    if (is_new) {
      const Fault fault = guarded([&] { look(found->second); });
      found->second.reason = fault.message;
    }
    return found->second;
  }
  void count_parameters(const Experiment& e, Known& known) const {
    const Host nowhere{registry_, {}, torch::kMeta};
    const Model model =
        build_model(nowhere, {e.encoder, e.adapter, e.decoder, e.finetuning, e.prompt, e.encoder_role.frozen});
    for (const Parameters* part : {model.encoder_parameters.get(), model.adapter_parameters.get(),
                                   model.decoder_parameters.get(), model.tuning_parameters.get()}) {
      known.numbers[0] += part->count();
      known.numbers[1] += part->count(true);
    }
  }
  void count_cells(const Experiment& experiment, Known& known) const {
    const Host host{registry_, {.log = {}, .seed = static_cast<std::uint64_t>(experiment.general.seed)}, torch::kCPU};
    const ExperimentData data = open_data(host, experiment);
    known.numbers[0] = std::ssize(data.split.train);
    known.numbers[1] = std::ssize(data.split.validation);
    known.numbers[2] = std::ssize(data.split.test);
  }

  const Registry& registry_;
  std::map<std::string, Known> known_;
};

}  // namespace cell2text
