// cell2text grid: runs as processes; killed and resumed, shared, interrupted, failing, and what bad input is told.
#include <sys/stat.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "driver/made_up_checkpoints.hpp"
#include "driver/terminal.hpp"

using namespace cell2text::test;
namespace fs = std::filesystem;

namespace {

using Words = std::vector<std::string>;

Words grid_words(const std::string& grid, const fs::path& out, const Words& more = {}) {
  Words words{"grid", "examples/grids/tiny/" + grid + ".toml", "--out", out.string()};
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

std::string joined(const Words& words) {
  std::string all;
  for (const std::string& word : words) all += " '" + word + "'";
  return all;
}

std::vector<fs::path> run_folders(const fs::path& out) {
  std::vector<fs::path> folders;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(out / "runs", ignored)) folders.push_back(entry.path());
  std::ranges::sort(folders);
  return folders;
}

std::size_t finished(const fs::path& out) {
  std::size_t count = 0;
  for (const fs::path& folder : run_folders(out)) count += fs::exists(folder / "report.html");
  return count;
}

/// The entries of the cache by name, with what changes when one is written anew.
std::map<std::string, ino_t> entries(const fs::path& out) {
  std::map<std::string, ino_t> found;
  std::error_code ignored;
  for (const auto& entry : fs::recursive_directory_iterator(out / "embeddings", ignored)) {
    struct stat status = {};
    if (entry.path().extension() == ".embedding" && ::stat(entry.path().c_str(), &status) == 0)
      found[entry.path().filename().string()] = status.st_ino;
  }
  return found;
}

/// The runs of a grid's folder that are processes now: what a killed grid leaves behind for a while.
std::vector<pid_t> processes_of(const fs::path& out) {
  std::vector<pid_t> found;
  for (const auto& process : fs::directory_iterator("/proc")) {
    const std::string name = process.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    if (contains(read_file(process.path() / "cmdline"), (out / "runs").string())) found.push_back(std::stoi(name));
  }
  return found;
}

bool in_use(const fs::path& out) {
  return !processes_of(out).empty();
}

void wait_for_children_of(const fs::path& out) {
  for (int i = 0; i < 600 && in_use(out); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(50));
  REQUIRE_FALSE(in_use(out));
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

}  // namespace

TEST_CASE(
    "grid: encoders x adapters x fine-tuning with two seeds, killed twice, ends with 24 runs and each embedding "
    "computed once") {
  const TemporaryFolder folder;
  const fs::path out = folder / "grid";
  std::map<std::string, ino_t> before;
  // Killed while one is running: the grid alone, whose runs end by themselves, and then all of it at once.
  for (const std::size_t aim : {3, 8}) {
    const pid_t child = start_command(grid_words("encoders-adapters", out, {"--jobs", "2"}), folder / "log");
    REQUIRE(wait_until(child, [&] { return finished(out) >= aim; }));
    kill(child, SIGKILL);
    CHECK(wait_for(child) == -SIGKILL);
    if (aim > 3)
      for (const pid_t run : processes_of(out)) kill(run, SIGKILL);
    wait_for_children_of(out);
    const auto now = entries(out);
    CHECK(now.size() > before.size());
    for (const auto& [name, inode] : before) CHECK(now.at(name) == inode);
    before = now;
  }
  std::map<fs::path, fs::file_time_type> reports;
  for (const fs::path& run : run_folders(out))
    if (fs::exists(run / "report.html")) reports[run] = fs::last_write_time(run / "report.html");
  const std::size_t done = reports.size();
  CHECK(done >= 8);
  CHECK(done < 24);

  const Outcome rest = command(joined(grid_words("encoders-adapters", out, {"--jobs", "2"})));
  INFO(rest.err);
  REQUIRE(rest.status == 0);
  CHECK(contains(rest.err, std::to_string(24 - done) + " runs done now, " + std::to_string(done) + " before"));
  CHECK(contains(rest.err, "shared embeddings: "));
  CHECK(contains(rest.out, "table: "));
  const auto runs = run_folders(out);
  CHECK(runs.size() == 24);
  CHECK(finished(out) == 24);
  for (const auto& [run, time] : reports) CHECK(fs::last_write_time(run / "report.html") == time);
  const auto now = entries(out);
  for (const auto& [name, inode] : before) CHECK(now.at(name) == inode);

  // The report and scripts read these.
  std::set<std::string> points;
  for (const fs::path& run : runs) {
    const auto point = nlohmann::json::parse(read_file(run / "grid_point.json"));
    CHECK(run.filename() == point["hash"].get<std::string>().substr(0, 12));
    points.insert(point["axes"].dump() + point["seed"].dump());
    CHECK(fs::exists(run / "metrics.json"));
  }
  CHECK(points.size() == 24);
  const auto csv = lines_of(read_file(out / "grid.csv"));
  REQUIRE(csv.size() == 25);
  CHECK(csv[0] ==
        "run,adapter.plugin,encoder,finetuning,seed,status,labels.cell_type.accuracy,"
        "labels.cell_type.macro_f1,overlap.exact,overlap.bleu_4,overlap.rouge_l_f");
  for (std::size_t i = 1; i < csv.size(); ++i) CHECK(contains(csv[i], ",done,"));

  // Once more: nothing is left to do, and nothing is done.
  const Outcome again = command(joined(grid_words("encoders-adapters", out)));
  CHECK(again.status == 0);
  CHECK(contains(again.err, "0 runs done now, 24 before"));
  CHECK(entries(out) == now);
}

TEST_CASE(
    "grid: two processes at once on one folder do each run once, and share embeddings that each computes in part") {
  const TemporaryFolder folder;
  const fs::path out = folder / "grid";
  const auto words = grid_words("output-norm", out, {"--set", "split.train=0.4", "--set", "split.test=0.55"});
  const pid_t first = start_command(words, folder / "first.log"), second = start_command(words, folder / "second.log");
  CHECK(wait_for(first) == 0);
  CHECK(wait_for(second) == 0);
  const std::string logs = read_file(folder / "first.log") + read_file(folder / "second.log");
  INFO(logs);
  CHECK(finished(out) == 3);
  std::int64_t computed = 0;
  for (const fs::path& run : run_folders(out)) {
    const std::string log = read_file(run / "grid_point.log");
    CHECK(contains(log, "report: "));
    CHECK_FALSE(contains(log, "another process is working"));
    const std::string begins = run.filename().string() + " begins";
    CHECK(logs.find(begins) == logs.rfind(begins));
    computed += nlohmann::json::parse(read_file(run / "embeddings.json"))["computed"].get<std::int64_t>();
  }
  CHECK(computed == static_cast<std::int64_t>(entries(out).size()));
}

TEST_CASE("grid: one run that fails does not stop the others, and is tried again") {
  const TemporaryFolder folder;
  const fs::path out = folder / "grid";
  write_file(folder / "grid.toml", "base = \"" + (source_dir() / "examples/grids/tiny/base.toml").string() +
                                       "\"\n[axes]\n\"data.path\" = [\"" + (folder / "cells.h5ad").string() +
                                       "\", \"data/demo/pbmc.h5ad\"]\n");
  const std::string words = "grid " + quoted(folder / "grid.toml") + " --out " + quoted(out);
  const Outcome first = command(words);
  INFO(first.err);
  CHECK(first.status == 1);
  CHECK(contains(first.err, "1 runs done now, 0 before, 1 failed"));
  CHECK(contains(first.err, "cells.h5ad"));
  CHECK(contains(first.err, "1 of the runs failed; the same command tries them again"));
  CHECK(contains(read_file(out / "grid.csv"), ",failed"));
  CHECK(contains(read_file(out / "grid.csv"), ",done,"));
  const Outcome plan = command(words + " --dry-run");
  CHECK(plan.status == 0);
  CHECK(contains(plan.out, "failed"));
  CHECK(contains(plan.out, "not known (?): "));
}

TEST_CASE("grid: Ctrl-C ends the runs with a checkpoint, and the same command goes on") {
  const TemporaryFolder folder;
  const fs::path out = folder / "grid";
  const auto words = grid_words("pooled", out, {"--jobs", "2", "--set", "training.epochs=200"});
  const pid_t child = start_command(words, folder / "log");
  REQUIRE(wait_until(child, [&] {
    const auto runs = run_folders(out);
    return std::ranges::count_if(runs, [](const fs::path& run) { return fs::exists(run / "log.jsonl"); }) == 2;
  }));
  kill(child, SIGINT);
  CHECK(wait_for(child) == 1);
  const std::string log = read_file(folder / "log");
  INFO(log);
  CHECK(contains(log, "interrupted; 2 runs are asked to end with a checkpoint"));
  CHECK(contains(log, "2 broken off, 1 not begun"));
  CHECK(contains(log, "the same command goes on where the runs were"));
  CHECK_FALSE(in_use(out));
  CHECK(finished(out) == 0);
  std::size_t checkpoints = 0;
  for (const fs::path& run : run_folders(out)) checkpoints += fs::exists(run / "checkpoints");
  CHECK(checkpoints == 2);
  CHECK(contains(read_file(out / "grid.csv"), ",broken off"));
}

TEST_CASE("grid: a terminal shows a bar for each running job and the best so far, and is left without them") {
  for (const unsigned short columns : {40, 120}) {
    CAPTURE(columns);
    const TemporaryFolder folder;
    Terminal terminal(columns, 24);
    const auto holds = [](const std::string& part) {
      return [part](const std::string& line) { return contains(line, part); };
    };
    std::size_t most_bars = 0, boards_with_bars = 0;
    bool cut_short = false;
    const int status = run_on_terminal(
        grid_words("output-norm", folder / "grid", {"--jobs", "2"}), terminal, {24, columns, 0, 0},
        [&](const std::vector<std::string>& screen) {
          const auto bars = static_cast<std::size_t>(std::ranges::count_if(screen, holds("░"))) +
                            static_cast<std::size_t>(std::ranges::count_if(screen, holds("████████████████")));
          most_bars = std::max(most_bars, bars);
          boards_with_bars += bars > 0 && std::ranges::any_of(screen, holds("RUN           cell_type.accuracy"));
          cut_short = cut_short || std::ranges::any_of(screen, holds("…"));
        });
    const auto screen = terminal.screen();
    std::string all;
    for (const std::string& line : screen) all += line + "\n";
    INFO(all);
    CHECK(status == 0);
    CHECK(most_bars == 2);
    CHECK(boards_with_bars > 0);
    CHECK((cut_short || columns > 40));
    CHECK(std::ranges::none_of(screen, holds("░")));
    CHECK(std::ranges::none_of(screen, holds(" waiting, ")));
    CHECK(std::ranges::any_of(screen, holds("runs done now, 0 before")));
  }
}

TEST_CASE("grid: the plan shows runs, their work and their status, and shards are its parts") {
  const TemporaryFolder folder;
  const fs::path out = folder / "grid";
  const Outcome plan = command(joined(grid_words("encoders-adapters", out, {"--dry-run"})));
  INFO(plan.out << plan.err);
  REQUIRE(plan.status == 0);
  CHECK_FALSE(fs::exists(out));
  CHECK(contains(plan.out, "encoders-adapters: 24 runs, 0 done; training takes "));
  CHECK(contains(plan.out, "frozen encoders: 4, shared by 24 runs"));  // two, at random weights of two seeds
  CHECK_FALSE(contains(plan.out, "?"));
  std::set<std::string> all, shards;
  const auto runs_of = [](const std::string& text) {
    std::set<std::string> runs;
    for (const std::string& line : lines_of(text))
      if (contains(line, "waiting")) runs.insert(line.substr(0, 12));
    return runs;
  };
  all = runs_of(plan.out);
  CHECK(all.size() == 24);
  for (const char* shard : {"1/5", "2/5", "3/5", "4/5", "5/5"}) {
    const auto part =
        runs_of(command(joined(grid_words("encoders-adapters", out, {"--dry-run", "--shard", shard}))).out);
    CHECK(part.size() >= 4);
    for (const std::string& run : part) CHECK(shards.insert(run).second);
  }
  CHECK(shards == all);
  for (const char* wrong : {"0/5", "6/5", "1", "a/b", "1/2/3", "-1/2", "1/0"}) {
    const Outcome refused = command(joined(grid_words("encoders-adapters", out, {"--dry-run", "--shard", wrong})));
    CHECK(refused.status == 2);
    CHECK(contains(refused.err, "expected i/n with i from 1 to n"));
  }
}

TEST_CASE("grid: the Slurm script is a script, with a task for each run") {
  const TemporaryFolder folder;
  const Outcome script = command(joined(grid_words("lora", folder / "grid", {"--slurm", "--set", "name=a b"})));
  REQUIRE(script.status == 0);
  CHECK(script.out.starts_with("#!/bin/bash\n"));
  CHECK(contains(script.out, "#SBATCH --array=1-4\n"));
  CHECK(contains(script.out, "--shard \"$SLURM_ARRAY_TASK_ID/4\""));
  CHECK(contains(script.out, "--set 'name=a b'"));
  write_file(folder / "script.sh", script.out);
  std::string said;
  CHECK(run_command("bash -n " + quoted(folder / "script.sh"), said) == 0);
  // As a task would run it, with a stand-in for srun that shows the words.
  write_file(folder / "srun", "#!/bin/sh\nprintf '%s\\n' \"$@\"\n");
  CHECK(run_command("chmod +x " + quoted(folder / "srun") + " && PATH=" + quoted(folder.path()) +
                        ":$PATH SLURM_ARRAY_TASK_ID=3 SLURM_CPUS_PER_TASK=2 bash " + quoted(folder / "script.sh"),
                    said) == 0);
  CHECK(contains(said, "cell2text\ngrid\nexamples/grids/tiny/lora.toml\n"));
  CHECK(contains(said, "--shard\n3/4\n"));
}

TEST_CASE("grid: bad input is found before the first run, with exit code 2") {
  const TemporaryFolder folder;
  const auto refused = [&](const std::string& text) {
    write_file(folder / "grid.toml",
               "base = \"" + (source_dir() / "examples/grids/tiny/base.toml").string() + "\"\n" + text);
    const Outcome outcome = command("grid " + quoted(folder / "grid.toml") + " --out " + quoted(folder / "out"));
    CHECK(outcome.status == 2);
    CHECK_FALSE(fs::exists(folder / "out"));
    return outcome.err;
  };
  CHECK(contains(refused("[axes]\n\"training.epocs\" = [1]\n"), "grid.toml:3:21: unknown key 'training.epocs'"));
  CHECK(contains(refused("[axes]\n\"training.epochs\" = [1, \"two\"]\n"), "'training.epochs' is a text ('two')"));
  CHECK(
      contains(refused("[axes]\n\"training.epochs\" = [1, 0]\n"), "'training.epochs' is 0; it must be between 1 and"));
  write_file(folder / "a.toml", "base = \"b.toml\"\n");
  write_file(folder / "b.toml", "base = \"a.toml\"\n");
  CHECK(contains(command("grid " + quoted(folder / "a.toml")).err, "'base' goes in a circle"));
  CHECK(contains(command("run " + quoted(folder / "a.toml")).err, "'base' goes in a circle"));
  CHECK(command("grid").status == 2);
  CHECK(contains(command("grid --help").out, "--shard 2/5"));
  fs::create_directory(folder / "full");
  write_file(folder / "full/letter.txt", "");
  const Outcome full = command(joined(grid_words("lora", folder / "full")));
  CHECK(full.status == 2);
  CHECK(contains(full.err, "is not empty and holds no grid"));
}

TEST_CASE("grid: the tiny grids run to their ends") {
  const TemporaryFolder folder;
  // What random-decoder compares with is made as its file says, elsewhere.
  const Outcome base = command("run examples/grids/tiny/base.toml --out " + quoted(folder / "base"));
  INFO(base.err);
  REQUIRE(base.status == 0);
  std::string decoder = read_file(source_dir() / "examples/grids/tiny/random-decoder.toml");
  const std::string place = "runs/tiny-base/";
  REQUIRE(decoder.find("\"" + place) != std::string::npos);
  decoder.replace(decoder.find("\"" + place) + 1, place.size(), (folder / "base").string() + "/");
  write_file(folder / "random-decoder.toml", decoder);
  fs::copy(source_dir() / "examples/grids/tiny/base.toml", folder / "base.toml");
  for (const char* name : {"paper", "lora", "genes", "fractions", "frozen", "cells-as-text", "random-decoder"}) {
    CAPTURE(name);
    const fs::path file = std::string(name) == "random-decoder"
                              ? folder / "random-decoder.toml"
                              : source_dir() / "examples/grids/tiny" / (std::string(name) + ".toml");
    const Outcome outcome = command("grid " + quoted(file) + " --out " + quoted(folder / name) + " --jobs 2");
    INFO(outcome.err);
    CHECK(outcome.status == 0);
    CHECK(finished(folder / name) == run_folders(folder / name).size());
    CHECK(finished(folder / name) >= 2);
  }
}

TEST_CASE("grid: the paper's experiments are checked with all that they build on, and print as one file") {
  for (const char* name : {"llama-lora", "llama-full", "gemma-full"}) {
    CAPTURE(name);
    const Outcome plan = command("run examples/paper/" + std::string(name) + ".toml --dry-run");
    INFO(plan.err);
    CHECK(plan.status == 0);
    CHECK(contains(plan.out, "optimizer = \"adam\""));
    CHECK_FALSE(contains(plan.out, "base ="));
  }
  // Of files that are not there the plan of a grid says so, and all else that it knows.
  const Outcome grid = command("grid examples/grids/paper.toml --dry-run --out /nonexistent/grid");
  INFO(grid.out << grid.err);
  CHECK(grid.status == 0);
  CHECK(contains(grid.out, "paper: 3 runs, 0 done"));
  CHECK(contains(grid.out, "not known (?): "));
}

TEST_CASE("grid: with made-up checkpoints of the published shapes, the paper's plan counts what would be trained") {
  const TemporaryFolder folder;
  const fs::path checkpoints = folder / "checkpoints";
  make_llama_1b(checkpoints / "Llama-3.2-1B-Instruct");
  make_gemma_4b(checkpoints / "gemma-3-4b-it");
  make_geneformer_316m(checkpoints / "Geneformer/Geneformer-V2-316M");
  fs::copy(source_dir() / "data/demo/genes", checkpoints / "Geneformer/geneformer");
  // The same files, with the checkpoints where they are here.
  for (const char* name : {"paper/llama-full.toml", "grids/paper.toml"}) {
    std::string text = read_file(source_dir() / "examples" / name);
    for (std::size_t at = 0; (at = text.find("\"checkpoints/", at)) != std::string::npos;)
      text.replace(at, 13, "\"" + checkpoints.string() + "/"), at += checkpoints.string().size();
    fs::create_directories((folder / name).parent_path());
    write_file(folder / name, text);
  }
  const Outcome plan = command("grid " + quoted(folder / "grids/paper.toml") + " --dry-run --out " +
                               quoted(folder / "out") + " --set data.path=data/demo/pbmc.h5ad --set split.by=cell");
  INFO(plan.out << plan.err);
  REQUIRE(plan.status == 0);
  CHECK_FALSE(contains(plan.out, "?"));
  const std::string trained[] = {"61,083,648", "1,242,372,096", "3,889,771,008"};  // adapter, and LoRA or decoder
  const char* const models[] = {"Llama-1B LoRA", "Llama-1B full", "Gemma-4B full"};
  for (std::size_t i = 0; i < 3; ++i) {
    bool told = false;
    for (const std::string& line : lines_of(plan.out)) told |= contains(line, models[i]) && contains(line, trained[i]);
    CHECK_MESSAGE(told, models[i] << " trains " << trained[i]);
  }
}
