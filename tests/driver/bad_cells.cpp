// Files of cells that Python wrote, with what goes wrong in the field, given to the real command.
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <set>

#include "driver/cells_from_python.hpp"
#include "driver/tiny_model.hpp"

using namespace cell2text::test;
namespace fs = std::filesystem;
using nlohmann::json;

namespace {

json facts() {
  return json::parse(read_file(cells_from_python() / "cells.json"));
}

/// The lines of the .jsonl that describing `name` gives.
std::vector<json> described(const std::string& name, std::string* log = nullptr) {
  const TemporaryFolder folder;
  const Outcome outcome = describe(cells_from_python() / name, folder / "out.jsonl");
  INFO(outcome.err);
  REQUIRE(outcome.status == 0);
  if (log) *log = outcome.err;
  std::vector<json> lines;
  std::istringstream in(read_file(folder / "out.jsonl"));
  for (std::string line; std::getline(in, line);) lines.push_back(json::parse(line));
  return lines;
}

}  // namespace

TEST_CASE("oracle: bad cells: other formats are refused with the line that converts them") {
  struct Case {
    const char* name;
    std::vector<std::string> parts;
  };
  const auto line = [](const std::string& call, const char* name) {
    return call + "('" + (cells_from_python() / name).string() + "')";
  };
  const Case cases[] = {
      {"cells.h5mu",
       {"a MuData file", "atac, gex", line("mudata.read_h5mu", "cells.h5mu") + ".mod['gex'].write_h5ad("}},
      {"cells.loom", {"a Loom file", line("anndata.io.read_loom", "cells.loom") + ".write_h5ad("}},
      {"cells.h5seurat", {"a Seurat file", "SeuratDisk::Convert("}},
      {"cells.zarr", {"a Zarr store", line("anndata.read_zarr", "cells.zarr") + ".write_h5ad("}},
      {"store", {"a Zarr store", line("anndata.read_zarr", "store") + ".write_h5ad("}},
      {"cells.csv", {"a table of text", line("scanpy.read_csv", "cells.csv") + ".write_h5ad("}},
      {"cells.tsv.gz", {"a table of text", line("scanpy.read_text", "cells.tsv.gz") + ".write_h5ad("}},
      {"filtered", {"holds no features.tsv"}},
      {"matrix.mtx", {"a Matrix Market file", "Give its folder", "path = \"" + cells_from_python().string() + "\""}},
      {"seurat.rds", {"an R object", "zellkonverter::writeH5AD(" + line("readRDS", "seurat.rds")}},
      {"cells.h5ad.gz", {"gzip", "gunzip"}},
      {"other.h5ad", {"no 'obs'"}},
  };
  for (const Case& one : cases) check_not_described(cells_from_python() / one.name, one.parts);
}

TEST_CASE("oracle: bad cells: an .h5ad without what a cell needs is refused") {
  check_not_described(cells_from_python() / "no_obs.h5ad", {"no 'obs'"});
  check_not_described(cells_from_python() / "no_var.h5ad", {"no 'var'"});
  check_not_described(cells_from_python() / "no_matrix.h5ad", {"no layers/counts, raw/X or X", "The file has: none"});
  check_not_described(cells_from_python() / "zeros.h5ad", {"X holds only zeros"});
  check_not_described(cells_from_python() / "numbered_genes.h5ad", {"var: names no genes", "gene_ids"});
}

TEST_CASE("oracle: bad cells: genes that the encoder cannot know are refused with examples of both sides") {
  check_not_described(cells_from_python() / "unknown_genes.h5ad", {"'BARCODE_0'", "Ensembl ids"});
  check_not_described(cells_from_python() / "unknown_ids.h5ad",
                      {"knows 0 of the 751 genes", "ENSG99000000000", "ENSG00000141510"});
  check_not_described(cells_from_python() / "mouse.h5ad",
                      {"genes of mouse", "ENSMUSG00000000000", "expected: human genes"});
  check_not_described(cells_from_python() / "mixture.h5ad", {"a mixture of species: 751 human and 751 mouse genes"});
  check_not_described(cells_from_python() / "genes_in_rows.h5ad",
                      {"the genes seem to be in the rows", "read_h5ad(", ").T.write_h5ad("});
}

