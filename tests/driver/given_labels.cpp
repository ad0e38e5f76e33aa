// cell2text describe with labels that are given, or restricted to lists, by a model that writes the template.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "cell2text/generate/draft_file.hpp"
#include "cell2text/io/sha256.hpp"
#include "cell2text/text/age_bucket.hpp"
#include "driver/template_model.hpp"
#include "driver/tiny_model.hpp"

using namespace cell2text;
using namespace cell2text::test;

namespace {

Outcome describe_template(const std::filesystem::path& out, const std::string& more) {
  return command("describe " + quoted(template_cells()) + " --model " + quoted(template_model()) + " -o " +
                 quoted(out) + " --threads 1 --batch-size 50 " + more);
}

/// The cells in their order.
std::vector<nlohmann::json> described_with(const std::string& more, std::string* log = nullptr) {
  const TemporaryFolder folder;
  const Outcome outcome = describe_template(folder / "out.jsonl", more);
  INFO(outcome.err);
  REQUIRE(outcome.status == 0);
  if (log) *log = outcome.err;
  std::istringstream lines(read_file(folder / "out.jsonl"));
  std::vector<nlohmann::json> cells;
  for (std::string line; std::getline(lines, line);) cells.push_back(nlohmann::json::parse(line));
  return cells;
}

LabelColumn template_column(const std::string& name) {
  return anndata::DataFrame(hdf5::Group::open_file(template_cells()), "obs").labels(name);
}

}  // namespace

TEST_CASE("describe --given: the labels stand in every text, are sure, and are marked") {
  const LabelColumn types = template_column("cell_type"), stages = template_column("development_stage");
  const auto cells = described_with(
      "--given 'cell_type=@cell_type,tissue=LYMPH node' --given sex=male,development_stage=@development_stage --top "
      "2");
  REQUIRE(cells.size() == types.codes.size());
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const auto row = static_cast<std::int64_t>(i);
    const auto& cell = cells[i];
    INFO(cell.dump());
    REQUIRE(cell["cell_type"] == *types.at(row));
    REQUIRE(cell["tissue"] == "lymph node");
    REQUIRE(cell["tissue_ontology_term_id"] == "UBERON:0000029");
    REQUIRE(cell["sex"] == "male");
    REQUIRE(cell["development_stage"] == std::string(*age_bucket(*stages.at(row))));
    REQUIRE(contains(cell["description"], "This sample consists of a"));
    REQUIRE(contains(cell["description"], "It originates from the lymph node of a"));
    REQUIRE(cell["given"] == "cell_type, development_stage, sex, tissue");
    for (const char* role : {"cell_type", "tissue", "sex", "development_stage"}) {
      REQUIRE(cell[role + std::string("_confidence")] == 1);
      REQUIRE(cell[role + std::string("_unknown")] == 0);
    }
    REQUIRE(contains(cell["cell_type_best"], *types.at(row)));
    REQUIRE(cell["disease_confidence"].get<double>() < 1);  // which is not given
  }
}

TEST_CASE("describe --allow: labels are of the lists, by greedy decoding, beams and draws") {
  const TemporaryFolder folder;
  write_file(folder / "types.txt", "dendritic cell\nnatural KILLER cell\nmoon cell\n");
  write_file(folder / "tissues.txt", "UBERON:0002371\n# not lymph node\n blood\n");
  const std::string allow =
      "--allow cell_type=" + quoted(folder / "types.txt") + " --allow tissue=" + quoted(folder / "tissues.txt");
  for (const char* how : {"", " --beams 3 --no-confidence", " --set generation.temperature=1 --no-confidence"}) {
    std::string log;
    const auto cells = described_with(allow + how, &log);
    CHECK(contains(log, "the model knows nothing of 1 of its entries, which allow nothing: 'moon cell'"));
    CHECK(contains(log, "allows 2 of the 10 known labels of cell_type; without --ontology"));
    std::set<std::string> types, tissues;
    for (const auto& cell : cells) {
      REQUIRE(cell.contains("cell_type"));
      types.insert(cell["cell_type"].get<std::string>());
      if (cell.contains("tissue")) tissues.insert(cell["tissue"].get<std::string>());
      REQUIRE_FALSE(cell.contains("given"));
      if (*how == 0) REQUIRE(cell["cell_type_confidence"].get<double>() < 1);  // among all that the model knows
    }
    CHECK((types == std::set<std::string>{"dendritic cell", "natural killer cell"}));
    CHECK((tissues == std::set<std::string>{"blood", "bone marrow"}));
  }
}

