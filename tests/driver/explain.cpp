// `cell2text explain`: what it tells of a cell and a text, what it writes, and what it refuses.
#include <cmath>
#include <nlohmann/json.hpp>

#include "driver/tiny_model.hpp"

using namespace cell2text::test;
namespace fs = std::filesystem;

namespace {

/// A description in the template's words: the tiny model has not learned to write one.
constexpr const char* explained_text =
    "This sample consists of a dendritic cell, which is a cell. It originates from the blood of a normal individual.";

Outcome explain(const std::string& more, const std::string& cells = "data/demo/pbmc.h5ad") {
  return command("explain " + cells + " --model " + quoted(tiny_model()) + " --threads 1 " + more);
}
Outcome explain_text(const std::string& more) {
  return explain("--text " + quoted(explained_text) + " " + more);
}

nlohmann::json explanation_of(const Outcome& outcome) {
  INFO(outcome.err);
  REQUIRE(outcome.status == 0);
  return nlohmann::json::parse(outcome.out);
}

std::size_t lines_of(const fs::path& file) {
  const std::string text = read_file(file);
  return static_cast<std::size_t>(std::ranges::count(text, '\n'));
}

}  // namespace

TEST_CASE("explain: shares of each label sum to what its probability differs by, to under 1%") {
  const auto found = explanation_of(explain_text("--row 3 --json --drop-one 2"));
  CHECK(found["row"] == 3);
  CHECK(found["text"] == explained_text);
  CHECK(found["text_given"] == true);
  CHECK(found["attributed_to"] == "soft_tokens");
  CHECK(found["baseline"] == "mean");
  CHECK(found["baseline_cells"] == 8);
  REQUIRE(found["labels"].size() == 3);
  const char* const words[] = {" a dendritic cell,", " blood of", " a normal"};
  for (std::size_t i = 0; i < 3; ++i) {
    const auto& label = found["labels"][i];
    CAPTURE(label["label"].get<std::string>());
    CHECK(label["words"] == words[i]);
    CHECK(label["complete"] == true);
    CHECK(label["other_cells"].size() == 8);
    double sum = 0, largest = 0;
    std::size_t dropped = 0;
    const auto& genes = label["genes"];
    CHECK(genes.size() == 32);  // max_genes of the tiny model
    for (std::size_t g = 0; g < genes.size(); ++g) {
      sum += genes[g]["attribution"].get<double>();
      if (g)
        CHECK(std::abs(genes[g]["attribution"].get<double>()) <= std::abs(genes[g - 1]["attribution"].get<double>()));
      CHECK(genes[g].contains("change_without") == (g < 2));
      dropped += genes[g].contains("change_without");
      CHECK(genes[g]["id"].get<std::string>().starts_with("ENSG"));
      CHECK_FALSE(genes[g]["gene"].get<std::string>().starts_with("ENSG"));
      CHECK(genes[g]["count"].get<double>() > 0);
    }
    const double difference = label["log_probability"].get<double>() - label["baseline_log_probability"].get<double>();
    CHECK(label["sum"].get<double>() == doctest::Approx(sum));
    CHECK(std::abs(sum - difference) <= 0.01 * std::abs(difference) + 1e-5);
    for (const auto& other : label["other_cells"])
      largest =
          std::max(largest, std::abs(other["log_probability"].get<double>() - label["log_probability"].get<double>()));
    CHECK(label["largest_change"].get<double>() == doctest::Approx(largest));
    CHECK(label["from_cell"] == (largest >= found["alarm_below"].get<double>()));
  }
}

TEST_CASE("explain: a cell by name or row, the same each time; the seed decides who is compared with") {
  const auto by_row = explanation_of(explain_text("--row 5 --label cell_type --json"));
  REQUIRE(by_row["labels"].size() == 1);
  const std::string name = by_row["cell"];
  CHECK(explanation_of(explain_text("--cell " + quoted(name) + " --label cell_type --json")) == by_row);
  const auto other = explanation_of(explain_text("--row 5 --label cell_type --json --seed 1"));
  CHECK(other["labels"][0]["log_probability"] == by_row["labels"][0]["log_probability"]);
  CHECK(other["labels"][0]["other_cells"] != by_row["labels"][0]["other_cells"]);
}

TEST_CASE("explain: tables, with the alarm of a model that was hardly trained") {
  const Outcome outcome = explain_text("--row 3 --top 2");
  INFO(outcome.out << outcome.err);
  REQUIRE(outcome.status == 0);
  for (const char* part :
       {"given text: This sample", "attributed to: soft tokens, one for each gene",
        "baseline: the mean soft token of 8 other cells", "cell_type: dendritic cell", "tissue: blood",
        "disease: normal", "completeness gap", "all other genes", "8 other cells in its place"})
    CHECK(contains(outcome.out, part));
  const auto found = explanation_of(explain_text("--row 3 --json"));
  for (const auto& label : found["labels"])
    CHECK(contains(outcome.err, label["label"].get<std::string>() + " '") == !label["from_cell"].get<bool>());
  CHECK(contains(explain_text("--row 3 --compare 0").out, "there is no other cell"));
  CHECK(contains(explain_text("--row 3 --label tissue --baseline zero").out, "baseline: a soft token of zeros"));
}

