// Checkpoints of a training run: all that is needed to go on as if it had never been interrupted, bit for bit.
// A checkpoint is a folder `step-N`:
//   trained.safetensors    trained parameters by name
//   optimizer.safetensors  their moments (exp_avg.NAME, exp_avg_sq.NAME)
//   random.safetensors     state of the generators that dropout draws from
//   best.safetensors       the best weights so far, where there are any (the same file as beside the folder)
//   state.json             step, epoch, data cursor in cells, sums of the epoch
// Names are those of parameters, so a checkpoint does not depend on how they lie in memory.
#pragma once

#include <ATen/Context.h>

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/io/atomic_folder.hpp"
#include "cell2text/io/json.hpp"
#include "cell2text/io/tensors.hpp"
#include "cell2text/model.hpp"
#include "cell2text/train/loss.hpp"
#include "cell2text/train/optimizer.hpp"

namespace cell2text {

/// How far training is. Everything else (order of the cells, learning rate) follows from it and the settings.
struct TrainingState {
  std::int64_t step = 0;            ///< optimiser steps done
  std::int64_t epoch = 0;           ///< epochs done
  std::int64_t cells = 0;           ///< cells of the epoch under way that were trained on
  LossSum epoch_loss;               ///< of the epoch under way
  std::optional<double> best_loss;  ///< lowest validation loss
  std::int64_t best_epoch = 0;      ///< from 1; 0: none
  double seconds = 0;               ///< spent so far
};

/// Trained parameters under names that are unique over the parts of a model.
inline std::vector<std::pair<std::string, Parameter*>> trained_parameters(const Model& model) {
  std::vector<std::pair<std::string, Parameter*>> all;
  const std::pair<const char*, Parameters*> sets[] = {{"encoder.", model.encoder_parameters.get()},
                                                      {"adapter.", model.adapter_parameters.get()},
                                                      {"decoder.", model.decoder_parameters.get()},
                                                      {"finetuning.", model.tuning_parameters.get()}};
  for (const auto& [prefix, set] : sets)
    for (Parameter& parameter : set->list())
      if (parameter.trainable) all.emplace_back(prefix + parameter.name, &parameter);
  return all;
}

/// The folder `checkpoints` of a run.
class Checkpoints {
 public:
  explicit Checkpoints(std::filesystem::path folder) : folder_(std::move(folder)) {}

  std::filesystem::path best_weights() const { return folder_ / "best.safetensors"; }

  /// The checkpoint that is furthest, if there is one.
  std::optional<std::filesystem::path> newest() const {
    std::optional<std::filesystem::path> found;
    std::int64_t most = -1;
    for (const auto& [path, step] : all())
      if (step > most) most = step, found = path;
    return found;
  }

  void save_best(const Model& model) const {
    std::vector<std::pair<std::string, Tensor>> tensors;
    for (const auto& [name, parameter] : trained_parameters(model)) tensors.emplace_back(name, parameter->value);
    std::filesystem::create_directories(folder_);
    save_tensors(best_weights(), tensors);
  }

  void load_best(const Model& model) const {
    load_values(best_weights(), model, [](Parameter& parameter) { return parameter.value; });
  }

  /// Writes `step-N` and then removes older ones. EnvironmentError where the disk is full: the older one stays.
  void write(const TrainingState& state, const Model& model, Optimizer& optimizer) const {
    const auto path = folder_ / ("step-" + std::to_string(state.step));
    try {
      AtomicFolder folder(path);
      std::vector<std::pair<std::string, Tensor>> values, moments;
      for (const auto& [name, parameter] : trained_parameters(model)) {
        values.emplace_back(name, optimizer.value(*parameter));
        const auto [first, second] = optimizer.moments(*parameter);
        moments.emplace_back("exp_avg." + name, first);
        moments.emplace_back("exp_avg_sq." + name, second);
      }
      save_tensors(folder.partial() / "trained.safetensors", values);
      save_tensors(folder.partial() / "optimizer.safetensors", moments);
      save_tensors(folder.partial() / "random.safetensors", generator_states(model.device));
      if (state.best_epoch > 0 && std::filesystem::exists(best_weights()))
        share(best_weights(), folder.partial() / "best.safetensors");
      write_atomically(folder.partial() / "state.json", to_json(state).dump(2) + "\n");
      folder.commit();
    } catch (const EnvironmentError& error) {
      const auto last = newest();
      throw EnvironmentError(
          std::string(error.what()) + ". The checkpoint of step " + std::to_string(state.step) + " was not written; " +
          (last ? "the last good one is " + last->string() : std::string("there is no earlier one")) +
          ". Once that is mended, the same command with --resume goes on");
    }
    for (const auto& [older, step] : all())
      if (older != path) std::filesystem::remove_all(older);
  }

