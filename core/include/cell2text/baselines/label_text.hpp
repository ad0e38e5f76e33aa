// Labels that a baseline gives, as the facts that the description template is filled with.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cell2text/cells/cell_batch.hpp"
#include "cell2text/text/age_bucket.hpp"
#include "cell2text/text/description.hpp"

namespace cell2text {

/// Labels of N cells, named as in prediction_labels, and their pathways as texts tell them.
struct LabelAnswers {
  const std::vector<LabelColumn>& labels;
  const std::vector<LabelColumn>& pathways;
};

namespace label_text_detail {

/// A stage of each age bucket, in their order: the template takes stages, and tells their buckets.
inline constexpr std::array<std::string_view, age_buckets.size()> stages = {
    "embryonic stage",   "30th week post-fertilization stage",
    "newborn stage",     "3-year-old stage",
    "10-year-old stage", "17-year-old stage",
    "25-year-old stage", "40-year-old stage",
    "57-year-old stage", "70-year-old stage",
    "90-year-old stage"};

/// A stage that is told as `stage`, which may be a bucket.
inline std::string stage_told_as(const std::string& stage) {
  const auto bucket = std::ranges::find(age_buckets, stage);
  return bucket == age_buckets.end() ? stage : std::string(stages[bucket - age_buckets.begin()]);
}

}  // namespace label_text_detail

/// What the labels say of one cell; without a definition.
inline CellFacts facts_of_labels(const LabelAnswers& answers, std::int64_t cell) {
  CellFacts facts;
  const std::pair<const char*, std::optional<std::string> CellFacts::*> places[] = {
      {"cell_type", &CellFacts::cell_type},
      {"tissue", &CellFacts::tissue},
      {"disease", &CellFacts::disease},
      {"sex", &CellFacts::sex},
      {"development_stage", &CellFacts::development_stage}};
  for (const LabelColumn& column : answers.labels)
    for (const auto& [name, place] : places)
      if (column.name == name) facts.*place = column.at(cell);
  if (facts.development_stage) facts.development_stage = label_text_detail::stage_told_as(*facts.development_stage);
  for (const LabelColumn& column : answers.pathways)
    if (const auto pathway = column.at(cell)) facts.pathway_descriptions.push_back(*pathway);
  return facts;
}

}  // namespace cell2text
