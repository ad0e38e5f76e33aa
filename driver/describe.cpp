// cell2text describe CELLS --model DIR -o OUT: texts for the cells of a file.
#include <fmt/format.h>

#include <ctime>
#include <numeric>

#include "cell2text/io/toml.hpp"
#include "commands.hpp"
#include "described_output.hpp"
#include "doctor.hpp"
#include "given_labels.hpp"
#include "host.hpp"
#include "interrupts.hpp"
#include "open_cells.hpp"
#include "profile.hpp"

namespace cell2text::driver {

namespace {

struct DescribeArguments {
  CellsArguments cells;
  GivenLabelsArguments labels;
  std::string model, out, encoder, base, device = "auto";
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
    "  cell2text describe cells.h5ad --model runs/quickstart/model --given tissue=blood,sex=@sex --allow "
    "cell_type=t_cells.txt --ontology cl.obo -o described.h5ad";

constexpr const char* unassigned = "unassigned";

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

Value about(const DescribeArguments& arguments, const ModelCard& card) {
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
  all.set("generation", write_settings(card.generation));
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

DescribedColumns columns_of(const DescribeArguments& arguments) {
  return {!arguments.no_confidence, arguments.best > 0, arguments.min_confidence.has_value(),
          !arguments.labels.given.empty()};
}

void summarise(const std::vector<LabelledCell>& cells, const std::string& out) {
  std::map<std::string, std::int64_t> statuses;
  for (const LabelledCell& one : cells) ++statuses[status_name(one.cell.status)];
  std::string text;
  for (const auto& [status, count] : statuses) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, status);
  log().info(fmt::format("{}: {} cells ({})", out, cells.size(), text));
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
  const UserLabels user_labels(arguments.labels, source, card);
  const DescribedOutput output{source, arguments.cells.path, arguments.out,
                               described_columns(columns_of(arguments), card), arguments.overwrite};
  check_output(output);
  const double base_bytes = process_memory();
  const Model model = load_model(host, card, arguments.model);
  check_before_describing(source, model, card.generation, arguments.cells.path, base_bytes, arguments.force);

  auto known = card.known_labels().values;
  const KnownLabelReader reader(known["cell_type"], known["tissue"], known["disease"]);
  std::optional<LabelJudge> judge;
  if (!arguments.no_confidence) judge.emplace(*model.decoder, reader, known, static_cast<std::size_t>(arguments.best));
  const ConstraintOfRows constrain = user_labels.constraint(model, card.generation);
  std::vector<std::int64_t> rows(source.size());
  std::iota(rows.begin(), rows.end(), 0);
  std::vector<LabelledCell> cells(rows.size());
  Progress progress("describing", static_cast<std::int64_t>(rows.size()), "cells");
  std::int64_t done = 0;
  const auto describe_rows = [&](std::vector<std::int64_t> part, const LoaderOptions& options) {
    CellLoader loader(source, *model.encoder, std::move(part), options);
    while (auto batch = loader.next()) {
      for (DescribedCell& cell : describe_cells(model, *batch, card.generation, judge ? &*judge : nullptr, constrain)) {
        const std::int64_t row = cell.row;
        const std::string given = user_labels.mark(cell);
        cells[row] = label(std::move(cell), reader, card, arguments.min_confidence.value_or(0));
        cells[row].given = given;
        ++done;
      }
      progress.update(done);
      interrupts.check("after " + std::to_string(done) + " cells; nothing was written");
    }
  };
  // A few cells first: what is wrong shows at once, and so does the time that the others will take.
  const auto few = rows.begin() + std::min<std::ptrdiff_t>(4, std::ssize(rows));
  describe_rows({rows.begin(), few}, {card.generation.batch_size, 1, 0, false});
  describe_rows({few, rows.end()}, {card.generation.batch_size, free_length_window, 0, false});
  Value facts = about(arguments, card);
  user_labels.note(facts);
  write_described(output, cells, facts);
  summarise(cells, arguments.out);
}

}  // namespace

void add_describe(CLI::App& app) {
  static DescribeArguments arguments;
  auto* command = app.add_subcommand("describe", "Describe the cells of a file with a trained model");
  command->footer(describe_examples);
  add_cells_options(*command, arguments.cells, "Cells with raw counts");
  command->add_option("--model", arguments.model, "Model folder, as 'cell2text run' writes it (…/model)")->required();
  command
      ->add_option("-o,--out", arguments.out, "What to write: .h5ad (the cells with more obs columns), .csv or .jsonl")
      ->required();
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
  command->callback([] { describe(arguments); });
}

}  // namespace cell2text::driver
