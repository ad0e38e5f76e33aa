// cell2text doctor CELLS: is this file right, and does it suit a model? The same checks run inside every command that
// reads cells.
#include "doctor.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "commands.hpp"
#include "host.hpp"
#include "open_cells.hpp"

namespace cell2text::driver {

namespace {

struct DoctorArguments {
  CellsArguments cells;
  std::string model, encoder, base;
  std::optional<std::int64_t> batch_size;
  bool without_encoder = false, json = false;
};

constexpr std::int64_t cells_before_work = 512;  // of a sample inside other commands: it should not be noticed

void append(Findings& all, Findings more) {
  std::ranges::move(more, std::back_inserter(all));
}

/// How many soft tokens the adapter makes of so many genes: told by what it makes of one and of two, since adapters
/// make one of each gene, or the same number of any cell. Of a gene told by name: four tokens, which few names exceed.
double soft_tokens_of(const Model& model, double genes) {
  if (model.told_genes) return 4 * static_cast<double>(*model.told_genes);
  const torch::NoGradGuard no_grad;
  const auto made_of = [&model](std::int64_t num_genes) {
    const Tensor vectors = torch::zeros({1, num_genes, model.encoder->width()}, model.device);
    return static_cast<double>(model.adapter->forward({vectors, {num_genes}}).lengths[0]);
  };
  const double of_one = made_of(1);
  return of_one + (made_of(2) - of_one) * (genes - 1);
}

WorkSizes generation_work(WorkSizes work, const GenerationSettings& generation, const Model& model, double base_bytes) {
  work.batch = static_cast<double>(generation.batch_size);
  work.beams = static_cast<double>(generation.beams);
  work.text_tokens = static_cast<double>(generation.max_new_tokens.value.value_or(128));
  work.soft_tokens = soft_tokens_of(model, std::min(work.gene_tokens, static_cast<double>(model.max_genes)));
  work.base_bytes = base_bytes;
  return work;
}

double memory_in_all() {
  return available_memory() + process_memory();
}

/// The source is taken as it is, whatever its values are: the checks judge them. With totals from an obs column a file
/// would be read whole.
const SourceWishes as_it_is = {{"any_values", {true, {}}}, {"totals", {std::string("sum"), {}}}};

void doctor(const DoctorArguments& arguments) {
  const double base_bytes = process_memory();
  const Registry registry;
  const SourceHandle source = open_cells(registry, arguments.cells, as_it_is, Context{});
  std::optional<Model> model;
  std::optional<ModelCard> card;
  if (!arguments.model.empty()) {
    ModelPlaces places;
    if (!arguments.encoder.empty()) places.encoder = arguments.encoder;
    if (!arguments.base.empty()) places.decoder = arguments.base;
    card = read_model_card(arguments.model, registry, places);
    Host host = make_host(registry, "cpu", 0, 0);
    host.context.log = {};
    model = load_model(host, *card, arguments.model);
  }
  CellReport report = examine_cells(source, model ? model->encoder.get() : nullptr);
  std::vector<std::string> present;
  for (const ColumnInfo& column : source.columns()) present.push_back(column.name);
  if (!report.turned)
    append(report.findings, check_columns(present, wanted_columns({}, {}, present), "cell2text run", false));
  if (model) {
    if (arguments.batch_size) card->generation.batch_size = *arguments.batch_size;
    report.findings.push_back(check_memory(memory_to_describe, sizes_of(*model),
                                           generation_work(report.work, card->generation, *model, base_bytes),
                                           memory_in_all(), "--batch-size "));
  } else if (!arguments.without_encoder) {
    report.findings.push_back(
        {"encoder", Severity::note,
         "without a model nobody can say which genes its encoder knows, nor how much memory is needed", "",
         "To see that too: cell2text doctor " + arguments.cells.path + " --model DIR", false});
  }
  const std::string title =
      fmt::format("{}: {} cells, {} genes", arguments.cells.path, with_commas(report.cells), with_commas(report.genes));
  if (arguments.json)
    fmt::print("{}\n", findings_json(arguments.cells.path, report));
  else
    fmt::print("{}", findings_text(title, report.findings));
  if (worst(report.findings) == Severity::error) throw CLI::RuntimeError(2);  // all is said
}

}  // namespace

void act_on(const Findings& findings, const std::string& file, bool force) {
  std::string errors;
  for (const Finding& finding : findings) {
    const bool forced = finding.severity == Severity::error && force && finding.can_be_forced;
    if (finding.severity == Severity::error && !forced)
      errors += (errors.empty() ? "" : "\n  ") + sentence(finding);
    else if (finding.severity >= Severity::warning)
      log().warning(forced ? finding.found + "; going on because of --force" : sentence(finding));
    else if (finding.check == "memory")
      log().info("memory: " + finding.found);
  }
  if (!errors.empty()) throw InputError(file + ": " + errors + "\nSee more with: cell2text doctor " + file);
}

void allow_any_values(Value& experiment, const Registry& registry) {
  Value* data = experiment.find("data");
  const Value* name = data ? data->find("source") : nullptr;
  const auto* text = name ? name->get_if<std::string>() : nullptr;
  if (!text) return;  // reading the experiment says what is missing
  std::vector<FieldInfo> fields;
  registry.load("source", *text).descriptor->schema(fields).raise();
  if (std::ranges::find(fields, "any_values", &FieldInfo::name) != fields.end()) data->set("any_values", {true, {}});
}

std::vector<WantedColumn> wanted_columns(const DescriptionSettings& descriptions, const SplitSettings& split,
                                         const std::vector<std::string>& present) {
  std::vector<WantedColumn> all;
  if (!descriptions.column && std::ranges::find(present, "description") == present.end()) {
    all.push_back({descriptions.cell_type, "the texts to train on", true});
    for (const std::string* name :
         {&descriptions.tissue, &descriptions.disease, &descriptions.sex, &descriptions.development_stage})
      all.push_back({*name, "the texts to train on", false});
  }
  if (split.by == "donor") all.push_back({"donor_id", "a split by donor ([split] by = \"cell\" needs none)", true});
  return all;
}

Findings check_before_describing(const SourceHandle& source, const Model& model, const GenerationSettings& generation,
                                 const std::string& file, double base_bytes, bool force) {
  CellReport report = examine_cells(source, model.encoder.get(), {cells_before_work, 0});
  report.findings.push_back(check_memory(memory_to_describe, sizes_of(model),
                                         generation_work(report.work, generation, model, base_bytes), memory_in_all(),
                                         "--batch-size "));
  act_on(report.findings, file, force);
  return report.findings;
}

void check_before_training(const ExperimentData& data, const Experiment& experiment, const Model& model, bool force) {
  CellReport report = examine_cells(*data.source, model.encoder.get(), {cells_before_work, 0});
  std::vector<std::string> present;
  for (const ColumnInfo& column : data.source->columns()) present.push_back(column.name);
  append(report.findings, check_columns(present, wanted_columns(experiment.descriptions, experiment.split, present),
                                        "cell2text run", true));
  const ModelSizes sizes = sizes_of(model);
  const double base_bytes = std::max(process_memory() - sizes.weight_bytes, 0.0);
  WorkSizes work = generation_work(report.work, experiment.generation, model, base_bytes);
  work.cells = static_cast<double>(data.split.test.size());
  report.findings.push_back(
      check_memory(memory_to_describe, sizes, work, memory_in_all(), "--set generation.batch_size="));
  work.batch = static_cast<double>(experiment.training.batch_size);
  work.window_batches = static_cast<double>(experiment.training.length_window);
  work.read_cells = static_cast<double>(
      std::min(experiment.training.shuffle().window, static_cast<std::int64_t>(data.split.train.size())));
  report.findings.push_back(check_memory(memory_to_train, sizes, work, memory_in_all(), "--set training.batch_size="));
  const Value* path = experiment.data.resolved.find("path");
  const auto* file = path ? path->get_if<std::string>() : nullptr;
  act_on(report.findings, file ? *file : experiment.data.name, force);
}

void add_doctor(CLI::App* command) {
  static DoctorArguments arguments;
  command->footer(
      "Exit codes: 0 ready, 2 not ready.\n\n"
      "Examples:\n"
      "  cell2text doctor cells.h5ad --model runs/quickstart/model\n"
      "  cell2text doctor filtered_feature_bc_matrix.h5\n"
      "  cell2text doctor filtered_feature_bc_matrix/ --source labels=labels.csv");
  add_cells_options(*command, arguments.cells, "Cells");
  auto* model = command->add_option("--model", arguments.model,
                                    "Model folder: also judge which genes its encoder knows, and memory");
  command->add_flag("--encoder-less", arguments.without_encoder, "Judge the file alone, and do not remark on it")
      ->excludes(model);
  command->add_option("--batch-size", arguments.batch_size, "Cells described together, for the estimate of memory")
      ->needs(model)
      ->check(CLI::Range(1, 65536));
  command->add_option("--encoder", arguments.encoder, "Where the encoder's checkpoint is now, if it was not trained");
  command->add_option("--base", arguments.base, "Where the decoder's checkpoint is now, if it was not trained");
  command->add_flag("--json", arguments.json, "Print JSON");
  command->callback([] { doctor(arguments); });
}

}  // namespace cell2text::driver