TEST_CASE("describe --allow: with an ontology, what is below a term is allowed with it") {
  const TemporaryFolder folder;
  write_file(folder / "types.txt", "CL:0000084\n");  // T cell
  std::string log;
  const auto cells = described_with(
      "--allow cell_type=" + quoted(folder / "types.txt") + " --ontology data/demo/cl.obo --no-confidence", &log);
  CHECK(contains(log, "known labels of cell_type"));
  CHECK_FALSE(contains(log, "without --ontology"));
  std::set<std::string> types;
  for (const auto& cell : cells) types.insert(cell["cell_type"].get<std::string>());
  CHECK(types.size() > 1);
  for (const std::string& type : types) CHECK(contains(type, "T cell"));
}

TEST_CASE("describe --allow: with all known labels allowed, texts of known labels are as without") {
  const TemporaryFolder folder;
  std::string allow;
  for (const std::string role : {"cell_type", "tissue", "disease"}) {
    std::string list;
    for (const std::string& name : template_column(role).values) list += name + "\n";
    write_file(folder / (role + ".txt"), list);
    allow += " --allow " + role + "=" + quoted(folder / (role + ".txt"));
  }
  const auto free = described_with("--no-confidence"), held = described_with("--no-confidence" + allow);
  std::size_t same = 0;
  for (std::size_t i = 0; i < free.size(); ++i) {
    const bool known = free[i].contains("cell_type") && free[i].contains("tissue") && free[i].contains("disease");
    if (!known || free[i]["status"] != "ok") continue;
    INFO(held[i].dump() << " | " << free[i].dump());
    REQUIRE(held[i]["description"] == free[i]["description"]);
    REQUIRE(held[i]["log_probability"].get<double>() ==
            doctest::Approx(free[i]["log_probability"].get<double>()).epsilon(1e-4));
    ++same;
  }
  CHECK(same > free.size() / 2);
}

TEST_CASE("describe --ontology-only: each label that an ontology has comes with a term id") {
  const auto cells = described_with("--ontology-only --no-confidence --set generation.temperature=2");
  for (const auto& cell : cells) {
    INFO(cell.dump());
    REQUIRE(cell.contains("cell_type_ontology_term_id"));
    for (const std::string role : {"tissue", "disease"})
      REQUIRE(cell.contains(role) == cell.contains(role + "_ontology_term_id"));
  }
}

TEST_CASE("describe --given @column: the cells that are described need a value there, the others do not") {
  const TemporaryFolder folder;
  LabelColumn some = template_column("tissue");
  some.name = "some";
  const auto count = static_cast<std::int64_t>(some.codes.size());
  for (std::int64_t row = 0; row < count; ++row)
    if (row != 5 && row != 8) some.codes[row] = -1;
  H5adAdditions additions;
  additions.obs.push_back({"some", some});
  write_h5ad_copy(template_cells(), folder / "cells.h5ad", additions);
  const auto names = anndata::DataFrame(hdf5::Group::open_file(template_cells()), "obs").index(0, count);
  write_file(folder / "names.txt", names[5] + "\n" + names[8] + "\n");
  const std::string line = "describe " + quoted(folder / "cells.h5ad") + " --model " + quoted(template_model()) +
                           " --threads 1 --given tissue=@some -o " + quoted(folder / "out.jsonl");
  check_refused(command(line), {"698 of 700 cells have no value there, row 0 (from 0) the first", "--cells FILE"});
  const Outcome outcome = command(line + " --cells " + quoted(folder / "names.txt"));
  INFO(outcome.err);
  REQUIRE(outcome.status == 0);
  std::istringstream lines(read_file(folder / "out.jsonl"));
  for (const std::int64_t row : {5, 8}) {
    std::string text;
    REQUIRE(std::getline(lines, text));
    CHECK(nlohmann::json::parse(text)["tissue"] == *some.at(row));
  }
}

