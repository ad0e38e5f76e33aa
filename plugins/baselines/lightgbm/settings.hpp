// The settings of the baseline `lightgbm`, and what LightGBM is told by them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cell2text/baselines/label_targets.hpp"
#include "cell2text/context.hpp"
#include "cell2text/settings.hpp"
#include "trees.hpp"

namespace cell2text::lightgbm {

/// Defaults are the paper's.
struct LightGbmSettings {
  std::optional<std::string> library;
  std::string features = "embedding";
  double learning_rate = 0.05;
  std::int64_t leaves = 31, min_cells_in_leaf = 20;
  std::int64_t trees = 2000, patience = 100, pathway_trees = 1000, pathway_patience = 50;

  static void describe(auto& s) {
    using T = LightGbmSettings;
    s.field("library", &T::library,
            {.help = "lib_lightgbm.so of the wheel lightgbm; unset: the variable CELL2TEXT_LIGHTGBM, else the package "
                     "lightgbm beside LibTorch"});
    s.field("features", &T::features,
            {.help = "what trees look at: embedding (the encoder's, of a cell), or expression (log1p of counts per "
                     "10,000, of all genes)",
             .choices = {"embedding", "expression"}});
    s.field("learning_rate", &T::learning_rate, {.help = "weight of each tree", .min = 1e-6, .max = 1});
    s.field("leaves", &T::leaves, {.help = "of a tree, at most", .min = 2, .max = 131072});
    s.field("min_cells_in_leaf", &T::min_cells_in_leaf,
            {.help = "training cells of a leaf, at least", .unit = "cells", .min = 1, .max = 1e9});
    s.field("trees", &T::trees, {.help = "rounds of boosting for a label, each a tree a class", .min = 1, .max = 1e6});
    s.field(
        "patience", &T::patience,
        {.help = "rounds without a lower validation loss after which a label's training ends", .min = 1, .max = 1e6});
    s.field("pathway_trees", &T::pathway_trees,
            {.help = "rounds of boosting for a pathway's binary expert", .min = 1, .max = 1e6});
    s.field("pathway_patience", &T::pathway_patience, {.help = "the same for a pathway", .min = 1, .max = 1e6});
  }

  /// The same seed, cells and threads give the same trees: `deterministic` with one fixed way of making histograms.
  TreeOptions options(const Target& target, const Context& context) const {
    const std::string bins =
        "min_data_in_leaf=" + std::to_string(min_cells_in_leaf) + " num_threads=" + std::to_string(context.threads) +
        " deterministic=true force_row_wise=true verbosity=-1 seed=" + std::to_string(context.seed % 2'147'483'647);
    const std::string objective =
        target.several ? "objective=binary metric=binary_logloss"
                       : "objective=multiclass metric=multi_logloss num_class=" + std::to_string(target.size());
    return {bins,
            objective + " learning_rate=" + settings_detail::shortest(learning_rate) +
                " num_leaves=" + std::to_string(leaves) + " " + bins,
            target.several ? pathway_trees : trees, target.several ? pathway_patience : patience};
  }
};

}  // namespace cell2text::lightgbm
