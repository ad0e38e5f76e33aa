// cell2text report RUN -o report.html: one self-contained page about a run.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <fstream>

#include "cell2text/evaluate/predictions_file.hpp"
#include "cell2text/io/json.hpp"
#include "cell2text/io/toml.hpp"
#include "cell2text/run_folder.hpp"
#include "commands.hpp"
#include "page.hpp"
#include "report/paper_scores.hpp"
#include "write_report.hpp"

namespace cell2text::driver {

extern const char* const report_page;

namespace {

using Json = nlohmann::ordered_json;

/// What the log says of steps and epochs. Thinned to at most 2,000 steps: a page shows no more.
void add_curves(Json& data, const RunFolder& run) {
  Json steps = Json::array(), epochs = Json::array();
  JsonLinesReader log(run.log());
  while (const auto line = log.next()) {
    if (line->contains("loss"))
      steps.push_back({{"step", (*line)["step"]}, {"loss", (*line)["loss"]}});
    else
      epochs.emplace_back(*line);
  }
  const std::size_t stride = steps.size() / 2000 + 1;
  Json thinned = Json::array();
  for (std::size_t i = 0; i < steps.size(); i += stride) thinned.push_back(steps[i]);
  data["steps"] = thinned;
  data["epochs"] = epochs;
}

/// Ten cells, evenly spaced through the file.
Json examples(const std::vector<Prediction>& predictions) {
  Json list = Json::array();
  const std::size_t count = std::min<std::size_t>(10, predictions.size());
  for (std::size_t i = 0; i < count; ++i) list.push_back(prediction_json(predictions[i * predictions.size() / count]));
  return list;
}

Json caveats(const nlohmann::json& environment, const Value& experiment) {
  Json list = Json::array();
  const Value* split = experiment.find("split");
  const Value* by = split ? split->find("by") : nullptr;
  const bool by_cell = by && by->get_if<std::string>() && *by->get_if<std::string>() == "cell";
  const auto donors = environment.value("donors", std::int64_t{0});
  if (by_cell && donors == 1)
    list.push_back(
        "All cells are of one donor, and the split is by cell: trained and tested cells share donor, sample and batch. "
        "These figures overstate how well the model does on a new donor.");
  else if (by_cell)
    list.push_back(
        "The split is by cell: cells of one donor stand on both sides, which overstates how well the model does on a "
        "new donor.");
  return list;
}

Json paper() {
  Json scores = Json::object();
  for (const PaperScore& score : paper_scores) {
    Json percents = Json::array();
    for (const double percent : score.percent) percents.push_back(std::isnan(percent) ? Json() : Json(percent));
    scores[score.name] = percents;
  }
  return {{"columns", paper_columns}, {"scores", scores}};
}

/// The systems beside the model; among the caveats those that failed, and first of all where the model does not stand
/// apart from the control.
void add_comparisons(Json& data, const RunFolder& run) {
  data["systems"] = Json::array();
  if (!std::filesystem::exists(run.comparisons())) return;  // a run of before there were any
  const auto json = Json::parse(read_json(run.comparisons()).dump());
  for (const Json& system : json.at("systems"))
    if (system.contains("error"))
      data["caveats"].push_back("The baseline " + system.at("name").get<std::string>() +
                                " is left out: " + system.at("error").get<std::string>());
    else
      data["systems"].push_back(system);
  const auto& text = json.at("not_told_apart").at("text");
  if (!text.get<std::string>().empty()) data["caveats"].insert(data["caveats"].begin(), text);
}

struct ReportArguments {
  std::string run, out;
};

}  // namespace

void write_report(const std::filesystem::path& folder, const std::filesystem::path& output) {
  const RunFolder run(folder);
  if (!std::filesystem::exists(run.metrics()))
    throw InputError(folder.string() + ": no metrics.json in it; expected the folder of a finished run");
  const Value experiment = read_toml(run.experiment());
  const nlohmann::json environment = read_json(run.environment());
  Json data{{"name", std::get<std::string>(experiment.find("name")->data)},
            {"cells", environment.at("cells")},
            {"environment", environment},
            {"experiment", write_toml(experiment)},
            {"metrics", Json::parse(read_json(run.metrics()).dump())},
            {"confusion", Json::array()},
            {"paper", paper()},
            {"caveats", caveats(environment, experiment)}};
  for (const char* part : {"encoder", "adapter", "decoder", "finetuning"})
    data["parts"][part] = std::get<std::string>(experiment.find(part)->find("plugin")->data);
  add_comparisons(data, run);
  add_curves(data, run);
  if (std::filesystem::exists(run.confusion())) data["confusion"] = read_json(run.confusion());
  data["examples"] = examples(read_predictions(run.predictions()));
  write_atomically(output, filled_page(report_page, data));
}

void add_report(CLI::App& app) {
  static ReportArguments arguments;
  auto* command =
      app.add_subcommand("report", "One page about a run: curves, scores beside the paper's, confusions, examples");
  command->add_option("RUN", arguments.run, "Folder of a finished run")->required();
  command->add_option("-o,--out", arguments.out, "The page (default RUN/report.html)");
  command->callback([] {
    const std::filesystem::path run = arguments.run;
    const std::filesystem::path out =
        arguments.out.empty() ? run / "report.html" : std::filesystem::path(arguments.out);
    write_report(run, out);
    fmt::print("{}\n", out.string());
  });
}

}  // namespace cell2text::driver
