// calibration.json beside a model's weights: the temperature of each label, and what it was found to do. A model folder
// without it is a model whose temperatures are all 1. Fits nothing; that is generate/label_temperature.hpp's.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "cell2text/generate/label_temperature.hpp"
#include "cell2text/io/atomic_file.hpp"
#include "cell2text/io/json.hpp"
#include "cell2text/version.hpp"

namespace cell2text {

/// What `calibrate` found of one label.
struct LabelCalibration {
  double temperature = 1;
  std::string note = {};                                      ///< why the temperature is 1 where none was fitted
  std::int64_t fitted_on = 0, checked_on = 0;                 ///< cells; none is among both
  std::optional<double> accuracy = {};                        ///< of the checked cells
  std::optional<double> error_before = {}, error_after = {};  ///< their expected calibration error, in ten bins
  std::optional<double> loss_before = {}, loss_after = {};    ///< mean -log of the true label's probability (natural)
};

struct ModelCalibration {
  std::string cells;                               ///< which file's, for a reader
  std::map<std::string, LabelCalibration> labels;  ///< by role

  std::map<std::string, double> temperatures() const {
    std::map<std::string, double> all;
    for (const auto& [label, one] : labels) all[label] = one.temperature;
    return all;
  }
};

inline std::filesystem::path calibration_file(const std::filesystem::path& model_folder) {
  return model_folder / "calibration.json";
}

inline nlohmann::ordered_json calibration_json(const ModelCalibration& calibration, const std::string& model_hash) {
  const auto number = [](const std::optional<double>& value) {
    return value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json();
  };
  nlohmann::ordered_json json{
      {"format", 1}, {"cell2text", version}, {"model_hash", model_hash}, {"cells", calibration.cells}};
  for (const auto& [label, one] : calibration.labels) {
    auto& entry = json["labels"][label] = {{"temperature", one.temperature},
                                           {"fitted_on", one.fitted_on},
                                           {"checked_on", one.checked_on},
                                           {"accuracy", number(one.accuracy)},
                                           {"error_before", number(one.error_before)},
                                           {"error_after", number(one.error_after)},
                                           {"loss_before", number(one.loss_before)},
                                           {"loss_after", number(one.loss_after)}};
    if (!one.note.empty()) entry["note"] = one.note;
  }
  return json;
}

/// Writes the file under a temporary name and renames it. `model_hash` is the card's. Errors as AtomicFile.
inline void save_calibration(const std::filesystem::path& model_folder, const ModelCalibration& calibration,
                             const std::string& model_hash) {
  write_atomically(calibration_file(model_folder), calibration_json(calibration, model_hash).dump(2) + "\n");
}

/// The temperatures of a model folder; none where it has no such file. InputError where the file is damaged, of a later
/// format, of another model than `model_hash`, or has a temperature out of range.
inline std::map<std::string, double> read_temperatures(const std::filesystem::path& model_folder,
                                                       const std::string& model_hash) {
  const auto file = calibration_file(model_folder);
  if (!std::filesystem::exists(file)) return {};
  const std::string where = file.string(), mend = "; remove it, or write it anew with 'cell2text calibrate'";
  const nlohmann::json root = read_json(file);
  if (const auto found = required<std::int64_t>(root, "format", where); found != 1)
    throw InputError(where + ": format " + std::to_string(found) + "; this program reads format 1" + mend);
  if (const auto found = required<std::string>(root, "model_hash", where); found != model_hash)
    throw InputError(where + " is of another model (hash " + found.substr(0, 16) + ", this one's is " +
                     model_hash.substr(0, 16) + ")" + mend);
  std::map<std::string, double> temperatures;
  const auto labels = optional_value<nlohmann::json>(root, "labels", where).value_or(nlohmann::json::object());
  for (const auto& [label, entry] : labels.items()) {
    const auto temperature = required<double>(entry, "temperature", where);
    if (temperature < least_temperature || temperature > most_temperature)
      throw InputError(where + ": the temperature of " + label + " is " + std::to_string(temperature) +
                       "; one from 0.05 to 20 is expected" + mend);
    temperatures[label] = temperature;
  }
  return temperatures;
}

}  // namespace cell2text
