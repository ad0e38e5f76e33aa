// The built command as a child process that a test watches and kills.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "driver/command.hpp"

namespace cell2text::test {

/// Starts `cell2text WORDS...` in the checkout; what it prints goes to the file `log`.
inline pid_t start_command(std::vector<std::string> words, const std::filesystem::path& log) {
  words.insert(words.begin(), (build_dir() / "bin/cell2text").string());
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
inline int wait_for(pid_t child) {
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

inline bool ended(pid_t child) {
  siginfo_t info = {};
  return waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == child;
}

/// Whether the condition came true before the child ended.
template <class Condition>
bool wait_until(pid_t child, Condition condition) {
  while (!ended(child)) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  return false;
}

/// That a running child has used until now, whatever else runs.
inline double processor_seconds(pid_t child) {
  const std::string stat = read_file("/proc/" + std::to_string(child) + "/stat");
  std::istringstream words(stat.substr(stat.rfind(')') + 2));  // behind the name, which may hold blanks
  std::string word;
  for (int i = 0; i < 11; ++i) words >> word;
  double user = 0, system = 0;
  words >> user >> system;
  return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

/// Runs the command and gives the largest resident memory it had, in MiB. What a child took over from this process
/// before it became the command does not count.
inline double peak_mib(const std::vector<std::string>& words, const std::filesystem::path& log) {
  const pid_t child = start_command(words, log);
  double peak = 0;
  while (!ended(child)) {
    std::istringstream status(read_file("/proc/" + std::to_string(child) + "/status"));
    for (std::string line; std::getline(status, line);)
      if (line.starts_with("VmHWM:")) peak = std::stod(line.substr(6)) / 1024;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  INFO(read_file(log));
  REQUIRE(wait_for(child) == 0);
  return peak;
}

}  // namespace cell2text::test
