// A whole run of a very small model: files, scores, describe, a moved model.
#include <nlohmann/json.hpp>

#include "cell2text/io/h5ad_writer.hpp"
#include "driver/command.hpp"

using namespace cell2text::test;

namespace {

/// The quickstart made tiny: a few steps, no claim on quality.
std::string tiny(const std::filesystem::path& out, const std::string& more = "") {
  return "run examples/quickstart.toml --out '" + out.string() +
         "' --set training.max_steps=3 --set encoder.architecture.layers=1 --set decoder.architecture.layers=1"
         " --set encoder.max_tokens=34 --set prompt.max_genes=32 --set split.train=0.1 --set split.validation=0.87"
         " --set split.test=0.03 --set generation.max_new_tokens=12 --set generation.beams=2 --set "
         "training.keep=last " +
         more;
}

/// A copy of one tiny run with all its baselines, which is made at the first call; what it said.
const Outcome& copy_of_tiny_run(const std::filesystem::path& to) {
  static const TemporaryFolder folder;
  static const Outcome outcome = command(tiny(folder / "run"));
  INFO(outcome.err);
  REQUIRE(outcome.status == 0);
  std::filesystem::copy(folder / "run", to, std::filesystem::copy_options::recursive);
  return outcome;
}

nlohmann::json json_of(const std::filesystem::path& path) {
  return nlohmann::json::parse(read_file(path));
}

constexpr const char* pathway_table = "data/demo/pathways/hallmark_descriptions.tsv";

/// The demo's cells with pathways that follow from the cell type; every fifth has one alone, every 35th none.
void write_cells_with_pathways(const std::filesystem::path& path) {
  using namespace cell2text;
  const auto demo = source_dir() / "data/demo/pbmc.h5ad";
  const LabelColumn types = anndata::DataFrame(hdf5::Group::open_file(demo), "obs").labels("cell_type");
  LabelColumn first{"pathway_1", {"HALLMARK_ADIPOGENESIS", "HALLMARK_APOPTOSIS", "HALLMARK_HYPOXIA"}, {}};
  LabelColumn second{"pathway_2", {"HALLMARK_GLYCOLYSIS", "HALLMARK_ADIPOGENESIS"}, {}};
  for (std::size_t cell = 0; cell < types.codes.size(); ++cell) {
    first.codes.push_back(cell % 35 == 0 ? -1 : types.codes[cell] % 3);
    second.codes.push_back(cell % 5 == 0 ? -1 : types.codes[cell] % 3 == 1 ? 1 : 0);
  }
  H5adAdditions additions;
  additions.obs = {{"pathway_1", first}, {"pathway_2", second}};
  write_h5ad_copy(demo, path, additions);
}

/// The scores of a system under comparisons.json.
nlohmann::json scores_of(const nlohmann::json& comparisons, const std::string& name) {
  for (const auto& system : comparisons["systems"])
    if (system["name"] == name) return system["scores"];
  FAIL("no system " << name);
  return {};
}

}  // namespace

TEST_CASE("run: fraction and max_cells take some of the cells, to train and to test") {
  const TemporaryFolder folder;
  const Outcome done =
      command(tiny(folder / "a", "--set training.fraction=0.5 --set evaluation.max_cells=9 --set baselines=[]"));
  INFO(done.err);
  REQUIRE(done.status == 0);
  const auto cells = json_of(folder / "a/environment.json")["cells"];
  const int train = cells["train"], not_trained = cells["not_trained"], not_evaluated = cells["not_evaluated"];
  CHECK(train > 0);
  CHECK(train == (train + not_trained + 1) / 2);
  CHECK(cells["test"] == 9);
  CHECK(not_evaluated > 0);
  CHECK(contains(done.err, "of " + std::to_string(train + not_trained) + " training cells " + std::to_string(train)));
  CHECK(contains(done.err, "of " + std::to_string(9 + not_evaluated) + " test cells 9"));
  CHECK(std::ranges::count(read_file(folder / "a/predictions.jsonl"), '\n') == 9);
}

