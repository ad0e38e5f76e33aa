// `cell2text dataset build`, as a person would: whole, killed, twice at once, on damaged files.
#include <sys/file.h>

#include <map>
#include <nlohmann/json.hpp>

#include "driver/child.hpp"

using namespace cell2text::test;
namespace fs = std::filesystem;

namespace {

/// A build file over the demo cells, with gene sets made of their own genes; `more` stands at its end.
class Demo {
 public:
  explicit Demo(const std::string& more = "") {
    std::string sets, sentences;
    const std::vector<std::string> genes{"CD3D", "CD3E",   "LYZ",   "CST3", "NKG7", "GZMB", "MS4A1", "CD79A",
                                         "FTL",  "S100A8", "CD79B", "CTSS", "IL7R", "PRF1", "LTB",   "TYROBP"};
    for (int set = 0; set < 8; ++set) {
      sets += "SET_" + std::to_string(set) + "\tnowhere";
      for (std::size_t gene = 0; gene < genes.size(); ++gene)
        if ((gene + set) % 4 == 0 || (gene + 2 * set) % 5 == 0) sets += "\t" + genes[gene];
      sets += "\n";
      sentences += "SET_" + std::to_string(set) + "\tGenes of kind " + std::to_string(set) + ".\n";
    }
    write_file(folder_ / "sets.gmt", sets);
    write_file(folder_ / "sentences.tsv", sentences);
    write(more);
  }

  void write(const std::string& more, const std::string& sources =
                                          "[[sources]]\nplugin = \"h5ad\"\npath = "
                                          "\"data/demo/pbmc.h5ad\"\n") const {
    write_file(file(), "name = \"demo\"\nthreads = 2\n" + sources + "[pathways]\nsets = \"" +
                           (folder_ / "sets.gmt").string() + "\"\ndescriptions = \"" +
                           (folder_ / "sentences.tsv").string() +
                           "\"\nminimum_coverage = 0.2\n[write]\ncells_per_file = 300\n[descriptions]\nontology = "
                           "\"data/demo/cl.obo\"\n" +
                           more);
  }
  fs::path file() const { return folder_ / "build.toml"; }
  fs::path path(const std::string& name) const { return folder_ / name; }
  Outcome build(const std::string& out, const std::string& more = "", const std::string& environment = "") const {
    return command("dataset build " + quoted(file()) + " --out " + quoted(path(out)) + " " + more, environment);
  }

 private:
  TemporaryFolder folder_;
};

/// Every file of a dataset but those that tell how long it took or when files changed.
std::map<std::string, std::string> contents(const fs::path& folder) {
  std::map<std::string, std::string> all;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file() && entry.path().filename() != "stage.json" && entry.path().filename() != "files.json")
      all[fs::relative(entry.path(), folder).string()] = read_file(entry.path());
  return all;
}

void check_same_dataset(const fs::path& found, const fs::path& expected) {
  const auto a = contents(found), b = contents(expected);
  std::vector<std::string> names_a, names_b;
  for (const auto& [name, bytes] : a) names_a.push_back(name);
  for (const auto& [name, bytes] : b) names_b.push_back(name);
  REQUIRE(names_a == names_b);
  for (const auto& [name, bytes] : a) {
    CAPTURE(name);
    const bool same = bytes == b.at(name);
    CHECK(same);
  }
}

/// How often a text occurs in another.
int times(const std::string& text, const std::string& part) {
  int n = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; ++at) ++n;
  return n;
}

}  // namespace

TEST_CASE(
    "dataset build: stages leave tables, files and dataset.toml; a second build finds them; a change redoes its part") {
  const Demo demo;
  const Outcome first = demo.build("out");
  INFO(first.err);
  REQUIRE(first.status == 0);
  for (const char* stage : {"filter", "sample", "split", "genes", "pathways", "describe", "write"}) {
    CAPTURE(stage);
    CHECK(fs::exists(demo.path("out") / "stages" / stage / "table.csv"));
    CHECK(contains(first.err, std::string(stage) + ": "));
  }
  CHECK_FALSE(contains(first.err, "(found)"));
  for (const char* file : {"cells-00001.h5ad", "cells-00002.h5ad", "cells-00003.h5ad", "dataset.toml"})
    CHECK(fs::exists(demo.path("out") / file));
  const std::string about = read_file(demo.path("out") / "dataset.toml");
  CHECK(contains(about, "cells = 700"));
  CHECK(contains(about, "shards = 3"));
  CHECK(contains(about, "taken = 700"));
  CHECK(contains(read_file(demo.path("out") / "stages/filter/table.csv"), "all cells,0,700"));
  CHECK(contains(read_file(demo.path("out") / "stages/describe/table.csv"), "This sample consists of "));

  const auto before = fs::last_write_time(demo.path("out") / "cells-00001.h5ad");
  const Outcome second = demo.build("out");
  INFO(second.err);
  CHECK(second.status == 0);
  CHECK(times(second.err, "(found)") == 7);
  CHECK(fs::last_write_time(demo.path("out") / "cells-00001.h5ad") == before);

  const Outcome smaller = demo.build("out", "--set sample.cells=250");
  INFO(smaller.err);
  CHECK(smaller.status == 0);
  CHECK(times(smaller.err, "(found)") == 1);  // the filter
  CHECK_FALSE(fs::exists(demo.path("out") / "cells-00002.h5ad"));
  CHECK(contains(read_file(demo.path("out") / "dataset.toml"), "cells = 250"));
  const Outcome fresh = demo.build("fresh", "--set sample.cells=250");
  REQUIRE(fresh.status == 0);
  check_same_dataset(demo.path("out"), demo.path("fresh"));
}

