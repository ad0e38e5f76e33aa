#include "cell2text/plugin.hpp"

#include "llama.hpp"

CELL2TEXT_PLUGIN(decoder, "llama", cell2text::llama::Llama,
                 "Llama 3 and its relatives: from a Hugging Face folder, or small and random.")
