// What a person sees on stderr: the log, and progress with rate and time left.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cell2text/context.hpp"

namespace cell2text::driver {

/// The program's log: messages of the core and of plugins, on stderr. Valid for the whole run.
Log log();

/// Seconds as "47 s", "3 min 20 s", "2 h 05 min".
std::string duration_text(double seconds);

struct TerminalSize {
  std::size_t columns = 80, rows = 24;
};
/// Of the terminal that a descriptor is; the usual size where it does not say, nothing where it is none.
std::optional<TerminalSize> terminal_size(int descriptor);

/// At most so many characters, "…" in place of what is cut off. A byte that is no UTF-8 counts as one.
std::string cut(const std::string& line, std::size_t columns);

/// "██████░░", so many characters wide; `share` from 0 to 1.
std::string bar(double share, int width);

/// Lines at the bottom of the terminal that stderr is, in place of those that were drawn before. Each is cut to the
/// terminal's width, and they are as many as fit. What is logged meanwhile goes above them.
void draw_lines(const std::vector<std::string>& lines);
/// Takes them away.
void clear_lines();
/// Leaves them; what comes next goes below.
void keep_lines();

/// A bar on a terminal; elsewhere a plain line for the first update, and one now and then.
class Progress {
 public:
  /// `unit` in the plural ("cells"). `before` were done by an earlier process, and say nothing of this one's speed.
  /// Nothing is shown before the first update.
  Progress(std::string what, std::int64_t total, std::string unit, std::int64_t before = 0);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// `done` of `total`; `detail` stands at the end of the line ("loss 1.23").
  void update(std::int64_t done, const std::string& detail = "");

 private:
  void show(std::int64_t done, const std::string& detail);

  std::string what_, unit_;
  std::int64_t total_, before_;
  bool terminal_;
  std::chrono::steady_clock::time_point started_, shown_;
  bool began_ = false;
};

}  // namespace cell2text::driver
