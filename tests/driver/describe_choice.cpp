// `describe` of some cells, and of clusters.
#include <random>
#include <set>

#include "cell2text/io/csv.hpp"
#include "cell2text/io/h5ad_file.hpp"
#include "driver/described_files.hpp"
#include "driver/template_model.hpp"

using namespace cell2text::test;
namespace fs = std::filesystem;
using nlohmann::json;

namespace {

std::vector<json> chosen(const std::string& choice) {
  const TemporaryFolder folder;
  const Outcome outcome = describe(demo_cells(), folder / "out.jsonl", choice);
  INFO(outcome.err);
  REQUIRE(outcome.status == 0);
  return json_lines(folder / "out.jsonl");
}

std::set<std::string> names_of(const std::vector<json>& lines) {
  std::set<std::string> names;
  for (const json& line : lines) names.insert(line["cell"]);
  return names;
}

/// Cells with one count each, and a column that has another value for each of them.
void write_barcoded(const fs::path& path, std::int64_t cells) {
  cell2text::GeneTable genes;
  const auto dictionary = json::parse(read_file(source_dir() / "data/demo/genes/token_dictionary.json"));
  for (const auto& [name, token] : dictionary.items())
    if (name.starts_with("ENSG") && genes.ids.size() < 500) genes.ids.push_back(name);
  cell2text::LabelColumn barcodes{"barcode", {}, {}};
  cell2text::CellBatch batch;
  batch.row_starts = {0};
  for (std::int32_t cell = 0; cell < cells; ++cell) {
    barcodes.values.push_back("b" + std::to_string(cell)), barcodes.codes.push_back(cell);
    batch.rows.push_back(cell), batch.names.push_back("cell" + std::to_string(cell));
    batch.columns.push_back(cell % 500), batch.counts.push_back(1), batch.row_starts.push_back(cell + 1);
  }
  cell2text::H5adContents contents{std::make_shared<cell2text::GeneTable>(genes), cells, cells, 0, {}};
  contents.additions.obs = {{"barcode", barcodes}};
  write_new_h5ad(path, contents, [&](std::int64_t) { return batch; });
}

}  // namespace

TEST_CASE("describe: cells of a list, in the order of the file, are described as among all") {
  const auto all = chosen("");
  const TemporaryFolder folder;
  write_file(folder / "list.txt", all[650]["cell"].get<std::string>() + "\n" + all[3]["cell"].get<std::string>() +
                                      "\n" + all[77]["cell"].get<std::string>() + "\n");
  const auto some = chosen("--cells " + quoted(folder / "list.txt"));
  REQUIRE(some.size() == 3);
  const std::size_t rows[] = {3, 77, 650};
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(some[i]["cell"] == all[rows[i]]["cell"]);
    CHECK(some[i]["description"] == all[rows[i]]["description"]);
    CHECK(some[i]["n_genes_used"] == all[rows[i]]["n_genes_used"]);
    CHECK(some[i]["log_probability"].get<double>() ==
          doctest::Approx(all[rows[i]]["log_probability"].get<double>()).epsilon(1e-5));
  }
}

TEST_CASE("describe: cells drawn at random depend on the seed alone, and more of them hold fewer") {
  const auto few = names_of(chosen("--cells 10")), more = names_of(chosen("--cells 40"));
  CHECK(few.size() == 10);
  CHECK(std::ranges::includes(more, few));
  CHECK((names_of(chosen("--cells 10 --batch-size 1")) == few));
  CHECK((names_of(chosen("--cells 10 --seed 1")) != few));
}

TEST_CASE("describe: an .h5ad keeps the cells that were not chosen, and says so of them") {
  const TemporaryFolder folder;
  REQUIRE(describe(demo_cells(), folder / "out.h5ad", "--cells 10").status == 0);
  const auto obs = cell2text::anndata::DataFrame(cell2text::hdf5::Group::open_file(folder / "out.h5ad"), "obs");
  const auto drawn = names_of(chosen("--cells 10"));
  const auto status = obs.labels("cell2text_status"), text = obs.labels("cell2text_description");
  const auto type = obs.labels("cell2text_cell_type");
  const auto probability = obs.numbers("cell2text_log_probability");
  const auto names = obs.index(0, obs.size());
  REQUIRE(obs.size() == 700);
  for (std::int64_t row = 0; row < 700; ++row) {
    const bool is_drawn = drawn.contains(names[static_cast<std::size_t>(row)]);
    CHECK((status.at(row) != "not_described") == is_drawn);
    CHECK((text.at(row) != "") == is_drawn);
    CHECK(std::isnan(probability[static_cast<std::size_t>(row)]) != is_drawn);
    if (!is_drawn) CHECK_FALSE(type.at(row).has_value());
  }
}

