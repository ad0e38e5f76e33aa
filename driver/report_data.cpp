// The JSON in a report's page.
#include "report_data.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <set>
#include <tuple>

#include "report/paper_scores.hpp"

namespace cell2text::driver {

namespace {

using Json = nlohmann::ordered_json;

/// Six digits: more than a page shows, in a third of the letters.
Json rounded(double value) {
  if (!std::isfinite(value)) return nullptr;
  return std::stod(fmt::format("{:.6g}", value));
}

/// Values that stand in the page once, and elsewhere by number.
class Shared {
 public:
  std::size_t number_of(const Json& value) {
    const auto [entry, is_new] =
        numbers_.try_emplace(value.dump(-1, ' ', false, Json::error_handler_t::replace), numbers_.size());
    if (is_new) values_.push_back(value);
    return entry->second;
  }
  /// A text by its lines.
  Json lines_of(const std::string& text) {
    Json list = Json::array();
    for (std::size_t begin = 0; begin < text.size();) {
      const std::size_t end = std::min(text.find('\n', begin), text.size());
      list.push_back(number_of(text.substr(begin, end - begin)));
      begin = end + 1;
    }
    return list;
  }
  const Json& values() const { return values_; }

 private:
  std::map<std::string, std::size_t> numbers_;
  Json values_ = Json::array();
};

/// One text a run.
struct Column {
  std::string key;
  std::vector<std::string> texts;

