// cell2text evaluate: scores of any system's texts, of two systems side by side, or of columns of labels.
#include <fmt/format.h>

#include "cell2text/evaluate/compare.hpp"
#include "cell2text/evaluate/label_map.hpp"
#include "cell2text/evaluate/predictions_file.hpp"
#include "cell2text/experiment_run.hpp"
#include "cell2text/io/anndata.hpp"
#include "cell2text/io/hdf5_probe.hpp"
#include "cell2text/io/toml.hpp"
#include "commands.hpp"
#include "host.hpp"
#include "tables.hpp"

namespace cell2text::driver {

namespace {

struct EvaluateArguments {
  std::string file, against, prediction, truth, map, out;
  std::vector<std::string> ontologies, metrics, set;
  bool skip_bad = false, json = false;

  bool columns() const { return !prediction.empty() || !truth.empty(); }
};

void check_arguments(const EvaluateArguments& a) {
  if (a.columns() && (a.prediction.empty() || a.truth.empty()))
    throw InputError("--prediction and --truth go together: two obs columns of an .h5ad file");
  if (a.columns() != a.file.ends_with(".h5ad"))
    throw InputError(a.file + (a.columns() ? " is no .h5ad file; --prediction and --truth name obs columns of one"
                                           : " is scored by two of its obs columns; name them with --prediction and "
                                             "--truth"));
  if (a.columns() && (!a.against.empty() || a.skip_bad))
    throw InputError("--against and --skip-bad are for files of predictions (.jsonl); " + a.file + " has columns");
  if (!a.map.empty() && !a.columns())
    throw InputError("--map is for columns of labels; name them with --prediction and --truth");
}

/// Whether a metric cannot do without an ontology.
bool needs_ontology(const Registry& registry, const std::string& metric) {
  std::vector<FieldInfo> fields;
  registry.load("metric", metric).descriptor->schema(fields).raise();
  return std::ranges::any_of(fields,
                             [](const FieldInfo& field) { return field.name == "ontology" && field.about.required; });
}

/// `--metrics` as NAME or NAME=PLUGIN; where nothing is said, the usual ones.
std::vector<MetricChoice> named_metrics(const EvaluateArguments& arguments) {
  std::vector<std::string> list = arguments.metrics;
  if (list.empty())
    list = arguments.columns() ? std::vector<std::string>{"labels"} : std::vector<std::string>{"overlap", "labels"};
  std::vector<MetricChoice> metrics;
  for (const std::string& one : list) {
    const auto equals = one.find('=');
    MetricChoice metric{{}, {"metric", one.substr(equals == std::string::npos ? 0 : equals + 1), {}, {}}};
    if (equals != std::string::npos) metric.role.as = one.substr(0, equals);
    metric.role.validate();
    if (std::ranges::find(metrics, metric.name(), &MetricChoice::name) != metrics.end())
      throw InputError("--metrics names '" + metric.name() +
                       "' twice; give one of them a name, as in tissue=" + metric.plugin.name);
    metrics.push_back(std::move(metric));
  }
  return metrics;
}

/// The metrics with their settings: `--set METRIC.KEY=VALUE`, and the first `--ontology` for those that need one.
std::vector<MetricChoice> metrics_of(const Registry& registry, const EvaluateArguments& arguments) {
  std::vector<MetricChoice> metrics = named_metrics(arguments);
  Value root;
  for (const MetricChoice& metric : metrics) {
    Value settings{Value::Table{}, {}};
    if (arguments.columns() && metric.plugin.name == "labels") settings.set("reading", {std::string("known"), {}});
    if (!arguments.ontologies.empty() && needs_ontology(registry, metric.plugin.name))
      settings.set("ontology", {arguments.ontologies.front(), {"--ontology", 0, 0}});
    root.set(metric.name(), std::move(settings));
  }
  for (const std::string& assignment : arguments.set) {
    if (std::ranges::find(metrics, assignment.substr(0, assignment.find('.')), &MetricChoice::name) == metrics.end())
      throw InputError("--set " + assignment +
                       ": it sets a metric that is scored here, as in --set labels.reading=known");
    apply_override(root, assignment);
  }
  for (MetricChoice& metric : metrics) metric.plugin.settings = *root.find(metric.name());
  return metrics;
}

std::vector<Ontology> read_ontologies(const EvaluateArguments& arguments) {
  std::vector<Ontology> all;
  for (const std::string& path : arguments.ontologies) all.push_back(Ontology::read(path));
  return all;
}

std::vector<Prediction> read_file(const std::string& file, bool skip_bad) {
  std::vector<std::string> malformed;
  auto predictions = read_predictions(file, skip_bad ? &malformed : nullptr);
  if (!malformed.empty())
    log().warning(
        fmt::format("{}: {} malformed lines are left out; the first: {}", file, malformed.size(), malformed.front()));
  return predictions;
}

void log_cells(const std::vector<Prediction>& predictions) {
  const auto groups = donor_groups(predictions);
  const std::size_t donors = std::set<std::string>(groups.begin(), groups.end()).size();
  log().info(fmt::format("{} cells; intervals by resampling {}", predictions.size(),
                         groups.empty() ? "cells" : fmt::format("{} donors", donors)));
}

void show(const EvaluateArguments& arguments, const nlohmann::ordered_json& json, const std::string& table) {
  if (!arguments.out.empty()) write_atomically(arguments.out, json.dump(2) + "\n");
  fmt::print("{}", arguments.json ? json.dump(2) + "\n" : table);
}

void show_scores(const EvaluateArguments& arguments, const AllScores& scores) {
  show(arguments, metrics_json(scores), scores_table(scores));
}

void evaluate_texts(const Host& host, const EvaluateArguments& arguments) {
  const auto predictions = read_file(arguments.file, arguments.skip_bad);
  KnownLabels known;
  add_labels(known, predictions);
  for (const Ontology& ontology : read_ontologies(arguments)) add_terms(known, ontology);
  sort_names(known);
  const AllScores scores = score(host, build_metrics(host, metrics_of(host.registry, arguments)), predictions, known);
  log_cells(predictions);
  show_scores(arguments, scores);
}

void evaluate_against(const Host& host, const EvaluateArguments& arguments) {
  const PairedPredictions paired =
      pair_predictions(read_file(arguments.file, arguments.skip_bad), read_file(arguments.against, arguments.skip_bad),
                       {arguments.file, arguments.against});
  if (paired.only_first + paired.only_second > 0)
    log().warning(fmt::format("{} cells of {} and {} of {} are not in the other file and are left out",
                              paired.only_first, arguments.file, paired.only_second, arguments.against));
  KnownLabels known;
  add_labels(known, paired.first);
  for (const Ontology& ontology : read_ontologies(arguments)) add_terms(known, ontology);
  sort_names(known);
  const Metrics metrics = build_metrics(host, metrics_of(host.registry, arguments));
  const AllScores first = score_without_intervals(metrics, paired.first, known);
  const AllScores second = score_without_intervals(metrics, paired.second, known);
  const auto differences =
      compare(first, second, paired.first.size(), {host.context.seed, 1000, 0.95}, donor_groups(paired.first));
  log_cells(paired.first);
  show(arguments, differences_json(differences), differences_table(differences));
}

void log_unknown(const EvaluateArguments& arguments, const std::vector<std::string>& unknown) {
  if (unknown.empty()) return;
  std::string some;
  for (std::size_t i = 0; i < std::min<std::size_t>(5, unknown.size()); ++i)
    some += (i ? ", '" : "'") + unknown[i] + "'";
  log().warning(fmt::format("{} labels of '{}' are known to neither map nor ontology nor '{}', and so never right: {}",
                            unknown.size(), arguments.prediction, arguments.truth, some));
}

LabelColumns read_columns(const EvaluateArguments& arguments) {
  const InputFile file(arguments.file);
  const auto read = [&] {
    const anndata::DataFrame obs(hdf5::Group::open_file(arguments.file), "obs");
    LabelColumns columns{obs.index(0, obs.size()), obs.labels(arguments.prediction), obs.labels(arguments.truth)};
    if (obs.has("donor_id")) columns.donors = obs.labels("donor_id");
    return columns;
  };
  hdf5::rehearse(arguments.file, read);  // a damaged file may end the process that reads it
  return read();
}

/// Of metrics that read all labels, what they say of cell types.
void leave_cell_types(const std::vector<MetricChoice>& metrics, AllScores& all) {
  for (const MetricChoice& metric : metrics)
    if (metric.plugin.name == "labels")
      std::erase_if(all.at(metric.name()).scores, [](const Score& score) {
        return !score.name.starts_with("cell_type.") && !score.name.starts_with("level.cell_type.");
      });
}

void evaluate_columns(const Host& host, const EvaluateArguments& arguments) {
  const std::vector<Ontology> ontologies = read_ontologies(arguments);
  const auto of_cells = std::ranges::find_if(ontologies, [](const Ontology& ontology) {
    return label_of_term(ontology.terms().front().id) == std::string("cell_type");
  });
  const Ontology* ontology = of_cells == ontologies.end() ? nullptr : &*of_cells;
  const LabelMap map = arguments.map.empty() ? LabelMap() : LabelMap(arguments.map, ontology);
  const LabelledCells cells = label_cells(read_columns(arguments), map, ontology);
  log_unknown(arguments, cells.unknown);

  KnownLabels known;
  add_labels(known, cells.predictions);
  known.values["cell_type"].insert(known.values["cell_type"].end(), cells.names.begin(), cells.names.end());
  for (const Ontology& one : ontologies) add_terms(known, one);
  sort_names(known);
  const std::vector<MetricChoice> metrics = metrics_of(host.registry, arguments);
  AllScores scores = score(host, build_metrics(host, metrics), cells.predictions, known);
  log_cells(cells.predictions);
  leave_cell_types(metrics, scores);
  show_scores(arguments, scores);
}

void evaluate(const EvaluateArguments& arguments) {
  check_arguments(arguments);
  const Registry registry;
  const Host host = make_host(registry, "cpu", 0, 0);
  if (arguments.columns()) return evaluate_columns(host, arguments);
  if (!arguments.against.empty()) return evaluate_against(host, arguments);
  evaluate_texts(host, arguments);
}

}  // namespace

void add_evaluate(CLI::App* command) {
  static EvaluateArguments arguments;
  command
      ->add_option("FILE", arguments.file,
                   "JSON lines with 'prediction' and 'reference'; optional: cell, donor, cell_type, tissue, disease, "
                   "sex, development_stage, pathways. Or an .h5ad file")
      ->required();
  command
      ->add_option("--metrics", arguments.metrics,
                   "Which metrics, e.g. --metrics overlap,labels; NAME=PLUGIN takes one twice, as in "
                   "--metrics pagerank,tissue=pagerank --set tissue.label=tissue")
      ->delimiter(',');
  command
      ->add_option("--set", arguments.set,
                   "Setting of a metric, e.g. --set pathways.descriptions=FILE (may be repeated)")
      ->take_all();
  command
      ->add_option("--ontology", arguments.ontologies,
                   "OBO file whose names, exact synonyms and ids count as known labels (may be repeated)")
      ->take_all();
  command->add_option("--against", arguments.against,
                      "Another system's predictions of the same cells: differences with their intervals");
  command->add_flag("--skip-bad", arguments.skip_bad, "Leave malformed lines out, and say how many");
  command->add_option("--prediction", arguments.prediction,
                      "Obs column of an .h5ad file that holds predicted cell types");
  command->add_option("--truth", arguments.truth, "Obs column that holds the true ones");
  command->add_option("--map", arguments.map,
                      "CSV with the columns label and id or name: from a lab's own names to those of an ontology");
  command->add_option("-o,--out", arguments.out, "Write metrics.json here");
  command->add_flag("--json", arguments.json, "Print JSON");
  command->callback([] { evaluate(arguments); });
}

}  // namespace cell2text::driver
