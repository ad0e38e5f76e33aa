// Registers the baseline.
#include "cell2text/plugin.hpp"

#include "head.hpp"

CELL2TEXT_PLUGIN(baseline, "head", cell2text::head::Head,
                 "A linear layer on the encoder's embedding of a cell predicts each label.")
