// `cell2text doctor` on the demo cells as people bring them, and the same checks inside describe and run.
#include <map>
#include <nlohmann/json.hpp>

#include "driver/child.hpp"
#include "driver/tiny_model.hpp"

using namespace cell2text::test;

namespace {

/// A run of the smallest model on other cells.
std::string small_run(const std::filesystem::path& out, const std::string& more) {
  return "run examples/quickstart.toml --out " + quoted(out) + tiny_settings() +
         " --set encoder.architecture.layers=1 --set decoder.architecture.layers=1 --set 'baselines=[]' " + more;
}

struct Judged {
  int status = 0;
  std::map<std::string, nlohmann::json> findings;
  std::string severity(const std::string& check) const {
    const auto found = findings.find(check);
    return found == findings.end() ? "none" : found->second["severity"].get<std::string>();
  }
  std::string text(const std::string& check, const std::string& part = "found") const {
    const auto found = findings.find(check);
    return found == findings.end() ? "" : found->second[part].get<std::string>();
  }
};

Judged doctor(const std::filesystem::path& file, const std::string& more = "--encoder-less") {
  const Outcome outcome = command("doctor " + quoted(file) + " --json " + more);
  INFO(outcome.err);
  Judged judged{outcome.status, {}};
  const auto json = nlohmann::json::parse(outcome.out);
  for (const auto& finding : json["findings"]) judged.findings[finding["check"]] = finding;
  CHECK((json["verdict"] == "error") == (outcome.status == 2));
  return judged;
}

/// The largest estimate in a log: "memory: needs about 310 MiB at its peak".
double estimated_mib(const std::string& log) {
  double most = 0;
  const std::string words = "needs about ";
  for (auto at = log.find(words); at != std::string::npos; at = log.find(words, at + 1)) {
    const double number = std::stod(log.substr(at + words.size()));
    most = std::max(most, log.substr(at + words.size(), 12).find("GiB") != std::string::npos ? number * 1024 : number);
  }
  return most;
}

}  // namespace