TEST_CASE("oracle: bad cells: embedding refuses the same files, by either encoder") {
  const auto refused = [](const fs::path& encoder, const char* name, const std::vector<std::string>& parts) {
    INFO(encoder.string() << " " << name);
    const TemporaryFolder folder;
    check_refused(command("embed " + quoted(cells_from_python() / name) + " --encoder " + quoted(encoder) + " -o " +
                          quoted(folder / "out.h5ad") + " --threads 1"),
                  parts);
    CHECK(fs::is_empty(folder.path()));
  };
  for (const fs::path& encoder : {tiny_model(), tiny_scgpt()}) {
    refused(encoder, "mouse.h5ad", {"genes of mouse"});
    refused(encoder, "cells.loom", {"a Loom file"});
  }
  refused(tiny_model(), "unknown_ids.h5ad", {"knows 0 of the 751 genes"});
}

TEST_CASE("oracle: bad cells: a cell without counts has a row of NaN, and the log says how to leave it out") {
  const TemporaryFolder folder;
  const auto out = folder / "out.h5ad";
  const Outcome made = command("embed " + quoted(cells_from_python() / "some_zero_cells.h5ad") + " --encoder " +
                               quoted(tiny_model()) + " -o " + quoted(out) + " --threads 1 --level mean");
  INFO(made.err);
  REQUIRE(made.status == 0);
  const auto empty = facts()["empty"].size();
  CHECK(contains(made.err, std::to_string(empty) + " of "));
  CHECK(contains(made.err, "np.isnan"));
}

TEST_CASE("oracle: bad cells: a value that no count can be is named by cell and gene") {
  const json facts = ::facts();
  const std::string place = "row " + facts["bad_row"].dump() + " (cell '" + facts["bad_cell"].get<std::string>() + "'",
                    gene = "(gene '" + facts["bad_gene"].get<std::string>() + "') is ";
  for (const auto& [name, value] : {std::pair{"nan.h5ad", "nan"}, {"infinite.h5ad", "inf"}, {"negative.h5ad", "-3"}}) {
    check_not_described(cells_from_python() / name, {place, gene + value});
    check_not_described(cells_from_python() / name, {place, gene + value}, "--source counts=X");
  }
}

TEST_CASE("oracle: bad cells: a filter that is not installed is named with the way round it") {
  for (const auto& [name, filter] :
       {std::pair{"zstd.h5ad", "filter zstd"}, {"blosc.h5ad", "filter blosc"}, {"unheard.h5ad", "filter number 40404"}})
    check_not_described(cells_from_python() / name, {"X: is compressed with the HDF5 " + std::string(filter),
                                                     "import hdf5plugin, anndata; anndata.read_h5ad('" +
                                                         (cells_from_python() / name).string() + "').write_h5ad(",
                                                     "HDF5_PLUGIN_PATH"});
}

