// `cell2text evaluate` as a person runs it: files of predictions, two systems, columns of labels.
#include <nlohmann/json.hpp>

#include "driver/command.hpp"

using namespace cell2text::test;

namespace {

/// A line of a predictions file.
std::string line_of(const std::string& cell, const std::string& said, const std::string& meant,
                    const nlohmann::json& more = {}) {
  nlohmann::json line{{"cell", cell},
                      {"prediction", "This sample consists of a " + said + "."},
                      {"reference", "This sample consists of a " + meant + "."},
                      {"cell_type", meant}};
  if (more.is_object()) line.update(more);
  return line.dump() + "\n";
}

Outcome evaluated(const std::filesystem::path& file, const std::string& more) {
  return command("evaluate " + quoted(file) + " " + more);
}

void refused(const Outcome& outcome, const std::string& part) {
  CHECK(outcome.status == 2);
  CHECK(outcome.out.empty());
  INFO(outcome.err);
  CHECK(contains(outcome.err, part));
}

}  // namespace

TEST_CASE("evaluate: malformed lines are named, or counted with --skip-bad") {
  const TemporaryFolder folder;
  write_file(folder / "p.jsonl", line_of("a", "B cell", "B cell") + "{oops\n" + line_of("b", "B cell", "T cell") +
                                     "{\"prediction\": \"x\"}\n");
  refused(evaluated(folder / "p.jsonl", ""), "p.jsonl:2:");
  const Outcome skipped = evaluated(folder / "p.jsonl", "--skip-bad --json");
  REQUIRE(skipped.status == 0);
  CHECK(contains(skipped.err, "2 malformed lines are left out; the first: "));
  CHECK(nlohmann::json::parse(skipped.out)["labels"]["cell_type.accuracy"]["value"] == 0.5);
  write_file(folder / "empty.jsonl", "");
  refused(evaluated(folder / "empty.jsonl", "--skip-bad"), "holds no predictions");
}

TEST_CASE("evaluate: intervals for F1 as well, over donors where they are known") {
  const TemporaryFolder folder;
  std::string cells, donors;
  for (int i = 0; i < 60; ++i) {
    const std::string meant = i % 3 ? "B cell" : "T cell", said = i % 20 < 14 ? meant : "B cell";
    cells += line_of(std::to_string(i), said, meant);
    donors += line_of(std::to_string(i), said, meant, {{"donor", "d" + std::to_string(i / 20)}});
  }
  write_file(folder / "cells.jsonl", cells);
  write_file(folder / "donors.jsonl", donors);
  const Outcome by_cell = evaluated(folder / "cells.jsonl", "--json --set overlap.corpus_bleu=true");
  const Outcome by_donor = evaluated(folder / "donors.jsonl", "--json");
  REQUIRE(by_cell.status == 0);
  CHECK(contains(by_cell.err, "60 cells; intervals by resampling cells"));
  CHECK(contains(by_donor.err, "60 cells; intervals by resampling 3 donors"));
  const auto scores = nlohmann::json::parse(by_cell.out), others = nlohmann::json::parse(by_donor.out);
  for (const auto& one : {scores["labels"]["cell_type.macro_f1"], scores["overlap"]["corpus_bleu"]}) {
    REQUIRE(one["low"].is_number());
    CHECK(one["low"] < one["value"]);
    CHECK(one["value"] < one["high"]);
  }
  CHECK(others["labels"]["cell_type.macro_f1"]["value"] == scores["labels"]["cell_type.macro_f1"]["value"]);
  CHECK(others["labels"]["cell_type.macro_f1"]["low"] != scores["labels"]["cell_type.macro_f1"]["low"]);
}

TEST_CASE("evaluate: settings of metrics, and a metric that needs one") {
  const TemporaryFolder folder;
  write_file(folder / "p.jsonl", line_of("a", "B cell", "B cell", {{"pathways", {"HALLMARK_HYPOXIA"}}}));
  refused(evaluated(folder / "p.jsonl", "--metrics pathways"), "'descriptions' is missing");
  refused(evaluated(folder / "p.jsonl", "--set pathways.descriptions=x"), "it sets a metric that is scored here");
  const Outcome outcome =
      evaluated(folder / "p.jsonl",
                "--metrics pathways --json --set pathways.descriptions=data/demo/pathways/hallmark_descriptions.tsv");
  REQUIRE(outcome.status == 0);
  const auto scores = nlohmann::json::parse(outcome.out)["pathways"];
  CHECK(scores["subset_accuracy"]["value"] == 0.0);
  CHECK(scores["unreadable"]["value"] == 1.0);
}