TEST_CASE("dataset build: a file that was removed is written again, and nothing else") {
  const Demo demo;
  REQUIRE(demo.build("out").status == 0);
  REQUIRE(demo.build("whole").status == 0);
  fs::remove(demo.path("out") / "cells-00002.h5ad");
  const auto before = fs::last_write_time(demo.path("out") / "cells-00001.h5ad");
  const Outcome again = demo.build("out");
  INFO(again.err);
  CHECK(again.status == 0);
  CHECK(times(again.err, "(found)") == 6);
  CHECK(fs::last_write_time(demo.path("out") / "cells-00001.h5ad") == before);
  check_same_dataset(demo.path("out"), demo.path("whole"));
}

TEST_CASE("dataset build: killed in every stage and at random moments, it ends as one that was not") {
  const auto number = seed();
  INFO("seed " << number);
  std::mt19937_64 random(number);
  const Demo demo("[filter]\nminimum_genes = 150\n");
  REQUIRE(demo.build("whole").status == 0);
  const fs::path out = demo.path("parts");
  const std::vector<std::string> words{"dataset", "build", demo.file().string(), "--out", out.string()};
  int kills = 0;
  for (const char* stage : {"filter", "sample", "split", "genes", "pathways", "describe", "write"}) {
    CAPTURE(stage);
    // In the middle of the stage, or where it was too quick to be met, right after it.
    const pid_t child = start_command(words, demo.path("log"));
    const auto folder = out / "stages" / stage, partial = fs::path(folder.string() + ".partial");
    const bool alive = wait_until(child, [&] { return fs::exists(partial) || fs::exists(folder); });
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 3'000));
    kill(child, SIGKILL);
    const int status = wait_for(child);
    INFO(read_file(demo.path("log")));
    REQUIRE(alive);
    kills += status == -SIGKILL;
    if (std::string(stage) != "write") CHECK_FALSE(fs::exists(out / "dataset.toml"));
  }
  CHECK(kills >= 6);
  for (int more = 0; more < 3; ++more) {
    fs::remove(out / "dataset.toml");
    fs::remove(out / "cells-00001.h5ad");
    const pid_t child = start_command(words, demo.path("log"));
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % 400));
    kill(child, SIGKILL);
    wait_for(child);
  }
  const Outcome last = demo.build("parts");
  INFO(last.err);
  REQUIRE(last.status == 0);
  for (const auto& entry : fs::recursive_directory_iterator(out)) {  // what killed writers left
    CAPTURE(entry.path().string());
    CHECK(entry.path().extension() != ".partial");
  }
  for (const auto& entry : fs::directory_iterator(out))
    if (entry.path().extension() == ".tmp") fs::remove(entry.path());
  check_same_dataset(out, demo.path("whole"));
}

TEST_CASE("dataset build: Ctrl-C ends with a sentence, and the same command goes on") {
  const Demo demo;
  REQUIRE(demo.build("whole").status == 0);
  const fs::path out = demo.path("parts");
  const pid_t child =
      start_command({"dataset", "build", demo.file().string(), "--out", out.string()}, demo.path("log"));
  REQUIRE(wait_until(child, [&] { return fs::exists(out / "stages/sample"); }));
  kill(child, SIGINT);
  const int status = wait_for(child);
  INFO(read_file(demo.path("log")));
  CHECK((status == 1 || status == 0));  // 0: it was faster
  if (status == 1) CHECK(contains(read_file(demo.path("log")), "the same command goes on from there"));
  REQUIRE(demo.build("parts").status == 0);
  check_same_dataset(out, demo.path("whole"));
}

TEST_CASE("dataset build: a second build into the same folder is refused; so is a folder that holds something else") {
  const Demo demo;
  REQUIRE(demo.build("out", "--until filter").status == 0);
  CHECK_FALSE(fs::exists(demo.path("out") / "stages/sample"));
  const int held = open(demo.path("out").c_str(), O_RDONLY | O_DIRECTORY);
  REQUIRE(flock(held, LOCK_EX | LOCK_NB) == 0);
  const Outcome second = demo.build("out");
  close(held);
  INFO(second.err);
  CHECK(second.status == 2);
  CHECK(contains(second.err, "another process is working on"));
  fs::create_directory(demo.path("other"));
  write_file(demo.path("other") / "thesis.txt", "words");
  const Outcome other = demo.build("other");
  INFO(other.err);
  CHECK(other.status == 2);
  CHECK(contains(other.err, "is not empty and holds no dataset"));
  CHECK(read_file(demo.path("other") / "thesis.txt") == "words");
}

