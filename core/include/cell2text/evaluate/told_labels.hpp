// What texts tell of each label, beside its truth: read as the metrics `labels` and `calibration` score it.
// Scores nothing; names are label_names.hpp's, reading is text/label_reader.hpp's.
#pragma once

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/evaluate/label_names.hpp"
#include "cell2text/evaluate/prediction.hpp"
#include "cell2text/text/age_bucket.hpp"
#include "cell2text/text/label_reader.hpp"
#include "cell2text/text/words.hpp"

namespace cell2text {

/// A label that is scored, and where the readers put it.
struct ScoredLabel {
  const char* name;
  std::optional<std::string> ReadLabels::*read;
};
inline constexpr ScoredLabel scored_labels[] = {{"cell_type", &ReadLabels::cell_type},
                                                {"tissue", &ReadLabels::tissue},
                                                {"disease", &ReadLabels::disease},
                                                {"sex", &ReadLabels::sex},
                                                {"development_stage", &ReadLabels::stage}};

/// The age bucket of a true development stage, or of one that is given as a bucket.
inline std::optional<std::string> true_bucket(const std::string& stage) {
  const std::string folded = fold_spaces(lower(stage));
  if (std::ranges::find(age_buckets, folded) != age_buckets.end()) return folded;
  const auto bucket = age_bucket(stage);
  return bucket ? std::optional<std::string>(*bucket) : std::nullopt;
}

/// The truth of a label as a text would have to tell it.
inline CellNames truth_of(std::span<const Prediction> predictions, const ScoredLabel& label) {
  CellNames names = true_names(predictions, label.name);
  if (label.read == &ReadLabels::stage)
    for (auto& name : names)
      if (name) name = true_bucket(*name);
  return names;
}

/// Of one label: the names that it may have, and per cell what is true and what the text tells, under one name each.
struct ToldLabel {
  std::string name;
  LabelNames names;
  CellNames truth, told;
};

/// Of each of `scored_labels`, in their order. Texts may use the known names, those in the truth of these cells, and
/// the exact synonyms and ids of ontology terms.
inline std::vector<ToldLabel> told_labels(std::span<const Prediction> predictions, const KnownLabels& known) {
  std::vector<ToldLabel> all;
  for (const ScoredLabel& label : scored_labels) {
    CellNames truth = truth_of(predictions, label);
    LabelNames names(label.name, truth, known);
    all.push_back({label.name, std::move(names), std::move(truth), CellNames(predictions.size())});
  }
  const KnownLabelReader reader(all[0].names.texts(), all[1].names.texts(), all[2].names.texts());
  for (std::size_t cell = 0; cell < predictions.size(); ++cell) {
    const ReadLabels read = reader.read(predictions[cell].prediction);
    for (std::size_t i = 0; i < all.size(); ++i) {
      ToldLabel& label = all[i];
      label.told[cell] = read.*scored_labels[i].read;
      if (scored_labels[i].read == &ReadLabels::stage) continue;  // buckets are no names of terms
      for (auto* name : {&label.truth[cell], &label.told[cell]})
        if (*name) *name = label.names.name_of(**name);
    }
  }
  return all;
}

}  // namespace cell2text