TEST_CASE("oracle: doctor names what is wrong with each file, and how to mend it") {
  const std::uint64_t number = seed();
  INFO("CELL2TEXT_TEST_SEED=" << number);
  const TemporaryFolder folder = oracle("doctor_files.py", number, {(source_dir() / "data/demo/pbmc.h5ad").string()});
  struct Case {
    const char *file, *check, *severity, *part;
  };
  int files = 0;
  for (const Case& c : {Case{"counts", "values", "ok", "X holds raw counts"},
                        {"logged", "values", "error", "X looks log-normalised"},
                        {"logged_csc", "values", "error", "sums to about 10000"},
                        {"cpm", "values", "error", "every cell sums to about 1000000"},
                        {"scaled", "values", "error", "negative values"},
                        {"logged_raw", "values", "error", "looks log-normalised"},
                        {"no_counts", "values", "error", "only zeros"},
                        {"soupx", "values", "note", "these are counts too"},
                        {"scaled_with_counts", "values", "ok", "layers/counts holds raw counts"},
                        {"cut_with_raw", "values", "ok", "raw/X holds raw counts"},
                        {"turned", "orientation", "error", "genes seem to be in the rows"},
                        {"turned_symbols", "orientation", "error", "genes seem to be in the rows"},
                        {"versions", "genes.names", "ok", "versions"},
                        {"prefixed", "genes.names", "ok", "'GRCh38_' is left out"},
                        {"symbols", "genes.names", "note", "gene symbols"},
                        {"mouse", "genes.species", "warning", "mouse"},
                        {"mouse_symbols", "genes.species", "warning", "mouse or rat"},
                        {"mixture", "genes.species", "error", "751 human and 751 mouse genes"},
                        {"duplicates", "genes.duplicates", "note", "3 columns repeat"},
                        {"some_empty", "cells.empty", "note", "7 cells (1%)"},
                        {"unfiltered", "cells.unfiltered", "warning", "looks unfiltered"},
                        {"whole", "genes.number", "ok", "12,000 genes"},
                        {"bare", "columns.cell_type", "note", "no obs column 'cell_type'"},
                        {"counts", "genes.number", "warning", "only 751 genes"}}) {
    CAPTURE(c.file);
    CAPTURE(c.check);
    const Judged judged = doctor(folder / (std::string(c.file) + ".h5ad"));
    CHECK(judged.severity(c.check) == c.severity);
    CHECK(contains(judged.text(c.check), c.part));
    ++files;
  }
  CHECK(files == 24);
  const Judged umi = doctor(folder / "logged_with_umi.h5ad");
  CHECK(contains(umi.text("values", "fix"), "--source counts=layers/umi"));
  CHECK(doctor(folder / "logged_with_umi.h5ad", "--encoder-less --source counts=layers/umi").status == 0);
  CHECK(contains(command("doctor " + quoted(folder / "logged.h5ad")).out, "NOT READY: 1 error"));
  CHECK(contains(command("doctor " + quoted(folder / "whole.h5ad")).out, "READY, with"));

  const std::string model = " --model " + quoted(tiny_model());
  const Judged known = doctor(folder / "prefixed.h5ad", model);
  CHECK(known.status == 0);
  CHECK(contains(known.text("genes.known"), "knows 737 of the 751 genes"));
  CHECK(known.severity("memory") == "ok");
  CHECK(known.severity("encoder") == "none");
  CHECK(doctor(folder / "counts.h5ad", "").severity("encoder") == "note");
  CHECK(doctor(folder / "mouse.h5ad", model).severity("genes.known") == "error");
  CHECK(doctor(folder / "symbols.h5ad", model).severity("genes.known") == "error");  // no dictionary of symbols
  const Judged large = doctor(folder / "counts.h5ad", model + " --batch-size 65536");
  CHECK(large.severity("memory") == "warning");
  CHECK(contains(large.text("memory", "fix"), "--batch-size "));

  const std::string out = " -o " + quoted(folder / "out.jsonl");
  for (const char* file : {"logged", "cpm", "scaled", "mouse", "mixture", "turned", "symbols", "no_counts"}) {
    CAPTURE(file);
    const Outcome refused = command("describe " + quoted(folder / (std::string(file) + ".h5ad")) + model + out);
    CHECK(refused.status == 2);
    CHECK(contains(refused.err, file));
    CHECK(!std::filesystem::exists(folder / "out.jsonl"));
  }
  CHECK(command("describe " + quoted(folder / "scaled.h5ad") + model + out + " --force").status == 2);
  const std::string data = " --set data.path=" + (folder / "logged.h5ad").string();
  CHECK(command(small_run(folder / "refused", data)).status == 2);
  const Outcome forced = command(small_run(folder / "forced", data + " --force"));
  CHECK(forced.status == 0);
  CHECK(contains(forced.err, "going on because of --force"));
  CHECK(contains(read_file(folder / "forced/experiment.toml"), "any_values = true"));
}

TEST_CASE("doctor: wrong usage and files that cannot be opened are status 2") {
  CHECK(command("doctor").status == 2);
  CHECK(command("doctor /nonexistent.h5ad").status == 2);
  CHECK(command("doctor data/demo/pbmc.h5ad --model x --encoder-less").status == 2);
  CHECK(command("doctor data/demo/pbmc.h5ad --batch-size 4").status == 2);
  CHECK(command("doctor data/demo/pbmc.h5ad --source conts=X").status == 2);
}

TEST_CASE("oracle: memory: the estimate is within a factor of 1.6 of what describing and training really took") {
  const TemporaryFolder folder;
  std::vector<std::string> words = {"run", "examples/quickstart.toml", "--out", (folder / "run").string()};
  for (const char* set : {"training.max_steps=4", "split.train=0.2", "split.validation=0.79", "split.test=0.01",
                          "training.keep=last", "generation.max_new_tokens=16"})
    words.insert(words.end(), {"--set", set});
  const double training = peak_mib(words, folder / "run.log");
  const double expected_training = estimated_mib(read_file(folder / "run.log"));
  MESSAGE("training: took " << training << " MiB, estimated " << expected_training);
  CHECK(expected_training < 1.6 * training);
  CHECK(expected_training > training / 1.6);
  const double describing = peak_mib({"describe", "data/demo/pbmc.h5ad", "--model", (folder / "run/model").string(),
                                      "-o", (folder / "out.jsonl").string(), "--beams", "1"},
                                     folder / "describe.log");
  const double expected = estimated_mib(read_file(folder / "describe.log"));
  MESSAGE("describing: took " << describing << " MiB, estimated " << expected);
  CHECK(expected < 1.6 * describing);
  CHECK(expected > describing / 1.6);
}
