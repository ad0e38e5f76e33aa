// The folder of a grid: grid.toml, grid.csv, embeddings/, and under runs/ a run folder for each hash, with what the
// grid knows of it in files called grid_point.*. Which run is done, broken or waiting is read from there alone, so that
// any process may go on with any grid. Host only.
#pragma once

#include <algorithm>
#include <fstream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/dataset/stage.hpp"
#include "cell2text/grid/grid_runs.hpp"
#include "cell2text/grid/lease.hpp"
#include "cell2text/run_folder.hpp"

namespace cell2text {

enum class RunStatus { waiting, running, broken, failed, done };

inline const char* text_of(RunStatus status) {
  static constexpr const char* texts[] = {"waiting", "running", "broken off", "failed", "done"};
  return texts[static_cast<int>(status)];
}

/// Scores by which runs are compared at a glance, the first of which ranks them: those of these that are there.
inline constexpr const char* main_scores[] = {"labels.cell_type.accuracy",
                                              "labels.cell_type.macro_f1",
                                              "labels.tissue.accuracy",
                                              "labels.disease.accuracy",
                                              "overlap.exact",
                                              "overlap.bleu_4",
                                              "overlap.rouge_l_f",
                                              "pagerank.similarity",
                                              "pathways.jaccard"};

class GridFolder {
 public:
  /// Touches nothing.
  explicit GridFolder(std::filesystem::path path) : path_(std::move(path)) {}

  /// Makes the folder, or opens that of a grid, which may have had other axes: its runs stay. InputError where it holds
  /// something else. EnvironmentError where it cannot be made.
  void create(const GridFile& grid) const {
    std::error_code error;
    std::filesystem::create_directories(path_, error);
    if (!error && !std::filesystem::exists(path_ / "grid.toml") && !empty())
      throw InputError(path_.string() + " is not empty and holds no grid (no grid.toml); choose another folder with " +
                       "--out DIR");
    if (error) throw EnvironmentError(path_.string() + ": the grid's folder cannot be made: " + error.message());
    const std::string text = write_toml(grid.written);
    if (text != file_text(path_ / "grid.toml")) write_atomically(path_ / "grid.toml", text);  // first: it is a grid now
    std::filesystem::create_directories(path_ / "runs", error);
    if (error) throw EnvironmentError((path_ / "runs").string() + ": cannot be made: " + error.message());
  }

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path table() const { return path_ / "grid.csv"; }
  std::filesystem::path embeddings() const { return path_ / "embeddings"; }
  std::filesystem::path folder(const GridRun& run) const { return path_ / "runs" / run.folder(); }
  std::filesystem::path settings(const GridRun& run) const { return of(run, "toml"); }
  std::filesystem::path log(const GridRun& run) const { return of(run, "log"); }

  /// The lease of a run; its folder is made where it is not there. InputError where it is another run's, of a hash with
  /// the same beginning.
  Lease lease(const GridRun& run) const {
    std::error_code error;
    std::filesystem::create_directories(folder(run), error);
    if (error) throw EnvironmentError(folder(run).string() + ": cannot be made: " + error.message());
    if (std::filesystem::exists(of(run, "json")))
      if (const auto about = read_json(of(run, "json")); about.value("hash", run.hash) != run.hash)
        throw InputError(folder(run).string() + " is of the run " + about.value("hash", "") + ", not of " + run.hash +
                         ", which begins alike; choose another folder with --out DIR");
    return Lease(of(run, "lock"));
  }

  /// Writes what is needed to start a run, or to go on with it: grid_point.json, and grid_point.toml, its experiment. A
  /// frozen encoder's embeddings are kept in the grid's folder where they fit, unless the experiment keeps them
  /// elsewhere. The former failure is forgotten.
  void prepare(const GridRun& run) const {
    write_atomically(of(run, "json"), run.json().dump(2) + "\n");
    Experiment experiment = run.experiment;
    if (shares_embeddings(experiment)) {
      experiment.encoder_role.cache = "auto";
      experiment.encoder_role.cache_folder = std::filesystem::absolute(embeddings()).string();
    }
    write_atomically(settings(run), write_toml(experiment.resolved()));
    std::filesystem::remove(of(run, "failed"));
  }

