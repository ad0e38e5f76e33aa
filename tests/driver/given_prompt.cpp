// A model whose prompt tells what is given of a cell, trained on cells whose expression does not tell their type and
// whose tissue does: with the tissue it knows the type, and without it does not.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "cell2text/cells/cell_draws.hpp"
#include "driver/template_model.hpp"
#include "driver/tiny_model.hpp"

using namespace cell2text;
using namespace cell2text::test;
using nlohmann::json;

namespace {

const std::vector<std::string> three_types{"B cell", "dendritic cell", "monocyte"},
    three_tissues{"blood", "bone marrow", "lymph node"};

/// The demo's cells, each of a tissue that its number draws, and of the type that goes with the tissue.
void write_tissue_cells(const std::filesystem::path& path) {
  using template_model_detail::drawn;
  const auto demo = source_dir() / "data/demo/pbmc.h5ad";
  const auto cells = static_cast<std::size_t>(anndata::DataFrame(hdf5::Group::open_file(demo), "obs").size());
  const auto choice = [](std::size_t cell) { return static_cast<std::int32_t>(draw_bits(3, cell, 0) % 3); };
  H5adAdditions additions;
  additions.overwrite = true;
  additions.obs.push_back({"cell_type", drawn("cell_type", three_types, cells, choice)});
  additions.obs.push_back({"tissue", drawn("tissue", three_tissues, cells, choice)});
  write_h5ad_copy(demo, path, additions);
}

std::string told_experiment(const std::filesystem::path& cells) {
  std::string text = template_model_detail::experiment(cells);
  const auto change = [&](const std::string& from, const std::string& to) {
    const auto at = text.find(from);
    REQUIRE(at != text.npos);
    text.replace(at, from.size(), to);
  };
  change("user = \"Cell: \"", "user = \"{given:tissue}Cell: \"");
  change("max_genes = 32", "max_genes = 8");
  change("[training]\nepochs = 5", "[training]\ngiven_dropout = 0.4\nepochs = 10");
  change("[generation]",
         "[evaluation]\ngiven = [\"tissue\"]\n[descriptions]\ndisease = \"no\"\nsex = \"no\"\n"
         "development_stage = \"no\"\n[generation]");
  return text;
}

/// The finished run's folder; made at the first call.
const std::filesystem::path& told_run() {
  static const TemporaryFolder folder;
  static const std::filesystem::path run = [] {
    write_tissue_cells(folder / "cells.h5ad");
    write_file(folder / "told.toml", told_experiment(folder / "cells.h5ad"));
    const Outcome made = command("run " + quoted(folder / "told.toml") + " --out " + quoted(folder / "run"));
    INFO(made.err);
    REQUIRE(made.status == 0);
    return folder / "run";
  }();
  return run;
}

/// The test cells of the run, as the model describes them.
std::vector<json> described_by_told(const std::string& more, std::string* log = nullptr) {
  const TemporaryFolder folder;
  std::istringstream predictions(read_file(told_run() / "predictions.jsonl"));
  std::string names;
  for (std::string line; std::getline(predictions, line);) names += json::parse(line)["cell"].get<std::string>() + "\n";
  write_file(folder / "names.txt", names);
  const Outcome outcome = command("describe " + quoted(told_run().parent_path() / "cells.h5ad") + " --model " +
                                  quoted(told_run() / "model") + " --cells " + quoted(folder / "names.txt") + " -o " +
                                  quoted(folder / "out.jsonl") + " --threads 1 --batch-size 50 " + more);
  INFO(outcome.err);
  REQUIRE(outcome.status == 0);
  if (log) *log = outcome.err;
  std::istringstream lines(read_file(folder / "out.jsonl"));
  std::vector<json> cells;
  for (std::string line; std::getline(lines, line);) cells.push_back(json::parse(line));
  return cells;
}

/// The share of cells whose type is right, the truth being that of the tissue in obs.
double accuracy(const std::vector<json>& cells) {
  const auto types = anndata::DataFrame(hdf5::Group::open_file(told_run().parent_path() / "cells.h5ad"), "obs");
  const LabelColumn truth = types.labels("cell_type");
  const auto names = types.index(0, types.size());
  std::map<std::string, std::string> of_cell;
  for (std::size_t row = 0; row < names.size(); ++row) of_cell[names[row]] = *truth.at(static_cast<std::int64_t>(row));
  double right = 0;
  for (const json& cell : cells) right += cell.value("cell_type", "") == of_cell.at(cell["cell"].get<std::string>());
  return right / static_cast<double>(cells.size());
}

}  // namespace

