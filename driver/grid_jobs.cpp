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

/// The last lines of a run's log that say something, at most so many bytes of it.
std::vector<std::string> last_lines(const std::filesystem::path& log) {
  std::ifstream in(log, std::ios::binary | std::ios::ate);
  if (!in) return {};
  const auto size = static_cast<std::int64_t>(in.tellg());
  in.seekg(std::max<std::int64_t>(size - 4096, 0));
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);)
    if (!line.empty()) lines.push_back(line);
  return lines;
}
std::string last_line(const std::filesystem::path& log) {
  const auto lines = last_lines(log);
  return lines.empty() ? "" : lines.back();
}

/// How far a run is: its log's last line of progress ("training 120/1470 cells, ..."), and the share that is done; the
/// last line of any kind where there is none yet.
struct RunProgress {
  std::string line;
  double share = 0;
};
RunProgress progress_of(const std::filesystem::path& log) {
  const auto lines = last_lines(log);
  for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
    long long done = 0, all = 0;
    int end = 0;
    if (std::sscanf(line->c_str(), "%*[a-z ]%lld/%lld %n", &done, &all, &end) == 2 && end > 0 && all > 0)
      return {*line, std::clamp(static_cast<double>(done) / static_cast<double>(all), 0., 1.)};
  }
  return {lines.empty() ? "starting" : lines.back(), 0};
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

/// "cell_type.accuracy" of "labels.cell_type.accuracy".
std::string_view short_name(std::size_t score) {
  const std::string_view name = main_scores[score];
  return name.substr(name.find('.') + 1);
}

std::size_t longest_point(const std::vector<GridRun>& runs) {
  std::size_t longest = 0;
  for (const GridRun& run : runs) longest = std::max(longest, run.point.text().size());
  return longest;
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
    if (terminal_) look_at_scores();
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
    clear_lines();
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
      log().warning(fmt::format("{} failed: {}: {}", run.folder(), run.point.text(), reason));
    }
    folder_.write_csv(all_);
    if (terminal_) look_at_scores();
  }

  void look_at_scores() { board_ = leaderboard(folder_, all_, {5, screen().columns}); }
  static TerminalSize screen() { return terminal_size(STDERR_FILENO).value_or(TerminalSize{}); }

  void end_all() {
    summary_.interrupted = true;
    say(fmt::format("interrupted; {} runs are asked to end with a checkpoint", jobs_.size()));
    for (const Job& job : jobs_) ::kill(job.process, SIGTERM);
  }

  void say(const std::string& text) {
    log().info(text);
    if (terminal_) shown_ = {};  // the log has taken the display away
  }

  // Lines that are drawn anew on a terminal; elsewhere a plain line a run now and then.
  void show() {
    const auto now = Clock::now();
    if (now - shown_ < (terminal_ ? std::chrono::milliseconds(500) : std::chrono::milliseconds(60'000))) return;
    shown_ = now;
    if (terminal_) return draw_lines(display());
    for (const Job& job : jobs_) log().info(job.run->folder() + ": " + last_line(folder_.log(*job.run)));
  }

  /// The best runs so far, two lines for each that is running, and how many there are of which kind.
  std::vector<std::string> display() const {
    std::vector<std::string> lines = board_;
    if (!lines.empty()) lines.emplace_back();
    const std::size_t rows = screen().rows, for_jobs = rows > lines.size() + 4 ? rows - lines.size() - 4 : 2;
    const std::size_t shown = std::min(jobs_.size(), std::max<std::size_t>(for_jobs / 2, 1));
    for (std::size_t i = 0; i < shown; ++i) {
      const Job& job = jobs_[i];
      const RunProgress progress = progress_of(folder_.log(*job.run));
      const std::chrono::duration<double> since = Clock::now() - job.began;
      lines.push_back(
          fmt::format("{}, {}: {}", job.run->folder(), duration_text(since.count()), job.run->point.text()));
      lines.push_back("  " + bar(progress.share, 16) + " " + progress.line);
    }
    if (shown < jobs_.size()) lines.push_back(fmt::format("and {} more", jobs_.size() - shown));
    lines.push_back(fmt::format("{} done, {} running, {} waiting, {} failed",
                                summary_.done_before + summary_.done + summary_.done_elsewhere, jobs_.size(),
                                waiting_.size(), summary_.failed.size()));
    return lines;
  }

  const GridFolder& folder_;
  const std::vector<GridRun>& all_;
  JobOptions options_;
  bool terminal_, warned_ = false;
  std::vector<const GridRun*> waiting_;
  std::vector<Job> jobs_;
  JobsSummary summary_;
  std::vector<std::string> board_;
  Clock::time_point shown_ = Clock::now(), next_look_ = Clock::now();
};

}  // namespace

JobsSummary run_jobs(const GridFolder& folder, const std::vector<GridRun>& all, const std::vector<const GridRun*>& mine,
                     const JobOptions& options) {
  return Jobs(folder, all, options).run(mine);
}

std::vector<std::string> leaderboard(const GridFolder& folder, const std::vector<GridRun>& runs,
                                     const LeaderboardSize& size) {
  std::vector<std::pair<const GridRun*, std::vector<std::optional<double>>>> rows;
  for (const GridRun& run : runs) rows.emplace_back(&run, folder.scores(run));
  std::vector<std::size_t> shown;
  std::size_t width = 14 + longest_point(runs);
  for (std::size_t s = 0; s < std::size(main_scores); ++s) {
    if (std::ranges::none_of(rows, [&](const auto& row) { return row.second[s].has_value(); })) continue;
    width += 2 + std::max<std::size_t>(short_name(s).size(), 6);
    if (!shown.empty() && width > size.columns) break;
    shown.push_back(s);
  }
  if (shown.empty()) return {};
  const auto best = [&](const auto& row) { return row.second[shown.front()].value_or(-1); };
  std::ranges::stable_sort(rows, std::greater{}, best);
  std::vector<std::string> lines{fmt::format("{:12}", "RUN")};
  for (const std::size_t s : shown) lines.front() += fmt::format("  {:>6}", short_name(s));
  for (std::size_t i = 0; i < rows.size() && i < size.runs && best(rows[i]) >= 0; ++i) {
    const auto& [run, scores] = rows[i];
    std::string& line = lines.emplace_back(run->folder());
    for (const std::size_t s : shown)
      line += fmt::format("  {:>{}}", scores[s] ? fmt::format("{:.4f}", *scores[s]) : "-",
                          std::max<std::size_t>(short_name(s).size(), 6));
    line += "  " + run->point.text();
  }
  return lines;
}

}  // namespace cell2text::driver
