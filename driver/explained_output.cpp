#include "explained_output.hpp"

#include <fmt/format.h>

#include <cmath>

#include "cell2text/io/atomic_file.hpp"
#include "cell2text/io/csv.hpp"
#include "page.hpp"

namespace cell2text::driver {

extern const char* const explain_script;

namespace {

using ExplanationJson = nlohmann::ordered_json;

const std::string& id_of(const ExplainedCell& cell, const CellGene& gene) {
  return cell.genes->ids[gene.columns.front()];
}
/// The symbol where the file has one.
const std::string& gene_name(const ExplainedCell& cell, const CellGene& gene) {
  if (cell.genes->symbols.empty()) return id_of(cell, gene);
  const std::string& symbol = cell.genes->symbols[gene.columns.front()];
  return symbol.empty() ? id_of(cell, gene) : symbol;
}

std::optional<double> change_without(const ExplainedLabel& label, const GeneAttribution& gene) {
  if (!gene.without) return std::nullopt;
  return *gene.without - label.dependence.log_probability;
}

/// In JSON, of one vector, and in a sentence.
struct AttributedName {
  const char *key, *one, *all;
};
AttributedName attributed_to(const ExplainedCell& cell) {
  switch (cell.explanation.to) {
    case AttributedTo::soft_tokens:
      return {"soft_tokens", "soft token", "soft tokens, one for each gene"};
    case AttributedTo::gene_embeddings:
      return {"gene_embeddings", "gene embedding",
              "gene embeddings that the adapter reads, since its soft tokens are of several genes each"};
    case AttributedTo::gene_names:
      return {"gene_names", "token", "tokens of each gene's name, since this model is told genes by name"};
  }
  throw BugError("attributed to nothing");
}

std::string baseline_text(const ExplainedCell& cell) {
  const std::string what = attributed_to(cell).one;
  if (cell.baseline == ExplainBaseline::zero) return "a " + what + " of zeros in each gene's place";
  const std::int64_t cells = cell.explanation.baseline_cells;
  return "the mean " + what + " of " +
         (cells == 0 ? std::string("this cell, as there is no other")
                     : std::to_string(cells) + (cells == 1 ? " other cell" : " other cells")) +
         " in each gene's place";
}

/// Of the largest change of a probability: "12%" for a factor of 1.12 up or down.
std::string change_text(double log_change) {
  const double change = std::expm1(log_change);
  return change > 10 ? fmt::format("{:.0f} times", change + 1) : fmt::format("{:.2g}%", 100 * change);
}

ExplanationJson gene_json(const ExplainedCell& cell, const ExplainedLabel& label, std::size_t g) {
  const GeneAttribution& gene = label.genes[g];
  ExplanationJson json{{"gene", gene_name(cell, gene.gene)},
                       {"id", id_of(cell, gene.gene)},
                       {"count", gene.gene.count},
                       {"place", g + 1},
                       {"attribution", gene.attribution}};
  if (const auto change = change_without(label, gene)) json["change_without"] = *change;
  return json;
}

ExplanationJson label_json(const ExplainedCell& cell, const ExplainedLabel& label) {
  ExplanationJson genes = ExplanationJson::array();
  for (const std::size_t g : genes_by_size(label)) genes.push_back(gene_json(cell, label, g));
  ExplanationJson others = ExplanationJson::array();
  for (std::size_t i = 0; i < cell.others.size(); ++i)
    others.push_back({{"cell", cell.others[i]}, {"log_probability", label.dependence.others[i]}});
  const auto change = label.dependence.largest_change();
  return {{"label", label.label.role},
          {"value", label.label.value},
          {"words", label.label.words},
          {"log_probability", label.dependence.log_probability},
          {"baseline_log_probability", label.baseline_log_probability},
          {"sum", label.sum},
          {"completeness_gap", label.gap},
          {"steps", label.steps},
          {"complete", label.complete},
          {"from_cell", label.dependence.from_cell()},
          {"largest_change", change ? ExplanationJson(*change) : ExplanationJson()},
          {"other_cells", others},
          {"genes", genes}};
}

ExplanationJson cell_json(const ExplainedCell& cell) {
  ExplanationJson json{{"cell", cell.cell},
                       {"row", cell.row},
                       {"model", cell.model},
                       {"text", cell.text},
                       {"text_given", cell.text_given},
                       {"given", cell.given},
                       {"attributed_to", attributed_to(cell).key},
                       {"baseline", cell.baseline == ExplainBaseline::zero ? "zero" : "mean"},
                       {"baseline_cells", cell.explanation.baseline_cells},
                       {"alarm_below", CellDependence::hardly},
                       {"labels", ExplanationJson::array()}};
  for (const ExplainedLabel& label : cell.explanation.labels) json["labels"].push_back(label_json(cell, label));
  return json;
}

std::string dependence_text(const ExplainedLabel& label) {
  const auto change = label.dependence.largest_change();
  if (!change) return "there is no other cell to put in this one's place";
  const std::string where = fmt::format("{} other cell{} in its place change{} that by up to {}",
                                        label.dependence.others.size(), label.dependence.others.size() == 1 ? "" : "s",
                                        label.dependence.others.size() == 1 ? "s" : "", change_text(*change));
  return label.dependence.from_cell() ? where : where + ": DOES NOT COME FROM THE CELL";
}

std::string gap_text(const ExplainedCell& cell, const ExplainedLabel& label) {
  if (label.complete && !(label.gap <= cell.wanted_gap))
    return fmt::format("the difference is within rounding, after {} steps", label.steps);
  return fmt::format("completeness gap {:.3g}% after {} steps{}", 100 * label.gap, label.steps,
                     label.complete ? "" : ": NOT COMPLETE");
}

std::string label_table(const ExplainedCell& cell, const ExplainedLabel& label) {
  std::string text =
      fmt::format("{}: {}\n", label.label.role, label.label.value) +
      fmt::format("  probability {:.4g}, from the baseline {:.4g}; {}\n", std::exp(label.dependence.log_probability),
                  std::exp(label.baseline_log_probability), dependence_text(label)) +
      fmt::format("  attributions sum to {:+.4f} of {:+.4f}: {}\n", label.sum,
                  label.dependence.log_probability - label.baseline_log_probability, gap_text(cell, label));
  text += fmt::format("  {:<16} {:>8} {:>6} {:>12} {:>12}\n", "GENE", "COUNT", "PLACE", "ATTRIBUTION", "WITHOUT IT");
  const auto order = genes_by_size(label);
  double rest = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const GeneAttribution& gene = label.genes[order[i]];
    const auto change = change_without(label, gene);
    if (std::cmp_greater_equal(i, cell.top) && !change)
      rest += gene.attribution;
    else
      text += fmt::format("  {:<16} {:>8.6g} {:>6} {:>+12.4f} {:>12}\n", gene_name(cell, gene.gene), gene.gene.count,
                          order[i] + 1, gene.attribution, change ? fmt::format("{:+.4f}", *change) : "");
  }
  return text + fmt::format("  {:<32} {:>+12.4f}\n", "all other genes", rest);
}

std::string csv_of(const ExplainedCell& cell) {
  std::string text = "cell,label,value,gene,gene_id,count,place,attribution,change_without\n";
  for (const ExplainedLabel& label : cell.explanation.labels)
    for (const std::size_t g : genes_by_size(label)) {
      const GeneAttribution& gene = label.genes[g];
      const auto change = change_without(label, gene);
      text += fmt::format("{},{},{},{},{},{:.9g},{},{:.9g},{}\n", csv_field(cell.cell), label.label.role,
                          csv_field(label.label.value), csv_field(gene_name(cell, gene.gene)),
                          csv_field(id_of(cell, gene.gene)), gene.gene.count, g + 1, gene.attribution,
                          change ? fmt::format("{:.9g}", *change) : "");
    }
  return text;
}

}  // namespace

