// Registers the adapter.
#include "cell2text/plugin.hpp"

#include "mlp.hpp"

CELL2TEXT_PLUGIN(adapter, "mlp", cell2text::mlp::Mlp,
                 "Linear layers per gene, two by default: one soft token for each.")
