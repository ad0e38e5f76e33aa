// How sure a model is, as a person uses it: thresholds, candidates, the roll-up, calibration, and the metric.
#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cell2text/text/obo.hpp"
#include "driver/template_model.hpp"
#include "driver/tiny_model.hpp"

using namespace cell2text;
using namespace cell2text::test;
using nlohmann::json;

namespace {

constexpr const char* labels[] = {"cell_type", "tissue", "disease", "sex", "development_stage"};

std::map<std::string, json> lines_by_cell(const std::filesystem::path& path) {
  std::map<std::string, json> all;
  std::istringstream lines(read_file(path));
  for (std::string line; std::getline(lines, line);) {
    json one = json::parse(line);
    const std::string cell = one["cell"];
    all[cell] = std::move(one);
  }
  return all;
}

/// What `describe` writes of the template model's cells, of `model` or its own.
std::map<std::string, json> told(const std::string& more, const std::filesystem::path& model = template_model()) {
  const TemporaryFolder folder;
  const Outcome outcome = command("describe " + quoted(template_cells()) + " --model " + quoted(model) + " -o " +
                                  quoted(folder / "out.jsonl") + " --threads 1 " + more);
  INFO(outcome.err);
  REQUIRE(outcome.status == 0);
  return lines_by_cell(folder / "out.jsonl");
}

/// All cells with all candidates; described once.
const std::map<std::string, json>& candidates() {
  static const std::map<std::string, json> all = told("--top 1000");
  return all;
}

struct Candidate {
  std::string name, id;
  double probability;
};

/// "B cell (CL:0000236) 0.9; T cell 0.1", as it was written.
std::vector<Candidate> read_best(const json& cell, const std::string& label) {
  std::vector<Candidate> all;
  std::string text = cell.value(label + "_best", "");
  while (!text.empty()) {
    const auto end = text.find("; ");
    std::string one = text.substr(0, end);
    text = end == std::string::npos ? "" : text.substr(end + 2);
    const auto blank = one.rfind(' ');
    Candidate candidate{one.substr(0, blank), "", std::stod(one.substr(blank + 1))};
    if (const auto bracket = candidate.name.rfind(" ("); candidate.name.ends_with(")")) {
      candidate.id = candidate.name.substr(bracket + 2, candidate.name.size() - bracket - 3);
      candidate.name.resize(bracket);
    }
    all.push_back(std::move(candidate));
  }
  return all;
}

/// A copy of the run that a test may change.
struct OwnRun {
  TemporaryFolder folder;
  std::filesystem::path run = folder / "run", model = run / "model";
  OwnRun() { std::filesystem::copy(template_run(), run, std::filesystem::copy_options::recursive); }
};

}  // namespace

TEST_CASE("confidence: the tests' small model writes the template, and its labels are read") {
  const json metrics = json::parse(read_file(template_run() / "metrics.json"))["labels"];
  for (const char* label : labels) {
    CAPTURE(label);
    CHECK(metrics[std::string(label) + ".unreadable"]["value"].get<double>() < 0.1);
  }
  CHECK(metrics["cell_type.accuracy"]["value"].get<double>() > 0.2);
  CHECK(metrics["cell_type.accuracy"]["value"].get<double>() < 0.95);  // some are wrong
}

TEST_CASE("confidence: --top tells the likeliest labels with their ids; the written one has its confidence") {
  std::size_t compared = 0;
  for (const auto& [name, cell] : candidates())
    for (const char* label : labels) {
      const auto best = read_best(cell, label);
      if (best.empty()) continue;
      INFO(name << " " << label);
      double sum = 0;
      for (std::size_t i = 0; i < best.size(); ++i) {
        sum += best[i].probability;
        if (i) CHECK(best[i].probability <= best[i - 1].probability);
        if (best[i].name == cell.value(label, "")) {
          CHECK(best[i].probability ==
                doctest::Approx(cell[std::string(label) + "_confidence"].get<double>()).epsilon(1e-3));
          CHECK(best[i].id == cell.value(std::string(label) + "_ontology_term_id", ""));
          ++compared;
        }
      }
      CHECK(sum == doctest::Approx(1).epsilon(0.01));
    }
  CHECK(compared > 2000);
  for (const auto& [name, cell] : told("--top 2")) {
    const auto two = read_best(cell, "cell_type"), all = read_best(candidates().at(name), "cell_type");
    if (all.empty()) continue;
    REQUIRE(two.size() == 2);
    CHECK(two[1].name == all[1].name);
  }
}