TEST_CASE(
    "given in the prompt: the tissue decides the cell type where it is told, and is not known where it is hidden") {
  std::string log;
  const auto told = described_by_told("--given tissue=@tissue", &log), hidden = described_by_told("");
  CHECK(contains(log, "given and told to the model in its prompt: tissue"));
  REQUIRE(told.size() > 150);
  CHECK(accuracy(told) > 0.95);
  CHECK(accuracy(hidden) < 0.55);
  for (const json& cell : told) {
    CHECK(cell["given"] == "tissue");
    CHECK(contains(cell["description"], "It originates from the"));
  }
  const auto mean = [](const std::vector<json>& cells) {
    double sum = 0;
    for (const json& cell : cells) sum += cell["cell_type_confidence"].get<double>();
    return sum / static_cast<double>(cells.size());
  };
  CHECK(mean(told) > 0.9);
  CHECK(mean(hidden) < 0.65);
}

TEST_CASE("given in the prompt: one value for all cells is told as a column's is") {
  for (std::size_t i = 0; i < 3; ++i) {
    INFO(three_tissues[i]);
    const auto cells = described_by_told("--given tissue='" + three_tissues[i] + "' --no-confidence");
    std::int64_t right = 0;
    for (const json& cell : cells) {
      CHECK(cell["tissue"] == three_tissues[i]);
      right += cell.value("cell_type", "") == three_types[i];
    }
    CHECK(static_cast<double>(right) > 0.95 * static_cast<double>(cells.size()));
  }
}

TEST_CASE("given in the prompt: a run evaluates with what [evaluation] says is given") {
  const json metrics = json::parse(read_file(told_run() / "metrics.json"));
  CHECK(metrics["labels"]["cell_type.accuracy"]["value"].get<double>() > 0.95);
  CHECK(metrics["labels"]["tissue.accuracy"]["value"].get<double>() == 1);
}

TEST_CASE("given in the prompt: the model remembers it, and a label beside the prompt's is fixed in the text alone") {
  const Outcome info = command("model info " + quoted(told_run() / "model"));
  CHECK(contains(info.out, "is told      tissue, where given"));
  CHECK_FALSE(contains(command("model info " + quoted(template_model())).out, "is told"));
  std::string log;
  described_by_told("--given sex=male --no-confidence", &log);
  CHECK(contains(log, "given, and fixed in the texts alone: sex"));
}

TEST_CASE("run: fields of given labels that cannot be are refused with the reason") {
  const TemporaryFolder folder;
  write_file(folder / "told.toml", told_experiment(told_run().parent_path() / "cells.h5ad"));
  const auto refused = [&](const std::string& more, const std::vector<std::string>& parts) {
    check_refused(command("run " + quoted(folder / "told.toml") + " --out " + quoted(folder / "run") + " " + more),
                  parts);
  };
  refused("--set prompt.user='Cell: '", {"training.given_dropout", "{given:tissue,sex}"});
  refused("--set prompt.user='{given:tisue}Cell: '", {"no label 'tisue'", "did you mean 'tissue'?"});
  refused("--set training.given_dropout=1.5", {"'training.given_dropout' is 1.5; it must be between 0 and 1"});
  refused("--set evaluation.given='[\"tisue\"]'", {"no label 'tisue'"});
  refused("--set prompt.user='{given:sex}Cell: '", {"no training cell has a known one", "descriptions.sex"});
}
