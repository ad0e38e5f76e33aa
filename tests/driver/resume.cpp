// kill -9, Ctrl-C and SIGTERM against the real command: the same command with --resume ends where an
// uninterrupted run ends, bit for bit.
#include <nlohmann/json.hpp>

#include "driver/child.hpp"

using namespace cell2text::test;
namespace fs = std::filesystem;

namespace {

using Words = std::vector<std::string>;

Words arguments(const fs::path& out, bool resume, const Words& more = {}) {
  Words all{"run", "examples/quickstart.toml"};
  if (resume) all.push_back("--resume");
  all.insert(all.end(), {"--out", out.string()});
  for (const char* setting :
       {"training.epochs=3", "training.batch_size=4", "training.checkpoint_steps=2", "training.keep=best",
        "encoder.architecture.layers=1", "decoder.architecture.layers=1", "encoder.max_tokens=34",
        "prompt.max_genes=32", "split.train=0.06", "split.validation=0.02", "split.test=0.92",
        "generation.max_new_tokens=2", "generation.beams=1", "threads=1"})
    all.insert(all.end(), {"--set", setting});
  for (const std::string& setting : more) all.insert(all.end(), {"--set", setting});
  return all;
}

pid_t start(const fs::path& out, bool resume, const fs::path& log, const Words& more = {}) {
  return start_command(arguments(out, resume, more), log);
}

std::size_t lines(const fs::path& path) {
  const std::string text = read_file(path);
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

/// A folder that a checkpoint is being written into.
bool writing(const fs::path& out) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(out / "checkpoints", ignored))
    if (entry.path().extension() == ".partial") return true;
  return false;
}

/// log.jsonl without the times.
std::string course(const fs::path& out) {
  std::istringstream in(read_file(out / "log.jsonl"));
  std::string all;
  for (std::string line; std::getline(in, line);) {
    auto json = nlohmann::json::parse(line);
    json.erase("seconds");
    all += json.dump() + '\n';
  }
  return all;
}

void check_same(const fs::path& found, const fs::path& expected) {
  const bool same_course = course(found) == course(expected);
  CHECK(same_course);
  for (const char* file : {"model/adapter.safetensors", "model/encoder/model.safetensors",
                           "model/decoder/model.safetensors", "predictions.jsonl", "metrics.json"}) {
    CAPTURE(file);
    const bool same = read_file(found / file) == read_file(expected / file);
    CHECK(same);
  }
  CHECK_FALSE(fs::exists(found / "checkpoints"));
}

}  // namespace

TEST_CASE("resume: killed at ten random moments, a run ends as one that was not") {
  const auto seed = cell2text::test::seed();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  const TemporaryFolder folder;
  REQUIRE(wait_for(start(folder / "whole", false, folder / "log")) == 0);
  const std::size_t steps = lines(folder / "whole/log.jsonl");
  REQUIRE(steps > 30);
  const fs::path out = folder / "parts";
  int while_writing = 0, kills = 0;
  for (; kills < 10; ++kills) {
    const pid_t child = start(out, kills > 0, folder / "log");
    // Two lines or more each time, so that ten lives do not outlast the run; then at once, a while later, or in the
    // middle of writing a checkpoint.
    const std::size_t aim = lines(out / "log.jsonl") + 1 + random() % 3;
    bool alive = wait_until(child, [&] { return lines(out / "log.jsonl") >= aim; });
    if (kills % 2 == 0)
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 20'000));
    else if (alive)
      alive = wait_until(child, [&] { return writing(out); });
    kill(child, SIGKILL);
    const int status = wait_for(child);
    INFO("kill " << kills << ": " << read_file(folder / "log"));
    REQUIRE(alive);
    REQUIRE(status == -SIGKILL);
    while_writing += writing(out);
    CHECK_FALSE(fs::exists(out / "model"));
  }
  MESSAGE("of " << kills << " kills, " << while_writing << " hit a checkpoint being written");
  CHECK(while_writing > 0);
  REQUIRE(wait_for(start(out, true, folder / "log")) == 0);
  check_same(out, folder / "whole");

  // Killed after training, only the rest is done again.
  for (const char* file : {"report.html", "metrics.json", "predictions.jsonl"}) fs::remove(out / file);
  REQUIRE(wait_for(start(out, true, folder / "log")) == 0);
  check_same(out, folder / "whole");
  CHECK_FALSE(contains(read_file(folder / "log"), " steps in "));

  // A finished run is left alone.
  const auto before = fs::last_write_time(out / "report.html");
  CHECK(wait_for(start(out, true, folder / "log")) == 0);
  CHECK(contains(read_file(folder / "log"), "is finished"));
  CHECK(fs::last_write_time(out / "report.html") == before);
}

