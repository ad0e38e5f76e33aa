// cell2text calibrate --model DIR: a temperature for each label's confidences, fitted on cells whose truth is known and
// checked on others.
#include <fmt/format.h>

#include "calibrate_cells.hpp"
#include "cell2text/evaluate/told_labels.hpp"
#include "cell2text/generate/calibration_cells.hpp"
#include "cell2text/model_calibration.hpp"
#include "commands.hpp"
#include "doctor.hpp"
#include "host.hpp"
#include "interrupts.hpp"

namespace cell2text::driver {

namespace {

struct CalibrateArguments {
  CellsArguments cells;
  std::string model, encoder, base, device = "auto";
  std::int64_t threads = 0, max_cells = 1000;
  std::vector<std::string> set;
  bool json = false;
};

constexpr const char* calibrate_examples =
    "Examples:\n"
    "  cell2text calibrate --model runs/quickstart/model\n"
    "  cell2text calibrate labelled.h5ad --model model --set descriptions.cell_type=author_cell_type";

/// Fewer cells than this and no temperature is fitted.
constexpr std::size_t least_cells = 10;
constexpr std::size_t error_bins = 10;
/// A temperature that gains less than this in twice the log likelihood may do so by chance alone: the 95% point of the
/// chi-squared distribution with one degree of freedom (likelihood ratio test).
constexpr double chance = 3.841;

/// Describes cells and lets the model judge its labels.
class Judging {
 public:
  Judging(const Model& model, const ModelCard& card, const CellsToJudge& cells, const Interrupts& interrupts)
      : model_(model),
        card_(card),
        cells_(cells),
        interrupts_(interrupts),
        known_(card.known_labels().values),
        reader_(known_["cell_type"], known_["tissue"], known_["disease"]),
        judge_(*model.decoder, reader_, known_, LabelJudge::all_labels),
        progress_("describing", std::ssize(cells.fit) + std::ssize(cells.check), "cells") {}

  /// By label.
  std::map<std::string, CalibrationCells> judge(const std::vector<std::int64_t>& rows) {
    std::map<std::string, CalibrationCells> all;
    CellLoader loader(*cells_.source, *model_.encoder, rows,
                      {card_.generation.batch_size, free_length_window, 0, false});
    while (auto batch = loader.next()) {
      for (const DescribedCell& cell : describe_cells(model_, *batch, card_.generation, {&judge_})) {
        const ReadLabels told = reader_.read(cell.text);
        for (const ScoredLabel& label : scored_labels) {
          const auto truth = cells_.descriptions->told(label.name, cell.row);
          const auto judged = cell.confidences.find(label.name);
          if (truth && judged != cell.confidences.end()) all[label.name].add(judged->second, *truth, told.*label.read);
        }
        ++done_;
      }
      progress_.update(done_);
      interrupts_.check("after " + std::to_string(done_) + " cells; nothing was written");
    }
    return all;
  }