TEST_CASE("run: a tiny experiment leaves every file, and the same seed leaves the same") {
  const TemporaryFolder folder;
  const Outcome& first = copy_of_tiny_run(folder / "a");
  for (const char* file : {"experiment.toml", "environment.json", "log.jsonl", "predictions.jsonl", "metrics.json",
                           "report.html", "model/cell2text.json", "model/adapter.safetensors",
                           "model/encoder/config.json", "model/decoder/config.json"}) {
    CAPTURE(file);
    CHECK(std::filesystem::file_size(folder / "a" / file) > 0);
  }
  CHECK(contains(first.out, "labels.cell_type.accuracy"));
  CHECK(contains(first.out, "one value, says nothing"));
  CHECK(contains(first.err, "all cells are of one donor"));
  const auto pagerank = json_of(folder / "a/metrics.json")["pagerank"];
  CHECK(pagerank["similarity"]["value"].get<double>() <= 1);
  CHECK(pagerank["unmapped_truth"]["value"] == 0);
  CHECK(pagerank["ancestor_of_unseen"].value("note", "") == "every true term was seen in training");
  CHECK(json_of(folder / "a/environment.json")["donors"] == 1);
  CHECK(contains(read_file(folder / "a/predictions.jsonl"), "\"donor\":"));
  const std::string report = read_file(folder / "a/report.html");
  CHECK(contains(report, "one donor"));
  for (const char* link : {"src=\"http", "href=\"http", "@import", "@DATA@", "@CHARTJS@"})
    CHECK_FALSE(contains(report, link));

  SUBCASE("baselines and control stand beside the model") {
    const auto comparisons = json_of(folder / "a/comparisons.json");
    std::vector<std::string> names;
    for (const auto& system : comparisons["systems"]) {
      const std::string name = system["name"];
      CAPTURE(name);
      names.push_back(name);
      CHECK(contains(report, "\"name\":\"" + name + "\""));
      const auto& labels = system["scores"]["labels"];
      CHECK(labels["cell_type.accuracy"]["value"].is_number());
      CHECK(labels["cell_type.accuracy"]["low"].is_number());
      CHECK(labels["cell_type.accuracy"]["high"].is_number());
      const bool describes = name != "head" && name != "lightgbm";
      CHECK(system["describes"] == describes);
      CHECK(system["scores"].contains("overlap") == describes);
      const Outcome scored =
          command("evaluate " + quoted(folder / ("a/predictions." + name + ".jsonl")) + " --metrics labels --json");
      REQUIRE(scored.status == 0);
      CHECK(nlohmann::json::parse(scored.out)["labels"]["cell_type.accuracy"]["value"] ==
            labels["cell_type.accuracy"]["value"]);
    }
    CHECK(names == std::vector<std::string>{"majority", "nearest", "head", "lightgbm", "template", "shuffled"});
    // Three steps teach nothing about cells: the report opens with it.
    const std::string text = comparisons["not_told_apart"]["text"];
    CHECK(contains(text, "from the control, in which each cell is described from another cell's embeddings"));
    CHECK(contains(report, "\"caveats\":[\"" + text));
    CHECK(contains(first.err, text));
  }
  SUBCASE("again") {
    REQUIRE(command(tiny(folder / "b")).status == 0);
    CHECK(read_file(folder / "a/predictions.jsonl") == read_file(folder / "b/predictions.jsonl"));
    for (const char* file :
         {"model/adapter.safetensors", "model/encoder/model.safetensors", "model/decoder/model.safetensors"})
      CHECK(read_file(folder / "a" / file) == read_file(folder / "b" / file));
    for (const char* file :
         {"metrics.json", "comparisons.json", "predictions.head.jsonl", "predictions.lightgbm.jsonl"})
      CHECK(read_file(folder / "a" / file) == read_file(folder / "b" / file));
  }
  SUBCASE("killed before the report: what was fitted is not fitted again") {
    const std::string before = read_file(folder / "a/comparisons.json");
    for (const char* file : {"report.html", "comparisons.json"}) std::filesystem::remove(folder / "a" / file);
    const Outcome resumed = command(tiny(folder / "a", "--resume"));
    INFO(resumed.err);
    REQUIRE(resumed.status == 0);
    CHECK(contains(resumed.err, "baseline lightgbm: fitted before, in "));
    CHECK(read_file(folder / "a/comparisons.json") == before);
  }
  SUBCASE("into the same folder") {
    const Outcome again = command(tiny(folder / "a"));
    CHECK(again.status == 2);
    CHECK(contains(again.err, "already holds a run"));
  }
  SUBCASE("the model's files are verified") {
    CHECK(command("model info '" + (folder / "a/model").string() + "' --verify").status == 0);
    std::string bytes = read_file(folder / "a/model/adapter.safetensors");
    bytes.back() ^= 1;
    write_file(folder / "a/model/adapter.safetensors", bytes);
    const Outcome damaged = command("model info '" + (folder / "a/model").string() + "' --verify");
    CHECK(damaged.status == 2);
    CHECK(contains(damaged.err, "adapter.safetensors: SHA-256 is"));
    auto card = nlohmann::json::parse(read_file(folder / "a/model/cell2text.json"));
    card["files"]["adapter.safetensors"] = 7;
    write_file(folder / "a/model/cell2text.json", card.dump());
    const Outcome no_text = command("model info '" + (folder / "a/model").string() + "' --verify");
    CHECK(no_text.status == 2);
    CHECK(contains(no_text.err, "'adapter.safetensors' is a whole number (7), expected a text"));
  }
}

