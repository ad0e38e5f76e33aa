// A run folder's files, as a report needs them.
#include "reported_run.hpp"

#include <algorithm>
#include <cmath>

#include "cell2text/evaluate/predictions_file.hpp"
#include "cell2text/io/json_lines.hpp"
#include "cell2text/io/toml.hpp"
#include "cell2text/io/value_json.hpp"
#include "cell2text/io/xxh64.hpp"
#include "cell2text/run_folder.hpp"

namespace cell2text::driver {

namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

template <class AnyJson>
void flatten(const AnyJson& json, const std::string& key, FlatTexts& out) {
  const auto below = [&](const std::string& name) { return key.empty() ? name : key + "." + name; };
  const bool tables = json.is_array() && !json.empty() && json[0].is_object();
  if (json.is_object())
    for (const auto& [name, value] : json.items()) flatten(value, below(name), out);
  else if (tables)
    for (std::size_t i = 0; i < json.size(); ++i) flatten(json[i], below(std::to_string(i)), out);
  else
    out.emplace_back(key, json.is_string() ? json.template get<std::string>() : json.dump());
}

/// Points that come one after the other, and of which every second is dropped whenever there are too many.
class ThinnedCurve {
 public:
  explicit ThinnedCurve(std::size_t limit) : limit_(limit) {}

  void add(std::int64_t step, double loss) {
    last_ = {step, loss};
    if (seen_++ % stride_ != 0) return;
    curve_.steps.push_back(step), curve_.loss.push_back(loss);
    if (curve_.steps.size() < 2 * limit_) return;
    for (std::size_t i = 0; i < limit_; ++i) curve_.steps[i] = curve_.steps[2 * i], curve_.loss[i] = curve_.loss[2 * i];
    curve_.steps.resize(limit_), curve_.loss.resize(limit_);
    stride_ *= 2;
  }
  Curve finish() {
    if (seen_ > 0 && curve_.steps.back() != last_.first)
      curve_.steps.push_back(last_.first), curve_.loss.push_back(last_.second);
    return std::move(curve_);
  }

