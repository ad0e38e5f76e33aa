// Registers the baseline.
#include "cell2text/plugin.hpp"

#include "filled_template.hpp"

CELL2TEXT_PLUGIN(baseline, "template", cell2text::filled_template::FilledTemplate,
                 "Fills the labels that another baseline predicts into the template, as [descriptions] says.")
