#include "cell2text/plugin.hpp"

#include "pathways.hpp"

CELL2TEXT_PLUGIN(metric, "pathways", cell2text::pathways::Pathways,
                 "Active pathways read back from the text: subset accuracy, Jaccard and F1.")