TEST_CASE("run: a baseline whose library is not there is refused before the training, and baselines can be left out") {
  const TemporaryFolder folder;
  const Outcome refused = command(tiny(folder / "a", "--set baselines.3.library=/nonexistent/lib_lightgbm.so"));
  CHECK(refused.status == 2);
  CHECK(contains(refused.err, ".deps/env/bin/pip install --no-deps lightgbm=="));
  CHECK_FALSE(std::filesystem::exists(folder / "a/experiment.toml"));

  const Outcome without = command(tiny(folder / "b", "--set 'baselines=[]'"));
  INFO(without.err);
  REQUIRE(without.status == 0);
  CHECK_FALSE(std::filesystem::exists(folder / "b/baselines"));
  const auto systems = json_of(folder / "b/comparisons.json")["systems"];
  REQUIRE(systems.size() == 1);
  CHECK(systems[0]["name"] == "shuffled");
}

TEST_CASE("run: the folder of a dataset is trained on in windows, described as a table, and as one .h5ad") {
  const TemporaryFolder folder;
  const auto dataset = folder / "dataset";
  std::filesystem::create_directory(dataset);
  for (const char* name : {"cells-00001.h5ad", "cells-00002.h5ad"})
    std::filesystem::copy_file(source_dir() / "data/demo/pbmc.h5ad", dataset / name);
  write_file(dataset / "dataset.toml", "shards = 2\n");
  const std::string settings =
      "--set 'baselines=[]' --set training.shuffle_window=64 --set training.shuffle_block=4 "
      "--set training.batch_size=8 --set data.path=" +
      quoted(dataset);
  const Outcome made = command(tiny(folder / "a", settings));
  INFO(made.err);
  REQUIRE(made.status == 0);
  CHECK(contains(made.err, "2 shards with 1,400 cells"));
  CHECK(contains(made.err, "order: blocks of 4 within 64 cells; batches hold "));
  CHECK(contains(made.err, "% of the cell-type entropy of a fully random order, "));
  CHECK(contains(made.err, " cells/s read"));
  const auto data = json_of(folder / "a/environment.json")["data"];
  CHECK(data["path"] == (dataset / "dataset.toml").string());
  CHECK(data["sha256"].get<std::string>().size() == 64);

  const std::string describe =
      "describe " + quoted(dataset) + " --model " + quoted(folder / "a/model") + " --beams 1 -o ";
  const Outcome joined = command(describe + quoted(folder / "out.h5ad"));
  INFO(joined.err);
  REQUIRE(joined.status == 0);
  const Outcome again = command(  // as cells, with the columns that the files had and those that are new
      "describe " + quoted(folder / "out.h5ad") + " --model " + quoted(folder / "a/model") + " --beams 1 -o " +
      quoted(folder / "again.h5ad"));
  CHECK(again.status == 2);
  CHECK(contains(again.err, "already has obs column 'cell2text_description'"));
  const Outcome table = command(describe + quoted(folder / "out.jsonl"));
  INFO(table.err);
  REQUIRE(table.status == 0);
  const std::string lines = read_file(folder / "out.jsonl");
  CHECK(std::count(lines.begin(), lines.end(), '\n') == 1400);

  std::filesystem::remove(dataset / "cells-00001.h5ad");
  const Outcome gone = command(describe + quoted(folder / "out.csv"));
  CHECK(gone.status == 2);
  CHECK(contains(gone.err, "cells-00001.h5ad is missing, and cells-00002.h5ad is there"));
}

