// The [split] table of a dataset: shares of the parts, what is held out, how much of train is kept.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cell2text/cells/split.hpp"
#include "cell2text/settings.hpp"

namespace cell2text::dataset {

struct HoldoutSettings {
  std::vector<std::string> dataset = {}, assay = {}, tissue_general = {}, tissue = {}, cell_type = {};
  bool descendants = true;

  static void describe(auto& s) {
    using T = HoldoutSettings;
    const auto list = [&](const char* name, std::vector<std::string> T::*member, const char* what) {
      s.field(name, member, {.help = what});
    };
    list("dataset", &T::dataset, "datasets, all cells of which are held out");
    list("assay", &T::assay, "assays, all cells of which are held out");
    list("tissue_general", &T::tissue_general, "organs, all cells of which are held out");
    list("tissue", &T::tissue, "tissues, all cells of which are held out");
    list("cell_type", &T::cell_type, "cell types, all cells of which are held out");
    s.field("descendants", &T::descendants,
            {.help = "hold out what the ontology has below a tissue or cell type too. A kind that stays in train would "
                     "tell of the one that is held out"});
  }
};

struct DonorSplitSettings {
  double train = 0.8, validation = 0.1, test = 0.1;
  double train_fraction = 1;
  std::optional<HoldoutSettings> holdout = {};

  static void describe(auto& s) {
    using T = DonorSplitSettings;
    s.field("train", &T::train, {.help = "share of the cells to train on", .min = 0, .max = 1});
    s.field("validation", &T::validation, {.help = "share that chooses the best model", .min = 0, .max = 1});
    s.field("test", &T::test, {.help = "share that is described and scored", .min = 0, .max = 1});
    s.field(
        "train_fraction", &T::train_fraction,
        {.help = "share of the training donors that is kept, for learning curves; the others' cells are in no part. "
                 "The donors of a smaller fraction are among those of a larger one",
         .min = 0,
         .max = 1});
    s.field("holdout", &T::holdout,
            {.help = "a fourth part, for tests on what was never trained on; the shares are those of the other cells"});
  }
  void validate() const {
    split_detail::expect_shares(train, validation, test);
    if (train_fraction <= 0) throw InputError("'split.train_fraction' is 0; a model needs cells to train on");
  }
};

}  // namespace cell2text::dataset