 private:
  std::size_t limit_, stride_ = 1, seen_ = 0;
  std::pair<std::int64_t, double> last_;
  Curve curve_;
};

void read_curves(const fs::path& path, std::size_t limit, ReportedRun& run) {
  ThinnedCurve training(limit), validated(limit);
  std::optional<double> mean;
  JsonLinesReader log(path);
  while (const auto line = log.next()) {
    const auto step = required<std::int64_t>(*line, "step", log.where());
    if (line->contains("training_loss")) {
      if (const auto loss = optional_value<double>(*line, "validation_loss", log.where())) validated.add(step, *loss);
    } else if (const auto loss = optional_value<double>(*line, "loss", log.where())) {  // null where it was not finite
      mean = mean ? 0.9 * *mean + 0.1 * *loss : *loss;
      training.add(step, *mean);
    }
  }
  run.training = training.finish();
  run.validated = validated.finish();
}

/// The same cells in all runs that describe them, so that they can stand side by side: those of the lowest hashes.
void read_examples(const fs::path& path, std::size_t count, ReportedRun& run) {
  JsonLinesReader lines(path);
  while (const auto line = lines.next()) {
    Prediction one = prediction_from_json(*line, lines.where());
    const std::uint64_t hash = xxh64(std::as_bytes(std::span(one.cell.data(), one.cell.size())));
    if (run.examples.size() == count && hash >= run.examples.rbegin()->first) continue;
    run.examples.emplace(hash, std::move(one));
    if (run.examples.size() > count) run.examples.erase(std::prev(run.examples.end()));
  }
}

void read_confusion(const fs::path& path, ReportedRun& run) {
  const std::string where = path.string();
  const nlohmann::json all = read_json(path);
  if (!all.is_array()) throw InputError(where + ": a list of tables is expected, found " + json_detail::type_name(all));
  for (const auto& item : all) {
    ConfusionTable table{required<std::string>(item, "label", where),
                         required<std::vector<std::string>>(item, "classes", where),
                         required<std::vector<std::vector<std::int64_t>>>(item, "counts", where)};
    const std::size_t classes = table.classes.size();
    if (table.counts.size() != classes ||
        std::ranges::any_of(table.counts, [&](const auto& row) { return row.size() != classes + 1; }))
      throw InputError(where + ": the counts of '" + table.label + "' are no table of " + std::to_string(classes) +
                       " rows and a column more");
    run.confusion.push_back(std::move(table));
  }
}

/// The systems beside the model; among the caveats those that failed, and first of all where the model does not stand
/// apart from the control.
void read_comparisons(const fs::path& path, ReportedRun& run) {
  const std::string where = path.string();
  const nlohmann::json json = read_json(path);
  for (const auto& system : required<std::vector<nlohmann::json>>(json, "systems", where)) {
    const auto name = required<std::string>(system, "name", where);
    if (const auto error = optional_value<std::string>(system, "error", where))
      run.caveats.push_back("The baseline " + name + " is left out: " + *error);
    else
      run.systems.push_back({name, required<std::string>(system, "about", where),
                             metrics_from_json(required<nlohmann::json>(system, "scores", where), where)});
  }
  const auto text = required<std::string>(required<nlohmann::json>(json, "not_told_apart", where), "text",
                                          where + ": not_told_apart");
  if (!text.empty()) run.caveats.insert(run.caveats.begin(), text);
}

void read_trained_labels(const fs::path& path, ReportedRun& run) {
  const std::string where = path.string();
  const auto labels = optional_value<nlohmann::json>(read_json(path), "labels", where);
  if (!labels) return;
  for (const auto& [label, unused] : labels->items())
    for (const auto& value : required<std::vector<nlohmann::json>>(*labels, label, where))
      run.trained[label][required<std::string>(value, "name", where)] = required<std::int64_t>(value, "cells", where);
}

/// A text among the settings; an experiment file that a run wrote has it.
std::string text_of(const Value& experiment, const std::vector<std::string>& path, const std::string& where) {
  const Value* value = &experiment;
  std::string key;
  for (const std::string& part : path) {
    key += (key.empty() ? "" : ".") + part;
    value = value ? value->find(part) : nullptr;
  }
  if (!value || !value->get_if<std::string>())
    throw InputError(where + ": '" + key + "' is " + (value ? value->type_name() : "missing") +
                     ", expected a text; this is no experiment file that a run wrote");
  return *value->get_if<std::string>();
}

void read_settings(const fs::path& path, ReportedRun& run) {
  const Value experiment = read_toml(path);
  run.name = text_of(experiment, {"name"}, path.string());
  run.encoder = text_of(experiment, {"encoder", "plugin"}, path.string());
  run.adapter = text_of(experiment, {"adapter", "plugin"}, path.string());
  run.decoder = text_of(experiment, {"decoder", "plugin"}, path.string());
  run.finetuning = text_of(experiment, {"finetuning", "plugin"}, path.string());
  if (const Value* seed = experiment.find("seed"); seed && seed->get_if<std::int64_t>())
    run.seed = *seed->get_if<std::int64_t>();
  run.experiment = write_toml(experiment);
  flatten(to_json(experiment), "", run.settings);
}

void read_environment(const fs::path& path, ReportedRun& run) {
  const nlohmann::json environment = read_json(path);
  const std::string where = path.string() + ": cells";
  const auto cells = required<nlohmann::json>(environment, "cells", path.string());
  run.train = required<std::int64_t>(cells, "train", where);
  run.validation = required<std::int64_t>(cells, "validation", where);
  run.test = required<std::int64_t>(cells, "test", where);
  run.environment = environment.dump(2);
  flatten(environment, "", run.facts);

  const auto by = std::ranges::find(run.settings, "split.by", &FlatTexts::value_type::first);
  if (by == run.settings.end() || by->second != "cell") return;
  if (optional_value<std::int64_t>(environment, "donors", path.string()).value_or(0) == 1)
    run.caveats.push_back(
        "All cells are of one donor, and the split is by cell: trained and tested cells share donor, sample and batch. "
        "These figures overstate how well the model does on a new donor.");
  else
    run.caveats.push_back(
        "The split is by cell: cells of one donor stand on both sides, which overstates how well the model does on a "
        "new donor.");
}

/// What a run is in its grid.
void read_point(const fs::path& path, ReportedRun& run) {
  const nlohmann::json point = read_json(path);
  const auto axes = required<nlohmann::json>(point, "axes", path.string());
  if (!axes.is_object())
    throw InputError(path.string() + ": 'axes' is " + json_detail::type_name(axes) +
                     ", expected an object of settings and their values");
  for (const auto& [key, value] : axes.items())
    if (key != "seed")  // which is averaged over, not compared
      run.axes.emplace_back(key, value.is_string() ? value.get<std::string>() : value.dump());
  if (const auto seed = optional_value<std::int64_t>(point, "seed", path.string())) run.seed = *seed;
}

}  // namespace

ReportedRun read_reported_run(const fs::path& folder, const ReadingLimits& limits) {
  const RunFolder files(folder);
  if (!fs::exists(files.metrics()))
    throw InputError(folder.string() + ": no metrics.json in it; expected the folder of a finished run" +
                     (fs::exists(files.experiment()) ? ", and this one is not: 'cell2text run' with --resume ends it"
                                                     : ", or of a grid, with its runs in 'runs'"));
  ReportedRun run;
  run.folder = folder;
  read_settings(files.experiment(), run);
  read_environment(files.environment(), run);
  run.systems.push_back({"model", "model", metrics_from_json(read_json(files.metrics()), files.metrics().string())});
  if (fs::exists(files.comparisons())) read_comparisons(files.comparisons(), run);  // a run of before has none
  if (fs::exists(files.confusion())) read_confusion(files.confusion(), run);
  read_curves(files.log(), limits.curve_points, run);
  read_examples(files.predictions(), limits.example_cells, run);
  if (const auto card = files.model() / "cell2text.json"; fs::exists(card)) read_trained_labels(card, run);
  if (const auto point = folder / "grid_point.json"; fs::exists(point)) read_point(point, run);
  return run;
}

}  // namespace cell2text::driver
