#include "grid_jobs.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <thread>

#include "console.hpp"
#include "interrupts.hpp"

namespace cell2text::driver {

namespace {

using Clock = std::chrono::steady_clock;

struct Job {
  const GridRun* run = nullptr;
  Lease lease;
  pid_t process = -1;
  Clock::time_point began = Clock::now();
};

/// The end of a run's log: its last line that says something, at most so many bytes of it.
std::string last_line(const std::filesystem::path& log) {
  std::ifstream in(log, std::ios::binary | std::ios::ate);
  if (!in) return "";
  const auto size = static_cast<std::int64_t>(in.tellg());
  in.seekg(std::max<std::int64_t>(size - 4096, 0));
  std::string text{std::istreambuf_iterator<char>(in), {}};
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  const auto begin = text.find_last_of("\r\n");
  return begin == std::string::npos ? text : text.substr(begin + 1);
}

/// Starts `cell2text run` of a prepared run. It has a process group of its own, so that Ctrl-C reaches it through us
/// alone, and once; it holds the lease too; and it is asked to end when we are gone.
pid_t start(const GridFolder& folder, const GridRun& run, const Lease& lease, const JobOptions& options) {
  std::vector<std::string> words{"cell2text", "run",   folder.settings(run).string(),
                                 "--resume",  "--out", folder.folder(run).string()};
  if (options.threads > 0 && run.experiment.general.threads == 0)
    words.insert(words.end(), {"--set", fmt::format("threads={}", options.threads)});
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const std::string log_file = folder.log(run).string();
  const pid_t parent = ::getpid(), child = ::fork();
  if (child < 0)
    throw EnvironmentError(fmt::format("no process could be started: {}; run fewer at once (--jobs)",
                                       std::generic_category().message(errno)));
  if (child > 0) return child;
  // From here to exec: nothing that allocates, since other threads may have held a lock at the fork.
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  const int in = ::open("/dev/null", O_RDONLY), out = ::open(log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0666);
  if (::getppid() != parent || in < 0 || out < 0 || ::dup2(in, 0) < 0 || ::dup2(out, 1) < 0 || ::dup2(out, 2) < 0)
    ::_exit(126);
  lease.pass_on();
  ::execv("/proc/self/exe", argv.data());
  ::_exit(127);
}

/// What happened to a child, in words; empty where it ended well.
std::string reason_of(int status, const std::filesystem::path& log) {
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return "";
  if (WIFSIGNALED(status)) {
    const int number = WTERMSIG(status);
    return fmt::format("ended by signal {}{}; the end of {}: {}", number,
                       number == SIGKILL ? " (by someone, or for want of memory)" : "", log.string(), last_line(log));
  }
  if (WEXITSTATUS(status) == 126) return "its log " + log.string() + " cannot be written";
  if (WEXITSTATUS(status) == 127) return "the program could not be started again from /proc/self/exe";
  return last_line(log);
}

/// "training 120/1470 cells" as a bar.
std::string bar(const std::string& line) {
  constexpr int width = 16;
  const auto slash = line.find('/');
  const auto begin = slash == std::string::npos ? slash : line.find_last_not_of("0123456789", slash - 1);
  double share = 0;
  if (begin != std::string::npos && begin + 1 < slash) {
    const double done = std::strtod(line.c_str() + begin + 1, nullptr),
                 all = std::strtod(line.c_str() + slash + 1, nullptr);
    if (all > 0) share = std::min(done / all, 1.0);
  }
  std::string text;
  for (int i = 0; i < width; ++i) text += i < static_cast<int>(share * width) ? "█" : "░";
  return text;
}

class Jobs {
 public:
  Jobs(const GridFolder& folder, const std::vector<GridRun>& all, const JobOptions& options)
      : folder_(folder), all_(all), options_(options), terminal_(::isatty(STDERR_FILENO)) {}

