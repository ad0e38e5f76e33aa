#include "describe_setup.hpp"

#include "cell2text/io/atomic_file.hpp"
#include "cell2text/io/toml.hpp"

namespace cell2text::driver {

namespace {

/// From where on a kind of cell is sure where --min-confidence does not say: it is then likelier than all others.
constexpr double sure_from = 0.5;

/// The model's own settings of generation, but for what the command line says.
GenerationSettings generation_settings(const DescribeArguments& arguments, const GenerationSettings& own) {
  Value root;
  root.set("generation", write_settings(own));
  for (const std::string& assignment : arguments.set) {
    if (!assignment.starts_with("generation."))
      throw InputError("--set " + assignment +
                       ": a trained model takes settings of generation alone, as in --set "
                       "generation.temperature=0.7");
    apply_override(root, assignment);
  }
  Value& table = *root.find("generation");
  if (arguments.beams) table.set("beams", {*arguments.beams, {"--beams", 0, 0}});
  if (arguments.batch_size) table.set("batch_size", {*arguments.batch_size, {"--batch-size", 0, 0}});
  SettingsFaults faults;
  GenerationSettings settings;
  read_fields(table, settings, faults, "generation.");
  faults.raise();
  return settings;
}

ModelCard card_of(const DescribeArguments& arguments, const Registry& registry) {
  ModelPlaces places;
  if (!arguments.encoder.empty()) places.encoder = arguments.encoder;
  if (!arguments.base.empty()) places.decoder = arguments.base;
  ModelCard card = read_model_card(arguments.model, registry, places);
  card.generation = generation_settings(arguments, card.generation);
  return card;
}

SourceHandle source_of(const DescribeArguments& arguments, const Host& host) {
  SourceWishes wishes;
  if (arguments.force) wishes.push_back({"any_values", {true, {}}});
  return open_cells(host.registry, arguments.cells, wishes, host.context);
}

/// The ontology for the roll-up, where confidences are told and one is given that has the model's cell types.
/// InputError where none has, and --ontology is good for nothing else.
std::optional<CellOntology> cell_ontology(const DescribeArguments& arguments, const ModelCard& card) {
  const GivenLabelsArguments& labels = arguments.labels;
  if (arguments.no_confidence) return std::nullopt;
  auto found = find_cell_ontology(labels.ontologies, card);
  if (!found && !labels.ontologies.empty() && labels.allow.empty())
    throw InputError("--ontology " + labels.ontologies.front() +
                     ": it has no term for any cell type of the model; give the Cell Ontology (cl.obo)");
  return found;
}

DescribedColumns columns_of(const DescribeArguments& arguments, bool sure) {
  return {!arguments.no_confidence, arguments.best > 0, arguments.min_confidence.has_value(), sure,
          !arguments.labels.given.empty()};
}

}  // namespace

DescribeSetup::DescribeSetup(const DescribeArguments& arguments, const Host& host)
    : card(card_of(arguments, host.registry)),
      source(source_of(arguments, host)),
      choice(choose_cells(arguments.choice, source, arguments.cells.path)),
      user_labels(arguments.labels, source, choice.rows, card),
      tables{{source, arguments.cells.path, arguments.out, arguments.overwrite},
             {},
             choice,
             cluster_table_path(arguments.choice, arguments.out)} {
  if (auto ontology = cell_ontology(arguments, card))
    sure.emplace(std::move(*ontology), card, arguments.min_confidence.value_or(sure_from));
  columns = described_columns(columns_of(arguments, sure.has_value()), card);
  tables.columns = table_columns(columns);
  check_tables(tables);
  if (!arguments.report.empty()) AtomicFile{arguments.report};  // before the work: may it be written there?
  temperatures = read_temperatures(arguments.model, card.hash);
}

}  // namespace cell2text::driver