  /// Puts a checkpoint back into model, optimiser and generators. InputError where it does not fit or is damaged.
  TrainingState read(const std::filesystem::path& path, const Model& model, Optimizer& optimizer) const {
    const TrainingState state = from_json(read_json(path / "state.json"), (path / "state.json").string());
    load_values(path / "trained.safetensors", model, [&](Parameter& parameter) { return optimizer.value(parameter); });
    optimizer.publish();
    {
      torch::NoGradGuard no_grad;
      const TensorFiles moments = TensorFiles::open(path / "optimizer.safetensors");
      for (const auto& [name, parameter] : trained_parameters(model)) {
        const auto [first, second] = optimizer.moments(*parameter);
        first.copy_(moments.tensor("exp_avg." + name));
        second.copy_(moments.tensor("exp_avg_sq." + name));
      }
    }
    optimizer.set_steps(state.step);
    const TensorFiles random = TensorFiles::open(path / "random.safetensors");
    for (const auto& [name, unused] : generator_states(model.device)) {
      at::Generator generator = generator_of(name == "cpu" ? torch::Device(torch::kCPU) : model.device);
      generator.set_state(random.tensor(name).clone());
    }
    if (state.best_epoch > 0 && std::filesystem::exists(path / "best.safetensors")) {
      std::filesystem::remove(best_weights());
      share(path / "best.safetensors", best_weights());
    }
    return state;
  }

  /// When the model is written, its folder holds what checkpoints held.
  void remove() const { std::filesystem::remove_all(folder_); }

 private:
  std::vector<std::pair<std::filesystem::path, std::int64_t>> all() const {
    std::vector<std::pair<std::filesystem::path, std::int64_t>> found;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(folder_, ignored)) {
      const std::string name = entry.path().filename().string();
      if (!name.starts_with("step-") || name.find_first_not_of("0123456789", 5) != std::string::npos) continue;
      if (name.size() > 5 && name.size() < 23) found.emplace_back(entry.path(), std::stoll(name.substr(5)));
    }
    return found;
  }

  static at::Generator generator_of(torch::Device device) { return at::globalContext().defaultGenerator(device); }

  static std::vector<std::pair<std::string, Tensor>> generator_states(torch::Device device) {
    std::vector<std::pair<std::string, Tensor>> states{{"cpu", generator_of(torch::kCPU).get_state()}};
    if (!device.is_cpu()) states.emplace_back("device", generator_of(device).get_state());
    return states;
  }

  // `place(parameter)` is what a value is copied to.
  template <class Place>
  static void load_values(const std::filesystem::path& path, const Model& model, const Place& place) {
    torch::NoGradGuard no_grad;
    const TensorFiles files = TensorFiles::open(path);
    for (const auto& [name, parameter] : trained_parameters(model)) {
      const Tensor value = files.tensor(name);
      if (value.sizes() != parameter->value.sizes())
        throw InputError(path.string() + ": tensor '" + name + "' has another shape than the model's; the checkpoint " +
                         "belongs to another experiment");
      place(*parameter).copy_(value);
    }
  }

  // One file under two names; a copy where the file system has no such thing.
  static void share(const std::filesystem::path& from, const std::filesystem::path& to) {
    std::error_code error;
    std::filesystem::create_hard_link(from, to, error);
    if (error) std::filesystem::copy_file(from, to, error);
    if (error) throw EnvironmentError("cannot write " + to.string() + ": " + error.message());
  }

  static nlohmann::ordered_json to_json(const TrainingState& state) {
    nlohmann::ordered_json json{{"step", state.step},
                                {"epoch", state.epoch},
                                {"cells", state.cells},
                                {"epoch_loss_sum", state.epoch_loss.sum},
                                {"epoch_tokens", state.epoch_loss.tokens},
                                {"best_epoch", state.best_epoch},
                                {"seconds", state.seconds}};
    if (state.best_loss) json["best_loss"] = *state.best_loss;
    return json;
  }

  static TrainingState from_json(const nlohmann::json& json, const std::string& where) {
    TrainingState state;
    state.step = required<std::int64_t>(json, "step", where);
    state.epoch = required<std::int64_t>(json, "epoch", where);
    state.cells = required<std::int64_t>(json, "cells", where);
    state.epoch_loss.sum = required<double>(json, "epoch_loss_sum", where);
    state.epoch_loss.tokens = required<std::int64_t>(json, "epoch_tokens", where);
    state.best_epoch = required<std::int64_t>(json, "best_epoch", where);
    state.seconds = required<double>(json, "seconds", where);
    state.best_loss = optional_value<double>(json, "best_loss", where);
    return state;
  }

  std::filesystem::path folder_;
};

}  // namespace cell2text
