// cell2text grid GRID.toml: many runs of one experiment along axes, on one machine or on many.
#include <fmt/format.h>
#include <unistd.h>

#include <set>
#include <thread>

#include "cell2text/cells/finding.hpp"
#include "cell2text/grid/work.hpp"
#include "cell2text/io/json.hpp"
#include "commands.hpp"
#include "grid_jobs.hpp"
#include "host.hpp"

namespace cell2text::driver {

namespace {

struct GridArguments {
  std::string file, out, shard;
  std::vector<std::string> set;
  int jobs = 1;
  bool dry_run = false, slurm = false;
};

/// Every n-th run, beginning with the i-th.
struct Shard {
  std::size_t i = 1, n = 1;
};

/// "2/5". InputError where it is none.
Shard read_shard(const std::string& text) {
  if (text.empty()) return {};
  Shard shard;
  char rest = 0;
  long long i = 0, n = 0;
  const bool plain = text.find_first_not_of("0123456789/") == std::string::npos && text.size() < 16;
  if (!plain || std::sscanf(text.c_str(), "%lld/%lld%c", &i, &n, &rest) != 2 || i < 1 || n < 1 || i > n)
    throw InputError("--shard " + text + ": expected i/n with i from 1 to n, as in --shard 2/5");
  shard.i = static_cast<std::size_t>(i), shard.n = static_cast<std::size_t>(n);
  return shard;
}

std::vector<const GridRun*> part_of(const std::vector<GridRun>& runs, const Shard& shard) {
  std::vector<const GridRun*> part;
  for (std::size_t k = shard.i - 1; k < runs.size(); k += shard.n) part.push_back(&runs[k]);
  return part;
}

std::string optional_number(const std::optional<std::int64_t>& number) {
  return number ? with_commas(*number) : "?";
}

/// Columns as wide as their widest text; numbers (from `first_number` on, but the last) to the right.
std::string aligned(const std::vector<std::vector<std::string>>& rows, std::size_t first_number) {
  std::vector<std::size_t> widths(rows.front().size());
  for (const auto& row : rows)
    for (std::size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], row[c].size());
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t c = 0; c < row.size(); ++c) {
      const bool number = c >= first_number && c + 1 < row.size();
      line += (c ? "  " : "") +
              (number ? fmt::format("{:>{}}", row[c], widths[c]) : fmt::format("{:<{}}", row[c], widths[c]));
    }
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

/// What runs that share a frozen encoder read of each other.
struct SharedEncoders {
  std::set<std::string> encoders;
  std::int64_t runs = 0, cells = 0, encoded = 0;  ///< cells that runs ask for, and that are encoded for all of them

