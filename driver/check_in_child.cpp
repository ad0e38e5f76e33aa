#include "check_in_child.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "cell2text/text/utf8.hpp"
#include "cell2text/text/words.hpp"

namespace cell2text::driver {

namespace {

using conformance::Check;
using conformance::Result;
using conformance::Status;
using conformance::Subject;
using Clock = std::chrono::steady_clock;

struct Child {
  pid_t process = -1;
  int results = -1;  ///< lines of JSON come from here
  int said = -1;     ///< a file in memory with all that it prints
};

void send(int to, const nlohmann::json& line) {
  const std::string text = line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  for (std::size_t at = 0; at < text.size();) {
    const ssize_t put = ::write(to, text.data() + at, text.size() - at);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) _exit(1);  // the parent is gone
    at += static_cast<std::size_t>(put);
  }
}

/// All that the child does. A line when a check begins and one when it has ended: the parent sees where it crashed.
void run_checks(const std::vector<Check>& checks, Subject subject, std::size_t first, int to) {
  for (std::size_t i = 0; i < first; ++i)
    if (checks[i].prepares) conformance::run_check(checks[i], subject);
  for (std::size_t i = first; i < checks.size(); ++i) {
    send(to, {{"begin", i}});
    const Result result = conformance::run_check(checks[i], subject);
    send(to, {{"status", static_cast<int>(result.status)}, {"detail", result.detail}});
    if (conformance::ends_all(checks[i], result)) break;
  }
  send(to, {{"end", true}});
}

Child start(const std::vector<Check>& checks, const Subject& subject, std::size_t first) {
  int ends[2];
  Child child;
  child.said = ::memfd_create("cell2text plugins check", MFD_CLOEXEC);
  if (child.said < 0 || ::pipe2(ends, O_CLOEXEC) != 0)
    throw EnvironmentError(std::string("no pipe to a process that checks could be made: ") + std::strerror(errno));
  child.process = ::fork();
  if (child.process < 0)
    throw EnvironmentError(std::string("no process that checks could be made: ") + std::strerror(errno));
  if (child.process > 0) {
    ::close(ends[1]);
    child.results = ends[0];
    return child;
  }
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const rlimit no_core = {0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGABRT, SIGILL}) std::signal(signal, SIG_DFL);
  ::dup2(child.said, STDOUT_FILENO);
  ::dup2(child.said, STDERR_FILENO);
  run_checks(checks, subject, first, ends[1]);
  _exit(0);
}

/// Waits for the child; how it ended.
int reap(Child& child) {
  ::close(child.results);
  int status = 0;
  while (::waitpid(child.process, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

/// The last that the child printed, on one line.
std::string last_words(const Child& child) {
  const off_t size = ::lseek(child.said, 0, SEEK_END);
  std::string text(static_cast<std::size_t>(std::min<off_t>(std::max<off_t>(size, 0), 400)), '\0');
  const ssize_t got = ::pread(child.said, text.data(), text.size(), size - static_cast<off_t>(text.size()));
  text.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  for (char& letter : text)
    if (letter == '\n') letter = ' ';
  text = trim(replace_invalid_utf8(text));
  return text.empty() ? "" : "; the last that it printed: " + text;
}

std::string how_it_ended(int status) {
  if (!WIFSIGNALED(status))
    return "it ended the whole program with exit code " + std::to_string(WEXITSTATUS(status)) +
           " (by exit, or by an exception that the library threw while it was loaded)";
  const int signal = WTERMSIG(status);
  return std::string("it crashed: ") + ::strsignal(signal) + " (signal " + std::to_string(signal) + ")" +
         (signal == SIGABRT ? "; an exception that leaves a destructor or a noexcept function ends so" : "");
}

/// What comes from a child, line by line, until it ends or a check takes too long.
class Listener {
 public:
  Listener(const std::vector<Check>& checks, double seconds, std::vector<Result>& results)
      : checks_(checks), seconds_(seconds), results_(results) {}

  /// Listens to the end of the child. True where no other child has to go on.
  bool listen(Child& child) {
    Clock::time_point deadline = after(10 * seconds_);  // until the first check begins
    std::string text;
    while (true) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
      pollfd wait{child.results, POLLIN, 0};
      const int ready = ::poll(&wait, 1, static_cast<int>(std::max<std::int64_t>(left, 0)));
      if (ready < 0 && errno == EINTR) continue;
      if (ready == 0) return timed_out(child);
      char bytes[4096];
      const ssize_t got = ::read(child.results, bytes, sizeof bytes);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return ended(child);
      text.append(bytes, static_cast<std::size_t>(got));
      for (auto end = text.find('\n'); end != std::string::npos; end = text.find('\n')) {
        take(nlohmann::json::parse(text.substr(0, end)));
        text.erase(0, end + 1);
        deadline = after(seconds_);
      }
    }
  }

 private:
  static Clock::time_point after(double seconds) {
    return Clock::now() + std::chrono::milliseconds(static_cast<std::int64_t>(1000 * seconds));
  }
  void take(const nlohmann::json& line) {
    if (line.contains("begin")) begun_ = line["begin"].get<std::size_t>();
    if (line.contains("end")) all_ = true;
    if (!line.contains("status") || !begun_) return;
    add(static_cast<Status>(line["status"].get<int>()), line["detail"].get<std::string>());
  }
  void add(Status status, const std::string& detail) {
    results_.push_back({checks_[*begun_].name, checks_[*begun_].why, status, detail});
    begun_.reset();
  }
  bool ended(Child& child) {
    const int status = reap(child);
    if (all_) return true;
    if (!begun_)
      throw EnvironmentError("the process that checks ended between two checks: " + how_it_ended(status) +
                             last_words(child));
    return end_of_check(how_it_ended(status) + last_words(child));
  }
  bool timed_out(Child& child) {
    ::kill(child.process, SIGKILL);
    reap(child);
    if (!begun_) throw EnvironmentError("the process that checks did not come to its first check" + last_words(child));
    return end_of_check("it had not ended after " + cell2text::settings_detail::shortest(seconds_) +
                        " s; --seconds gives a slow plugin longer");
  }
  bool end_of_check(const std::string& detail) {
    const bool essential = checks_[*begun_].essential;
    add(Status::failed, detail);
    return essential;
  }

  const std::vector<Check>& checks_;
  double seconds_;
  std::vector<Result>& results_;
  std::optional<std::size_t> begun_;
  bool all_ = false;
};

}  // namespace

std::vector<Result> check_in_child(const std::vector<Check>& checks, const Subject& subject, double seconds) {
  std::vector<Result> results;
  for (bool done = false; !done && results.size() < checks.size();) {
    Child child = start(checks, subject, results.size());
    done = Listener(checks, seconds, results).listen(child);
    ::close(child.said);
  }
  const std::string because = results.empty() ? "" : results.back().name;
  while (results.size() < checks.size()) results.push_back(conformance::left_out(checks[results.size()], because));
  return results;
}

}  // namespace cell2text::driver
