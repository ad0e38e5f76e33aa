// cell2text evaluate PREDICTIONS.jsonl: scores of any system's texts.
#include <fmt/format.h>

#include "cell2text/evaluate/predictions_file.hpp"
#include "cell2text/experiment_run.hpp"
#include "commands.hpp"
#include "host.hpp"
#include "tables.hpp"

namespace cell2text::driver {

namespace {

struct EvaluateArguments {
  std::string file, out, ontology;
  std::vector<std::string> metrics{"overlap", "labels"};
  bool json = false;
};

/// Names a label may have: those of the file's own label fields, and of the ontology.
KnownLabels known_labels_of(const std::vector<Prediction>& predictions, const std::string& ontology) {
  std::map<std::string, std::set<std::string>> names;
  for (const Prediction& one : predictions)
    for (const auto& [label, value] : one.labels) names[label].insert(value);
  if (!ontology.empty()) {
    const Ontology terms = Ontology::read(ontology);
    for (const Term& term : terms.terms())
      if (!term.obsolete && !term.name.empty()) names["cell_type"].insert(term.name);
  }
  KnownLabels known;
  for (const auto& [label, set] : names) known.values[label].assign(set.begin(), set.end());
  return known;
}

void evaluate(const EvaluateArguments& arguments) {
  const auto predictions = read_predictions(arguments.file);
  const Registry registry;
  std::vector<PluginChoice> metrics;
  for (const std::string& name : arguments.metrics) {
    metrics.push_back({"metric", name, {}, {}});
    std::vector<FieldInfo> fields;
    registry.load("metric", name).descriptor->schema(fields).raise();
    if (!arguments.ontology.empty() && std::ranges::find(fields, "ontology", &FieldInfo::name) != fields.end())
      metrics.back().settings.set("ontology", {arguments.ontology, {"--ontology", 0, 0}});
  }
  const Host host = make_host(registry, "cpu", 0, 0);
  const AllScores scores = score(host, metrics, predictions, known_labels_of(predictions, arguments.ontology));
  if (!arguments.out.empty()) write_atomically(arguments.out, metrics_json(scores).dump(2) + "\n");
  if (arguments.json)
    fmt::print("{}\n", metrics_json(scores).dump(2));
  else
    fmt::print("{}", scores_table(scores));
}

}  // namespace

void add_evaluate(CLI::App& app) {
  static EvaluateArguments arguments;
  auto* command = app.add_subcommand("evaluate", "Score predicted texts against references, whoever wrote them");
  command
      ->add_option("PREDICTIONS", arguments.file,
                   "JSON lines with 'prediction' and 'reference'; optional: cell, cell_type, tissue, disease")
      ->required();
  command->add_option("--metrics", arguments.metrics, "Which metrics, e.g. --metrics overlap,labels")->delimiter(',');
  command->add_option("--ontology", arguments.ontology,
                      "OBO file whose names count as known cell types, and in which pagerank looks them up");
  command->add_option("-o,--out", arguments.out, "Write metrics.json here");
  command->add_flag("--json", arguments.json, "Print JSON");
  command->callback([] { evaluate(arguments); });
}

}  // namespace cell2text::driver
