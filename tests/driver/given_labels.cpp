// cell2text describe with labels that are given, or restricted to lists.
#include <nlohmann/json.hpp>
#include <sstream>

#include "cell2text/io/json.hpp"
#include "driver/tiny_model.hpp"

using namespace cell2text;
using namespace cell2text::test;

namespace {

const std::string given_demo = "data/demo/pbmc.h5ad";
const std::string long_enough = " --set generation.max_new_tokens=90 --batch-size 100 ";

std::vector<nlohmann::json> described_with(const std::string& more, std::string* log = nullptr) {
  const TemporaryFolder folder;
  const Outcome outcome = describe(source_dir() / given_demo, folder / "out.jsonl", long_enough + more);
  INFO(outcome.err);
  REQUIRE(outcome.status == 0);
  if (log) *log = outcome.err;
  std::istringstream lines(read_file(folder / "out.jsonl"));
  std::vector<nlohmann::json> cells;
  for (std::string line; std::getline(lines, line);) cells.push_back(nlohmann::json::parse(line));
  REQUIRE(cells.size() == 700);
  return cells;
}

/// The cell types of the demo's cells, in order.
std::vector<std::string> true_types() {
  const TemporaryFolder folder;
  std::string output;
  const int status = run_command(quoted(source_dir() / ".deps/env/bin/python") +
                                     " -c \"import anndata; print('\\n'.join(anndata.read_h5ad('" +
                                     (source_dir() / given_demo).string() + "', backed='r').obs['cell_type']))\"",
                                 output);
  INFO(output);
  REQUIRE(status == 0);
  std::istringstream lines(output);
  std::vector<std::string> types;
  for (std::string line; std::getline(lines, line);) types.push_back(line);
  REQUIRE(types.size() == 700);
  return types;
}

}  // namespace

TEST_CASE("oracle: describe --given: the labels stand in every text, are sure, and are marked") {
  const auto types = true_types();
  const auto cells = described_with("--given 'cell_type=@cell_type,tissue=BLOOD' --given sex=male --best 2");
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const auto& cell = cells[i];
    INFO(cell.dump());
    REQUIRE(cell["cell_type"].get<std::string>() == types[i]);
    REQUIRE(cell["tissue"] == "blood");
    REQUIRE(cell["sex"] == "male");
    REQUIRE(contains(cell["description"], "This sample consists of a " + types[i]));
    REQUIRE(cell["given"] == "cell_type, sex, tissue");
    REQUIRE(cell["cell_type_confidence"] == 1);
    REQUIRE(cell["tissue_confidence"] == 1);
    REQUIRE(cell["sex_confidence"] == 1);
    REQUIRE(cell["sex_unknown"] == 0);
    REQUIRE(contains(cell["cell_type_best"], types[i]));
    REQUIRE(cell["disease_confidence"].get<double>() <= 1);
  }
}

TEST_CASE("describe --allow: cell types are of the list, with all that is below it") {
  const TemporaryFolder folder;
  write_file(folder / "types.txt", "CL:0000084\n# no monocytes\n");
  std::string log;
  const std::string allow = "--allow cell_type=" + quoted(folder / "types.txt");
  const auto cells = described_with(allow + " --ontology data/demo/cl.obo --no-confidence", &log);
  CHECK(contains(log, "known labels of cell_type"));
  std::set<std::string> types;
  for (const auto& cell : cells) types.insert(cell["cell_type"].get<std::string>());
  for (const std::string& type : types) CHECK(contains(type, "T cell"));
  CHECK_FALSE(cells.front().contains("given"));

  write_file(folder / "types.txt", "dendritic cell\nnatural KILLER cell\nmoon cell\n");
  for (const char* how : {"", " --beams 2", " --set generation.temperature=1"}) {
    const auto others = described_with(allow + how, &log);
    CHECK(contains(log, "the model knows nothing of 1 of its entries, which allow nothing: 'moon cell'"));
    CHECK(contains(log, "without --ontology"));
    for (const auto& cell : others) {
      const std::string type = cell["cell_type"];
      REQUIRE((type == "dendritic cell" || type == "natural killer cell"));
      REQUIRE(cell["cell_type_confidence"].get<double>() < 1);  // among all that the model knows
    }
  }
}

TEST_CASE("describe --ontology-only: each label has a term id, and the file says how it was described") {
  const TemporaryFolder folder;
  const auto cells = described_with("--ontology-only --no-confidence");
  for (const auto& cell : cells) {
    REQUIRE(cell.contains("cell_type_ontology_term_id"));
    REQUIRE(cell.contains("tissue") == cell.contains("tissue_ontology_term_id"));
    REQUIRE(cell.contains("disease") == cell.contains("disease_ontology_term_id"));
  }
}

TEST_CASE("describe: labels that cannot be given or allowed are refused with the reason") {
  const TemporaryFolder folder;
  const auto list = [&](const std::string& text) {
    write_file(folder / "list.txt", text);
    return "--allow cell_type=" + quoted(folder / "list.txt");
  };
  const auto refused = [&](const std::string& more, const std::vector<std::string>& parts) {
    check_refused(describe(source_dir() / given_demo, folder / "no.csv", more), parts);
  };
  refused("--given tissue=blod", {"--given tissue=blod", "never saw this tissue", "did you mean 'blood'?"});
  refused("--given 'cell_type=CD4-positive, alpha-beta T cell'", {"never saw this cell_type"});
  refused("--given tisue=blood", {"no label 'tisue'", "did you mean 'tissue'?"});
  refused("--given 'tissue=blood,sx=male'", {"no label 'sx'", "did you mean 'sex'?"});
  refused("--given tissue", {"a label and its value are expected"});
  refused("--given tissue=blood,tissue=blood", {"given twice"});
  refused("--given tissue=@tisue", {"no obs column 'tisue'", "did you mean 'tissue'?"});
  refused("--given sex=@sex", {"--given sex=@sex: 700 of 700 cells have no value there, row 0"});
  refused("--given cell_type=@bulk_labels", {"--given cell_type=", "never saw this cell_type"});
  refused(list(""), {"list.txt lists no labels"});
  refused(list("moon cell\n"), {"knows none of the 1 labels", "'moon cell'"});
  refused(list("CL:9999999\n") + " --ontology data/demo/cl.obo", {"list.txt:1", "'CL:9999999' is no id"});
  refused(list("dendritic cell\n") + " --allow cell_type=x", {"the cell_type has two lists"});
  refused(list("dendritic cell\n") + " --given cell_type=@cell_type", {"is given by --given"});
  refused("--allow cell_type=" + quoted(folder / "nowhere.txt"), {"nowhere.txt"});
  refused("--given tissue=blood", {"generation.max_new_tokens is 8", "tokens at least"});
  refused("--given tissue=blood --set generation.no_repeat_ngram_size=3", {"no_repeat_ngram_size is 3"});
  CHECK_FALSE(std::filesystem::exists(folder / "no.csv"));
}