TEST_CASE("explain: an integral that is cut short says so") {
  const Outcome outcome = explain_text("--row 3 --label cell_type --baseline zero --max-steps 1");
  INFO(outcome.out << outcome.err);
  REQUIRE(outcome.status == 0);
  CHECK(contains(outcome.out, "after 1 steps: NOT COMPLETE"));
  CHECK(contains(outcome.err, "which is over 1%; allow more with --max-steps"));
}

TEST_CASE("explain: files of all genes, over old ones") {
  const TemporaryFolder folder;
  for (const char* name : {"why.csv", "why.json", "why.html"}) {
    write_file(folder / name, "old");
    const Outcome outcome = explain_text("--row 3 --top 1 --json -o " + quoted(folder / name));
    INFO(outcome.err);
    REQUIRE(outcome.status == 0);
    if (std::string(name) == "why.json") CHECK(read_file(folder / name) == outcome.out);
  }
  CHECK(lines_of(folder / "why.csv") == 3 * 32 + 1);
  const std::string table = read_file(folder / "why.csv");
  CHECK(table.starts_with("cell,label,value,gene,gene_id,count,place,attribution,change_without\n"));
  const std::string page = read_file(folder / "why.html");
  CHECK(contains(page, "\"top\":1"));
  CHECK(contains(page, "Permission is hereby granted"));
  CHECK(std::distance(fs::directory_iterator(folder.path()), {}) == 3);
}

TEST_CASE("explain: what cannot be explained is refused before anything is written") {
  const TemporaryFolder folder;
  const auto refused = [](const std::string& more, const std::vector<std::string>& parts) {
    check_refused(explain_text(more), parts);
  };
  refused("--cell AAACATACCACTAA-2", {"none of its 700 cells is named 'AAACATACCACTAA-2'; did you mean '"});
  refused("--row 700", {"--row 700: data/demo/pbmc.h5ad has 700 cells, in rows 0 to 699"});
  refused("--row 0 --label sex", {"--label sex: the text names no such label", "it has cell_type, tissue, disease"});
  refused("--row 0 -o " + quoted(folder / "why.txt"), {"ending is '.txt'; it must be .csv, .json or .html"});
  refused("--row 0 -o " + quoted(folder / "none/why.csv"), {(folder / "none").string()});
  check_refused(explain("--row 0 --text 'A cloud.'"), {"names no label that the model was trained on: 'A cloud.'"});
  CHECK(fs::is_empty(folder.path()));
  for (const char* which : {"", "--row 0 --cell AAACATACCACTAA-1", "--row -1"}) {
    const Outcome outcome = explain_text(which);
    CHECK(outcome.status == 2);
    CHECK(outcome.out.empty());
  }
}

TEST_CASE("explain: --help teaches what the numbers are") {
  const Outcome outcome = command("explain --help");
  CHECK(outcome.status == 0);
  for (const char* part : {"integrated gradients", "completeness gap", "The alarm", "--drop-one", "Examples:"})
    CHECK(contains(outcome.out, part));
}

TEST_CASE("oracle: explain: cells that nothing can be said of, and names of several, are refused") {
  const auto number = seed();
  INFO("CELL2TEXT_TEST_SEED=" << number);
  const auto cells = oracle("bad_cells.py", number, {(source_dir() / "data/demo/pbmc.h5ad").string()});
  check_refused(explain("--cell twin", quoted(cells / "same_names.h5ad")),
                {"3 cells are named 'twin', in rows 0, 1, 2; say which with --row 0"});
  CHECK(
      explain("--row 1 --label cell_type --text " + quoted(explained_text), quoted(cells / "same_names.h5ad")).status ==
      0);
  std::size_t refused = 0;
  for (int row = 0; row < 8; ++row) {
    const Outcome outcome =
        explain("--label cell_type --text " + quoted(explained_text) + " --row " + std::to_string(row),
                quoted(cells / "some_zero_cells.h5ad"));
    INFO(outcome.err);
    if (outcome.status == 0) continue;
    check_refused(outcome, {"has no counts, so that there is no description of it to explain"});
    ++refused;
  }
  CHECK(refused > 0);
  CHECK(refused < 8);
}

TEST_CASE("oracle: explain: a browser shows the page's bars, without errors and without the network") {
  const TemporaryFolder folder;
  const Outcome outcome = explain_text("--row 3 --top 4 --drop-one 2 --json -o " + quoted(folder / "why.html"));
  INFO(outcome.err);
  REQUIRE(outcome.status == 0);
  write_file(folder / "why.json", outcome.out);
  oracle("explain_page.py", seed(), {(folder / "why.html").string(), (folder / "why.json").string(), "4"});
}