  bool differs() const { return std::ranges::adjacent_find(texts, std::not_equal_to<>()) != texts.end(); }
  /// Which runs have the same text: numbers from 0 in the order of first appearance. Columns that part the runs alike
  /// are equal here.
  std::vector<std::size_t> parting() const {
    std::map<std::string, std::size_t> seen;
    std::vector<std::size_t> parts;
    for (const std::string& text : texts) parts.push_back(seen.try_emplace(text, seen.size()).first->second);
    return parts;
  }
  Json json() const {
    Json different = Json::array();
    const auto of = parting();
    for (std::size_t i = 0; i < texts.size(); ++i)
      if (of[i] == different.size()) different.push_back(texts[i]);
    return {{"key", key}, {"texts", different}, {"of", of}};
  }
};

constexpr const char* absent = "–";

std::string text_at(const FlatTexts& texts, const std::string& key) {
  const auto found = std::ranges::find(texts, key, &FlatTexts::value_type::first);
  return found == texts.end() ? absent : found->second;
}

/// A column for each key that any run has, in the order of the files.
std::vector<Column> columns(std::span<const ReportedRun> runs, FlatTexts ReportedRun::*part) {
  std::vector<Column> all;
  std::set<std::string> seen;
  for (const ReportedRun& run : runs)
    for (const auto& [key, unused] : run.*part)
      if (seen.insert(key).second) {
        all.push_back({key, {}});
        for (const ReportedRun& other : runs) all.back().texts.push_back(text_at(other.*part, key));
      }
  return all;
}

bool is_plugin(const Column& column) {
  return column.key.ends_with(".plugin");
}

/// What may be an axis where no grid says so: settings that all runs have, but for names, seed, speed, and what comes
/// after the model.
bool may_be_axis(const Column& column) {
  static const std::set<std::string> never{"name", "seed", "threads", "device"};
  return !never.contains(column.key) && !column.key.starts_with("encoder.cache") &&
         !column.key.starts_with("metrics") && !column.key.starts_with("baselines") &&
         std::ranges::find(column.texts, absent) == column.texts.end();
}

bool of_grid(std::span<const ReportedRun> runs) {
  return std::ranges::any_of(runs, [](const ReportedRun& run) { return !run.axes.empty(); });
}

/// What was varied: axes of the grid, or else the settings that differ. Axes that always change together are one.
Json axes(std::span<const ReportedRun> runs) {
  std::vector<Column> all;
  if (of_grid(runs)) {
    all = columns(runs, &ReportedRun::axes);
    for (Column& column : all)  // a run from elsewhere has the same setting, though no grid names it
      for (std::size_t i = 0; i < runs.size(); ++i)
        if (runs[i].axes.empty()) column.texts[i] = text_at(runs[i].settings, column.key);
  } else {
    all = columns(runs, &ReportedRun::settings);
    std::erase_if(all, [](const Column& column) { return !may_be_axis(column); });
    std::ranges::stable_partition(all, is_plugin);
  }
  std::map<std::vector<std::size_t>, std::size_t> places;
  Json list = Json::array();
  for (const Column& column : all) {
    if (!column.differs()) continue;
    const auto [entry, is_new] = places.try_emplace(column.parting(), list.size());
    if (is_new) {
      list.push_back(column.json());
      list.back()["with"] = Json::array();
    } else {
      list[entry->second]["with"].push_back(column.key);
    }
  }
  return list;
}

Json differing(std::span<const ReportedRun> runs, FlatTexts ReportedRun::*part) {
  Json list = Json::array();
  for (const Column& column : columns(runs, part))
    if (column.differs()) list.push_back(column.json());
  return list;
}

using ScoreNumbers = std::map<std::pair<std::string, std::string>, std::size_t>;  ///< by metric and name

/// All scores of any run's model, by metric and name: {metric, name} and what is unusual of it.
std::pair<Json, ScoreNumbers> all_scores(std::span<const ReportedRun> runs) {
  std::map<std::pair<std::string, std::string>, const Score*> found;
  for (const ReportedRun& run : runs)
    for (const auto& [metric, scores] : run.systems.front().scores)
      for (const Score& score : scores.scores) found.try_emplace({metric, score.name}, &score);
  Json list = Json::array();
  ScoreNumbers numbers;
  for (const auto& [key, score] : found) {
    numbers.emplace(key, list.size());
    list.push_back({{"metric", key.first}, {"name", key.second}});
    if (score->unit != "fraction") list.back()["unit"] = score->unit;
    if (!score->higher_is_better) list.back()["lower_is_better"] = true;
    if (!score->compares) list.back()["tells_of_one"] = true;
  }
  return {list, numbers};
}

/// {name, about, values: for each score [value, low, high], [value] or null; notes: score -> line}
Json system_json(const ReportedSystem& system, const ScoreNumbers& numbers, Shared& lines) {
  Json values = std::vector<Json>(numbers.size());
  Json notes = Json::object();
  for (const auto& [metric, scores] : system.scores)
    for (const Score& score : scores.scores) {
      const auto number = numbers.find({metric, score.name});
      if (number == numbers.end()) continue;  // a score that the model does not have stands in no column
      Json& one = values[number->second];
      if (score.value) one = Json::array({rounded(*score.value)});
      if (score.value && score.low && score.high)
        one.push_back(rounded(*score.low)), one.push_back(rounded(*score.high));
      if (!score.note.empty()) notes[std::to_string(number->second)] = lines.number_of(score.note);
    }
  return {{"name", system.name}, {"about", system.about}, {"values", values}, {"notes", notes}};
}

/// {label, classes: number, cells: [truth, prediction, count, ...], trained: cells of each class}
Json confusion_json(const ConfusionTable& table, const ReportedRun& run, Shared& classes) {
  Json cells = Json::array();
  for (std::size_t i = 0; i < table.counts.size(); ++i)
    for (std::size_t j = 0; j < table.counts[i].size(); ++j)
      if (table.counts[i][j] != 0) cells.insert(cells.end(), {i, j, table.counts[i][j]});
  Json one{{"label", table.label}, {"classes", classes.number_of(table.classes)}, {"cells", cells}};
  const auto trained = run.trained.find(table.label);
  if (trained == run.trained.end()) return one;
  one["trained"] = Json::array();
  for (const std::string& name : table.classes) {
    const auto found = trained->second.find(name);
    one["trained"].push_back(found == trained->second.end() ? 0 : found->second);
  }
  return one;
}

Json curve_json(const Curve& curve) {
  Json loss = Json::array();
  for (const double value : curve.loss) loss.push_back(rounded(value));
  return Json::array({curve.steps, loss});
}

struct Parts {
  ScoreNumbers scores;
  Shared lines, classes;
};

Json run_json(const ReportedRun& run, Parts& parts) {
  Json one{{"name", run.name},
           {"folder", run.folder.string()},
           {"seed", run.seed},
           {"cells", {run.train, run.validation, run.test}},
           {"parts", {run.encoder, run.adapter, run.decoder, run.finetuning}},
           {"caveats", run.caveats},
           {"training", curve_json(run.training)},
           {"validated", curve_json(run.validated)},
           {"systems", Json::array()},
           {"confusion", Json::array()},
           {"experiment", parts.lines.lines_of(run.experiment)},
           {"environment", parts.lines.lines_of(run.environment)}};
  for (const ReportedSystem& system : run.systems)
    one["systems"].push_back(system_json(system, parts.scores, parts.lines));
  for (const ConfusionTable& table : run.confusion)
    if (table.classes.size() > 1 &&
        !table.label.starts_with("paper."))  // one value says nothing; one reading is enough
      one["confusion"].push_back(confusion_json(table, run, parts.classes));
  return one;
}

/// Cells that stand side by side: each next one adds most, where a run counts less the more of its cells are chosen.
std::vector<std::uint64_t> chosen_cells(std::span<const ReportedRun> runs, std::size_t count) {
  std::map<std::uint64_t, std::vector<std::size_t>> runs_of;
  for (std::size_t i = 0; i < runs.size(); ++i)
    for (const auto& [hash, unused] : runs[i].examples) runs_of[hash].push_back(i);
  std::vector<std::size_t> shown(runs.size());
  std::vector<std::uint64_t> chosen;
  while (chosen.size() < count && !runs_of.empty()) {
    const auto gain = [&](const auto& entry) {
      double sum = 0;
      for (const std::size_t run : entry.second) sum += 1.0 / static_cast<double>(1 + shown[run]);
      return sum;
    };
    const auto best = std::ranges::max_element(runs_of, {}, gain);
    chosen.push_back(best->first);
    for (const std::size_t run : best->second) ++shown[run];
    runs_of.erase(best);
  }
  return chosen;
}

/// {cell, texts: [run, reference, prediction, log probability, ...]}, texts by line
Json examples(std::span<const ReportedRun> runs, Shared& lines) {
  Json list = Json::array();
  for (const std::uint64_t cell : chosen_cells(runs, 10)) {
    Json one{{"cell", ""}, {"texts", Json::array()}};
    for (std::size_t i = 0; i < runs.size(); ++i) {
      const auto found = runs[i].examples.find(cell);
      if (found == runs[i].examples.end()) continue;
      const Prediction& prediction = found->second;
      one["cell"] = prediction.cell;
      one["texts"].push_back(
          Json::array({i, lines.number_of(prediction.reference), lines.number_of(prediction.prediction),
                       rounded(prediction.log_probability)}));
    }
    list.push_back(one);
  }
  return list;
}

Json paper() {
  Json scores = Json::object();
  for (const PaperScore& score : paper_scores) {
    Json percents = Json::array();
    for (const double percent : score.percent) percents.push_back(std::isnan(percent) ? Json() : Json(percent));
    scores[score.name] = percents;
  }
  return {{"columns", paper_columns}, {"scores", scores}};
}

}  // namespace

Json report_data(const std::string& name, std::span<const ReportedRun> runs, std::span<const LeftOut> left_out) {
  Json data{{"name", name}, {"grid", of_grid(runs)}, {"runs", Json::array()}, {"skipped", Json::array()}};
  Parts parts;
  std::tie(data["scores"], parts.scores) = all_scores(runs);
  for (const ReportedRun& run : runs) data["runs"].push_back(run_json(run, parts));
  for (const LeftOut& one : left_out) data["skipped"].push_back({{"folder", one.folder}, {"reason", one.reason}});
  data["axes"] = axes(runs);
  data["settings"] = differing(runs, &ReportedRun::settings);
  data["facts"] = differing(runs, &ReportedRun::facts);
  data["examples"] = examples(runs, parts.lines);
  data["lines"] = parts.lines.values();
  data["classes"] = parts.classes.values();
  data["paper"] = paper();
  return data;
}

}  // namespace cell2text::driver