TEST_CASE("dataset build: a full disk is an error that leaves no file under a final name") {
  const Demo demo;
  REQUIRE(demo.build("out", "--until describe").status == 0);
  const Outcome full = demo.build("out", "", "ulimit -f 300;");
  INFO(full.err);
  CHECK(full.status == 1);
  CHECK(contains(full.err, "cells-00001.h5ad"));
  CHECK(contains(full.err, "MiB are needed"));
  for (const auto& entry : fs::directory_iterator(demo.path("out"))) {
    CAPTURE(entry.path().string());
    CHECK(entry.path().filename() == "stages");
  }
  CHECK(demo.build("out").status == 0);
}

TEST_CASE("dataset build: damaged sources are named, and left out on request") {
  const Demo demo;
  const std::string whole = read_file(source_dir() / "data/demo/pbmc.h5ad");
  write_file(demo.path("a-cut.h5ad"), whole.substr(0, whole.size() / 2));
  write_file(demo.path("b-good.h5ad"), whole);
  demo.write("", "[[sources]]\nplugin = \"h5ad\"\npath = " + ("\"" + demo.path("*.h5ad").string() + "\"\n"));
  const Outcome refused = demo.build("out");
  INFO(refused.err);
  CHECK(refused.status == 2);
  CHECK(contains(refused.err, "a-cut.h5ad"));
  const Outcome skipped = demo.build("out", "--skip-damaged");
  INFO(skipped.err);
  CHECK(skipped.status == 0);
  CHECK(contains(skipped.err, "left out: "));
  CHECK(contains(skipped.err, "a-cut.h5ad"));
  CHECK(contains(read_file(demo.path("out") / "dataset.toml"), "cells = 700"));
}

TEST_CASE("dataset build: what is wrong with a build file is said with its place, all at once") {
  const Demo demo;
  const auto refused = [&](const std::string& more, const std::string& sources) {
    demo.write(more, sources);
    const Outcome outcome = demo.build("none");
    INFO(outcome.err);
    CHECK(outcome.status == 2);
    CHECK_FALSE(fs::exists(demo.path("none") / "dataset.toml"));
    return outcome.err;
  };
  const std::string pbmc = "[[sources]]\nplugin = \"h5ad\"\npath = \"data/demo/pbmc.h5ad\"\n";
  CHECK(contains(refused("", ""), "no [[sources]]"));
  CHECK(contains(refused("", pbmc + pbmc), "is already a source"));
  CHECK(
      contains(refused("", "[[sources]]\nplugin = \"h5ad\"\npath = \"data/none-*.h5ad\"\n"), "no file is called like"));
  CHECK(contains(refused("", "[[sources]]\nplugin = \"h5da\"\npath = \"x\"\n"), "h5ad"));
  const std::string two = refused("[spllit]\ntrain = 1\n[sample]\ncells = 0\n", pbmc);
  CHECK(contains(two, "unknown table [spllit]; did you mean 'split'?"));
  CHECK(contains(two, "'sample.cells' is 0"));
  CHECK(contains(refused("[columns]\ncell_type = \"celltype\"\n", pbmc), "did you mean 'cell_type'?"));
  CHECK(contains(refused("[filter]\nminimum_genes = 100000\n", pbmc), "no cell of 700 passes the filter"));
  CHECK(contains(refused("[filter]\nknown = [\"sex\"]\n", pbmc), "unknown sex 700"));
  demo.write("", pbmc);
  CHECK(contains(demo.build("none", "--set 'write.columns=[\"split\"]'").err, "a column of the dataset itself"));
  CHECK(contains(demo.build("none", "--set 'write.columns=[\"louvaim\"]'").err, "did you mean 'louvain'?"));
  const Outcome kept = demo.build("kept",
                                  "--set 'write.columns=[\"louvain\"]' --set pathways.ties=seeded --set "
                                  "write.compression=gzip");
  INFO(kept.err);
  CHECK(kept.status == 0);
}

TEST_CASE("oracle: a dataset built from several files is what scanpy makes of them") {
  const auto number = seed();
  INFO("seed " << number);
  for (int round = 0; round < 2; ++round) {
    const auto files = oracle("dataset_files.py", number + round);
    const Outcome built = command("dataset build " + quoted(files / "build.toml") + " --out " + quoted(files / "out"));
    INFO(built.err);
    REQUIRE(built.status == 0);
    const auto checked = oracle("dataset_built.py", number + round, {files.path().string()});
    MESSAGE(read_file(checked / "summary.txt"));
  }
}
