// cell2text report RUN_OR_GRID... -o report.html: one self-contained page about a run, or about many side by side.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "cell2text/io/atomic_file.hpp"
#include "cell2text/run_folder.hpp"
#include "commands.hpp"
#include "console.hpp"
#include "page.hpp"
#include "report_data.hpp"
#include "write_report.hpp"

namespace cell2text::driver {

extern const char* const report_script;

namespace {

namespace fs = std::filesystem;

struct ReportArguments {
  std::vector<std::string> folders;
  std::string out;
};

constexpr const char* report_examples =
    "A grid's folder stands for all runs in its 'runs'. A run that is unfinished or damaged is left out, and named on "
    "the\n"
    "page and in the log. What was varied is what the grid says, or else the settings that differ.\n\n"
    "Examples:\n"
    "  cell2text report runs/quickstart                              writes runs/quickstart/report.html\n"
    "  cell2text report runs/quickstart runs/deeper -o compared.html\n"
    "  cell2text report grids/encoders -o encoders.html";

bool is_grid(const fs::path& folder) {
  return fs::is_directory(folder / "runs") && !fs::exists(RunFolder(folder).experiment());
}

/// The runs in the folders that were named, each once.
std::vector<fs::path> run_folders(const std::vector<std::string>& named) {
  std::vector<fs::path> all;
  std::set<fs::path> known;
  const auto add = [&](const fs::path& folder) {
    std::error_code none;
    const fs::path canonical = fs::weakly_canonical(folder, none);
    if (known.insert(none ? folder : canonical).second)
      all.push_back(folder.lexically_normal());
    else
      log().warning(folder.string() + " is named twice, and is shown once");
  };
  for (const std::string& one : named) {
    std::error_code none;
    if (!fs::is_directory(one, none))
      throw InputError(one + (fs::exists(one, none) ? " is no folder" : ": no such folder") +
                       "; expected that of a finished run, or of a grid");
    if (!is_grid(one)) {
      add(one);
      continue;
    }
    std::vector<fs::path> runs;
    for (const auto& entry : fs::directory_iterator(fs::path(one) / "runs"))
      if (entry.is_directory() && !entry.path().filename().string().starts_with('.')) runs.push_back(entry.path());
    if (runs.empty()) throw InputError(one + ": the grid holds no runs yet; 'cell2text grid' makes them");
    std::ranges::sort(runs);
    std::ranges::for_each(runs, add);
  }
  return all;
}

/// A page of many runs draws and holds less of each.
ReadingLimits limits_for(std::size_t runs) {
  if (runs == 1) return {};
  return {std::clamp<std::size_t>(6000 / runs, 60, 1000), 64};
}

/// The reasons, which name the folders, a line each.
std::string list_of(const std::vector<LeftOut>& left_out) {
  std::string text;
  for (const LeftOut& one : left_out) text += "\n  " + one.reason;
  return text;
}

/// The runs that can be read; the others are left out, with the reason. Where there is but one, its error is the error.
std::vector<ReportedRun> read_runs(const std::vector<fs::path>& folders, std::vector<LeftOut>& left_out) {
  std::vector<ReportedRun> runs;
  const ReadingLimits limits = limits_for(folders.size());
  for (const fs::path& folder : folders) {
    if (folders.size() == 1) return {read_reported_run(folder, limits)};
    try {
      runs.push_back(read_reported_run(folder, limits));
    } catch (...) {
      const Fault fault = Fault::from_current_exception();
      if (fault.kind == Fault::Kind::bug) throw;
      log().warning("left out: " + fault.message);
      left_out.push_back({folder.string(), fault.message});
    }
  }
  if (runs.empty())
    throw InputError(
        fmt::format("none of the {} folders is one of a finished run:{}", folders.size(), list_of(left_out)));
  return runs;
}

std::string name_of(const std::vector<std::string>& named, const std::vector<ReportedRun>& runs) {
  if (named.size() == 1 && is_grid(named.front())) {
    const fs::path folder = fs::absolute(named.front()).lexically_normal();
    return (folder.has_filename() ? folder : folder.parent_path()).filename().string();
  }
  const bool alike = std::ranges::all_of(runs, [&](const ReportedRun& run) { return run.name == runs.front().name; });
  return alike ? runs.front().name : fmt::format("{} runs", runs.size());
}

void write_page(const std::vector<std::string>& named, const fs::path& output) {
  const auto folders = run_folders(named);
  AtomicFile page(output);  // before the reading, which takes longer than to see that there is no such folder
  std::vector<LeftOut> left_out;
  const auto runs = read_runs(folders, left_out);
  page.write(filled_page(report_script, report_data(name_of(named, runs), runs, left_out)));
  page.commit();
}

void report(const ReportArguments& arguments) {
  if (arguments.out.empty() && arguments.folders.size() > 1)
    throw InputError("a report of several folders needs a name: -o report.html");
  const fs::path out =
      arguments.out.empty() ? fs::path(arguments.folders.front()) / "report.html" : fs::path(arguments.out);
  write_page(arguments.folders, out);
  fmt::print("{}\n", out.string());
}

}  // namespace

void write_report(const fs::path& run, const fs::path& output) {
  AtomicFile page(output);
  const ReportedRun one = read_reported_run(run, limits_for(1));
  page.write(filled_page(report_script, report_data(one.name, {&one, 1}, {})));
  page.commit();
}

void add_report(CLI::App* command) {
  static ReportArguments arguments;
  command->add_option("RUN_OR_GRID", arguments.folders, "Folders of finished runs, or of grids")->required();
  command->add_option("-o,--out", arguments.out, "The page (default report.html in the folder, where it is one)");
  command->footer(report_examples);
  command->callback([] { report(arguments); });
}

}  // namespace cell2text::driver
