#include "cell2text/plugin.hpp"

#include "full.hpp"

CELL2TEXT_PLUGIN(finetuning, "full", cell2text::finetuning::Full, "Trains every parameter of the decoder.")
