// The baseline `head`: one linear layer per label on the encoder's embedding of a cell, as in the paper.
#pragma once

#include <filesystem>

#include "cell2text/context.hpp"
#include "linear_head.hpp"

namespace cell2text::head {

/// The encoder stays as it is. Memory: the embeddings of the training cells, and of them again one batch.
class Head {
 public:
  using Settings = HeadSettings;

  Head(const Settings& settings, const Context& context) : settings_(settings), seed_(context.seed) {}

  BaselineNeeds needs() const { return {.embeddings = true, .labels = true}; }

  /// InputError: no label to learn, or a loss that is not finite.
  void fit(const BaselineCells& train, const BaselineCells& validation, const StopQuestion& stop) {
    models_.fit(
        train, validation, [this](const Target& target) { return make(target); }, stop);
  }
  BaselineAnswers predict(const BaselineCells& cells) const { return models_.predict(cells); }
  void save(const std::filesystem::path& folder) const { models_.save(folder); }
  void load(const std::filesystem::path& folder) {
    models_.load(folder, [this](const Target& target) { return make(target); });
  }

 private:
  LinearHead make(const Target& target) const { return {settings_, target, seed_}; }

  Settings settings_;
  std::uint64_t seed_;
  LabelModels<LinearHead> models_;
};

}  // namespace cell2text::head
