// Registers the baseline.
#include "cell2text/plugin.hpp"

#include "nearest.hpp"

CELL2TEXT_PLUGIN(baseline, "nearest", cell2text::nearest::Nearest,
                 "Copies the description of the training cell whose embedding is most similar by cosine.")
