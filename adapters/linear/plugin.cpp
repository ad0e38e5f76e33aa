// Registers the adapter.
#include "cell2text/plugin.hpp"

#include "linear.hpp"

CELL2TEXT_PLUGIN(adapter, "linear", cell2text::linear::Linear, "One linear layer per gene: one soft token for each.")