TEST_CASE("confidence: below --min-confidence a label is unassigned, without an id, and stays in the raw column") {
  std::size_t unsure = 0, sure = 0;
  for (const auto& [name, cell] : told("--min-confidence 0.6"))
    for (const std::string label : labels) {
      if (!cell.contains(label)) continue;
      INFO(name << " " << label);
      const json& plain = candidates().at(name);
      CHECK(cell["description"] == plain["description"]);
      CHECK(cell[label + "_raw"] == plain[label]);
      if (cell[label + "_confidence"].get<double>() < 0.6) {
        CHECK(cell[label] == "unassigned");
        CHECK_FALSE(cell.contains(label + "_ontology_term_id"));
        ++unsure;
      } else {
        CHECK(cell[label] == plain[label]);
        CHECK(cell.contains(label + "_ontology_term_id") == plain.contains(label + "_ontology_term_id"));
        ++sure;
      }
    }
  CHECK(unsure > 50);
  CHECK(sure > 50);
}

TEST_CASE("confidence: --ontology rolls up to the deepest kind of cell that is sure") {
  const auto obo = source_dir() / "data/demo/cl.obo";
  const Ontology ontology = Ontology::read(obo);
  const auto above = [&](const Term& term) {  // with itself
    std::set<std::string> found{term.id};
    std::vector<std::string> open{term.id};
    while (!open.empty()) {
      const Term* next = ontology.by_id(open.back());
      open.pop_back();
      for (const std::string& parent : next->is_a)
        if (ontology.by_id(parent) && found.insert(parent).second) open.push_back(parent);
    }
    return found;
  };
  std::size_t same = 0, rolled = 0;
  for (const auto& [name, cell] : told("--min-confidence 0.7 --ontology " + quoted(obo))) {
    if (!cell.contains("cell_type_confidence")) continue;
    INFO(name);
    if (cell["cell_type_confidence"].get<double>() >= 0.7) {
      CHECK(cell["cell_type_sure"] == cell["cell_type_raw"]);
      CHECK(cell["cell_type_sure_ontology_term_id"] == cell["cell_type_ontology_term_id"]);
      CHECK(cell["cell_type_sure_confidence"] == cell["cell_type_confidence"]);
      ++same;
      continue;
    }
    const std::string id = cell["cell_type_sure_ontology_term_id"];
    CHECK(cell["cell_type_sure"] == ontology.by_id(id)->name);
    CHECK_FALSE(cell.contains("cell_type_best"));
    double sum = 0;
    for (const Candidate& one : read_best(candidates().at(name), "cell_type"))
      if (above(*ontology.by_id(one.id)).contains(id)) sum += one.probability;
    CHECK(sum == doctest::Approx(cell["cell_type_sure_confidence"].get<double>()).epsilon(0.01));
    CHECK(sum >= 0.69);
    ++rolled;
  }
  CHECK(same > 20);
  CHECK(rolled > 20);
  const TemporaryFolder folder;
  write_file(folder / "other.obo", "[Term]\nid: X:1\nname: one\n\n[Term]\nid: X:2\nname: two\nis_a: X:1\n");
  check_refused(command("describe " + quoted(template_cells()) + " --model " + quoted(template_model()) + " -o " +
                        quoted(folder / "out.csv") + " --ontology " + quoted(folder / "other.obo")),
                {"other.obo: it has no term for any cell type of the model", "cl.obo"});
  CHECK_FALSE(std::filesystem::exists(folder / "out.csv"));
}

