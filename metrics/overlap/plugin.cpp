#include "cell2text/plugin.hpp"

#include "overlap.hpp"

CELL2TEXT_PLUGIN(metric, "overlap", cell2text::overlap::Overlap,
                 "Exact match, BLEU and ROUGE-1/2/L against the reference text.")
