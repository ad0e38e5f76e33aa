// predictions.jsonl: read, written and read again.
#pragma once

#include <cmath>

#include "cell2text/evaluate/predictions_file.hpp"
#include "support.hpp"

namespace cell2text::fuzz {

inline bool predictions(std::string_view input) {
  const MemoryFile file(input);
  std::vector<Prediction> read;
  if (!accepted([&] { read = read_predictions(file.path()); })) return false;
  for (const Prediction& one : read) {
    require(!std::isinf(one.log_probability), "a log probability is finite or unknown");
    const auto line = parse_json(prediction_json(one).dump(), "again");
    const Prediction again = prediction_from_json(line, "again");
    require(again.cell == one.cell && again.reference == one.reference && again.prediction == one.prediction &&
                again.labels == one.labels && again.pathways == one.pathways && again.donor == one.donor &&
                (again.log_probability == one.log_probability ||
                 (std::isnan(again.log_probability) && std::isnan(one.log_probability))),
            "a prediction is written and read back");
  }
  return true;
}

}  // namespace cell2text::fuzz
