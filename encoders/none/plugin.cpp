// Registers the encoder.
#include "cell2text/plugin.hpp"

#include "none.hpp"

CELL2TEXT_PLUGIN(encoder, "none", cell2text::none::None,
                 "No encoder: the decoder is told the names of a cell's genes, the most expressed first.")
