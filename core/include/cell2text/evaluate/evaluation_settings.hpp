// Which of the test cells are described and scored, and what of them is given: the [evaluation] table of an experiment.
// Beam search over all of a large test set takes days, and a few thousand cells tell as much.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cell2text/settings.hpp"
#include "cell2text/text/given_labels.hpp"

namespace cell2text {

struct EvaluationSettings {
  std::optional<std::int64_t> max_cells;
  std::int64_t seed = 0;
  std::optional<std::vector<std::string>> given;

  bool any() const { return max_cells || given; }
  void validate() const {
    for (const std::string& label : given.value_or(std::vector<std::string>{})) expect_label(label, "'given'");
  }

  static void describe(auto& s) {
    using T = EvaluationSettings;
    s.field("max_cells", &T::max_cells,
            {.help = "at most so many of the test cells are described and scored, of each cell type its share of them; "
                     "unset: all",
             .unit = "cells",
             .min = 1});
    s.field("seed", &T::seed,
            {.help = "of their choice. Not the experiment's, so that runs of other seeds are tested on the same cells "
                     "where the file says which are test cells",
             .min = 0});
    s.field(
        "given", &T::given,
        {.help = "labels of the test cells that are given, as 'describe --given' gives them: [\"tissue\"]. Their own "
                 "scores then say nothing. Unset: none"});
  }
};

}  // namespace cell2text
