// Registers the baseline.
#include "cell2text/plugin.hpp"

#include "majority.hpp"

CELL2TEXT_PLUGIN(baseline, "majority", cell2text::majority::Majority,
                 "Tells every cell the same: the description of a training cell with the most frequent labels.")
