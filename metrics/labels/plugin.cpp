#include "cell2text/plugin.hpp"

#include "labels.hpp"

CELL2TEXT_PLUGIN(
    metric, "labels", cell2text::labels::Labels,
    "Cell type, tissue, disease, sex and stage read back from the text: accuracy, precision, recall and F1.")
