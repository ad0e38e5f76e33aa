// Registers the encoder.
#include "cell2text/plugin.hpp"

#include "scgpt.hpp"

CELL2TEXT_PLUGIN(encoder, "scgpt", cell2text::scgpt::Scgpt,
                 "scGPT: genes with their binned expression, read by a transformer without positions.")