TEST_CASE("calibrate: temperatures are fitted on the run's validation cells, checked on its test cells, and applied") {
  const OwnRun own;
  const std::string line = "calibrate --model " + quoted(own.model) + " --threads 1";
  const Outcome outcome = command(line + " --json");
  INFO(outcome.err);
  REQUIRE(outcome.status == 0);
  const json found = json::parse(outcome.out);
  CHECK(found == json::parse(read_file(own.model / "calibration.json")));
  for (const char* label : labels) {
    CAPTURE(label);
    const json one = found["labels"][label];
    CHECK(one["fitted_on"].get<int>() > 150);
    CHECK(one["checked_on"].get<int>() > 150);
    CHECK(one["fitted_on"].get<int>() <= 175);
    CHECK(one["error_before"].is_number());
    CHECK(one["loss_before"].get<double>() > 0);
    if (!one.contains("note")) CHECK(one["temperature"] != 1);
  }
  const Outcome table = command(line);
  CHECK(contains(table.out, "none of which was fitted on"));
  CHECK(json::parse(read_file(own.model / "calibration.json")) == found);  // the same once more

  json changed = found;  // whatever was found: a temperature that shows
  changed["labels"]["cell_type"]["temperature"] = 1.7;
  write_file(own.model / "calibration.json", changed.dump());
  const double inverse = 1 / 1.7;
  std::size_t compared = 0;
  for (const auto& [name, cell] : told("--top 1000", own.model)) {
    const auto plain = read_best(candidates().at(name), "cell_type"), best = read_best(cell, "cell_type");
    CHECK(cell["description"] == candidates().at(name)["description"]);
    REQUIRE(best.size() == plain.size());
    double sum = 0;
    for (const Candidate& one : plain) sum += std::pow(one.probability, inverse);
    for (std::size_t i = 0; i < best.size(); ++i) {
      if (plain[i].probability < 1e-3) continue;  // few digits were written
      CHECK(best[i].name == plain[i].name);
      CHECK(best[i].probability == doctest::Approx(std::pow(plain[i].probability, inverse) / sum).epsilon(0.01));
      ++compared;
    }
  }
  CHECK(compared > 700);
  const Outcome info = command("model info --verify " + quoted(own.model));
  CHECK(info.status == 0);  // the model is what it was
  CHECK(contains(info.out, "calibrated   cell_type, temperature "));
}

TEST_CASE("calibrate: cells of one's own, whose labels stand where --set says") {
  const OwnRun own;
  std::filesystem::rename(own.model, own.folder / "model");
  const auto model = own.folder / "model";
  check_refused(command("calibrate --model " + quoted(model)), {"holds no experiment.toml", "calibrate CELLS"});
  const std::string with_cells =
      "calibrate " + quoted(template_cells()) + " --model " + quoted(model) + " --threads 1 ";
  const Outcome outcome = command(with_cells + "--max-cells 60 --json");
  INFO(outcome.err);
  REQUIRE(outcome.status == 0);
  const json found = json::parse(outcome.out)["labels"]["cell_type"];
  CHECK(found["checked_on"].get<int>() <= 60);
  CHECK(found["checked_on"].get<int>() > 50);
  check_refused(command(with_cells + "--set descriptions.cell_type=nowhere"), {"no obs column 'nowhere'", "--set"});
  check_refused(command(with_cells + "--set generation.beams=1"), {"only where labels stand"});
  check_refused(command(with_cells + "--set descriptions.cell=x"), {"descriptions.cell"});
  // names that the model does not know: nothing to fit, and never right
  const Outcome others = command(with_cells + "--max-cells 40 --json --set descriptions.cell_type=bulk_labels");
  INFO(others.err);
  REQUIRE(others.status == 0);
  const json strange = json::parse(others.out)["labels"]["cell_type"];
  CHECK(strange["fitted_on"].get<int>() < 10);
  CHECK(contains(strange["note"], "fewer than 10 cells"));
  CHECK(strange["temperature"] == 1);

  check_refused(command("calibrate data/demo/pbmc.h5ad --model " + quoted(model) + " --set descriptions.cell_type=sex"),
                {"0 cells have counts and a known 'sex'"});
  H5adAdditions donors;  // the smaller donor is less than half of the cells, and is checked on
  donors.overwrite = true;
  donors.obs.push_back({"donor_id", template_model_detail::drawn("donor_id", {"A", "B"}, 700, [](std::size_t cell) {
                          return cell % 7 < 5 ? 0 : 1;
                        })});
  write_h5ad_copy(template_cells(), own.folder / "donors.h5ad", donors);
  const Outcome by_donor =
      command("calibrate " + quoted(own.folder / "donors.h5ad") + " --model " + quoted(model) + " --threads 1 --json");
  INFO(by_donor.err);
  REQUIRE(by_donor.status == 0);
  CHECK(json::parse(by_donor.out)["labels"]["cell_type"]["checked_on"] == 200);
  CHECK(json::parse(by_donor.out)["labels"]["cell_type"]["fitted_on"] == 500);

  write_file(model / "calibration.json", R"({"format": 1, "model_hash": "0123", "labels": {}})");
  const TemporaryFolder folder;
  check_refused(command("describe " + quoted(template_cells()) + " --model " + quoted(model) + " -o " +
                        quoted(folder / "out.csv")),
                {"calibration.json is of another model", "cell2text calibrate"});
}

