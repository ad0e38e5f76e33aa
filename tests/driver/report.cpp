// `cell2text report`: what it reads, what it leaves out, what it puts into the page. How the page looks and works is
// seen in a browser: the cases named "oracle: report: ...".
#include <doctest/doctest.h>

#include <functional>
#include <set>

#include "driver/command.hpp"
#include "driver/made_up_run.hpp"

using namespace cell2text::test;
namespace fs = std::filesystem;

namespace {

/// The data in a page.
nlohmann::json data_of(const fs::path& page) {
  const std::string text = read_file(page), mark = "id=\"data\">";
  const auto begin = text.find(mark) + mark.size();
  return nlohmann::json::parse(text.substr(begin, text.find("</script>", begin) - begin));
}

Outcome report(const std::vector<fs::path>& folders, const fs::path& out) {
  std::string words = "report";
  for (const fs::path& folder : folders) words += " " + quoted(folder);
  return command(words + " -o " + quoted(out));
}

/// The texts of a column, one a run.
std::vector<std::string> texts_of(const nlohmann::json& column) {
  std::vector<std::string> texts;
  for (const std::size_t number : column["of"]) texts.push_back(column["texts"][number].get<std::string>());
  return texts;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("report: of one run, beside its files where no name is given") {
  const TemporaryFolder folder;
  write_made_up_run(folder / "a", {.steps = 100'000, .point = false});
  const Outcome outcome = command("report " + quoted(folder / "a"));
  INFO(outcome.err);
  REQUIRE(outcome.status == 0);
  CHECK(outcome.out == (folder / "a/report.html").string() + "\n");
  const auto data = data_of(folder / "a/report.html");
  CHECK(data["name"] == "made-up");
  CHECK(data["skipped"].empty());
  CHECK(data["axes"].empty());
  REQUIRE(data["runs"].size() == 1);
  const auto& run = data["runs"][0];
  REQUIRE(run["systems"].size() == 5);
  CHECK(run["systems"][0]["name"] == "model");
  CHECK(run["cells"] == nlohmann::json{490, 70, 60});
  CHECK(contains(run["caveats"][0], "All cells are of one donor"));
  CHECK(contains(run["caveats"][1], "The baseline lightgbm is left out: lib_lightgbm.so is not there"));
  CHECK(data["examples"].size() == 10);
  CHECK(run["confusion"].size() == 1);  // one reading is enough
  CHECK(run["confusion"][0]["trained"][0] == 200);

  // Thinned, to its last step, and the numbers those of the file.
  const auto& steps = run["training"][0];
  CHECK(steps.size() >= 1000);
  CHECK(steps.size() <= 2001);
  CHECK(steps.back() == 100'000);
  CHECK(run["validated"][0].size() == 8);
  const auto metrics = nlohmann::json::parse(read_file(folder / "a/metrics.json"));
  for (std::size_t s = 0; s < data["scores"].size(); ++s) {
    const std::string metric = data["scores"][s]["metric"], name = data["scores"][s]["name"];
    const auto& value = run["systems"][0]["values"][s];
    CAPTURE(name);
    if (metrics[metric][name]["value"].is_null())
      CHECK(value.is_null());
    else
      CHECK(value[0].get<double>() == doctest::Approx(metrics[metric][name]["value"].get<double>()).epsilon(1e-5));
    CHECK(data["scores"][s].contains("lower_is_better") ==
          (name.ends_with("unreadable") || name.ends_with("merged_names")));
  }
}

TEST_CASE("report: of a grid, all its runs with its axes; of an unfinished one the name and the reason") {
  const TemporaryFolder folder;
  write_made_up_grid(folder / "grid", 24);
  fs::create_directories(folder / "grid/runs/begun");
  write_file(folder / "grid/runs/begun/experiment.toml", "name = \"begun\"\n");
  write_file(folder / "grid/runs/some.lock", "");
  const Outcome outcome = command("report " + quoted(folder / "grid/"));
  INFO(outcome.err);
  REQUIRE(outcome.status == 0);
  CHECK(contains(outcome.err, "left out: "));
  CHECK(contains(outcome.err, "grid/runs/begun: no metrics.json in it"));
  const auto data = data_of(folder / "grid/report.html");
  CHECK(data["name"] == "grid");
  CHECK(data["runs"].size() == 24);
  REQUIRE(data["skipped"].size() == 1);
  CHECK(contains(data["skipped"][0]["folder"], "grid/runs/begun"));
  CHECK(contains(data["skipped"][0]["reason"], "'cell2text run' with --resume ends it"));
  std::set<std::string> axes;
  for (const auto& axis : data["axes"]) axes.insert(axis["key"].get<std::string>());
  CHECK((axes == std::set<std::string>{"adapter.plugin", "encoder.plugin", "finetuning.plugin"}));
  for (const auto& run : data["runs"]) CHECK(run["training"][0].size() <= 500);
  for (const auto& example : data["examples"]) CHECK(example["texts"].size() == 24);  // the same cells of all
}

TEST_CASE("report: runs of no grid are told apart by the settings that differ, and axes that change together are one") {
  const TemporaryFolder folder;
  write_made_up_run(folder / "a", {.layers = 2, .point = false});
  write_made_up_run(folder / "b", {.encoder = "scgpt", .layers = 4, .point = false});
  write_made_up_run(folder / "c", {.encoder = "scgpt", .finetuning = "lora", .layers = 4, .seed = 1, .point = false});
  REQUIRE(report({folder / "a", folder / "b", folder / "c"}, folder / "r.html").status == 0);
  const auto data = data_of(folder / "r.html");
  REQUIRE(data["axes"].size() == 2);
  CHECK(data["axes"][0]["key"] == "encoder.plugin");
  CHECK((texts_of(data["axes"][0]) == Texts{"geneformer", "scgpt", "scgpt"}));
  CHECK((data["axes"][0]["with"].get<Texts>() == Texts{"encoder.architecture.layers"}));
  CHECK(data["axes"][1]["key"] == "finetuning.plugin");  // the seed is none, nor is a rank that not all have
  Texts rank;
  for (const auto& column : data["settings"])
    if (column["key"] == "finetuning.rank") rank = texts_of(column);
  CHECK((rank == Texts{"–", "–", "8"}));
  REQUIRE(data["facts"].size() == 1);
  CHECK(data["facts"][0]["key"] == "date");

  SUBCASE("a grid's run beside one from elsewhere: the setting of the same name") {
    write_made_up_run(folder / "d", {.encoder = "geneformer", .adapter = "qformer"});
    REQUIRE(report({folder / "b", folder / "d"}, folder / "r.html").status == 0);
    const auto mixed = data_of(folder / "r.html");
    REQUIRE(mixed["axes"].size() == 1);
    CHECK((texts_of(mixed["axes"][0]) == Texts{"mlp", "qformer"}));
    CHECK((mixed["axes"][0]["with"].get<Texts>() == Texts{"encoder.plugin"}));
  }
}

TEST_CASE("report: cells that not all runs describe are chosen so that each run is shown") {
  const TemporaryFolder folder;
  std::vector<fs::path> folders;
  for (int i = 0; i < 3; ++i) {
    folders.push_back(folder / std::to_string(i));
    write_made_up_run(folders.back(), {.seed = i, .cells = 200});
    std::string text = read_file(folders.back() / "predictions.jsonl");
    for (std::size_t at = 0; (at = text.find("CELL-", at)) != std::string::npos; ++at)
      text.replace(at, 5, i == 2 ? "THIS-" : "BOTH-");
    write_file(folders.back() / "predictions.jsonl", text);
  }
  REQUIRE(report(folders, folder / "r.html").status == 0);
  int both = 0, alone = 0;
  const auto data = data_of(folder / "r.html");
  for (const auto& example : data["examples"]) (example["texts"].size() == 2 ? both : alone) += 1;
  CHECK(both == 7);  // a cell counts for each of its runs, less the more that run has: 2 / (1 + 7) = 1 / (1 + 3)
  CHECK(alone == 3);
}

TEST_CASE("report: a folder that cannot be read is left out, and named on the page and in the log with the reason") {
  struct Damage {
    std::string reason;
    std::function<void(const fs::path&)> make;
  };
  const auto write = [](const std::string& file, const std::string& text) {
    return [=](const fs::path& run) { write_file(run / file, text); };
  };
  const auto remove = [](const std::string& file) { return [=](const fs::path& run) { fs::remove(run / file); }; };
  const std::vector<Damage> damages{
      {"no metrics.json in it", remove("metrics.json")},
      {"metrics.json:2:1: not valid JSON", write("metrics.json", "{\"labels\":\n")},
      {"metrics.json: the whole is a list", write("metrics.json", "[]")},
      {"experiment.toml: no such file", remove("experiment.toml")},
      {"experiment.toml: 'encoder.plugin' is missing", write("experiment.toml", "name = \"x\"\n")},
      {"experiment.toml: 'name' is a whole number", write("experiment.toml", "name = 3\n")},
      {"environment.json: 'cells' is missing", write("environment.json", "{}")},
      {"environment.json: cells: 'train' is a text", write("environment.json", "{\"cells\": {\"train\": \"a\"}}")},
      {"log.jsonl:1:", write("log.jsonl", "{\"step\": 1, \"lo")},
      {"log.jsonl:1: 'step' is missing", write("log.jsonl", "{\"loss\": 1}\n")},
      {"predictions.jsonl", remove("predictions.jsonl")},
      {"predictions.jsonl:1: 'reference' is missing", write("predictions.jsonl", "{\"cell\": \"a\"}\n")},
      {"confusion.json: a list of tables is expected", write("confusion.json", "{}")},
      {"confusion.json: the counts of 'cell_type' are no table",
       write("confusion.json", R"([{"label": "cell_type", "classes": ["a"], "counts": [[1]]}])")},
      {"comparisons.json: 'systems' is missing", write("comparisons.json", "{}")},
      {"cell2text.json: 'cell_type' is a whole number",
       write("model/cell2text.json", R"({"labels": {"cell_type": 1}})")},
      {"grid_point.json: 'axes' is a list", write("grid_point.json", R"({"axes": []})")},
  };
  const TemporaryFolder folder;
  for (const char* name : {"good", "fine"}) write_made_up_run(folder / name, {.name = name});
  for (const Damage& damage : damages) {
    CAPTURE(damage.reason);
    fs::remove_all(folder / "bad");
    write_made_up_run(folder / "bad", {});
    damage.make(folder / "bad");
    const Outcome outcome = report({folder / "good", folder / "bad", folder / "fine"}, folder / "r.html");
    INFO(outcome.err);
    REQUIRE(outcome.status == 0);
    CHECK(contains(outcome.err, damage.reason));
    const auto data = data_of(folder / "r.html");
    CHECK(data["runs"].size() == 2);
    REQUIRE(data["skipped"].size() == 1);
    CHECK(data["skipped"][0]["folder"] == (folder / "bad").string());
    CHECK(contains(data["skipped"][0]["reason"], damage.reason));
    const Outcome alone = command("report " + quoted(folder / "bad"));
    CHECK(alone.status == 2);
    CHECK(contains(alone.err, damage.reason));
    CHECK_FALSE(fs::exists(folder / "bad/report.html"));
  }
}

TEST_CASE("report: no run at all is status 2, and nothing is written") {
  const TemporaryFolder folder;
  const fs::path out = folder / "r.html";
  const Outcome nowhere = report({folder / "nowhere"}, out);
  CHECK(nowhere.status == 2);
  CHECK(contains(nowhere.err, "nowhere: no such folder; expected that of a finished run, or of a grid"));
  write_file(folder / "file", "");
  CHECK(contains(report({folder / "file"}, out).err, "file is no folder"));
  fs::create_directories(folder / "empty");
  fs::create_directories(folder / "other");
  const Outcome one = report({folder / "empty"}, out);
  CHECK(one.status == 2);
  CHECK(contains(one.err, "empty: no metrics.json in it; expected the folder of a finished run, or of a grid"));
  const Outcome two = report({folder / "empty", folder / "other"}, out);
  CHECK(two.status == 2);
  CHECK(contains(two.err, "none of the 2 folders is one of a finished run"));
  CHECK(contains(two.err, "other: no metrics.json in it"));
  fs::create_directories(folder / "grid/runs");
  CHECK(contains(report({folder / "grid"}, out).err, "the grid holds no runs yet"));
  CHECK(command("report").status == 2);
  CHECK_FALSE(fs::exists(out));
}

TEST_CASE("report: an output that cannot be written is an error that names it, before anything is read") {
  const TemporaryFolder folder;
  write_made_up_run(folder / "a", {});
  write_made_up_run(folder / "b", {});
  const Outcome missing = report({folder / "a"}, folder / "none/r.html");
  CHECK(missing.status == 2);
  CHECK(contains(missing.err, "none does not exist; create it first"));
  const Outcome taken = report({folder / "a"}, folder / "b");
  CHECK(taken.status == 2);
  CHECK(contains(taken.err, "it exists and is not a file"));
  const Outcome unnamed = command("report " + quoted(folder / "a") + " " + quoted(folder / "b"));
  CHECK(unnamed.status == 2);
  CHECK(contains(unnamed.err, "a report of several folders needs a name: -o report.html"));
  write_file(folder / "r.html", "before");
  fs::remove(folder / "a/metrics.json");
  CHECK(report({folder / "a"}, folder / "r.html").status == 2);
  CHECK(read_file(folder / "r.html") == "before");
}

TEST_CASE("report: a run that is named twice is shown once, whichever way it is named") {
  const TemporaryFolder folder;
  write_made_up_grid(folder / "grid", 2);
  const fs::path run = fs::directory_iterator(folder / "grid/runs")->path();
  fs::create_symlink(run, folder / "link");
  const Outcome outcome =
      report({folder / "grid", run, folder / "link", run / "../" / run.filename()}, folder / "r.html");
  INFO(outcome.err);
  REQUIRE(outcome.status == 0);
  CHECK(contains(outcome.err, "is named twice, and is shown once"));
  CHECK(data_of(folder / "r.html")["runs"].size() == 2);
}

TEST_CASE("report: texts of a run cannot break the page that they stand in") {
  const TemporaryFolder folder;
  const std::string name = "</script><!--<script> @CHARTJS@ @SCRIPT@";
  write_made_up_run(folder / "a", {.name = name});
  REQUIRE(report({folder / "a"}, folder / "r.html").status == 0);
  CHECK(data_of(folder / "r.html")["name"] == name);
  const std::string page = read_file(folder / "r.html");
  CHECK(contains(page, "Permission is hereby granted"));  // the library's licence goes with it
  const auto count = [&](const std::string& text) {
    int found = 0;
    for (std::size_t at = 0; (at = page.find(text, at)) != std::string::npos; ++at) ++found;
    return found;
  };
  CHECK(count("</script>") == 4);
  CHECK(count("<!--") == 0);
}

TEST_CASE("oracle: report: a browser opens a page of 50 runs in under 2 s, without errors and without the network") {
  const TemporaryFolder folder;
  write_made_up_grid(folder / "grid", 50);
  fs::create_directories(folder / "grid/runs/unfinished");
  REQUIRE(report({folder / "grid"}, folder / "many.html").status == 0);
  write_made_up_run(folder / "one", {.point = false});
  REQUIRE(report({folder / "one"}, folder / "one.html").status == 0);
  oracle("report_page.py", seed(),
         {(folder / "many.html").string(), (folder / "grid").string(), (folder / "one.html").string()});
}
