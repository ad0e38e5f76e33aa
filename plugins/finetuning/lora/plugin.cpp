#include "cell2text/plugin.hpp"

#include "lora.hpp"

CELL2TEXT_PLUGIN(finetuning, "lora", cell2text::lora::Lora,
                 "Trains low-rank additions to linear layers of the decoder, whose own weights stay as they are.")
