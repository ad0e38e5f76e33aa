#include "cell2text/plugin.hpp"

#include "labels.hpp"

CELL2TEXT_PLUGIN(metric, "labels", cell2text::labels::Labels,
                 "Cell type, tissue and disease read back from the text: accuracy and F1 against the cells' labels.")