TEST_CASE("resume: Ctrl-C and SIGTERM write a checkpoint and end with a sentence") {
  const TemporaryFolder folder;
  REQUIRE(wait_for(start(folder / "whole", false, folder / "log")) == 0);
  const fs::path out = folder / "parts";
  for (const int signal : {SIGINT, SIGTERM}) {
    const pid_t child = start(out, true, folder / "log");
    const std::size_t aim = lines(out / "log.jsonl") + 3;
    REQUIRE(wait_until(child, [&] { return lines(out / "log.jsonl") >= aim; }));
    kill(child, signal);
    CHECK(wait_for(child) == 1);
    const std::string log = read_file(folder / "log");
    INFO(log);
    CHECK(contains(log, "interrupted after step"));
    CHECK(contains(log, "--resume goes on"));
    CHECK_FALSE(fs::exists(out / "model"));
  }
  // Another experiment does not go on with it.
  const Outcome other = command("run examples/quickstart.toml --resume --out '" + out.string() + "'");
  CHECK(other.status == 2);
  CHECK(contains(other.err, "is another experiment"));
  CHECK(contains(other.err, "Resume with the settings of before, or choose another folder with --out DIR"));
  REQUIRE(wait_for(start(out, true, folder / "log")) == 0);
  check_same(out, folder / "whole");
}

TEST_CASE("resume: a disk that is full while a checkpoint is written costs nothing but the time since the last one") {
  const TemporaryFolder folder;
  const fs::path out = folder / "run";
  std::string words = " " + quoted(build_dir() / "bin/cell2text");
  for (const auto& word : arguments(out, true)) words += " '" + word + "'";
  std::string output;
  // No file may grow beyond 64 kB: experiment and log fit, weights do not.
  CHECK(run_command("cd '" + source_dir().string() + "' && ulimit -f 64 &&" + words, output) == 1);
  INFO(output);
  CHECK(contains(output, "was not written"));
  CHECK(contains(output, "--resume"));
  CHECK_FALSE(contains(output, "internal error"));
  CHECK_FALSE(writing(out));
  REQUIRE(wait_for(start(out, true, folder / "log")) == 0);
}

TEST_CASE("resume: Ctrl-C ends a baseline's fit, and another one, none, or another metric take its place") {
  const TemporaryFolder folder;
  const fs::path out = folder / "run";
  const auto with = [](const Words& more) {
    Words all{"training.max_steps=2", "split.train=0.1", "split.validation=0.87", "split.test=0.03"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  };
  const auto log = [&] { return read_file(folder / "log"); };
  const pid_t child =
      start(out, false, folder / "log", with({"baselines.2.epochs=1000000", "baselines.2.patience=1000000"}));
  REQUIRE(wait_until(child, [&] { return fs::exists(out / "predictions.nearest.jsonl"); }));
  const double nearest = processor_seconds(child);  // which has yet to be scored before the fit begins
  REQUIRE(wait_until(child, [&] { return processor_seconds(child) > nearest + 3; }));
  const auto before = std::chrono::steady_clock::now();
  kill(child, SIGINT);
  CHECK(wait_for(child) == 1);
  INFO(log());
  CHECK(std::chrono::steady_clock::now() - before < std::chrono::seconds(10));
  CHECK(contains(log(), "interrupted while baseline 'head' was fitted; the same command with --resume goes on"));
  CHECK_FALSE(fs::exists(out / "baselines/head"));
  const std::string weights = read_file(out / "model/decoder/model.safetensors");

  const Words quick{"baselines.2.epochs=3", "baselines.3.trees=3"};
  REQUIRE(wait_for(start(out, true, folder / "log", with(quick))) == 0);
  CHECK(contains(log(), "metrics or baselines are others than before"));
  CHECK(contains(log(), "baseline nearest: fitted before"));
  CHECK(contains(log(), "baseline head: fitted on"));
  CHECK_FALSE(contains(log(), " steps in "));
  CHECK(contains(read_file(out / "experiment.toml"), "epochs = 3"));
  REQUIRE(wait_for(start(out, true, folder / "log", with(quick))) == 0);
  CHECK(contains(log(), "is finished"));

  // A finished run as well: without any baseline, and with one metric.
  REQUIRE(wait_for(start(out, true, folder / "log", with({"baselines=[]", "metrics=[{plugin=\"overlap\"}]"}))) == 0);
  CHECK_FALSE(contains(log(), " steps in "));
  const auto comparisons = nlohmann::json::parse(read_file(out / "comparisons.json"));
  REQUIRE(comparisons["systems"].size() == 1);
  CHECK(comparisons["systems"][0]["name"] == "shuffled");
  const auto metrics = nlohmann::json::parse(read_file(out / "metrics.json"));
  CHECK(metrics.size() == 1);
  CHECK(metrics.contains("overlap"));
  CHECK(fs::exists(out / "report.html"));
  CHECK(read_file(out / "model/decoder/model.safetensors") == weights);
}
