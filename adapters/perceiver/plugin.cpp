// Registers the adapter.
#include "cell2text/plugin.hpp"

#include "perceiver.hpp"

CELL2TEXT_PLUGIN(adapter, "perceiver", cell2text::perceiver::Perceiver,
                 "Learned latents that read the genes: a fixed number of soft tokens per cell.")
