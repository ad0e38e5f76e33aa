// 10x matrices given to the real command: they do what an .h5ad with the same cells does.
#include <nlohmann/json.hpp>
#include <sstream>

#include "driver/cells_from_python.hpp"
#include "driver/tiny_model.hpp"

using namespace cell2text::test;
namespace fs = std::filesystem;
using nlohmann::json;

namespace {

std::string described_as(const fs::path& cells, const std::string& ending, const std::string& more = "") {
  const TemporaryFolder folder;
  const auto out = folder / ("out." + ending);
  const Outcome outcome = describe(cells, out, more);
  INFO(cells.string());
  INFO(outcome.err);
  REQUIRE(outcome.status == 0);
  return read_file(out);
}

Outcome embedded(const fs::path& cells, const fs::path& out, const std::string& more = "") {
  return command("embed " + quoted(cells) + " --encoder " + quoted(tiny_model()) + " -o " + quoted(out) +
                 " --threads 1 --level gene " + more);
}

}  // namespace

TEST_CASE("oracle: 10x cells: files and folders of every version give the texts and embeddings of the .h5ad") {
  const TemporaryFolder folder;
  const auto good = cells_from_python() / "good.h5ad";
  const std::string csv = described_as(good, "csv"), jsonl = described_as(good, "jsonl");
  REQUIRE(embedded(good, folder / "good.safetensors").status == 0);
  const std::string genes = read_file(folder / "good.safetensors");
  fs::copy_file(good, folder / "anndata.h5");
  for (const fs::path& cells : {cells_from_python() / "cells_v3.h5", cells_from_python() / "cells_v2.h5",
                                cells_from_python() / "cells_tenx", folder / "anndata.h5"}) {
    CHECK(described_as(cells, "csv") == csv);
    CHECK(described_as(cells, "jsonl") == jsonl);
    const Outcome made = embedded(cells, folder / "out.safetensors");
    INFO(made.err);
    REQUIRE(made.status == 0);
    CHECK(read_file(folder / "out.safetensors") == genes);
  }
  fs::copy_file(cells_from_python() / "cells_v3.h5", folder / "other.ending");
  CHECK(described_as(folder / "other.ending", "csv", "--source-plugin tenx") == csv);
}

TEST_CASE("oracle: 10x cells: as an .h5ad they have their counts, labels, and what was made of them") {
  const auto good = cells_from_python() / "good.h5ad", labels = cells_from_python() / "labels.csv";
  const std::string table = "--source labels=" + quoted(labels);
  const std::string good_csv = described_as(good, "csv");
  std::vector<std::string> arguments = {good.string(), labels.string()};
  const TemporaryFolder all;
  for (const fs::path& cells : {cells_from_python() / "cells_v3.h5", cells_from_python() / "cells_tenx"}) {
    const std::string name = cells.stem().string();
    const auto out = all / (name + ".h5ad"), embedded_out = all / (name + ".embedded.h5ad");
    const Outcome described = describe(cells, out, table);
    INFO(described.err);
    REQUIRE(described.status == 0);
    CHECK(described_as(out, "csv") == good_csv);
    const Outcome embedded = command("embed " + quoted(cells) + " --encoder " + quoted(tiny_model()) + " -o " +
                                     quoted(embedded_out) + " --threads 1 " + table);
    INFO(embedded.err);
    REQUIRE(embedded.status == 0);
    arguments.insert(arguments.end(), {out.string(), embedded_out.string() + ":X_geneformer"});
  }
  CHECK(fs::exists(oracle("described_new.py", 0, arguments) / "ok"));
}