void check_explained_output(const std::filesystem::path& output) {
  const auto ending = output.extension();
  if (ending != ".csv" && ending != ".json" && ending != ".html")
    throw InputError(output.string() + ": the output's ending is '" + ending.string() +
                     "'; it must be .csv, .json or .html");
  const AtomicFile probe(output);
}

std::string explained_json(const ExplainedCell& cell) {
  return cell_json(cell).dump(2, ' ', false, ExplanationJson::error_handler_t::replace) + "\n";
}

void write_explained(const std::filesystem::path& output, const ExplainedCell& cell) {
  if (output.extension() == ".csv") return write_atomically(output, csv_of(cell));
  if (output.extension() == ".json") return write_atomically(output, explained_json(cell));
  write_atomically(output, filled_page(explain_script, explained_page_data(cell)));
}

nlohmann::ordered_json explained_page_data(const ExplainedCell& cell) {
  ExplanationJson data = cell_json(cell);
  data["top"] = cell.top;
  for (std::size_t i = 0; i < cell.explanation.labels.size(); ++i)
    data["labels"][i]["gap"] = gap_text(cell, cell.explanation.labels[i]);
  data["attributed_to"] = attributed_to(cell).all;
  data["baseline"] = baseline_text(cell);
  return data;
}

std::string explained_tables(const ExplainedCell& cell) {
  std::string text = fmt::format("cell {} (row {})\n{}: {}\n", cell.cell, cell.row,
                                 cell.text_given ? "given text" : "written by the model", cell.text);
  if (!cell.given.empty()) {
    std::string known;
    for (const auto& [label, value] : cell.given) known += (known.empty() ? "" : ", ") + label + " " + value;
    text += "known of the cell: " + known + "\n";
  }
  text += "attributed to: " + std::string(attributed_to(cell).all) + "\nbaseline: " + baseline_text(cell) +
          "\nATTRIBUTION and WITHOUT IT are natural logs of the label's probability, given the text before it\n";
  for (const ExplainedLabel& label : cell.explanation.labels) text += "\n" + label_table(cell, label);
  return text;
}

std::vector<std::string> explanation_warnings(const ExplainedCell& cell) {
  std::vector<std::string> warnings;
  std::string not_from_cell;
  std::size_t alarms = 0;
  for (const ExplainedLabel& label : cell.explanation.labels) {
    if (!label.complete)
      warnings.push_back(fmt::format(
          "{}: the attributions miss the difference by {:.3g}% after {} steps, which is over {:g}%; allow more with "
          "--max-steps",
          label.label.role, 100 * label.gap, label.steps, 100 * cell.wanted_gap));
    if (label.dependence.from_cell()) continue;
    not_from_cell += (alarms++ ? ", " : "") + label.label.role + " '" + label.label.value + "'";
  }
  if (alarms == 0) return warnings;
  const std::string why =
      fmt::format("none of {} other cells in its place changes the probability by a tenth", cell.others.size());
  warnings.push_back(alarms == cell.explanation.labels.size()
                         ? "the text does not come from the cell: " + not_from_cell + "; " + why
                         : "not from the cell: " + not_from_cell + "; " + why);
  return warnings;
}

}  // namespace cell2text::driver
