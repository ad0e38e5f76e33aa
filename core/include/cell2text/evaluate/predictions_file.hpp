// predictions.jsonl and metrics.json: predicted texts and scores, written and read back. Scores nothing itself.
#pragma once

#include <cmath>
#include <filesystem>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cell2text/error.hpp"
#include "cell2text/evaluate/prediction.hpp"
#include "cell2text/io/json.hpp"
#include "cell2text/io/json_lines.hpp"
#include "cell2text/text/utf8.hpp"

namespace cell2text {

/// The labels whose truth stands in a predictions file, `sex` and `development_stage` as obs has them.
inline constexpr const char* prediction_labels[] = {"cell_type", "tissue", "disease", "sex", "development_stage"};

/// The key under which a label's confidence stands, in predictions as in what `describe` writes.
inline std::string confidence_key(const std::string& label) {
  return label + "_confidence";
}

/// One line: `cell`, `reference`, `prediction`, `log_probability` (null where not finite) and what is known of
/// prediction_labels, their confidences (`cell_type_confidence`), `pathways` and `donor`; other labels are not kept. A
/// text that a model cut inside a character is made valid UTF-8 with U+FFFD.
inline nlohmann::ordered_json prediction_json(const Prediction& prediction) {
  nlohmann::ordered_json line;
  line["cell"] = replace_invalid_utf8(prediction.cell);
  line["reference"] = replace_invalid_utf8(prediction.reference);
  line["prediction"] = replace_invalid_utf8(prediction.prediction);
  line["log_probability"] = nullptr;
  if (std::isfinite(prediction.log_probability)) line["log_probability"] = prediction.log_probability;
  for (const char* label : prediction_labels)
    if (const auto found = prediction.labels.find(label); found != prediction.labels.end())
      line[label] = replace_invalid_utf8(found->second);
  for (const char* label : prediction_labels)
    if (const auto found = prediction.confidences.find(label); found != prediction.confidences.end())
      line[confidence_key(label)] = found->second;
  if (prediction.pathways) {
    auto& list = line["pathways"] = nlohmann::ordered_json::array();
    for (const std::string& pathway : *prediction.pathways) list.push_back(replace_invalid_utf8(pathway));
  }
  if (!prediction.donor.empty()) line["donor"] = replace_invalid_utf8(prediction.donor);
  return line;
}

/// The inverse. `cell` and `donor` are empty where absent; `log_probability` is NaN where absent or null; an absent,
/// null or empty label is unknown, and so are absent or null pathways and confidences; other keys are skipped.
/// InputError "where: ..." where a text is missing, something has another type, or a confidence is not in 0..1.
inline Prediction prediction_from_json(const nlohmann::json& line, const std::string& where) {
  Prediction prediction;
  prediction.cell = optional_value<std::string>(line, "cell", where).value_or("");
  prediction.reference = required<std::string>(line, "reference", where);
  prediction.prediction = required<std::string>(line, "prediction", where);
  prediction.log_probability =
      optional_value<double>(line, "log_probability", where).value_or(std::numeric_limits<double>::quiet_NaN());
  for (const char* label : prediction_labels)
    if (auto name = optional_value<std::string>(line, label, where); name && !name->empty())
      prediction.labels.emplace(label, std::move(*name));
  for (const char* label : prediction_labels)
    if (const auto confidence = optional_value<double>(line, confidence_key(label), where)) {
      if (*confidence < 0 || *confidence > 1)
        throw InputError(where + ": '" + confidence_key(label) + "' is " + line[confidence_key(label)].dump() +
                         "; a probability from 0 to 1 is expected");
      prediction.confidences.emplace(label, *confidence);
    }
  prediction.pathways = optional_value<std::vector<std::string>>(line, "pathways", where);
  prediction.donor = optional_value<std::string>(line, "donor", where).value_or("");
  return prediction;
}

/// All predictions of a file. InputError naming file and line: no JSON, a missing text, another type; or a file
/// without any prediction. With `malformed`, what is wrong with such lines is put there and they are left out. Errors
/// of the file as InputFile.
inline std::vector<Prediction> read_predictions(const std::filesystem::path& path,
                                                std::vector<std::string>* malformed = nullptr) {
  JsonLinesReader lines(path);
  std::vector<Prediction> predictions;
  const auto read_one = [&] {
    const auto line = lines.next();
    if (line) predictions.push_back(prediction_from_json(*line, lines.where()));
    return line.has_value();
  };
  for (bool more = true; more;) {
    try {
      more = read_one();
    } catch (const InputError& error) {
      if (!malformed) throw;
      malformed->push_back(error.what());
    }
  }
  if (predictions.empty())
    throw InputError(path.string() + " holds no predictions; one JSON object a line is expected, with the keys " +
                     "cell, reference, prediction and log_probability" +
                     (malformed && !malformed->empty()
                          ? "; all " + std::to_string(malformed->size()) + " lines are malformed: " + malformed->front()
                          : ""));
  return predictions;
}

/// A line for each. Errors as JsonLinesWriter.
inline void write_predictions(const std::filesystem::path& path, std::span<const Prediction> predictions) {
  JsonLinesWriter out(path);
  for (const Prediction& prediction : predictions) out.write(prediction_json(prediction));
  out.flush();
}

/// The scores of one metric: name -> {"value", "low", "high"}, null where there is none, and "note" where it has one.
/// What is not as it mostly is stands there too: "unit" (else fraction), "higher_is_better": false, "compares": false.
inline nlohmann::ordered_json scores_json(const Scores& scores) {
  const auto number = [](const std::optional<double>& value) -> nlohmann::ordered_json {
    if (value && std::isfinite(*value)) return *value;
    return nullptr;
  };
  nlohmann::ordered_json all = nlohmann::ordered_json::object();
  for (const Score& score : scores.scores) {
    nlohmann::ordered_json one{
        {"value", number(score.value)}, {"low", number(score.low)}, {"high", number(score.high)}};
    if (!score.note.empty()) one["note"] = replace_invalid_utf8(score.note);
    if (score.unit != "fraction") one["unit"] = score.unit;
    if (!score.higher_is_better) one["higher_is_better"] = false;
    if (!score.compares) one["compares"] = false;
    all[score.name] = std::move(one);
  }
  return all;
}

/// The whole of metrics.json: metric -> name -> value.
inline nlohmann::ordered_json metrics_json(const std::map<std::string, Scores>& metrics) {
  nlohmann::ordered_json all = nlohmann::ordered_json::object();
  for (const auto& [metric, scores] : metrics) all[metric] = scores_json(scores);
  return all;
}

/// The inverse, in the order of names; `per_cell` is not kept. InputError "where: ..." where something has another
/// type.
inline std::map<std::string, Scores> metrics_from_json(const nlohmann::json& json, const std::string& where) {
  const auto entries_of = [&](const nlohmann::json& object, const std::string& what) -> const nlohmann::json& {
    if (object.is_object()) return object;
    throw InputError(where + ": " + what + " is " + json_detail::type_name(object) + ", expected an object of scores");
  };
  std::map<std::string, Scores> metrics;
  for (const auto& [metric, scores] : entries_of(json, "the whole").items())
    for (const auto& [name, one] : entries_of(scores, "'" + metric + "'").items()) {
      const std::string place = where + ": " + metric + "." + name;
      metrics[metric].scores.push_back(
          {.name = name,
           .value = optional_value<double>(one, "value", place),
           .low = optional_value<double>(one, "low", place),
           .high = optional_value<double>(one, "high", place),
           .higher_is_better = optional_value<bool>(one, "higher_is_better", place).value_or(true),
           .unit = optional_value<std::string>(one, "unit", place).value_or("fraction"),
           .note = optional_value<std::string>(one, "note", place).value_or(""),
           .compares = optional_value<bool>(one, "compares", place).value_or(true)});
    }
  return metrics;
}

}  // namespace cell2text
