// cell2text describe CELLS --model DIR -o OUT: texts for the cells of a file.
#include <fmt/format.h>

#include <ctime>

#include "commands.hpp"
#include "describe_job.hpp"
#include "describe_setup.hpp"
#include "describe_windows.hpp"
#include "described_report.hpp"
#include "doctor.hpp"
#include "interrupts.hpp"
#include "profile.hpp"

namespace cell2text::driver {

namespace {

constexpr const char* describe_examples =
    "Examples:\n"
    "  cell2text describe cells.h5ad --model runs/quickstart/model -o described.h5ad\n"
    "  cell2text describe filtered_feature_bc_matrix.h5 --model runs/quickstart/model -o described.csv\n"
    "  cell2text describe raw_feature_bc_matrix/ --source min_counts=500 --model runs/quickstart/model -o "
    "described.jsonl\n"
    "  cell2text describe cells.h5ad --model runs/quickstart/model --min-confidence 0.7 --top 3 -o described.h5ad\n"
    "  cell2text describe cells.h5ad --model runs/quickstart/model --ontology cl.obo -o described.h5ad\n"
    "  cell2text describe cells.h5ad --model runs/quickstart/model --given tissue=blood,sex=@sex --allow "
    "cell_type=t_cells.txt --ontology cl.obo -o described.h5ad\n"
    "  cell2text describe cells.h5ad --model runs/quickstart/model --cluster leiden -o described.h5ad\n"
    "Killed or interrupted, the same command goes on with what is left.";

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

/// A judge that was asked for all labels, for the roll-up, tells more than is kept.
void keep_best(LabelledCell& one, std::size_t best) {
  for (auto& [role, judged] : one.cell.confidences) {
    judged.best.resize(std::min(best, judged.best.size()));
    judged.best.shrink_to_fit();
  }
}

Value about(const DescribeArguments& arguments, const DescribeSetup& setup) {
  const ModelCard& card = setup.card;
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
  Value table;
  for (const auto& [label, temperature] : setup.temperatures) table.set(label, {temperature, {}});
  if (!setup.temperatures.empty()) all.set("temperatures", std::move(table));
  setup.user_labels.note(all);
  return all;
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

/// Makes rows of the output of the cells of a batch.
class BatchDescriber {
 public:
  /// All must outlive it. InputError where the model cannot be asked what the arguments ask.
  BatchDescriber(const DescribeArguments& arguments, const DescribeSetup& setup, const Model& model)
      : setup_(setup),
        model_(model),
        min_confidence_(arguments.min_confidence.value_or(0)),
        best_(static_cast<std::size_t>(arguments.best)),
        known_(setup.card.known_labels().values),
        reader_(known_["cell_type"], known_["tissue"], known_["disease"]) {
    if (!arguments.no_confidence)
      judge_.emplace(*model.decoder, reader_, known_, setup.sure ? LabelJudge::all_labels : best_, LabelScoreOptions(),
                     setup.temperatures);
    wanted_ = {judge_ ? &*judge_ : nullptr, setup.user_labels.constraint(model, setup.card.generation),
               setup.user_labels.given()};
  }
  BatchDescriber(const BatchDescriber&) = delete;  // the judge reads with the reader

  std::vector<TableRow> operator()(const TokenBatch& batch) const {
    std::vector<TableRow> rows;
    for (DescribedCell& cell : describe_cells(model_, batch, setup_.card.generation, wanted_)) {
      const std::string given = setup_.user_labels.mark(cell);
      LabelledCell one = label(std::move(cell), reader_, setup_.card, min_confidence_);
      one.given = given;
      if (setup_.sure) setup_.sure->add_to(one), keep_best(one, best_);
      rows.push_back(table_row(setup_.columns, one));
    }
    return rows;
  }

 private:
  const DescribeSetup& setup_;
  const Model& model_;
  double min_confidence_;
  std::size_t best_;
  std::map<std::string, std::vector<std::string>> known_;
  KnownLabelReader reader_;
  std::optional<LabelJudge> judge_;
  DescribeExtras wanted_;
};

/// With an explainer also why the model wrote what it was least sure of.
void write_described_report(const DescribeArguments& arguments, const DescribeSetup& setup, const PartFile& part,
                            const Findings& findings, const CellExplainer* explainer, const Interrupts& interrupts) {
  DescribedReport report(
      setup.tables.columns, setup.source,
      {arguments.cells.path, setup.card.name, setup.card.hash, arguments.choice.cluster.value_or(""), findings});
  each_described(part, [&](const TableRow& row) { report.add(row); });
  if (explainer) report.explain_least(static_cast<std::size_t>(arguments.explain), *explainer, interrupts);
  report.write(arguments.report);
  log().info("report: " + arguments.report);
}

void describe(const DescribeArguments& arguments) {
  check_output_name(arguments.out);
  const Profile profile(arguments.profile);
  const Interrupts interrupts;
  const Registry registry;
  const Host host = make_host(registry, arguments.device, arguments.threads, 0);
  const DescribeSetup setup(arguments, host);
  const std::string machine = fmt::format("{} with {} threads", host.device.str(), at::get_num_threads());
  PartFile part(
      arguments.out,
      describe_job(arguments.cells.path, setup.card, job_options(arguments, setup.temperatures), setup.tables.columns),
      machine);
  tell_of_part(part, machine);
  const double base_bytes = process_memory();
  const Model model = load_model(host, setup.card, arguments.model);
  const GenerationSettings& generation = setup.card.generation;
  const Findings findings =
      check_before_describing(setup.source, model, generation, arguments.cells.path, base_bytes, arguments.force);
  std::optional<CellExplainer> explainer;
  if (arguments.explain > 0)
    explainer
        .emplace(model, setup.card, setup.source, arguments.cells.path,
                 DescribeExtras{nullptr, {}, setup.user_labels.given()})
        .try_on(setup.choice.rows);
  const BatchDescriber describer(arguments, setup, model);
  const auto describe_batch = [&](const TokenBatch& batch) { return describer(batch); };
  describe_windows({setup.source, *model.encoder, setup.choice.rows, generation.batch_size, describe_batch, interrupts},
                   part);
  write_tables(setup.tables, part, about(arguments, setup));
  if (!arguments.report.empty())
    write_described_report(arguments, setup, part, findings, explainer ? &*explainer : nullptr, interrupts);
  log().info(arguments.out + ": " + status_summary(setup.tables.columns, part));
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
  auto* explain = command
                      ->add_option("--explain", arguments.explain,
                                   "Also explain the N least certain cells on that page: which genes moved each "
                                   "label (docs/explain.md)")
                      ->option_text("N")
                      ->check(CLI::Range(std::size_t{1}, DescribedReport::least_certain))
                      ->needs("--report");
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
                   ->add_option("--top", arguments.best,
                                "Also the K most probable labels with their probabilities, in cell2text_X_best")
                   ->check(CLI::Range(0, 1000))
                   ->option_text("K");
  command
      ->add_flag("--no-confidence", arguments.no_confidence,
                 "Do not tell how sure the model is of each label, which saves time")
      ->excludes(confidence)
      ->excludes(best)
      ->excludes(explain);
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