TEST_CASE("calibrate: a run whose cells have changed since, or whose texts have no labels, is refused") {
  const OwnRun own;
  const std::string line = "calibrate --model " + quoted(own.model) + " --threads 1";
  check_refused(command(line + " --set descriptions.cell_type=x"), {"--set says where the labels of CELLS stand"});
  json environment = json::parse(read_file(own.run / "environment.json"));
  const std::string before = environment.dump();
  environment["data"]["sha256"] = std::string(64, '0');
  write_file(own.run / "environment.json", environment.dump());
  check_refused(command(line), {"have changed since the run"});
  environment = json::parse(before);
  environment["cells"]["train"] = 3;
  write_file(own.run / "environment.json", environment.dump());
  check_refused(command(line), {"have changed since the run"});
  std::string experiment = read_file(own.run / "experiment.toml");
  const auto replace = [&](const std::string& from, const std::string& to) {
    REQUIRE(contains(experiment, from));
    experiment.replace(experiment.find(from), from.size(), to);
    write_file(own.run / "experiment.toml", experiment);
  };
  replace("validation = 0.25", "validation = 0.0"), replace("train = 0.5", "train = 0.75");
  environment["cells"] = {{"train", 525}, {"validation", 0}, {"test", 175}};
  write_file(own.run / "environment.json", environment.dump());
  check_refused(command(line), {"leaves no validation cells", "calibrate CELLS"});
  replace("cells.h5ad", "other.h5ad");
  check_refused(command(line), {"other.h5ad", "the folder in which the run was started"});
  CHECK_FALSE(std::filesystem::exists(own.model / "calibration.json"));
  check_refused(command("calibrate --model " + quoted(tiny_model()) + " --max-cells 4 --threads 1"),
                {"none of the 8 descriptions has a place for a label", "trained enough"});
}

TEST_CASE("calibration: a run finds out how sure the model is where the metric asks, and evaluate scores it again") {
  const OwnRun own;
  const std::string evaluate = "evaluate " + quoted(own.run / "predictions.jsonl") + " --metrics calibration ";
  check_refused(command(evaluate), {"none of the 175 predictions says how sure", "cell_type_confidence", "--resume"});
  const Outcome outcome =
      command("run " + quoted(template_cells().parent_path() / "template.toml") + " --out " + quoted(own.run) +
              " --resume --set 'metrics=[{plugin=\"labels\"},{plugin=\"calibration\"}]' --set "
              "'baselines=[{plugin=\"majority\"}]'");
  INFO(outcome.err);
  REQUIRE(outcome.status == 0);
  const json metrics = json::parse(read_file(own.run / "metrics.json"));
  const json ece = metrics["calibration"]["cell_type.ece"];
  CHECK(ece["value"].get<double>() >= 0);
  CHECK(ece["low"].get<double>() <= ece["value"].get<double>());
  CHECK(metrics["calibration"]["cell_type.accuracy"]["value"] == metrics["labels"]["cell_type.accuracy"]["value"]);
  const auto lines = lines_by_cell(own.run / "predictions.jsonl");
  for (const auto& [name, line] : lines) {
    INFO(name);
    const json& described = candidates().at(name);
    CHECK(line["prediction"] == described["description"]);
    CHECK(line["cell_type_confidence"].get<double>() ==
          doctest::Approx(described["cell_type_confidence"].get<double>()).epsilon(1e-4));
  }
  const json systems = json::parse(read_file(own.run / "comparisons.json"))["systems"];
  REQUIRE(systems.size() == 2);
  CHECK_FALSE(systems[0]["scores"].contains("calibration"));  // a baseline does not say how sure it is
  CHECK(systems[1]["name"] == "shuffled");
  CHECK(systems[1]["scores"]["calibration"]["cell_type.ece"]["value"] > ece["value"]);
  const Outcome again = command(evaluate + "--json");
  INFO(again.err);
  REQUIRE(again.status == 0);
  CHECK(json::parse(again.out)["calibration"]["cell_type.ece"]["value"].get<double>() ==
        doctest::Approx(ece["value"].get<double>()));
}