TEST_CASE("describe: choices of cells that are none are refused before any work") {
  const TemporaryFolder folder;
  const auto refused = [&](const std::string& more, const std::vector<std::string>& parts) {
    const Outcome outcome = describe(demo_cells(), folder / "no.csv", more);
    check_refused(outcome, parts);
    CHECK_FALSE(contains(outcome.err, "describing"));
    CHECK_FALSE(fs::exists(folder / "no.csv"));
    CHECK_FALSE(fs::exists(part_beside(folder / "no.csv")));
  };
  const auto list = [&](const std::string& text) {
    write_file(folder / "list.txt", text);
    return "--cells " + quoted(folder / "list.txt");
  };
  refused(list("AAAGCCTGGCTAAC-1\nAAAGCCTGGCTAAC-2\n"),
          {"list.txt: 'AAAGCCTGGCTAAC-2' is not among the cells of", "did you mean 'AAAGCCTGGCTAAC-1'?"});
  refused(list("AAAGCCTGGCTAAC-1\nAAAGCCTGGCTAAC-1\n"), {"list.txt:2", "stands on line 1 already"});
  refused(list("\n"), {"list.txt", "names no cells"});
  refused("--cells nowhere.txt", {"nowhere.txt", "does not exist"});
  refused("--cells 0", {"--cells 0", "at least 1"});
  refused("--cluster luvain", {"--cluster luvain", "no such column", "did you mean 'louvain'?"});
  refused("--cluster percent_mito", {"'percent_mito' holds the number 0.", "whole numbers"});
  refused("--cluster louvain --cluster-table " + quoted(folder / "no.csv"), {"is the output, too"});
  refused("--cluster louvain --cluster-table " + quoted(folder / "nowhere/t.csv"), {"nowhere", "does not exist"});
  for (const char* usage : {"--cluster louvain --cells 3", "--cluster-cells 3", "--cluster-table t.csv",
                            "--cluster louvain --cluster-cells 0", "--seed -1"})
    CHECK(describe(demo_cells(), folder / "no.csv", usage).status == 2);

  write_barcoded(folder / "barcoded.h5ad", 10'000);
  check_refused(describe(folder / "barcoded.h5ad", folder / "no.csv", "--cluster barcode"),
                {"column 'barcode' has 10000 values", "at most 1000"});
  const Outcome more = describe(demo_cells(), folder / "all.csv", "--cells 701");
  CHECK(more.status == 0);
  CHECK(contains(more.err, "there are 700 cells; all of them are described"));
}

TEST_CASE("oracle: describe: what is written of clusters is the weighted majority of their described cells") {
  const TemporaryFolder folder;
  const auto check = [&](const std::string& ending, const std::string& more, const char* column) {
    const fs::path out = folder / ("out." + ending), table = folder / "out.clusters.csv";
    fs::remove(out), fs::remove(table);
    const Outcome outcome =
        command("describe " + quoted(template_cells()) + " --model " + quoted(template_model()) + " -o " + quoted(out) +
                " --beams 1 --threads 1 --cluster-cells 9 --cluster " + column + " " + more);
    INFO(outcome.err);
    REQUIRE(outcome.status == 0);
    CHECK(names_in(folder.path()) == std::vector<std::string>{"out.clusters.csv", out.filename().string()});
    oracle("described_clusters.py", 0, {template_cells().string(), out.string(), table.string(), column, "9"});
    fs::remove(out), fs::remove(table);
  };
  check("h5ad", "", "louvain");
  check("csv", "--min-confidence 0.6", "louvain");
  check("jsonl", "--no-confidence", "bulk_labels");
  check("h5ad", "--seed 5", "n_genes");  // whole numbers
}
