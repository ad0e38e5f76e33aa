// `cell2text explain`: what it tells of a cell and a text, what it writes, and what it refuses.
#include <cmath>
#include <nlohmann/json.hpp>

#include "driver/template_model.hpp"
#include "driver/tiny_model.hpp"

using namespace cell2text::test;
namespace fs = std::filesystem;

namespace {

Outcome explain(const std::string& more, const fs::path& cells = template_cells()) {
  return command("explain " + quoted(cells) + " --model " + quoted(template_model()) + " --threads 1 " + more);
}

/// A text with three labels, whatever the model would have written.
constexpr const char* why_not =
    "This sample consists of a dendritic cell. It originates from the blood of a normal individual.";
Outcome explain_text(const std::string& more, const fs::path& cells = template_cells()) {
  return explain("--text " + quoted(why_not) + " " + more, cells);
}

nlohmann::json explanation_of(const Outcome& outcome) {
  INFO(outcome.err);
  REQUIRE(outcome.status == 0);
  return nlohmann::json::parse(outcome.out);
}

/// Shares that are ordered by size, sum to what they should, and are of genes of the file.
void check_label(const nlohmann::json& label, double alarm_below, std::size_t dropped) {
  CAPTURE(label["label"].get<std::string>());
  double sum = 0, largest = 0, before = INFINITY;
  CHECK(label["genes"].size() == 32);  // max_genes of the model
  for (std::size_t g = 0; g < label["genes"].size(); ++g) {
    const auto& gene = label["genes"][g];
    const double share = gene["attribution"];
    CHECK(std::abs(share) <= before);
    before = std::abs(share), sum += share;
    CHECK(gene.contains("change_without") == (g < dropped));
    CHECK(gene["id"].get<std::string>().starts_with("ENSG"));
    CHECK_FALSE(gene["gene"].get<std::string>().starts_with("ENSG"));
    CHECK(gene["count"].get<double>() > 0);
  }
  const double own = label["log_probability"], difference = own - label["baseline_log_probability"].get<double>();
  CHECK(label["sum"].get<double>() == doctest::Approx(sum));
  CHECK(label["complete"] == true);
  CHECK(label["completeness_gap"].get<double>() < 0.01);
  CHECK(label["completeness_gap"].get<double>() ==
        doctest::Approx(std::abs(sum - difference) / std::abs(difference)).epsilon(1e-6));
  CHECK(label["other_cells"].size() == 8);
  for (const auto& other : label["other_cells"])
    largest = std::max(largest, std::abs(other["log_probability"].get<double>() - own));
  CHECK(label["largest_change"].get<double>() == doctest::Approx(largest));
  CHECK(label["from_cell"] == (largest >= alarm_below));
}

std::int64_t lines_in(const fs::path& file) {
  const std::string text = read_file(file);
  return std::ranges::count(text, '\n');
}

}  // namespace

TEST_CASE("explain: shares of each label of the model's own text sum to what its probability differs by, under 1%") {
  const TemporaryFolder folder;
  write_file(folder / "cells.txt", "");
  for (const int row : {3, 77}) {
    const auto found = explanation_of(explain("--row " + std::to_string(row) + " --json --drop-one 2"));
    INFO(found["text"]);
    CHECK(found["row"] == row);
    CHECK(found["text_given"] == false);
    CHECK(found["attributed_to"] == "soft_tokens");
    CHECK(found["baseline"] == "mean");
    CHECK(found["baseline_cells"] == 8);
    REQUIRE(found["labels"].size() == 5);
    const char* const roles[] = {"cell_type", "tissue", "disease", "sex", "development_stage"};
    for (std::size_t i = 0; i < 5; ++i) {
      CHECK(found["labels"][i]["label"] == roles[i]);
      CHECK(contains(found["text"], found["labels"][i]["words"]));
      check_label(found["labels"][i], found["alarm_below"], 2);
    }
    CHECK(found["labels"][0]["from_cell"] == true);  // this model has learned to tell cell types

    // The text is what describe writes.
    write_file(folder / "cells.txt", found["cell"].get<std::string>() + "\n");
    const Outcome described =
        command("describe " + quoted(template_cells()) + " --model " + quoted(template_model()) + " --cells " +
                quoted(folder / "cells.txt") + " -o " + quoted(folder / "out.jsonl"));
    INFO(described.err);
    REQUIRE(described.status == 0);
    CHECK(nlohmann::json::parse(read_file(folder / "out.jsonl"))["description"] == found["text"]);
  }
}

