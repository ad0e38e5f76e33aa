// cell2text describe CELLS --model DIR -o OUT: texts for the cells of a file.
#include <fmt/format.h>

#include <ctime>

#include "cell2text/io/atomic_file.hpp"
#include "cell2text/io/toml.hpp"
#include "cell2text/model_calibration.hpp"
#include "commands.hpp"
#include "describe_choice.hpp"
#include "describe_job.hpp"
#include "describe_tables.hpp"
#include "describe_windows.hpp"
#include "described_output.hpp"
#include "described_report.hpp"
#include "doctor.hpp"
#include "given_labels.hpp"
#include "host.hpp"
#include "interrupts.hpp"
#include "open_cells.hpp"
#include "profile.hpp"
#include "sure_cell_type.hpp"

namespace cell2text::driver {

namespace {

struct DescribeArguments {
  CellsArguments cells;
  ChoiceArguments choice;
  GivenLabelsArguments labels;
  nlohmann::json options;  // as options_of has them
  std::string model, out, report, encoder, base, device = "auto";
  std::int64_t threads = 0;
  std::optional<std::int64_t> beams, batch_size;
  std::optional<std::string> profile;
  std::optional<double> min_confidence;
  std::int64_t best = 0;
  std::vector<std::string> set;
  bool overwrite = false, force = false, no_confidence = false;
};

constexpr const char* describe_examples =
    "Examples:\n"
    "  cell2text describe cells.h5ad --model runs/quickstart/model -o described.h5ad\n"
    "  cell2text describe filtered_feature_bc_matrix.h5 --model runs/quickstart/model -o described.csv\n"
    "  cell2text describe raw_feature_bc_matrix/ --source min_counts=500 --model runs/quickstart/model -o "
    "described.jsonl\n"
    "  cell2text describe cells.h5ad --model runs/quickstart/model --min-confidence 0.7 --best 3 -o described.h5ad\n"
    "  cell2text describe cells.h5ad --model runs/quickstart/model --ontology cl.obo -o described.h5ad\n"
    "  cell2text describe cells.h5ad --model runs/quickstart/model --given tissue=blood,sex=@sex --allow "
    "cell_type=t_cells.txt --ontology cl.obo -o described.h5ad\n"
    "  cell2text describe cells.h5ad --model runs/quickstart/model --cluster leiden -o described.h5ad\n"
    "Killed or interrupted, the same command goes on with what is left.";

/// From where on a kind of cell is sure where --min-confidence does not say: it is then likelier than all others.
constexpr double sure_from = 0.5;

/// The labels that a text names, with the ontology ids that training cells had for them. Those that the model is less
/// sure of than `min_confidence` stay in `raw` alone.
LabelledCell label(DescribedCell cell, const KnownLabelReader& reader, const ModelCard& card, double min_confidence) {
  LabelledCell one{std::move(cell), {}, {}, {}, {}};
  if (one.cell.text.empty()) return one;
  const ReadLabels read = reader.read(one.cell.text);
  const std::optional<std::string>* const found[] = {&read.cell_type, &read.tissue, &read.disease, &read.sex,
                                                     &read.stage};
  for (std::size_t i = 0; i < described_labels.size(); ++i) {
    const std::string role = described_labels[i];
    if (!*found[i]) continue;
    const std::string value = one.raw[role] = **found[i];
    const auto sure = one.cell.confidences.find(role);
    const bool unsure = sure != one.cell.confidences.end() && sure->second.confidence < min_confidence;
    one.labels[role] = unsure ? unassigned : value;
    if (const auto id = card.ontology_id(role, value); id && !unsure) one.ontology_ids[role] = *id;
  }
  if (!read.cell_type && one.cell.status == CellStatus::ok) one.cell.status = CellStatus::unreadable;
  return one;
}

Value about(const DescribeArguments& arguments, const ModelCard& card, const LabelTemperatures& temperatures) {
  char date[32];
  const std::time_t now = std::time(nullptr);
  std::strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", std::gmtime(&now));
  Value all;
  all.set("model", {card.name, {}});
  all.set("model_hash", {card.hash, {}});
  all.set("cell2text_version", {std::string(version), {}});
  all.set("ontology_release", {card.ontology_release, {}});
  all.set("source", {arguments.cells.path, {}});
  all.set("date", {std::string(date), {}});
  if (arguments.choice.cluster) all.set("cluster", {*arguments.choice.cluster, {}});
  all.set("generation", write_settings(card.generation));
  if (temperatures.empty()) return all;
  Value table;
  for (const auto& [label, temperature] : temperatures) table.set(label, {temperature, {}});
  all.set("temperatures", std::move(table));
  return all;
}

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

/// A judge that was asked for all labels, for the roll-up, tells more than is kept.
void keep_best(LabelledCell& one, std::size_t best) {
  for (auto& [role, judged] : one.cell.confidences) {
    judged.best.resize(std::min(best, judged.best.size()));
    judged.best.shrink_to_fit();
  }
}

/// What the values depend on beside the model, the cells and the columns.
nlohmann::json job_options(const DescribeArguments& arguments, const LabelTemperatures& temperatures) {
  nlohmann::json options = arguments.options;
  if (!temperatures.empty()) options["temperatures"] = temperatures;
  return options;
}

/// Tells where a job goes on that another process began.
void tell_of_part(const PartFile& part, const std::string& machine) {
  if (part.found() == 0) return;
  log().info(part.path().string() + ": the job was begun before, and goes on where it was left");
  if (part.machine() != machine)
    log().warning("it was begun on " + part.machine().get<std::string>() + ", and goes on on " + machine +
                  ": last digits may differ from those of one that was not interrupted");
}

void describe(const DescribeArguments& arguments) {
  check_output_name(arguments.out);
  const Profile profile(arguments.profile);
  const Interrupts interrupts;
  const Registry registry;
  const Host host = make_host(registry, arguments.device, arguments.threads, 0);
  ModelPlaces places;
  if (!arguments.encoder.empty()) places.encoder = arguments.encoder;
  if (!arguments.base.empty()) places.decoder = arguments.base;
  ModelCard card = read_model_card(arguments.model, registry, places);
  card.generation = generation_settings(arguments, card.generation);
  SourceWishes wishes;
  if (arguments.force) wishes.push_back({"any_values", {true, {}}});
  const SourceHandle source = open_cells(registry, arguments.cells, wishes, host.context);
  const CellChoice choice = choose_cells(arguments.choice, source, arguments.cells.path);
  const UserLabels user_labels(arguments.labels, source, choice.rows, card);
  auto ontology = cell_ontology(arguments, card);
  const auto described = described_columns(columns_of(arguments, ontology.has_value()), card);
  const DescribedTables tables{{source, arguments.cells.path, arguments.out, arguments.overwrite},
                               table_columns(described),
                               choice,
                               cluster_table_path(arguments.choice, arguments.out)};
  check_tables(tables);
  if (!arguments.report.empty()) AtomicFile{arguments.report};  // before the work: may it be written there?
  const auto temperatures = read_temperatures(arguments.model, card.hash);
  auto known = card.known_labels().values;
  std::optional<SureCellType> sure;
  if (ontology) sure.emplace(std::move(*ontology), card, arguments.min_confidence.value_or(sure_from));
  const std::string machine = fmt::format("{} with {} threads", host.device.str(), at::get_num_threads());
  PartFile part(arguments.out,
                describe_job(arguments.cells.path, card, job_options(arguments, temperatures), tables.columns),
                machine);
  tell_of_part(part, machine);
  const double base_bytes = process_memory();
  const Model model = load_model(host, card, arguments.model);
  const Findings findings =
      check_before_describing(source, model, card.generation, arguments.cells.path, base_bytes, arguments.force);

  const auto best = static_cast<std::size_t>(arguments.best);
  const KnownLabelReader reader(known["cell_type"], known["tissue"], known["disease"]);
  std::optional<LabelJudge> judge;
  if (!arguments.no_confidence)
    judge.emplace(*model.decoder, reader, known, sure ? LabelJudge::all_labels : best, LabelScoreOptions(),
                  temperatures);
  const ConstraintOfRows constrain = user_labels.constraint(model, card.generation);
  const auto describe_batch = [&](const TokenBatch& batch) {
    std::vector<TableRow> rows;
    for (DescribedCell& cell : describe_cells(model, batch, card.generation, judge ? &*judge : nullptr, constrain)) {
      const std::string given = user_labels.mark(cell);
      LabelledCell one = label(std::move(cell), reader, card, arguments.min_confidence.value_or(0));
      one.given = given;
      if (sure) sure->add_to(one), keep_best(one, best);
      rows.push_back(table_row(described, one));
    }
    return rows;
  };
  Value facts = about(arguments, card, temperatures);
  user_labels.note(facts);
  describe_windows({source, *model.encoder, choice.rows, card.generation.batch_size, describe_batch, interrupts}, part);
  write_tables(tables, part, facts);
  if (!arguments.report.empty()) {
    DescribedReport report(
        tables.columns, source,
        {arguments.cells.path, card.name, card.hash, arguments.choice.cluster.value_or(""), findings});
    each_described(part, [&](const TableRow& row) { report.add(row); });
    report.write(arguments.report);
    log().info("report: " + arguments.report);
  }
  log().info(arguments.out + ": " + status_summary(tables.columns, part));
  part.remove();
}

}  // namespace

void add_describe(CLI::App* command) {
  static DescribeArguments arguments;
  command->footer(describe_examples);
  add_cells_options(*command, arguments.cells, "Cells with raw counts");
  command->add_option("--model", arguments.model, "Model folder, as 'cell2text run' writes it (…/model)")->required();
  command
      ->add_option("-o,--out", arguments.out, "What to write: .h5ad (the cells with more obs columns), .csv or .jsonl")
      ->required();
  command->add_option("--report", arguments.report,
                      "Also write a page with plots (.html): composition, confidences, the UMAP of the file, the least "
                      "certain cells");
  add_choice_options(*command, arguments.choice);
  command->add_flag("--overwrite", arguments.overwrite, "Replace cell2text columns that the file already has");
  command->add_flag("--force", arguments.force,
                    "Go on with values that do not look like counts, or an unsuitable file");
  command->add_option("--beams", arguments.beams, "Instead of the model's own number; 1 is fastest")
      ->check(CLI::Range(1, 1024));
  auto* confidence = command
                         ->add_option("--min-confidence", arguments.min_confidence,
                                      "Labels that the model is less sure of are written as 'unassigned', and as they "
                                      "were read in cell2text_X_raw")
                         ->check(CLI::Range(0.0, 1.0));
  auto* best = command
                   ->add_option("--best", arguments.best,
                                "Also the K most probable labels with their probabilities, in cell2text_X_best")
                   ->check(CLI::Range(0, 1000))
                   ->option_text("K");
  command
      ->add_flag("--no-confidence", arguments.no_confidence,
                 "Do not tell how sure the model is of each label, which saves time")
      ->excludes(confidence)
      ->excludes(best);
  add_given_labels_options(*command, arguments.labels);
  command->add_option("--batch-size", arguments.batch_size, "Cells generated together")->check(CLI::Range(1, 65536));
  command
      ->add_option("--set", arguments.set,
                   "Generate otherwise than the model's settings say, e.g. --set generation.stop='[\".\"]' (may be "
                   "repeated)")
      ->take_all();
  command->add_option("--encoder", arguments.encoder, "Where the encoder's checkpoint is now, if it was not trained");
  command->add_option("--base", arguments.base, "Where the decoder's checkpoint is now, if it was not trained");
  command->add_option("--profile", arguments.profile, profile_help);
  command->add_option("--device", arguments.device, "auto, cpu or cuda")->check(CLI::IsMember({"auto", "cpu", "cuda"}));
  command->add_option("--threads", arguments.threads, "CPU threads; 0 = as many as cores")->check(CLI::Range(0, 4096));
  command->callback([command] {
    arguments.options = options_of(*command);
    describe(arguments);
  });
}

}  // namespace cell2text::driver