TEST_CASE("oracle: bad cells: a file that a program is writing to is refused, with what to do") {
  check_not_described(cells_from_python() / "marked.h5ad", {"is marked as open for writing", "h5clear -s"});
  // As h5py holds it: an exclusive lock for as long as the file is open.
  const auto path = cells_from_python() / "good.h5ad";
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  REQUIRE(::flock(file, LOCK_EX | LOCK_NB) == 0);
  check_not_described(path, {"another program has it open for writing", "HDF5_USE_FILE_LOCKING=FALSE"});
  const TemporaryFolder folder;
  CHECK(describe(path, folder / "out.csv", "", "HDF5_USE_FILE_LOCKING=FALSE ").status == 0);
  REQUIRE(::flock(file, LOCK_SH) == 0);  // a reader is no trouble
  CHECK(describe(path, folder / "again.csv").status == 0);
  ::close(file);
  CHECK(read_file(folder / "out.csv") == read_file(folder / "again.csv"));

  SUBCASE("held by h5py itself") {
    std::string output;
    const std::string python = quoted(source_dir() / ".deps/env/bin/python");
    const int status =
        run_command(python +
                        " -c \"import h5py, subprocess, sys; f = h5py.File(sys.argv[1], 'a'); "
                        "sys.exit(subprocess.run(sys.argv[2:]).returncode)\" " +
                        quoted(path) + " " + quoted(build_dir() / "bin/cell2text") + " describe " + quoted(path) +
                        " --model " + quoted(tiny_model()) + " -o " + quoted(folder / "none.csv"),
                    output);
    INFO(output);
    CHECK(status == 2);
    CHECK(contains(output, "another program has it open for writing"));
    CHECK_FALSE(fs::exists(folder / "none.csv"));
  }
}

TEST_CASE("oracle: bad cells: cells without counts are kept and marked, the others are as without them") {
  const json facts = ::facts();
  const std::vector<json> good = described("good.h5ad");
  const std::set<int> empty(facts["empty"].begin(), facts["empty"].end());
  for (const char* name : {"some_zero_cells.h5ad", "dense_zero_cells.h5ad"}) {
    CAPTURE(name);
    std::string log;
    const std::vector<json> lines = described(name, &log);
    CHECK(contains(log, std::to_string(empty.size()) + " no_counts"));
    REQUIRE(lines.size() == facts["names"].size());
    for (std::size_t row = 0; row < lines.size(); ++row) {
      CAPTURE(row);
      CHECK(lines[row]["cell"] == facts["names"][row]);
      if (empty.contains(static_cast<int>(row))) {
        CHECK(lines[row]["status"] == "no_counts");
        CHECK(lines[row]["description"] == "");
        CHECK(lines[row]["log_probability"].is_null());
        CHECK(lines[row]["n_genes_used"] == 0);
      } else {
        CHECK(lines[row]["status"] != "no_counts");
        CHECK(lines[row]["description"] == good[row]["description"]);
      }
    }
  }
  const TemporaryFolder folder;
  REQUIRE(describe(cells_from_python() / "some_zero_cells.h5ad", folder / "out.csv").status == 0);
  const std::string csv = read_file(folder / "out.csv");
  for (const int row : empty) CHECK(contains(csv, "\n" + facts["names"][row].get<std::string>() + ",,no_counts,0,,"));
  CHECK_FALSE(contains(csv, "nan"));
  REQUIRE(describe(cells_from_python() / "some_zero_cells.h5ad", folder / "out.h5ad").status == 0);
  const auto checked = oracle(
      "described.py", 0, {(cells_from_python() / "some_zero_cells.h5ad").string(), (folder / "out.h5ad").string()});
  CHECK(fs::exists(checked / "ok"));
}

TEST_CASE("oracle: bad cells: training leaves cells without counts out, and says how many") {
  const TemporaryFolder folder;
  const Outcome outcome = command("run examples/quickstart.toml --out " + quoted(folder / "run") + tiny_settings() +
                                  " --set data.path=" + quoted(cells_from_python() / "training.h5ad") +
                                  " --set encoder.architecture.layers=1 --set decoder.architecture.layers=1" +
                                  " --set split.train=0.5 --set split.validation=0.25 --set split.test=0.25");
  INFO(outcome.err);
  REQUIRE(outcome.status == 0);
  const json counted = json::parse(read_file(folder / "run/environment.json"))["cells"];
  const int left_out = counted["without_counts"];
  CHECK(left_out > 0);
  CHECK(contains(outcome.err, std::to_string(left_out) + " cells have no counts and are not trained on"));
  CHECK(counted["train"].get<int>() + counted["validation"].get<int>() + counted["test"].get<int>() + left_out == 60);
  CHECK_FALSE(contains(read_file(folder / "run/log.jsonl"), "null"));  // as NaN is written

  // Those that are tested have no embedding, so a baseline that looks at it says nothing of them either.
  std::istringstream model(read_file(folder / "run/predictions.jsonl")),
      nearest(read_file(folder / "run/predictions.nearest.jsonl")),
      majority(read_file(folder / "run/predictions.majority.jsonl"));
  int without = 0;
  for (std::string one, two, three; std::getline(model, one);) {
    REQUIRE(std::getline(nearest, two));
    REQUIRE(std::getline(majority, three));
    const bool empty = json::parse(one)["log_probability"].is_null();
    without += empty;
    CHECK(json::parse(two)["prediction"].get<std::string>().empty() == empty);
    CHECK_FALSE(json::parse(three)["prediction"].get<std::string>().empty());
  }
  CHECK(without > 0);
}

