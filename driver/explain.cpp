// cell2text explain CELLS --cell NAME --model DIR: which genes moved each label of a cell's description.
#include <fmt/format.h>

#include "cell_explainer.hpp"
#include "commands.hpp"
#include "doctor.hpp"
#include "explained_output.hpp"
#include "given_labels.hpp"
#include "host.hpp"
#include "interrupts.hpp"
#include "open_cells.hpp"

namespace cell2text::driver {

namespace {

struct ExplainArguments {
  CellsArguments cells;
  GivenLabelsArguments known;
  std::string model, cell, text, out, baseline = "mean", encoder, base, device = "auto";
  std::optional<std::int64_t> row;
  std::vector<std::string> labels;
  std::int64_t top = 10, drop_one = 0, compare = 8, seed = 0, max_steps = 512, threads = 0;
  bool json = false, force = false;
};

constexpr const char* explain_help =
    "Why this word? Which genes of a cell moved each label of its description.\n\n"
    "For each label of the text (cell type, tissue, disease, sex, stage) the log probability of its words, given the\n"
    "text before them, is shared out over the genes: integrated gradients on the way from a baseline, where every "
    "gene\n"
    "says the same, to the cell. The shares sum to the difference between the two; by how much they miss it is "
    "printed\n"
    "as the completeness gap. A positive share speaks for the label, a negative one against it.\n\n"
    "The alarm: the label's probability is also computed with other cells of the file in this one's place. Where none\n"
    "of them changes it by a tenth, the label does not come from the cell, whatever its genes' shares are.";

constexpr const char* explain_examples =
    "Examples:\n"
    "  cell2text explain cells.h5ad --cell AAACATACAACCAC-1 --model runs/quickstart/model\n"
    "  cell2text explain cells.h5ad --cell AAACATACAACCAC-1 --model runs/quickstart/model --drop-one 5 -o why.html\n"
    "  cell2text explain cells.h5ad --row 0 --model runs/quickstart/model --label cell_type --json\n"
    "  cell2text explain cells.h5ad --row 0 --model runs/quickstart/model --text 'This sample consists of a B cell, "
    "...'   why not?";

/// Leaves the labels that are asked for. InputError where the text has none, or not the one that is.
void choose_labels(const ExplainArguments& arguments, CellToExplain& cell) {
  std::vector<WrittenLabel>& all = cell.labels;
  const std::string& text = cell.text;
  std::string roles;
  for (const WrittenLabel& label : all) roles += (roles.empty() ? "" : ", ") + label.role;
  if (all.empty())
    throw InputError("the text names no label that the model was trained on: '" + text +
                     "'; give one that does with --text, in the words of its descriptions");
  for (const std::string& wanted : arguments.labels)
    if (std::ranges::find(all, wanted, &WrittenLabel::role) == all.end())
      throw InputError("--label " + wanted + ": the text names no such label that the model was trained on: '" + text +
                       "'; it has " + roles);
  if (!arguments.labels.empty())
    std::erase_if(all, [&](const WrittenLabel& label) {
      return std::ranges::find(arguments.labels, label.role) == arguments.labels.end();
    });
}

/// Of the cell that is asked for. InputError where the file does not have it.
std::int64_t chosen_row(const ExplainArguments& arguments, const SourceHandle& source) {
  const std::string& file = arguments.cells.path;
  if (!arguments.row) return named_rows(source, {arguments.cell}, "--cell", file).front();
  if (*arguments.row >= source.size())
    throw InputError(fmt::format("--row {}: {} has {} cells, in rows 0 to {}", *arguments.row, file, source.size(),
                                 source.size() - 1));
  return *arguments.row;
}

ExplainWishes wishes_of(const ExplainArguments& arguments) {
  ExplainWishes wishes{.top = arguments.top, .compare = arguments.compare, .seed = arguments.seed};
  wishes.options.gradients.max_steps = arguments.max_steps;
  wishes.options.baseline = arguments.baseline == "zero" ? ExplainBaseline::zero : ExplainBaseline::mean;
  wishes.options.drop_one = arguments.drop_one;
  return wishes;
}

void show(const ExplainArguments& arguments, const ExplainedCell& cell) {
  for (const std::string& warning : explanation_warnings(cell)) log().warning(warning);
  if (!arguments.out.empty()) {
    write_explained(arguments.out, cell);
    log().info("written: " + arguments.out);
  }
  fmt::print("{}", arguments.json ? explained_json(cell) : explained_tables(cell));
}

void explain(const ExplainArguments& arguments) {
  if (!arguments.out.empty()) check_explained_output(arguments.out);
  const Interrupts interrupts;
  const Registry registry;
  const Host host = make_host(registry, arguments.device, arguments.threads, arguments.seed);
  ModelPlaces places;
  if (!arguments.encoder.empty()) places.encoder = arguments.encoder;
  if (!arguments.base.empty()) places.decoder = arguments.base;
  const ModelCard card = read_model_card(arguments.model, registry, places);
  SourceWishes wishes;
  if (arguments.force) wishes.push_back({"any_values", {true, {}}});
  const std::string& file = arguments.cells.path;
  const SourceHandle source = open_cells(registry, arguments.cells, wishes, host.context);
  const std::int64_t row = chosen_row(arguments, source);
  const UserLabels known(arguments.known, source, {row}, card);
  const double base_bytes = process_memory();
  const Model model = load_model(host, card, arguments.model);
  check_before_describing(source, model, card.generation, file, base_bytes, arguments.force);

  const CellExplainer explainer(model, card, source, file,
                                {nullptr, known.constraint(model, card.generation), known.given()});
  CellToExplain cell = explainer.read(row, arguments.text);
  choose_labels(arguments, cell);
  ExplainWishes asked = wishes_of(arguments);
  Progress progress("explaining", std::ssize(cell.labels), "labels");
  asked.options.on_label = [&](std::int64_t done) {
    progress.update(done);
    interrupts.check("after " + std::to_string(done) + " labels; nothing was written");
  };
  show(arguments, explainer.explain(cell, asked));
}

}  // namespace

void add_explain(CLI::App* command) {
  static ExplainArguments arguments;
  command->description(explain_help);
  command->footer(explain_examples);
  add_cells_options(*command, arguments.cells, "The file with the cell");
  auto* which = command->add_option_group("which cell");
  which->add_option("--cell", arguments.cell, "Name of the cell, as in obs");
  which->add_option("--row", arguments.row, "Its row instead, from 0: found at once in a large file")
      ->check(CLI::NonNegativeNumber);
  which->require_option(1);
  command->add_option("--model", arguments.model, "Model folder, as 'cell2text run' writes it (…/model)")->required();
  command->add_option("--text", arguments.text,
                      "Explain this text instead of what the model writes of the cell: why not that label?");
  command
      ->add_option("--label", arguments.labels,
                   "Explain this label alone: cell_type, tissue, disease, sex or development_stage (may be repeated)")
      ->check(CLI::IsMember(std::vector<std::string>(asked_labels.begin(), asked_labels.end())));
  add_given_labels_options(*command, arguments.known);
  command->add_option("--top", arguments.top, "Genes of each label that are shown; files hold all")
      ->check(CLI::Range(1, 100'000));
  command
      ->add_option("--drop-one", arguments.drop_one,
                   "Also take the K top genes of each label out of the cell, one at a time, and tell how its log "
                   "probability changes")
      ->option_text("K")
      ->check(CLI::Range(0, 100'000));
  command
      ->add_option("--compare", arguments.compare,
                   "Other cells of the file, drawn at random, that are put in this one's place; 0: none, and no alarm")
      ->check(CLI::Range(0, 1000));
  command->add_option("--seed", arguments.seed, "Which other cells are drawn")
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{1} << 53));
  command
      ->add_option("--baseline", arguments.baseline,
                   "Where the way to the cell begins: mean (each gene's vector is the mean of those of the other "
                   "cells) or zero")
      ->check(CLI::IsMember({"mean", "zero"}));
  command
      ->add_option("--max-steps", arguments.max_steps,
                   "Points of an integral, at most: from 16 on they are doubled until the gap is under 1%")
      ->check(CLI::Range(1, 65536));
  command->add_option("-o,--out", arguments.out, "Also write .html (a page with bars), .json or .csv");
  command->add_flag("--json", arguments.json, "Print JSON instead of tables");
  command->add_flag("--force", arguments.force,
                    "Go on with values that do not look like counts, or an unsuitable file");
  command->add_option("--encoder", arguments.encoder, "Where the encoder's checkpoint is now, if it was not trained");
  command->add_option("--base", arguments.base, "Where the decoder's checkpoint is now, if it was not trained");
  command->add_option("--device", arguments.device, "auto, cpu or cuda")->check(CLI::IsMember({"auto", "cpu", "cuda"}));
  command->add_option("--threads", arguments.threads, "CPU threads; 0 = as many as cores")->check(CLI::Range(0, 4096));
  command->callback([] { explain(arguments); });
}

}  // namespace cell2text::driver
