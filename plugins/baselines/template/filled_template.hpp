// The baseline `template`: the labels that another baseline predicts, filled into the description template. What a text
// metric says of it is what a language model adds to labels, or does not.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "cell2text/baselines/label_text.hpp"
#include "cell2text/baselines/types.hpp"
#include "cell2text/context.hpp"
#include "cell2text/settings.hpp"

namespace cell2text::filled_template {

/// Learns nothing. A cell without a predicted cell type gets an empty text.
class FilledTemplate {
 public:
  struct Settings {
    std::optional<std::string> ontology;
    std::string preset = "paper";

    static void describe(auto& s) {
      s.field("ontology", &Settings::ontology,
              {.help = "OBO file of the Cell Ontology, whose definitions follow the cell type, as in [descriptions]; "
                       "unset: names only"});
      s.field("preset", &Settings::preset,
              {.help = "template: paper, or authors (as their code writes it)", .choices = {"paper", "authors"}});
    }
  };

  /// Errors of Ontology::read.
  FilledTemplate(const Settings& settings, const Context&)
      : style_{settings.preset == "authors" ? DescriptionStyle::Preset::authors : DescriptionStyle::Preset::paper} {
    if (settings.ontology) ontology_ = Ontology::read(*settings.ontology);
  }

  BaselineNeeds needs() const { return {.another_labels = true}; }

  void fit(const BaselineCells&, const BaselineCells&) {}

  BaselineAnswers predict(const BaselineCells& cells) const {
    BaselineAnswers answers;
    const Ontology* ontology = ontology_ ? &*ontology_ : nullptr;
    for (std::int64_t cell = 0; cell < cells.size; ++cell)
      answers.texts.push_back(text_of_labels({cells.labels, cells.pathways}, cell, ontology, style_));
    return answers;
  }

  void save(const std::filesystem::path&) const {}
  void load(const std::filesystem::path&) {}

 private:
  DescriptionStyle style_;
  std::optional<Ontology> ontology_;
};

}  // namespace cell2text::filled_template
