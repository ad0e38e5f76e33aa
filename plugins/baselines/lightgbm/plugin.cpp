// Registers the baseline.
#include "cell2text/plugin.hpp"

#include "lightgbm.hpp"

CELL2TEXT_PLUGIN(baseline, "lightgbm", cell2text::lightgbm::LightGbm,
                 "Boosted trees (LightGBM) on the encoder's embedding of a cell, or on its expression.")
