// Registers the adapter.
#include "cell2text/plugin.hpp"

#include "qformer.hpp"

CELL2TEXT_PLUGIN(adapter, "qformer", cell2text::qformer::QFormer,
                 "Learned queries in a BERT that reads the genes: a fixed number of soft tokens per cell.")
