// kill -9, Ctrl-C and SIGTERM against the real command: the same command with --resume ends where an
// uninterrupted run ends, bit for bit.
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "driver/command.hpp"

using namespace cell2text::test;
namespace fs = std::filesystem;

namespace {

std::vector<std::string> arguments(const fs::path& out, bool resume) {
  std::vector<std::string> all{(build_dir() / "bin/cell2text").string(), "run", "examples/quickstart.toml"};
  if (resume) all.push_back("--resume");
  all.insert(all.end(), {"--out", out.string()});
  for (const char* setting :
       {"training.epochs=3", "training.batch_size=4", "training.checkpoint_steps=2", "training.keep=best",
        "encoder.architecture.layers=1", "decoder.architecture.layers=1", "encoder.max_tokens=34",
        "prompt.max_genes=32", "split.train=0.06", "split.validation=0.02", "split.test=0.92",
        "generation.max_new_tokens=2", "generation.beams=1", "threads=1"})
    all.insert(all.end(), {"--set", setting});
  return all;
}

pid_t start(const fs::path& out, bool resume, const fs::path& log) {
  const auto words = arguments(out, resume);
  std::vector<char*> argv;
  for (const auto& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  const std::string folder = source_dir().string();
  const pid_t child = fork();
  if (child == 0) {
    const int file = open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (chdir(folder.c_str()) != 0 || dup2(file, 1) < 0 || dup2(file, 2) < 0) _exit(126);
    execv(argv[0], argv.data());
    _exit(127);
  }
  return child;
}

/// Exit status, or -signal.
int wait_for(pid_t child) {
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

bool ended(pid_t child) {
  siginfo_t info = {};
  return waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == child;
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

template <class Condition>
bool wait_until(pid_t child, Condition condition) {
  while (!ended(child)) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::microseconds(50));
  }
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
  std::string words;
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