TEST_CASE("oracle: bad cells: names that occur twice stay as they are, with one warning") {
  const json facts = ::facts();
  const std::vector<json> good = described("good.h5ad");
  std::string log;
  const std::vector<json> lines = described("same_names.h5ad", &log);
  CHECK(contains(log, "3 cells share their name with another, as 'twin'"));
  CHECK(contains(log, "obs_names_make_unique()"));
  REQUIRE(lines.size() == good.size());
  for (std::size_t row = 0; row < lines.size(); ++row) {
    CHECK(lines[row]["cell"] == (row < 3 ? json("twin") : facts["names"][row]));
    CHECK(lines[row]["description"] == good[row]["description"]);
    CHECK(lines[row]["log_probability"] == good[row]["log_probability"]);
  }
  const TemporaryFolder folder;
  REQUIRE(describe(cells_from_python() / "same_names.h5ad", folder / "out.h5ad").status == 0);
  const auto checked =
      oracle("described.py", 0, {(cells_from_python() / "same_names.h5ad").string(), (folder / "out.h5ad").string()});
  CHECK(fs::exists(checked / "ok"));
}

TEST_CASE("oracle: bad cells: the columns of a gene that is named twice are added up") {
  const std::vector<json> good = described("good.h5ad"), lines = described("same_genes.h5ad");
  REQUIRE(lines.size() == good.size());
  for (std::size_t row = 0; row < lines.size(); ++row) {
    CHECK(lines[row]["description"] == good[row]["description"]);
    CHECK(lines[row]["n_genes_used"] == good[row]["n_genes_used"]);
  }
}

TEST_CASE("oracle: bad cells: a disk that is full is an error of the environment and costs no finished work") {
  // A limit on the size of files stands for it: a write beyond it fails. sh counts in half KiB.
  const auto limited = [&](const char* name, int kibibytes, bool begun) {
    const TemporaryFolder folder;
    const fs::path out = folder / name, part = folder / (std::string(name) + ".cell2text-part");
    const Outcome outcome =
        describe(cells_from_python() / "good.h5ad", out, "", "ulimit -f " + std::to_string(2 * kibibytes) + "; exec ");
    INFO(outcome.err);
    CAPTURE(kibibytes);
    CHECK(outcome.status == 1);
    CHECK(contains(outcome.err, "cell2text: cannot write " + (begun ? out : part).string() + ": File too large"));
    if (!begun) {
      CHECK(fs::is_empty(folder.path()));
      return;
    }
    CHECK_FALSE(fs::exists(out));
    const Outcome again = describe(cells_from_python() / "good.h5ad", out);
    CHECK(again.status == 0);
    CHECK(contains(again.err, "goes on where it was left"));
    CHECK_FALSE(contains(again.err, "describing "));
    CHECK(fs::exists(out));
    CHECK_FALSE(fs::exists(part));
  };
  limited("out.jsonl", 1, false);
  limited("out.h5ad", 1, false);
  for (const int kibibytes : {100, 125, 140}) limited("out.h5ad", kibibytes, true);
}