TEST_CASE("oracle: 10x cells: labels that the output would repeat are refused before the work, or replaced") {
  const auto cells = cells_from_python() / "cells_v3.h5";
  const TemporaryFolder folder;
  std::istringstream lines(read_file(cells_from_python() / "labels.csv"));
  std::string line, table = "barcode,cell2text_status\n";
  std::getline(lines, line);
  while (std::getline(lines, line)) table += line.substr(0, line.find(',')) + ",old\n";
  write_file(folder / "labels.csv", table);
  const std::string labels = "--source labels=" + quoted(folder / "labels.csv");
  check_refused(describe(cells, folder / "out.h5ad", labels),
                {"already has the column 'cell2text_status'", "--overwrite"});
  CHECK_FALSE(fs::exists(folder / "out.h5ad"));
  CHECK(describe(cells, folder / "out.h5ad", labels + " --overwrite").status == 0);
  CHECK(fs::exists(folder / "out.h5ad"));
}

TEST_CASE("oracle: 10x cells: settings of the source are given as for an .h5ad") {
  const auto cells = cells_from_python() / "cells_v3.h5";
  const TemporaryFolder folder;
  check_refused(describe(cells, folder / "out.csv", "--source counts=X"), {"counts"});
  check_refused(describe(cells, folder / "out.csv", "--source min_counts=1000000"), {"none of the 8 barcodes"});
  check_refused(describe(cells, folder / "out.csv", "--source-plugin h5ad"), {"a 10x Genomics matrix", "source tenx"});
  check_refused(describe(cells, folder / "out.csv", "--source-plugin tenxx"), {"did you mean 'tenx'?"});
  write_file(folder / "cut.h5", read_file(cells).substr(0, 3000));
  check_refused(describe(folder / "cut.h5", folder / "out.csv"), {(folder / "cut.h5").string()});
  fs::create_directory(folder / "outs");
  fs::copy(cells_from_python() / "cells_tenx", folder / "outs" / "filtered", fs::copy_options::recursive);
  check_refused(describe(folder / "outs", folder / "out.csv"), {"There is one in", "outs/filtered"});
  CHECK_FALSE(fs::exists(folder / "out.csv"));
}

TEST_CASE("oracle: 10x cells: doctor judges them, labels of a table included") {
  const auto judged = [](const fs::path& cells, const std::string& more = "") {
    const Outcome outcome = command("doctor " + quoted(cells) + " --json --encoder-less " + more);
    INFO(outcome.err);
    std::map<std::string, json> findings;
    const json all = json::parse(outcome.out);
    for (const json& finding : all["findings"]) findings[finding["check"]] = finding;
    return findings;
  };
  auto plain = judged(cells_from_python() / "cells_tenx");
  CHECK(plain["values"]["found"] == "matrix.mtx.gz holds raw counts (whole numbers)");
  CHECK(plain["columns.cell_type"]["severity"] == "note");
  auto labelled =
      judged(cells_from_python() / "cells_v3.h5", "--source labels=" + quoted(cells_from_python() / "labels.csv"));
  CHECK(labelled["values"]["severity"] == "ok");
  CHECK_FALSE(labelled.contains("columns.cell_type"));
}

TEST_CASE("oracle: 10x cells: a model is trained on a matrix and a table of labels as on the .h5ad with both") {
  const TemporaryFolder folder;
  const auto predictions = [&](const std::string& name, const std::string& data) {
    const Outcome outcome = command("run examples/quickstart.toml --out " + quoted(folder / name) + tiny_settings() +
                                    data + " --set encoder.architecture.layers=1 --set decoder.architecture.layers=1" +
                                    " --set split.train=0.5 --set split.validation=0.25 --set split.test=0.25");
    INFO(outcome.err);
    REQUIRE(outcome.status == 0);
    return read_file(folder / name / "predictions.jsonl");
  };
  const std::string from_h5ad =
      predictions("h5ad", " --set data.path=" + quoted(cells_from_python() / "training.h5ad"));
  CHECK(predictions("tenx", " --set data.source=tenx --set data.path=" + quoted(cells_from_python() / "training.h5") +
                                " --set data.labels=" + quoted(cells_from_python() / "training.csv")) == from_h5ad);
}
