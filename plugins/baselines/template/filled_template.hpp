// The baseline `template`: the labels that another baseline predicts, filled into the description template. What a text
// metric says of it is what a language model adds to labels, or does not.
#pragma once

#include <filesystem>

#include "cell2text/baselines/types.hpp"
#include "cell2text/context.hpp"

namespace cell2text::filled_template {

/// Learns nothing, and fills in nothing itself: the run does, as it fills the template for its own descriptions. A cell
/// without a predicted cell type gets an empty text.
class FilledTemplate {
 public:
  struct Settings {
    static void describe(auto&) {}
  };

  FilledTemplate(const Settings&, const Context&) {}

  BaselineNeeds needs() const { return {.another_labels = true}; }

  void fit(const BaselineCells&, const BaselineCells&) {}

  BaselineAnswers predict(const BaselineCells& cells) const {
    return {.labels = cells.labels, .pathways = cells.pathways, .fill_template = true};
  }

  void save(const std::filesystem::path&) const {}
  void load(const std::filesystem::path&) {}
};

}  // namespace cell2text::filled_template