  void add(const Experiment& experiment, const RunWork& work, std::map<std::string, std::int64_t>& most) {
    if (!GridFolder::shares_embeddings(experiment) || !work.train) return;
    // At random weights an encoder is another one with each seed.
    const bool random = !experiment.encoder.resolved.find("checkpoint");
    const std::string key = (random ? std::to_string(experiment.general.seed) + " " : "") + experiment.encoder.name +
                            to_json(experiment.encoder.resolved).dump() + to_json(experiment.data.resolved).dump() +
                            std::to_string(experiment.prompt.max_genes);
    const std::int64_t all = *work.train + *work.validation + *work.test;
    ++runs;
    encoders.insert(key);
    cells += *work.cells + experiment.training.epochs * *work.validation + *work.test;
    std::int64_t& known = most[key];
    encoded += std::max<std::int64_t>(all - known, 0);
    known = std::max(known, all);
  }
};

/// The runs as a table, with what is known of their work.
void print_plan(const GridFile& grid, const std::vector<GridRun>& runs, const std::vector<const GridRun*>& mine,
                const GridFolder& folder, const Registry& registry) {
  WorkEstimator estimator(registry);
  std::vector<std::vector<std::string>> rows{{"RUN"}};
  for (const auto& [name, value] : runs.front().point.axes) rows[0].push_back(name);
  const std::size_t first_number = rows[0].size();
  for (const char* title : {"SEED", "TRAINED", "STEPS", "CELLS", "TESTED", "STATUS"}) rows[0].emplace_back(title);
  std::set<std::string> reasons;
  SharedEncoders shared;
  std::map<std::string, std::int64_t> most;
  std::int64_t steps = 0, cells = 0, done = 0;
  for (const GridRun* run : mine) {
    const RunWork work = estimator.of(run->experiment);
    if (!work.reason.empty()) reasons.insert(work.reason);
    const RunStatus status = folder.status(*run);
    done += status == RunStatus::done;
    steps += work.steps.value_or(0), cells += work.cells.value_or(0);
    shared.add(run->experiment, work, most);
    auto& row = rows.emplace_back(std::vector<std::string>{run->folder()});
    for (const auto& [name, value] : run->point.axes) row.push_back(value->text());
    row.push_back(std::to_string(run->experiment.general.seed));
    for (const auto& number : {work.trained, work.steps, work.cells, work.test}) row.push_back(optional_number(number));
    row.emplace_back(text_of(status));
  }
  fmt::print("{}\n{}: {} runs", aligned(rows, first_number), grid.name, mine.size());
  if (mine.size() < runs.size()) fmt::print(" of {}", runs.size());
  fmt::print(", {} done; training takes {} steps over {} cells in all\n", done, with_commas(steps), with_commas(cells));
  if (shared.runs > 0)
    fmt::print(
        "frozen encoders: {}, shared by {} runs, which ask for {} embeddings of cells, of which {} are computed\n",
        shared.encoders.size(), shared.runs, with_commas(shared.cells), with_commas(shared.encoded));
  for (const std::string& reason : reasons) fmt::print("not known (?): {}\n", reason);
}

std::string shell_word(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

/// An array of one task a run, which goes on where it was when it is submitted again.
void print_slurm(const GridArguments& arguments, const GridFile& grid, const std::filesystem::path& out,
                 std::size_t runs) {
  std::string command = "cell2text grid " + shell_word(arguments.file) + " --out " + shell_word(out.string());
  for (const std::string& assignment : arguments.set) command += " --set " + shell_word(assignment);
  std::string job;
  for (const char c : grid.name) job += plain_letters.find(c) == std::string_view::npos ? '_' : c;
  fmt::print(
      "#!/bin/bash\n"
      "# The {0} runs of the grid {1}, one a task. Set what your cluster asks for, then:  sbatch THIS_FILE\n"
      "# Submitted again, it does what is left: done runs are skipped, those that were cut off go on from their last\n"
      "# checkpoint. More runs than your cluster allows in an array: raise the number after / below and at --array "
      "less.\n"
      "#SBATCH --job-name={1}\n"
      "#SBATCH --array=1-{0}\n"
      "#SBATCH --output=slurm-{1}-%A_%a.log\n"
      "#SBATCH --cpus-per-task=8\n"
      "#SBATCH --mem=32G\n"
      "#SBATCH --time=24:00:00\n"
      "#SBATCH --signal=TERM@120\n"
      "##SBATCH --gres=gpu:1\n"
      "set -euo pipefail\n"
      "cd {2}\n"
      "export OMP_NUM_THREADS=$SLURM_CPUS_PER_TASK\n"
      "srun {3} --shard \"$SLURM_ARRAY_TASK_ID/{0}\"\n",
      runs, job, shell_word(std::filesystem::current_path().string()), command);
}

/// What the cache of embeddings spared all runs of the folder, as they say it themselves.
std::string savings_text(const GridFolder& folder, const std::vector<GridRun>& runs) {
  std::int64_t found = 0, computed = 0;
  double seconds = 0, computing = 0;
  for (const GridRun& run : runs) {
    const auto file = RunFolder(folder.folder(run)).embeddings();
    if (!std::filesystem::exists(file)) continue;
    const nlohmann::json json = read_json(file);
    const std::string where = file.string();
    found += required<std::int64_t>(json, "found", where);
    computed += required<std::int64_t>(json, "computed", where);
    computing += required<double>(json, "seconds_computing", where);
    seconds +=
        std::max(required<double>(json, "seconds_found", where) - required<double>(json, "seconds_reading", where), 0.);
  }
  if (found + computed == 0) return "";
  return fmt::format(
      "shared embeddings: those of {} cells were computed in {:.1f} s and those of {} read, which saved {:.1f} s of "
      "encoding",
      with_commas(computed), computing, with_commas(found), seconds);
}

/// Says what became of the runs. EnvironmentError where it was interrupted, or where a run failed.
void tell_end(const JobsSummary& summary, const GridFolder& folder, const std::vector<GridRun>& runs) {
  const auto screen = terminal_size(STDOUT_FILENO);
  const auto board = leaderboard(folder, runs, {20, screen ? screen->columns : LeaderboardSize().columns});
  for (const std::string& line : board) fmt::print("{}\n", line);
  fmt::print("{}table: {}\n", board.empty() ? "" : "\n", folder.table().string());
  std::fflush(stdout);
  for (const auto& [run, reason] : summary.failed)
    log().warning(fmt::format("failed: {} ({}): {}", run->folder(), run->point.text(), reason));
  std::string text = fmt::format("{} runs done now, {} before", summary.done, summary.done_before);
  const auto also = [&](int count, const char* what) {
    if (count > 0) text += fmt::format(", {} {}", count, what);
  };
  also(summary.done_elsewhere, "meanwhile by other processes");
  also(summary.elsewhere, "being worked on by other processes");
  also(summary.broken_off, "broken off");
  also(summary.not_begun, "not begun");
  also(static_cast<int>(summary.failed.size()), "failed");
  if (const std::string saved = savings_text(folder, runs); !saved.empty()) text += "; " + saved;
  log().info(text);
  if (summary.interrupted) throw EnvironmentError("interrupted; the same command goes on where the runs were");
  if (!summary.failed.empty())
    throw EnvironmentError(
        fmt::format("{} of the runs failed; the same command tries them again, and their logs are {}",
                    summary.failed.size(), (folder.path() / "runs/*/grid_point.log").string()));
}

void grid(const GridArguments& arguments) {
  const GridFile grid = read_grid_file(arguments.file, arguments.set);
  const Registry registry;
  const std::vector<GridRun> runs = resolve_grid(grid, registry);
  const std::filesystem::path out = arguments.out.empty() ? "runs/" + grid.name : arguments.out;
  if (arguments.slurm) return print_slurm(arguments, grid, out, runs.size());
  const std::vector<const GridRun*> mine = part_of(runs, read_shard(arguments.shard));
  const GridFolder folder(out);
  if (arguments.dry_run) return print_plan(grid, runs, mine, folder, registry);
  folder.create(grid);
  JobOptions options{arguments.jobs, 0};
  if (arguments.jobs > 1)
    options.threads = std::max(1, static_cast<int>(std::thread::hardware_concurrency()) / arguments.jobs);
  log().info(fmt::format("{}: {} runs, {} at a time, in {}", grid.name, mine.size(), arguments.jobs, out.string()));
  tell_end(run_jobs(folder, runs, mine, options), folder, runs);
}

}  // namespace

void add_grid(CLI::App* command) {
  static GridArguments arguments;
  command->footer(
      "A grid file names a base experiment and axes (docs/grids.md):\n"
      "  base = \"quickstart.toml\"\n"
      "  seeds = [0, 1]\n"
      "  [axes]\n"
      "  \"adapter.plugin\" = [\"linear\", \"mlp\"]\n"
      "  \"training.learning_rate\" = { from = 1e-4, to = 1e-3, points = 3 }\n\n"
      "Each run has a folder named after the hash of its settings. Done runs are skipped and broken ones resumed, so "
      "the\n"
      "same command goes on with a grid that was cut off, and several may work on one folder at once.\n\n"
      "Examples:\n"
      "  cell2text grid examples/grids/tiny/adapters.toml --dry-run\n"
      "  cell2text grid grid.toml --jobs 4\n"
      "  cell2text grid grid.toml --shard 2/5                  (on the second of five machines)\n"
      "  cell2text grid grid.toml --slurm > grid.sbatch && sbatch grid.sbatch\n\n"
      "Exit codes: 0 all runs done, or worked on by other processes; 1 a run failed, or interrupted; 2 bad input.");
  command->add_option("GRID", arguments.file, "Grid file (.toml)")->required();
  command->add_option("--set", arguments.set, "Replace a setting of the base experiment (may be repeated)")->take_all();
  command->add_option("--out", arguments.out, "Folder of the grid (default runs/NAME)");
  auto* dry = command->add_flag("--dry-run", arguments.dry_run, "Check everything, print the table of runs, and stop");
  command->add_option("--jobs", arguments.jobs, "Runs at a time on this machine, which share its cores")
      ->check(CLI::Range(1, 1024));
  auto* shard = command->add_option("--shard", arguments.shard, "i/n: only every n-th run, from the i-th on");
  command->add_flag("--slurm", arguments.slurm, "Print a script for an array of Slurm jobs, one a run, and stop")
      ->excludes(shard)
      ->excludes(dry);
  command->callback([] { grid(arguments); });
}

}  // namespace cell2text::driver