TEST_CASE("explain: a given text has its own labels, with the words that the template has for them") {
  const auto found = explanation_of(explain_text("--row 3 --json"));
  CHECK(found["text"] == why_not);
  CHECK(found["text_given"] == true);
  REQUIRE(found["labels"].size() == 3);
  const char* const words[] = {" a dendritic cell. It", " blood of", " a normal"};
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(found["labels"][i]["words"] == words[i]);
    check_label(found["labels"][i], found["alarm_below"], 0);
  }
}

TEST_CASE("explain: what is known of a cell stands in the text that is explained, as in describe's") {
  const TemporaryFolder folder;
  const auto free = explanation_of(explain("--row 3 --label sex --json"));
  const std::string other = free["labels"][0]["value"] == "male" ? "female" : "male";
  const auto found = explanation_of(explain("--row 3 --label sex --json --given sex=" + other));
  CHECK(free["given"].empty());
  CHECK(found["given"] == nlohmann::json{{"sex", other}});
  CHECK(found["labels"][0]["value"] == other);

  write_file(folder / "cells.txt", found["cell"].get<std::string>() + "\n");
  const Outcome described = command("describe " + quoted(template_cells()) + " --model " + quoted(template_model()) +
                                    " --given sex=" + other + " --cells " + quoted(folder / "cells.txt") + " -o " +
                                    quoted(folder / "out.jsonl"));
  INFO(described.err);
  REQUIRE(described.status == 0);
  CHECK(nlohmann::json::parse(read_file(folder / "out.jsonl"))["description"] == found["text"]);

  const Outcome tables = explain_text("--row 3 --given sex=" + other);
  CHECK(contains(tables.out, "known of the cell: sex " + other));
  const Outcome refused = explain("--row 3 --given sex=@no_such_column");
  CHECK(refused.status == 2);
  CHECK(contains(refused.err, "the file has no obs column 'no_such_column'"));
}

TEST_CASE("explain: a cell by name or row, the same each time; the seed decides who is compared with") {
  const auto by_row = explanation_of(explain_text("--row 5 --label cell_type --json"));
  REQUIRE(by_row["labels"].size() == 1);
  const std::string name = by_row["cell"];
  CHECK(explanation_of(explain_text("--cell '" + name + "' --label cell_type --json")) == by_row);
  const auto other = explanation_of(explain_text("--row 5 --label cell_type --json --seed 1"));
  CHECK(other["labels"][0]["log_probability"] == by_row["labels"][0]["log_probability"]);
  CHECK(other["labels"][0]["other_cells"] != by_row["labels"][0]["other_cells"]);
}

TEST_CASE("explain: tables, with the alarm for each label that does not come from the cell") {
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
  const Outcome alone = explain_text("--row 3 --compare 0");
  CHECK(contains(alone.out, "there is no other cell"));
  CHECK(contains(alone.out, "baseline: the mean soft token of this cell, as there is no other"));
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
  CHECK(lines_in(folder / "why.csv") == 3 * 32 + 1);
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
  const std::string name = explanation_of(explain_text("--row 3 --label tissue --compare 0 --json"))["cell"];
  refused("--cell '" + name + "x'", {"--cell: '" + name + "x' is not among the cells of", "did you mean '"});
  refused("--row 700", {"--row 700: ", "has 700 cells, in rows 0 to 699"});
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
  check_refused(explain("--cell twin", cells / "same_names.h5ad"), {"'twin' is the name of two cells of"});
  CHECK(explain_text("--row 1 --label cell_type", cells / "same_names.h5ad").status == 0);
  std::size_t refused = 0;
  for (int row = 0; row < 8; ++row) {
    const Outcome outcome =
        explain_text("--label cell_type --row " + std::to_string(row), cells / "some_zero_cells.h5ad");
    INFO(outcome.err);
    if (outcome.status == 0) continue;
    check_refused(outcome, {"has no counts, so that there is no description of it to explain"});
    ++refused;
  }
  CHECK(refused == 3);
}

TEST_CASE("oracle: explain: a browser shows the page's bars, without errors and without the network") {
  const TemporaryFolder folder;
  const Outcome outcome = explain_text("--row 3 --top 4 --drop-one 2 --json -o " + quoted(folder / "why.html"));
  INFO(outcome.err);
  REQUIRE(outcome.status == 0);
  write_file(folder / "why.json", outcome.out);
  oracle("explain_page.py", seed(), {(folder / "why.html").string(), (folder / "why.json").string(), "4"});
}
