// The runs of a grid as child processes: so many at a time, each held by a lease, watched until it ends.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "cell2text/grid/grid_folder.hpp"

namespace cell2text::driver {

struct JobOptions {
  int at_once = 1;           ///< runs at a time
  std::int64_t threads = 0;  ///< of a run whose experiment leaves them open; 0 = leave them open
};

/// What became of the runs that a process was asked for.
struct JobsSummary {
  int done_before = 0;                                         ///< when it began
  int done = 0;                                                ///< by this process
  int done_elsewhere = 0;                                      ///< meanwhile, by others
  int elsewhere = 0;                                           ///< still worked on by others
  int not_begun = 0;                                           ///< since it was interrupted
  int broken_off = 0;                                          ///< by the interruption; going on is possible
  std::vector<std::pair<const GridRun*, std::string>> failed;  ///< with the reason
  bool interrupted = false;
};

/// Runs what of `mine` is not done, `all` being the whole grid, whose table is kept up to date. One that fails does not
/// stop the others. After Ctrl-C or SIGTERM, running ones are asked to end with a checkpoint, and waited for.
JobsSummary run_jobs(const GridFolder& folder, const std::vector<GridRun>& all, const std::vector<const GridRun*>& mine,
                     const JobOptions& options);

struct LeaderboardSize {
  std::size_t runs = 20;
  std::size_t columns = 1000;  ///< of the terminal: fewer scores are shown where they do not fit
};

/// The runs with their scores, best first, a line each below one of titles. Empty where none has a score.
std::vector<std::string> leaderboard(const GridFolder& folder, const std::vector<GridRun>& runs,
                                     const LeaderboardSize& size = {});

}  // namespace cell2text::driver
