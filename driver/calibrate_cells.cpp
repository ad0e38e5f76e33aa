#include "calibrate_cells.hpp"

#include "cell2text/io/toml.hpp"
#include "cell2text/run_folder.hpp"

namespace cell2text::driver {

namespace {

std::filesystem::path run_folder_of(const std::string& model) {
  return std::filesystem::canonical(model).parent_path();
}

/// InputError where the cells are no longer those of the run: those that were trained on might stand elsewhere now.
void expect_same_cells(const RunFolder& run, const ExperimentData& data) {
  const std::string where = run.environment().string();
  const nlohmann::json before = read_json(run.environment());
  const auto cells = required<nlohmann::json>(before, "cells", where);
  bool same = required<std::int64_t>(cells, "train", where) == std::ssize(data.split.train) &&
              required<std::int64_t>(cells, "validation", where) == std::ssize(data.split.validation) &&
              required<std::int64_t>(cells, "test", where) == std::ssize(data.split.test);
  if (const auto file = optional_value<nlohmann::json>(before, "data", where); same && file)
    same = sha256_file(required<std::string>(*file, "path", where)) == required<std::string>(*file, "sha256", where);
  if (!same)
    throw InputError("the cells that " + run.experiment().string() +
                     " names have changed since the run, so that cells it was trained on cannot be told from others; "
                     "name cells of known labels: cell2text calibrate CELLS --model DIR");
}

DescriptionSettings description_settings(const std::vector<std::string>& assignments) {
  Value root;
  root.set("descriptions", Value{Value::Table{}, {"--set", 0, 0}});
  for (const std::string& assignment : assignments) {
    if (!assignment.starts_with("descriptions."))
      throw InputError("--set " + assignment +
                       ": only where labels stand can be set, as in --set descriptions.cell_type=author_cell_type");
    apply_override(root, assignment);
  }
  SettingsFaults faults;
  DescriptionSettings settings;
  read_fields(*root.find("descriptions"), settings, faults, "descriptions.");
  faults.raise();
  return settings;
}

/// Half of the donors to fit on and half to check on; of one donor half of the cells of each type.
Split halves(const SourceHandle& source, const std::string& cell_type) {
  SplitSettings half;
  half.train = half.test = 0.5, half.validation = 0;
  if (source.has_column("donor_id")) {
    const LabelColumn donors = source.labels("donor_id");
    std::set<std::int32_t> known;
    for (std::int64_t row = 0; row < donors.size(); ++row)
      if (known_value(donors.at(row))) known.insert(donors.codes[row]);
    if (known.size() > 1) return split_by_donor(donors, half, 0);
  }
  return split_by_cell(source.labels(cell_type), half, 0);
}

}  // namespace

Experiment experiment_of(const std::string& model, const Registry& registry) {
  const RunFolder run(run_folder_of(model));
  if (!std::filesystem::exists(run.experiment()))
    throw InputError(run.path().string() + " holds no experiment.toml, so that nothing tells on which cells " + model +
                     " was not trained; name cells of known labels: cell2text calibrate CELLS --model " + model);
  return read_experiment(read_toml(run.experiment()), registry);
}

CellsToJudge cells_of_run(const Host& host, const std::string& model, const Experiment& experiment) {
  const RunFolder run(run_folder_of(model));
  std::optional<ExperimentData> data;
  try {
    data = open_data(host, experiment);
  } catch (const InputError& error) {
    throw InputError(std::string(error.what()) + " (the cells of the run, as " + run.experiment().string() +
                     " has them; a path there is one from the folder in which the run was started)");
  }
  expect_same_cells(run, *data);
  for (const auto& [part, rows] : {std::pair("validation", &data->split.validation), {"test", &data->split.test}})
    if (rows->empty())
      throw InputError(run.experiment().string() + " leaves no " + part +
                       " cells; name cells of known labels: cell2text calibrate CELLS --model " + model);
  const Value* path = experiment.data.resolved.find("path");
  const auto* file = path ? path->get_if<std::string>() : nullptr;
  return {std::move(data->source),     std::move(data->descriptions),       std::move(data->split.validation),
          std::move(data->split.test), file ? *file : experiment.data.name, "validation and test cells of the run"};
}

CellsToJudge cells_of_file(const Host& host, const CellsArguments& arguments, const std::vector<std::string>& set) {
  const DescriptionSettings settings = description_settings(set);
  CellsToJudge cells;
  cells.path = arguments.path, cells.about = "two halves of the file";
  cells.source = std::make_unique<SourceHandle>(open_cells(host.registry, arguments, {}, host.context));
  if (!cells.source->has_column(settings.cell_type))
    throw InputError(arguments.path + ": no obs column '" + settings.cell_type +
                     "' with the true cell types; name it with --set descriptions.cell_type=COLUMN");
  cells.descriptions = std::make_unique<DescriptionSource>(*cells.source, settings);
  Split split = halves(*cells.source, settings.cell_type);
  cells.fit = std::move(split.train), cells.check = std::move(split.test);
  for (auto* rows : {&cells.fit, &cells.check})
    std::erase_if(*rows, [&](std::int64_t row) { return !cells.descriptions->told("cell_type", row); });
  leave_out_empty(*cells.source, {&cells.fit, &cells.check});
  if (cells.fit.empty() || cells.check.empty())
    throw InputError(arguments.path + ": " + std::to_string(cells.fit.size() + cells.check.size()) +
                     " cells have counts and a known '" + settings.cell_type +
                     "'; some to fit on and others to check on are needed");
  return cells;
}

}  // namespace cell2text::driver