  static bool shares_embeddings(const Experiment& experiment) {
    return experiment.encoder_role.frozen && experiment.encoder_role.cache == "none" &&
           experiment.encoder.name != no_encoder;
  }

  /// Keeps the reason why a run failed.
  void failed(const GridRun& run, const std::string& reason) const {
    write_atomically(of(run, "failed"), reason + "\n");
  }
  /// The reason, or nothing.
  std::string failure(const GridRun& run) const {
    std::string text = file_text(of(run, "failed"));
    while (text.ends_with('\n')) text.pop_back();
    return text;
  }

  /// What is known of a run from its folder, and from its lease, which is tried.
  RunStatus status(const GridRun& run) const {
    const RunFolder one(folder(run));
    if (one.finished(run.experiment)) return RunStatus::done;
    if (std::filesystem::exists(of(run, "lock")) && Lease(of(run, "lock")).state() == Lease::State::held)
      return RunStatus::running;
    if (std::filesystem::exists(of(run, "failed"))) return RunStatus::failed;
    return std::filesystem::exists(of(run, "json")) ? RunStatus::broken : RunStatus::waiting;
  }

  /// The run's main scores, in the order of `main_scores`; nothing where it has none yet.
  std::vector<std::optional<double>> scores(const GridRun& run) const {
    std::vector<std::optional<double>> values(std::size(main_scores));
    const RunFolder one(folder(run));
    if (!std::filesystem::exists(one.metrics())) return values;
    const nlohmann::json all = read_json(one.metrics());
    for (std::size_t i = 0; i < values.size(); ++i) {
      const std::string name = main_scores[i];
      const auto dot = name.find('.');
      const nlohmann::json* metric = member(all, name.substr(0, dot));
      const nlohmann::json* score = metric ? member(*metric, name.substr(dot + 1)) : nullptr;
      const nlohmann::json* value = score ? member(*score, "value") : nullptr;
      if (value && value->is_number()) values[i] = value->get<double>();
    }
    return values;
  }

  /// Writes grid.csv: a row a run, with folder, axes, seed, status and the main scores that any run has.
  void write_csv(const std::vector<GridRun>& runs) const {
    std::vector<std::vector<std::optional<double>>> scores_of;
    for (const GridRun& run : runs) scores_of.push_back(scores(run));
    dataset::Table table;
    table.header = {"run"};
    for (const auto& [name, value] : runs.front().point.axes) table.header.push_back(name);
    table.header.insert(table.header.end(), {"seed", "status"});
    std::vector<std::size_t> shown;
    for (std::size_t s = 0; s < std::size(main_scores); ++s)
      if (std::ranges::any_of(scores_of, [&](const auto& values) { return values[s].has_value(); })) {
        shown.push_back(s);
        table.header.emplace_back(main_scores[s]);
      }
    for (std::size_t i = 0; i < runs.size(); ++i) {
      auto& row = table.rows.emplace_back(std::vector<std::string>{runs[i].folder()});
      for (const auto& [name, value] : runs[i].point.axes) row.push_back(value->text());
      row.push_back(std::to_string(runs[i].experiment.general.seed));
      row.emplace_back(text_of(status(runs[i])));
      for (const std::size_t s : shown)
        row.push_back(scores_of[i][s] ? settings_detail::shortest(*scores_of[i][s]) : "");
    }
    write_atomically(this->table(), table.csv());
  }

 private:
  std::filesystem::path of(const GridRun& run, const std::string& what) const {
    return folder(run) / (std::string(RunFolder::grid_files) + what);
  }
  bool empty() const {
    for (const auto& entry : std::filesystem::directory_iterator(path_))
      if (entry.path().extension() != ".tmp" && entry.path().filename() != "grid.toml") return false;
    return true;
  }
  static std::string file_text(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static const nlohmann::json* member(const nlohmann::json& object, const std::string& key) {
    const auto found = object.is_object() ? object.find(key) : object.end();
    return found == object.end() ? nullptr : &*found;
  }

  std::filesystem::path path_;
};

}  // namespace cell2text
