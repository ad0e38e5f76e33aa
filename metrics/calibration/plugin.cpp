#include "cell2text/plugin.hpp"

#include "calibration.hpp"

CELL2TEXT_PLUGIN(
    metric, "calibration", cell2text::calibration::Calibration,
    "Whether labels are right as often as the model is sure of them: reliability curve, calibration error.")
