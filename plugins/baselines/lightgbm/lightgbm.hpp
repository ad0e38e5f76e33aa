// The baseline `lightgbm`: boosted trees for each label, and a binary expert for each pathway, as in the paper.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/baselines/label_targets.hpp"
#include "cell2text/context.hpp"
#include "cell2text/io/atomic_file.hpp"
#include "cell2text/io/mapped_file.hpp"
#include "settings.hpp"

namespace cell2text::lightgbm {

/// One multiclass booster for a label, or a binary one for each of a target's several classes.
class TreeClassifier {
 public:
  /// What it learns from is binned in `bins`, which those of other targets may share; only `fit` needs it.
  TreeClassifier(std::shared_ptr<const Library> library, std::shared_ptr<BinnedCells> bins,
                 const LightGbmSettings& settings, Target target, const Context& context)
      : library_(std::move(library)),
        bins_(std::move(bins)),
        target_(std::move(target)),
        options_(settings.options(target_, context)),
        log_(context.log) {}

  void fit(const Examples& train, const Examples& validation, const StopQuestion& stop) {
    const Dataset& cells = bins_->train(train.cells, options_.bins);
    const Dataset* const watched =
        validation.cells->size > 0 ? &bins_->validation(validation.cells, options_.bins) : nullptr;
    std::string rounds;
    boosters_.clear();
    for (std::int64_t i = 0; i < num_boosters(); ++i) {
      Trees& trees = boosters_.emplace_back(library_);
      cells.set_truth(truth_of(train, i));
      if (watched) watched->set_truth(truth_of(validation, i));
      if (!trees.train(cells, watched, options_, stop)) return;
      rounds += (i ? ", " : "") + std::to_string(trees.rounds());
    }
    log_.debug("lightgbm: '" + target_.name + "' took " + rounds + " rounds of boosting" +
               (watched ? "" : "; there are no validation cells to stop it earlier"));
  }

  /// [N,C] probabilities.
  Tensor scores(const BaselineCells& cells) const {
    const Features features = features_of(cells);
    const std::int64_t outputs = target_.several ? 1 : target_.size();
    const Tensor scores_NC = torch::empty({cells.size, target_.size()}, torch::kFloat64);
    auto* const out = scores_NC.data_ptr<double>();
    for (std::int64_t i = 0; i < num_boosters(); ++i) {
      const std::vector<double> values = boosters_[i].probabilities(features, outputs, options_.parameters);
      for (std::int64_t cell = 0; cell < cells.size; ++cell)
        for (std::int64_t k = 0; k < outputs; ++k) out[cell * target_.size() + i + k] = values[cell * outputs + k];
    }
    return scores_NC;
  }

  void save(const std::filesystem::path& folder) const {
    for (std::int64_t i = 0; i < num_boosters(); ++i) write_atomically(file(folder, i), boosters_[i].model());
  }
  /// InputError: a file is missing. EnvironmentError: one is damaged.
  void load(const std::filesystem::path& folder) {
    boosters_.clear();
    for (std::int64_t i = 0; i < num_boosters(); ++i)
      boosters_.emplace_back(library_).set_model(std::string(MappedFile::open(file(folder, i))->text()));
  }

 private:
  std::int64_t num_boosters() const { return target_.several ? target_.size() : 1; }

  std::filesystem::path file(const std::filesystem::path& folder, std::int64_t booster) const {
    return folder / (target_.name + (target_.several ? "." + std::to_string(booster) : "") + ".txt");
  }

  std::vector<float> truth_of(const Examples& cells, std::int64_t booster) const {
    const Tensor column = target_.several ? cells.truth.select(1, booster) : cells.truth;
    const Tensor truth = column.to(torch::kFloat32).contiguous();
    return {truth.const_data_ptr<float>(), truth.const_data_ptr<float>() + truth.numel()};
  }

  std::shared_ptr<const Library> library_;
  std::shared_ptr<BinnedCells> bins_;
  Target target_;
  TreeOptions options_;
  Log log_;
  std::vector<Trees> boosters_;
};

/// Memory: the features of the training cells, and LightGBM's own form of them, mostly a byte for each number.
class LightGbm {
 public:
  using Settings = LightGbmSettings;

  /// InputError where LightGBM is not there.
  LightGbm(const Settings& settings, const Context& context)
      : settings_(settings),
        context_(context),
        library_(std::make_shared<const Library>(find_library(settings.library))) {}

  BaselineNeeds needs() const {
    const bool expression = settings_.features == "expression";
    return {.embeddings = !expression, .counts = expression, .labels = true};
  }

  /// InputError: no label to learn.
  void fit(const BaselineCells& train, const BaselineCells& validation, const StopQuestion& stop) {
    const auto bins = std::make_shared<BinnedCells>(library_);
    models_.fit(
        train, validation, [&](const Target& target) { return make(target, bins); }, stop);
    bins->clear();
  }
  BaselineAnswers predict(const BaselineCells& cells) const { return models_.predict(cells); }
  void save(const std::filesystem::path& folder) const { models_.save(folder); }
  void load(const std::filesystem::path& folder) {
    models_.load(folder, [this](const Target& target) { return make(target, nullptr); });
  }

 private:
  TreeClassifier make(const Target& target, std::shared_ptr<BinnedCells> bins) const {
    return {library_, std::move(bins), settings_, target, context_};
  }

  Settings settings_;
  Context context_;
  std::shared_ptr<const Library> library_;
  LabelModels<TreeClassifier> models_;
};

}  // namespace cell2text::lightgbm