  JobsSummary run(std::vector<const GridRun*> mine) {
    std::erase_if(mine, [&](const GridRun* one) {
      const bool done = RunFolder(folder_.folder(*one)).finished(one->experiment);
      summary_.done_before += done;
      return done;
    });
    waiting_ = std::move(mine);
    folder_.write_csv(all_);
    const Interrupts interrupts;
    int fruitless = 0;  // looks at what others hold, in a row
    while (true) {
      if (interrupts.asked() && !summary_.interrupted) end_all();
      if (!summary_.interrupted && std::ssize(jobs_) < options_.at_once && !waiting_.empty() &&
          Clock::now() >= next_look_) {
        fruitless = start_more() ? 0 : fruitless + 1;
        if (fruitless > 0) next_look_ = Clock::now() + std::chrono::milliseconds(500);
      }
      reap();
      show();
      if (jobs_.empty() && (waiting_.empty() || summary_.interrupted || fruitless > looks)) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    clear();
    (summary_.interrupted ? summary_.not_begun : summary_.elsewhere) = static_cast<int>(waiting_.size());
    folder_.write_csv(all_);
    return std::move(summary_);
  }

 private:
  /// How often what others hold is looked at before it is left to them.
  static constexpr int looks = 3;

  /// Starts runs while there is room; returns whether any was started or found to be done.
  bool start_more() {
    bool any = false;
    for (auto one = waiting_.begin(); one != waiting_.end() && std::ssize(jobs_) < options_.at_once;) {
      const GridRun& run = **one;
      Lease lease = folder_.lease(run);
      if (lease.state() == Lease::State::held) {
        ++one;
        continue;
      }
      if (lease.state() == Lease::State::unknown && !std::exchange(warned_, true))
        log().warning(folder_.path().string() +
                      ": the file system has no locks, so a run may be done twice; let no other process work on this "
                      "grid, or share it out with --shard");
      one = waiting_.erase(one);
      any = true;
      if (RunFolder(folder_.folder(run)).finished(run.experiment)) {
        ++summary_.done_elsewhere;
        continue;
      }
      folder_.prepare(run);
      const pid_t process = start(folder_, run, lease, options_);
      jobs_.push_back({&run, std::move(lease), process});
      say(fmt::format("{} begins: {}", run.folder(), run.point.text()));
    }
    return any;
  }

  void reap() {
    for (auto job = jobs_.begin(); job != jobs_.end();) {
      int status = 0;
      const pid_t ended = ::waitpid(job->process, &status, WNOHANG);
      if (ended == 0) {
        ++job;
        continue;
      }
      if (ended < 0) throw BugError("a run's process cannot be waited for");
      finish(*job, status);
      job = jobs_.erase(job);  // the lease goes here, when all of it is written
    }
  }

  void finish(const Job& job, int status) {
    const GridRun& run = *job.run;
    const std::string reason = reason_of(status, folder_.log(run));
    const double seconds = std::chrono::duration<double>(Clock::now() - job.began).count();
    if (reason.empty()) {
      ++summary_.done;
      std::string score;
      const auto scores = folder_.scores(run);
      for (std::size_t s = 0; s < scores.size() && score.empty(); ++s)
        if (scores[s]) score = fmt::format(", {} {:.4f}", main_scores[s], *scores[s]);
      say(fmt::format("{} done in {}{}: {}", run.folder(), duration_text(seconds), score, run.point.text()));
    } else if (summary_.interrupted) {
      ++summary_.broken_off;
    } else {
      folder_.failed(run, reason);
      summary_.failed.emplace_back(&run, reason);
      clear();
      log().warning(fmt::format("{} failed: {}: {}", run.folder(), run.point.text(), reason));
    }
    folder_.write_csv(all_);
    board_ = terminal_ ? leaderboard(folder_, all_, 5) : "";
  }

  void end_all() {
    summary_.interrupted = true;
    say(fmt::format("interrupted; {} runs are asked to end with a checkpoint", jobs_.size()));
    for (const Job& job : jobs_) ::kill(job.process, SIGTERM);
  }

  void say(const std::string& text) {
    clear();
    log().info(text);
  }

  // A block of lines that is drawn anew on a terminal; elsewhere a plain line a run now and then.
  void show() {
    const auto now = Clock::now();
    if (now - shown_ < (terminal_ ? std::chrono::milliseconds(500) : std::chrono::milliseconds(60'000))) return;
    shown_ = now;
    if (!terminal_) {
      for (const Job& job : jobs_) log().info(job.run->folder() + ": " + last_line(folder_.log(*job.run)));
      return;
    }
    clear();
    std::string text = board_;
    for (const Job& job : jobs_) {
      const std::string line = last_line(folder_.log(*job.run));
      text += fmt::format("{} {} {}\n", bar(line), job.run->folder(), line.substr(0, 60));
    }
    text += fmt::format("{} done, {} running, {} waiting, {} failed\n",
                        summary_.done_before + summary_.done + summary_.done_elsewhere, jobs_.size(), waiting_.size(),
                        summary_.failed.size());
    drawn_ = std::count(text.begin(), text.end(), '\n');
    std::fputs(text.c_str(), stderr);
    std::fflush(stderr);
  }
  void clear() {
    if (drawn_ > 0) std::fprintf(stderr, "\033[%ldA\r\033[J", static_cast<long>(drawn_));
    drawn_ = 0;
  }

  const GridFolder& folder_;
  const std::vector<GridRun>& all_;
  JobOptions options_;
  bool terminal_, warned_ = false;
  std::vector<const GridRun*> waiting_;
  std::vector<Job> jobs_;
  JobsSummary summary_;
  std::string board_;
  std::ptrdiff_t drawn_ = 0;
  Clock::time_point shown_ = Clock::now(), next_look_ = Clock::now();
};

}  // namespace

JobsSummary run_jobs(const GridFolder& folder, const std::vector<GridRun>& all, const std::vector<const GridRun*>& mine,
                     const JobOptions& options) {
  return Jobs(folder, all, options).run(mine);
}

std::string leaderboard(const GridFolder& folder, const std::vector<GridRun>& runs, std::size_t most) {
  std::vector<std::pair<const GridRun*, std::vector<std::optional<double>>>> rows;
  for (const GridRun& run : runs) rows.emplace_back(&run, folder.scores(run));
  std::vector<std::size_t> shown;
  for (std::size_t s = 0; s < std::size(main_scores); ++s)
    if (std::ranges::any_of(rows, [&](const auto& row) { return row.second[s].has_value(); })) shown.push_back(s);
  if (shown.empty()) return "";
  const auto best = [&](const auto& row) { return row.second[shown.front()].value_or(-1); };
  std::ranges::stable_sort(rows, std::greater{}, best);
  std::string text = "RUN         ";
  for (const std::size_t s : shown)
    text += fmt::format(
        "  {:>12}", std::string(main_scores[s]).substr(std::string_view(main_scores[s]).find('.') + 1).substr(0, 12));
  text += "\n";
  for (std::size_t i = 0; i < rows.size() && i < most && best(rows[i]) >= 0; ++i) {
    text += rows[i].first->folder();
    for (const std::size_t s : shown)
      text += rows[i].second[s] ? fmt::format("  {:>12.4f}", *rows[i].second[s]) : fmt::format("  {:>12}", "-");
    text += "  " + rows[i].first->point.text() + "\n";
  }
  return text;
}

}  // namespace cell2text::driver