 private:
  const Model& model_;
  const ModelCard& card_;
  const CellsToJudge& cells_;
  const Interrupts& interrupts_;
  std::map<std::string, std::vector<std::string>> known_;
  KnownLabelReader reader_;
  LabelJudge judge_;
  Progress progress_;
  std::int64_t done_ = 0;
};

LabelCalibration calibrated(const CalibrationCells& fit, const CalibrationCells& check) {
  LabelCalibration one;
  const std::vector<TemperatureCase> cases = fit.cases();
  one.fitted_on = std::ssize(cases), one.checked_on = static_cast<std::int64_t>(check.size());
  const auto temperature = fit_temperature(cases);
  if (cases.size() < least_cells)
    one.note = fmt::format("fewer than {} cells to fit on", least_cells);
  else if (!temperature)
    one.note = "every true label is the likeliest one: no mistake to learn from";
  else if (2 * static_cast<double>(cases.size()) * (label_loss(cases, 1) - label_loss(cases, *temperature)) < chance)
    one.note = fmt::format("{:.4g} fits no better than 1 does by chance", *temperature);
  else
    one.temperature = *temperature;
  if (check.size() == 0) return one;
  const std::vector<JudgedLabel> before = check.judged(1), after = check.judged(one.temperature);
  one.accuracy =
      static_cast<double>(std::ranges::count_if(before, &JudgedLabel::right)) / static_cast<double>(before.size());
  one.error_before = expected_calibration_error(reliability_bins(before, error_bins));
  one.error_after = expected_calibration_error(reliability_bins(after, error_bins));
  if (const std::vector<TemperatureCase> known = check.cases(); !known.empty())
    one.loss_before = label_loss(known, 1), one.loss_after = label_loss(known, one.temperature);
  return one;
}

std::string calibration_table(const ModelCalibration& calibration) {
  std::string text =
      fmt::format("{:<18} {:>11} {:>9} {:>10} {:>8} {:>12} {:>6} {:>11} {:>6}\n", "LABEL", "TEMPERATURE", "FITTED ON",
                  "CHECKED ON", "ACCURACY", "ERROR BEFORE", "AFTER", "LOSS BEFORE", "AFTER");
  const auto number = [](const std::optional<double>& value) { return value ? fmt::format("{:.4f}", *value) : "-"; };
  for (const auto& [label, one] : calibration.labels)
    text += fmt::format("{:<18} {:>11.4g} {:>9} {:>10} {:>8} {:>12} {:>6} {:>11} {:>6}  {}\n", label, one.temperature,
                        one.fitted_on, one.checked_on, number(one.accuracy), number(one.error_before),
                        number(one.error_after), number(one.loss_before), number(one.loss_after), one.note);
  return text + fmt::format(
                    "On the checked cells, none of which was fitted on: ERROR, the expected calibration error "
                    "in {} bins; LOSS, the mean -log of the true label's probability\n",
                    error_bins);
}

void calibrate(const CalibrateArguments& arguments) {
  const Interrupts interrupts;
  const Registry registry;
  ModelPlaces places;
  if (!arguments.encoder.empty()) places.encoder = arguments.encoder;
  if (!arguments.base.empty()) places.decoder = arguments.base;
  const ModelCard card = read_model_card(arguments.model, registry, places);
  std::optional<Experiment> experiment;
  if (arguments.cells.path.empty()) {
    if (!arguments.set.empty())
      throw InputError("--set says where the labels of CELLS stand; name the cells, or leave it out");
    experiment = experiment_of(arguments.model, registry);
  }
  const Host host = make_host(registry, arguments.device, arguments.threads, experiment ? experiment->general.seed : 0);
  CellsToJudge cells = experiment ? cells_of_run(host, arguments.model, *experiment)
                                  : cells_of_file(host, arguments.cells, arguments.set);
  for (auto* rows : {&cells.fit, &cells.check})
    *rows = stratified_choice(*rows, arguments.max_cells, 0,
                              [&](std::int64_t row) { return cells.descriptions->told("cell_type", row); });
  const double base_bytes = process_memory();
  const Model model = load_model(host, card, arguments.model);
  check_before_describing(*cells.source, model, card.generation, cells.path, base_bytes, false);

  Judging judging(model, card, cells, interrupts);
  auto fit = judging.judge(cells.fit), check = judging.judge(cells.check);
  ModelCalibration calibration{cells.path + ", " + cells.about, {}};
  for (const ScoredLabel& label : scored_labels)
    if (fit[label.name].size() + check[label.name].size() > 0)
      calibration.labels[label.name] = calibrated(fit[label.name], check[label.name]);
  if (calibration.labels.empty())
    throw InputError(
        fmt::format("none of the {} descriptions has a place for a label whose truth is known, so that "
                    "there is nothing to fit; is the model trained enough to write the template?",
                    cells.fit.size() + cells.check.size()));
  save_calibration(arguments.model, calibration, card.hash);
  log().info("calibration: " + calibration_file(arguments.model).string());
  fmt::print("{}",
             arguments.json ? calibration_json(calibration, card.hash).dump(2) + "\n" : calibration_table(calibration));
}

}  // namespace

void add_calibrate(CLI::App* command) {
  static CalibrateArguments arguments;
  command->footer(calibrate_examples);
  add_cells_options(*command, arguments.cells,
                    "Cells of known labels that the model was not trained on (default: the validation and test cells "
                    "of the model's run)");
  command->get_option("CELLS")->required(false);
  command->add_option("--model", arguments.model, "Model folder (…/model), into which calibration.json is written")
      ->required();
  command
      ->add_option("--set", arguments.set,
                   "Where the labels of CELLS stand, e.g. --set descriptions.cell_type=COLUMN (may be repeated)")
      ->take_all();
  command
      ->add_option("--max-cells", arguments.max_cells,
                   "At most so many cells to fit on, and as many to check on, of each cell type its share")
      ->check(CLI::Range(std::int64_t{2}, std::int64_t{1} << 40));
  command->add_option("--encoder", arguments.encoder, "Where the encoder's checkpoint is now, if it was not trained");
  command->add_option("--base", arguments.base, "Where the decoder's checkpoint is now, if it was not trained");
  command->add_flag("--json", arguments.json, "Print what was found as JSON");
  command->add_option("--device", arguments.device, "auto, cpu or cuda")->check(CLI::IsMember({"auto", "cpu", "cuda"}));
  command->add_option("--threads", arguments.threads, "CPU threads; 0 = as many as cores")->check(CLI::Range(0, 4096));
  command->callback([] { calibrate(arguments); });
}

}  // namespace cell2text::driver
