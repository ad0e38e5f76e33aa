// Which of the test cells are described and scored: the [evaluation] table of an experiment. Beam search over all of a
// large test set takes days, and a few thousand cells tell as much.
#pragma once

#include <cstdint>
#include <optional>

#include "cell2text/settings.hpp"

namespace cell2text {

struct EvaluationSettings {
  std::optional<std::int64_t> max_cells;
  std::int64_t seed = 0;

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
  }
};

}  // namespace cell2text
