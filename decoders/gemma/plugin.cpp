#include "cell2text/plugin.hpp"

#include "gemma.hpp"

CELL2TEXT_PLUGIN(decoder, "gemma", cell2text::gemma::Gemma,
                 "Gemma 3 (text) and Gemma 2: from a Hugging Face folder, or small and random.")
