// Full fine-tuning: every parameter of the decoder is trained.
#pragma once

#include "cell2text/concepts.hpp"

namespace cell2text::finetuning {

class Full {
 public:
  struct Settings {
    static void describe(auto&) {}
  };

  Full(const Settings&, ModelContext&) {}

  void prepare(DecoderView view) { view.parameters.set_trainable(true); }
  /// The decoder itself changes, so the model folder holds it whole and there is nothing to add.
  bool changes_base() const { return true; }
  void save(const std::filesystem::path&) const {}
  void load(const std::filesystem::path&) {}
  void merge() {}
};

}  // namespace cell2text::finetuning