TEST_CASE("run: a baseline that fails after the training is left out with a warning, and what needs it too") {
  const TemporaryFolder folder;
  const Outcome outcome = command(tiny(folder / "a",
                                       "--set baselines.2.learning_rate=10 --set baselines.2.weight_decay=1 --set "
                                       "baselines.2.batch_size=1 --set baselines.3.trees=2"));
  INFO(outcome.err);
  REQUIRE(outcome.status == 0);
  CHECK(contains(outcome.err, "baseline 'head' is left out: the head of 'cell_type' has a loss that is not finite"));
  CHECK(contains(outcome.err,
                 "baseline 'template' is left out: baseline 'template' takes the labels of 'head', which "
                 "gives none"));
  const auto systems = json_of(folder / "a/comparisons.json")["systems"];
  REQUIRE(systems.size() == 6);
  for (const auto& system : systems)
    CHECK(system.contains("error") == (system["name"] == "head" || system["name"] == "template"));
  CHECK(contains(read_file(folder / "a/report.html"), "The baseline head is left out: the head of 'cell_type'"));
  CHECK_FALSE(std::filesystem::exists(folder / "a/predictions.head.jsonl"));
}

TEST_CASE("run: pathways of the file are told, learned and scored, by baselines on embeddings and on expression") {
  const TemporaryFolder folder;
  write_cells_with_pathways(folder / "cells.h5ad");
  const std::string table = pathway_table;
  const Outcome outcome = command(
      tiny(folder / "a", "--set data.path=" + quoted(folder / "cells.h5ad") + " --set descriptions.pathways=" + table +
                             " --set 'metrics=[{plugin=\"labels\"},{plugin=\"overlap\"},{plugin=\"pathways\","
                             "descriptions=\"" +
                             table +
                             "\"}]' --set split.train=0.6 --set split.validation=0.3 --set split.test=0.1"
                             " --set baselines.2.epochs=30 --set baselines.3.features=expression"
                             " --set baselines.3.trees=15 --set baselines.3.pathway_trees=15"
                             " --set baselines.4.labels_of=lightgbm"));
  INFO(outcome.err);
  REQUIRE(outcome.status == 0);
  CHECK(contains(read_file(folder / "a/predictions.jsonl"), "This cell is associated with Genes"));
  const auto comparisons = json_of(folder / "a/comparisons.json");
  const auto value = [&](const std::string& system, const char* metric, const char* name) {
    const auto found = scores_of(comparisons, system)[metric][name]["value"];
    REQUIRE(found.is_number());
    return found.get<double>();
  };
  for (const char* system : {"head", "lightgbm", "template"}) {
    CAPTURE(system);
    CHECK(value(system, "pathways", "jaccard") > value("majority", "pathways", "jaccard"));
    CHECK(value(system, "pathways", "unreadable") == 0);
  }
  CHECK(value("lightgbm", "labels", "cell_type.accuracy") > 0.5);  // of nine in ten cells expression tells the type
  CHECK(value("lightgbm", "pathways", "jaccard") > 0.5);
  for (const char* name : {"subset_accuracy", "jaccard", "weighted_f1"})
    CHECK(value("template", "pathways", name) == value("lightgbm", "pathways", name));
  CHECK(value("template", "overlap", "exact") > 0);
  std::vector<std::string> targets;
  for (const auto& target : json_of(folder / "a/baselines/lightgbm/targets.json")) targets.push_back(target["name"]);
  CHECK(targets.back() == "pathways");
  CHECK(std::filesystem::exists(folder / "a/baselines/lightgbm/pathways.3.txt"));
}

