// kill -9, Ctrl-C and other commands' leavings against `describe`: the same command goes on with what is left, and ends
// where one that was never interrupted ends.
#include <sys/file.h>

#include <random>

#include "driver/described_files.hpp"

using namespace cell2text::test;
namespace fs = std::filesystem;

namespace {

const std::vector<std::string> all_columns{"--top", "2", "--min-confidence", "0.3"};

pid_t start_describing(const fs::path& out, const fs::path& log, const std::vector<std::string>& more = all_columns) {
  return start_command(describe_words(demo_cells(), out, more), log);
}

/// Lets a job come to `windows` finished windows and ends it with `signal`; its exit status.
int stop_at(const fs::path& out, const fs::path& log, std::ptrdiff_t windows, int signal,
            std::chrono::microseconds later = {}) {
  const pid_t child = start_describing(out, log);
  const bool alive = wait_until(child, [&] { return finished_windows(out) >= windows; });
  std::this_thread::sleep_for(later);
  kill(child, signal);
  const int status = wait_for(child);
  INFO(read_file(log));
  REQUIRE(alive);
  return status;
}

}  // namespace

TEST_CASE("describe: killed again and again, the same command ends with the same bytes") {
  const std::uint64_t number = seed();
  INFO("CELL2TEXT_TEST_SEED=" << number);
  std::mt19937_64 random(number);
  for (const char* name : {"out.csv", "out.jsonl", "out.h5ad"}) {
    CAPTURE(name);
    const TemporaryFolder whole, parts, logs;
    const fs::path log = logs / "log", out = parts / name;
    REQUIRE(wait_for(start_describing(whole / name, log)) == 0);
    std::ptrdiff_t windows = 0;
    for (int kills = 0; kills < 4; ++kills) {
      windows += 1 + static_cast<std::ptrdiff_t>(random() % 4);
      CHECK(stop_at(out, log, windows, SIGKILL, std::chrono::microseconds(random() % 5'000)) == -SIGKILL);
      CHECK(contains(read_file(log), "goes on where it was left") == (kills > 0));
      windows = finished_windows(out);
      CHECK_FALSE(fs::exists(out));
    }
    REQUIRE(windows < 23);  // of 700 cells
    REQUIRE(wait_for(start_describing(out, log)) == 0);
    CHECK(contains(read_file(log), "goes on where it was left"));
    CHECK(names_in(parts.path()) == std::vector<std::string>{name});
    const bool same = without_date(out) == without_date(whole / name);
    CHECK(same);
  }
}

TEST_CASE("describe: Ctrl-C and SIGTERM keep the finished windows and say so") {
  const TemporaryFolder folder, logs;
  const fs::path out = folder / "out.csv", log = logs / "log";
  std::ptrdiff_t windows = 3;
  for (const int signal : {SIGINT, SIGTERM}) {
    CHECK(stop_at(out, log, windows, signal) == 1);
    INFO(read_file(log));
    CHECK(contains(read_file(log), "interrupted after "));
    CHECK(contains(read_file(log),
                   " of them are kept in " + part_beside(out).string() + ", and the same command goes on there"));
    CHECK(names_in(folder.path()) == std::vector<std::string>{"out.csv.cell2text-part"});
    windows = finished_windows(out) + 2;
  }
  REQUIRE(wait_for(start_describing(out, log)) == 0);
  // How fast this process is says nothing of the cells of others.
  CHECK(contains(read_file(log), "cells/s, "));
  CHECK(contains(read_file(log), " left"));
}

TEST_CASE("describe: what another job left is refused and kept; another number of threads is told of") {
  const TemporaryFolder folder, logs;
  const fs::path out = folder / "out.csv", log = logs / "log";
  CHECK(stop_at(out, log, 2, SIGKILL) == -SIGKILL);
  const std::string part = read_file(part_beside(out));
  const auto refused = [&](const fs::path& cells, const std::vector<std::string>& more,
                           const std::vector<std::string>& parts) {
    CHECK(wait_for(start_command(describe_words(cells, out, more), log)) == 2);
    INFO(read_file(log));
    for (const std::string& text : parts) CHECK(contains(read_file(log), text));
    CHECK(contains(read_file(log), "run the command of then, or delete the file to start anew"));
    CHECK(read_file(part_beside(out)) == part);
  };
  refused(demo_cells(), {"--top", "3", "--min-confidence", "0.3"},
          {"out.csv.cell2text-part", "finished steps of another job", "'options/--top/0' is \"2\"; now it is \"3\""});
  refused(demo_cells(), {"--top", "2", "--min-confidence", "0.3", "--set", "generation.repetition_penalty=2"},
          {"'generation/repetition_penalty'"});
  const fs::path copy = logs / "copy.h5ad";
  fs::copy_file(demo_cells(), copy);
  refused(copy, all_columns, {"'cells/modified'"});

  auto words = describe_words(demo_cells(), out, all_columns);
  *(std::ranges::find(words, "--threads") + 1) = "2";
  CHECK(wait_for(start_command(words, log)) == 0);
  CHECK(contains(read_file(log), "it was begun on cpu with 1 threads, and goes on on cpu with 2 threads"));
}

TEST_CASE("describe: two processes do not work on one output, nor on one that is open elsewhere") {
  const TemporaryFolder folder, logs;
  const fs::path out = folder / "out.h5ad";
  const pid_t first = start_describing(out, logs / "first");
  REQUIRE(wait_until(first, [&] { return finished_windows(out) > 0; }));
  kill(first, SIGSTOP);
  CHECK(wait_for(start_describing(out, logs / "second")) == 2);
  CHECK(contains(read_file(logs / "second"), "another process is at work"));
  kill(first, SIGCONT);
  REQUIRE(wait_for(first) == 0);

  const int file = open(out.c_str(), O_RDWR);
  REQUIRE(flock(file, LOCK_EX | LOCK_NB) == 0);  // as HDF5 does for writing
  const Outcome refused = describe(demo_cells(), out);
  check_refused(refused, {"cannot write " + out.string(), "another program has it open for writing"});
  CHECK_FALSE(contains(refused.err, "describing"));
  CHECK(names_in(folder.path()) == std::vector<std::string>{"out.h5ad"});
  close(file);
  CHECK(describe(demo_cells(), out, "--cells 4").status == 0);
}

TEST_CASE("oracle: describe: memory does not grow with the number of cells") {
  const TemporaryFolder folder;
  const auto peak = [&](const std::string& cells, const char* ending) {
    return peak_mib({"describe", (folder / cells).string(), "--model", tiny_model().string(), "-o",
                     (folder / ("out." + std::string(ending))).string(), "--beams", "1", "--threads", "1", "--set",
                     "generation.max_new_tokens=2"},
                    folder / "log");
  };
  // The demo's cells again and again.
  for (const auto& [name, copies] : {std::pair("few.h5ad", "2"), std::pair("many.h5ad", "16")})
    oracle("many_cells.py", 0, {demo_cells().string(), copies, (folder / name).string()});
  for (const char* ending : {"jsonl", "h5ad"}) {
    const double few = peak("few.h5ad", ending), many = peak("many.h5ad", ending);
    MESSAGE(std::string(ending) << ": " << few << " MiB for 1,400 cells, " << many << " MiB for 11,200");
    CHECK(many - few < 10);
  }
}