TEST_CASE("evaluate --against: differences on the cells that both have, with their intervals") {
  const TemporaryFolder folder;
  std::string a, b;
  for (int i = 0; i < 40; ++i) {
    const std::string meant = i % 2 ? "B cell" : "T cell";
    a += line_of(std::to_string(i), meant, meant);
    b = line_of(std::to_string(i), i % 4 ? meant : "monocyte", meant) + b;
  }
  write_file(folder / "a.jsonl", a);
  write_file(folder / "b.jsonl", b + line_of("more", "B cell", "B cell"));
  const auto against = [&](const std::string& file, const std::string& more) {
    return evaluated(folder / "a.jsonl", "--against " + quoted(folder / file) + " " + more);
  };
  const Outcome outcome = against("b.jsonl", "--json -o " + quoted(folder / "d.json"));
  REQUIRE(outcome.status == 0);
  CHECK(contains(outcome.err, "0 cells of"));
  const auto differences = nlohmann::json::parse(outcome.out);
  CHECK(nlohmann::json::parse(read_file(folder / "d.json")) == differences);
  const auto& accuracy = differences["labels"]["cell_type.accuracy"];
  CHECK(accuracy["value"] == 1.0);
  CHECK(accuracy["against"] == 0.75);
  CHECK(accuracy["difference"] == 0.25);
  CHECK(accuracy["low"] > 0.0);
  CHECK(accuracy["high"] < 0.5);
  CHECK(differences["labels"]["cell_type.macro_f1"]["low"] > 0.0);
  CHECK(contains(against("b.jsonl", "").out, "DIFFERENCE"));
  CHECK(nlohmann::json::parse(against("a.jsonl", "--json").out)["overlap"]["bleu_4"]["low"] == 0.0);

  write_file(folder / "b.jsonl", line_of("elsewhere", "B cell", "B cell"));
  refused(against("b.jsonl", ""), "share no cell");
  write_file(folder / "b.jsonl", line_of("1", "B cell", "monocyte"));
  refused(against("b.jsonl", ""), "the reference of cell '1' differs");
}

TEST_CASE("evaluate: two obs columns are scored as cell types, through a map and an ontology") {
  const TemporaryFolder folder;
  const auto file = source_dir() / "data/demo/pbmc.h5ad";
  const auto same = [&](const std::string& more) {
    return evaluated(file, "--prediction cell_type_ontology_term_id --truth cell_type --json " + more);
  };
  refused(same(""), "no label of 'cell_type_ontology_term_id' occurs in 'cell_type'");
  const Outcome outcome = same("--ontology data/demo/cl.obo");
  INFO(outcome.err);
  REQUIRE(outcome.status == 0);
  const auto scores = nlohmann::json::parse(outcome.out);
  CHECK(scores.size() == 1);
  CHECK(scores["labels"]["cell_type.accuracy"]["value"] == 1.0);
  CHECK(scores["labels"]["cell_type.macro_f1"]["value"] == doctest::Approx(1));
  CHECK_FALSE(scores["labels"].contains("tissue.accuracy"));

  write_file(folder / "map.csv", "label,id\nB cell,CL:0000236\ndendritic cell,CL:0000451\n");
  const std::string mapped = "--ontology data/demo/cl.obo --map " + quoted(folder / "map.csv");
  CHECK(same(mapped).status == 0);
  write_file(folder / "map.csv", "label,id\nB cell,CL:9999999\n");
  refused(same(mapped), "map.csv:2: the ontology has no current term CL:9999999");
  const Outcome coarse =
      same("--ontology data/demo/cl.obo --set labels.ontology=data/demo/cl.obo --set labels.level='[\"CL:0000084\"]'");
  INFO(coarse.err);
  REQUIRE(coarse.status == 0);
  CHECK(nlohmann::json::parse(coarse.out)["labels"]["level.cell_type.accuracy"]["value"] == 1.0);
}

TEST_CASE("evaluate: options that do not belong together are refused") {
  const TemporaryFolder folder;
  write_file(folder / "p.jsonl", line_of("a", "B cell", "B cell"));
  const auto cells = source_dir() / "data/demo/pbmc.h5ad";
  refused(evaluated(cells, "--truth cell_type"), "--prediction and --truth go together");
  refused(evaluated(cells, ""), "name them with --prediction and --truth");
  refused(evaluated(folder / "p.jsonl", "--prediction a --truth b"), "is no .h5ad file");
  refused(evaluated(folder / "p.jsonl", "--map x.csv"), "--map is for columns");
  refused(evaluated(cells, "--prediction cell_type --truth cell_type --skip-bad"), "are for files of predictions");
  refused(evaluated(cells, "--prediction cell_type --truth nothing"), "has no column 'nothing'");
  refused(evaluated(folder / "none.h5ad", "--prediction a --truth b"), "none.h5ad");
}