TEST_CASE("run: the cache of embeddings changes nothing but the time, and a second run computes nothing") {
  const TemporaryFolder folder;
  const std::string settings =
      "--set threads=1 --set encoder.frozen=true --set split.train=0.87 --set split.validation=0.1 --set "
      "'baselines=[]'";
  const auto cached = [&](const std::string& run, const std::string& place, const std::string& more = "") {
    return command(tiny(folder / run, settings + " --set encoder.cache=disk --set encoder.cache_folder='" +
                                          (folder / place).string() + "'" + more));
  };
  const Outcome without = command(tiny(folder / "a", settings)), first = cached("b", "embeddings"),
                second = cached("c", "embeddings"),
                tight = cached("d", "embeddings", " --set encoder.cache_limit='1 MB'");
  INFO(without.err << first.err << second.err << tight.err);
  for (const Outcome* one : {&without, &first, &second, &tight}) REQUIRE(one->status == 0);
  for (const char* run : {"b", "c", "d"}) {
    for (const char* file : {"predictions.jsonl", "metrics.json", "model/adapter.safetensors",
                             "model/encoder/model.safetensors", "model/decoder/model.safetensors"})
      CHECK_MESSAGE(read_file(folder / run / file) == read_file(folder / "a" / file), file);
    CHECK_FALSE(contains(read_file(folder / run / "model/cell2text.json"), "cache"));
  }
  CHECK_FALSE(contains(without.err, "cache"));
  const std::string place = " looked at are in " + (folder / "embeddings").string() + " (limit 20.0 GB, ";
  CHECK(contains(first.err, "; 0 of 200" + place));
  CHECK(contains(first.err, " 0 cells found, "));
  CHECK(contains(second.err, " of 200" + place));  // three steps leave most of the training cells out
  CHECK_FALSE(contains(second.err, "; 0 of 200"));
  CHECK(contains(second.err, " cells found, 0 computed in 0.0 s; "));
  CHECK(contains(second.err, "0 dropped, 0 damaged"));
  CHECK(contains(second.err, " s saved"));
  CHECK(contains(tight.err, "are needed and encoder.cache_limit is 1.0 MB"));

  const Outcome trained = cached("e", "embeddings", " --set encoder.frozen=false");
  CHECK(trained.status == 2);
  CHECK(contains(trained.err, "'encoder.cache' is 'disk' and 'encoder.frozen' is false"));
  write_file(folder / "file", "");
  const Outcome refused = cached("f", "file");
  CHECK(refused.status == 2);
  CHECK(contains(refused.err, "is not a folder; set encoder.cache_folder"));
  CHECK_FALSE(std::filesystem::exists(folder / "f/experiment.toml"));
}

TEST_CASE("oracle: describe adds columns, keeps the rest, and works with a moved model") {
  const TemporaryFolder folder;
  REQUIRE(command(tiny(folder / "run", "--set 'baselines=[]'")).status == 0);
  std::filesystem::rename(folder / "run/model", folder / "moved");
  std::filesystem::remove_all(folder / "run");
  const std::string out = (folder / "described.h5ad").string(),
                    model = " --model '" + (folder / "moved").string() + "'";
  const auto input = source_dir() / "data/demo/pbmc.h5ad";
  // From an empty folder, with the checkout out of the way of relative paths.
  std::string output;
  const std::string program = "'" + (build_dir() / "bin/cell2text").string() + "' describe '";
  REQUIRE(run_command(
              "cd '" + folder.path().string() + "' && " + program + input.string() + "'" + model + " -o '" + out + "'",
              output) == 0);
  const auto checked = oracle("described.py", 0, {input.string(), out});
  CHECK(std::filesystem::exists(checked / "ok"));

  {  // an existing column is never replaced without --overwrite
    const Outcome refused =
        command("describe '" + out + "'" + model + " -o '" + (folder / "again.h5ad").string() + "'");
    CHECK(refused.status == 2);
    CHECK(contains(refused.err, "cell2text_description"));
    CHECK_FALSE(std::filesystem::exists(folder / "again.h5ad"));
    CHECK(command("describe '" + out + "'" + model + " --overwrite -o '" + (folder / "again.h5ad").string() + "'")
              .status == 0);
  }
  {  // as a table, with the same texts
    REQUIRE(
        command("describe '" + input.string() + "'" + model + " -o '" + (folder / "d.jsonl").string() + "'").status ==
        0);
    REQUIRE(command("describe '" + input.string() + "'" + model + " -o '" + (folder / "d.csv").string() + "'").status ==
            0);
    const auto tables =
        oracle("described_tables.py", 0, {out, (folder / "d.jsonl").string(), (folder / "d.csv").string()});
    CHECK(std::filesystem::exists(tables / "ok"));
  }
  {  // outputs that cannot be
    CHECK(command("describe '" + input.string() + "'" + model + " -o out.xlsx").status == 2);
    CHECK(command("describe /nonexistent.h5ad" + model + " -o '" + (folder / "x.h5ad").string() + "'").status == 2);
    CHECK_FALSE(std::filesystem::exists(folder / "x.h5ad"));
  }
}