TEST_CASE("describe: labels that cannot be given or allowed are refused with the reason") {
  const TemporaryFolder folder;
  const auto list = [&](const std::string& text) {
    write_file(folder / "list.txt", text);
    return "--allow cell_type=" + quoted(folder / "list.txt");
  };
  const auto refused = [&](const std::string& more, const std::vector<std::string>& parts) {
    check_refused(describe_template(folder / "no.csv", more), parts);
  };
  refused("--given tissue=blod", {"--given tissue=blod", "never saw this tissue", "did you mean 'blood'?"});
  refused("--given 'cell_type=CD4-positive, alpha-beta T cell,sex=male'",
          {"--given cell_type=CD4-positive, alpha-beta T cell: the model never saw this cell_type"});
  refused("--given tisue=blood", {"no label 'tisue'", "did you mean 'tissue'?"});
  refused("--given 'tissue=blood,sx=male'", {"no label 'sx'", "did you mean 'sex'?"});
  refused("--given tissue", {"a label and its value are expected"});
  refused("--given tissue=blood,tissue=blood", {"given twice"});
  refused("--given tissue=@tisue", {"no obs column 'tisue'", "did you mean 'tissue'?"});
  refused("--given sex=@self_reported_ethnicity", {"700 of 700 cells have no value there, row 0"});
  refused("--given cell_type=@bulk_labels", {"--given cell_type=", "never saw this cell_type"});
  refused(list(""), {"list.txt lists no labels"});
  refused(list("moon cell\n"), {"knows none of the 1 labels", "'moon cell'"});
  refused(list("CL:9999999\n") + " --ontology data/demo/cl.obo", {"list.txt:1", "'CL:9999999' is no id"});
  refused(list("dendritic cell\n") + " --allow cell_type=x", {"the cell_type has two lists"});
  refused(list("dendritic cell\n") + " --given cell_type=@cell_type", {"is given by --given"});
  refused("--allow cell_type=" + quoted(folder / "nowhere.txt"), {"nowhere.txt"});
  refused("--given tissue=blood --set generation.max_new_tokens=5",
          {"generation.max_new_tokens is 5", "tokens at least"});
  refused("--given tissue=blood --set generation.no_repeat_ngram_size=3", {"no_repeat_ngram_size is 3"});
  refused("--given tissue=blood --set generation.stop='[\".\"]'", {"generation.stop has the text '.'"});
  CHECK_FALSE(std::filesystem::exists(folder / "no.csv"));
}

TEST_CASE("describe: labels without ids, and descriptions of another form, are refused with the reason") {
  const TemporaryFolder folder;
  const auto model = folder / "model";
  const auto refused = [&](const std::string& more, const std::string& part) {
    check_refused(command("describe data/demo/pbmc.h5ad --model " + quoted(model) + " -o " + quoted(folder / "no.csv") +
                          " --threads 1 " + more),
                  {part});
  };
  const auto change_card = [&](const auto& change) {
    std::filesystem::remove_all(model);
    std::filesystem::copy(template_model(), model, std::filesystem::copy_options::recursive);
    auto card = nlohmann::json::parse(read_file(model / "cell2text.json"));
    change(card);
    write_file(model / "cell2text.json", card.dump());
  };
  change_card([](auto& card) {
    for (const char* role : {"cell_type", "tissue"})
      for (auto& label : card["labels"][role])
        if (role != std::string("tissue") || label["name"] == "blood") label.erase("ontology_id");
  });
  refused("--ontology-only", "no cell_type that the model knows had an ontology id in training");
  refused("--ontology-only --given tissue=blood,cell_type='dendritic cell'", "had no ontology id in training");

  change_card([&](auto& card) {  // guesses from a text of another form
    save_drafts(model / "drafts.safetensors", DraftTexts({{5, 6, 7}}));
    card["samples"]["drafts.safetensors"] = sampled_hash(model / "drafts.safetensors");
  });
  refused("--given tissue=blood", "the model writes descriptions of its own form");
}
