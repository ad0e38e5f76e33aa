// The paper's scores, in percent, for the report's side-by-side columns. Names are those of metrics.json.
#pragma once

#include <array>
#include <limits>

namespace cell2text::driver {

inline constexpr std::array paper_columns = {"Geneformer + head", "Geneformer + LightGBM", "Llama-1B LoRA",
                                             "Llama-1B full", "Gemma-4B full"};
/// What the paper does not give: its baselines write no texts.
inline constexpr double not_given = std::numeric_limits<double>::quiet_NaN();

struct PaperScore {
  const char* name;
  std::array<double, 5> percent;
};

inline constexpr PaperScore paper_scores[] = {
    {"overlap.exact", {not_given, not_given, 5.79, 7.02, 6.73}},
    {"overlap.bleu_2", {not_given, not_given, 77.8, 80.96, 80.91}},
    {"overlap.bleu_4", {not_given, not_given, 73.88, 77.39, 77.38}},
    {"overlap.rouge_1_f", {not_given, not_given, 82.62, 84.88, 84.99}},
    {"overlap.rouge_2_f", {not_given, not_given, 76.7, 79.64, 79.79}},
    {"overlap.rouge_l_f", {not_given, not_given, 79.55, 81.99, 82.17}},
    {"bertscore.roberta-large.f1", {not_given, not_given, 95.74, 96.28, 96.32}},
    {"bertscore.biobert-large.f1", {not_given, not_given, 93.06, 93.9, 93.93}},
    {"labels.paper.cell_type.accuracy", {67.26, 50.7, 70.90, 76.91, 77.83}},
    {"labels.paper.cell_type.weighted_f1", {63.98, 52.56, 69.28, 75.88, 77.39}},
    {"labels.paper.tissue.accuracy", {68.52, 44.96, 67.97, 73.35, 73.04}},
    {"labels.paper.tissue.weighted_f1", {66.64, 43.77, 68.03, 74.02, 73.94}},
    {"labels.paper.disease.accuracy", {74.09, 61.30, 72.71, 77.84, 77.34}},
    {"labels.paper.disease.weighted_f1", {71.44, 52.66, 73.44, 78.46, 77.82}},
    {"pagerank.similarity", {80.62, 63.7, 75.57, 85.31, 85.62}},
    {"pathways.subset_accuracy", {40.08, 44.09, 39.63, 42.31, 42.19}},
    {"pathways.jaccard", {57.22, 60.39, 56.73, 58.76, 58.67}},
    {"pathways.weighted_f1", {63.60, 67.11, 64.06, 66.16, 66.27}},
};

}  // namespace cell2text::driver
