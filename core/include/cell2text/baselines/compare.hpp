// The baselines of an experiment, fitted on its training cells and asked about its test cells. Host only.
#pragma once

#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "cell2text/baselines/inputs.hpp"
#include "cell2text/baselines/label_text.hpp"
#include "cell2text/io/atomic_file.hpp"
#include "cell2text/io/atomic_folder.hpp"
#include "cell2text/io/mapped_file.hpp"
#include "cell2text/io/toml.hpp"

namespace cell2text {

/// A system whose scores stand beside the model's.
struct ComparedSystem {
  std::string name;
  std::string about;              ///< what it is, for a reader
  bool describes = true;          ///< whole descriptions; false: labels alone, in a text without definitions
  std::vector<Prediction> cells;  ///< of the test cells, in the order of the model's
};

inline BaselineHandle build_baseline(const Host& host, const PluginChoice& choice) {
  return BaselineHandle(host.registry.load("baseline", choice.name)
                            .build<kinds::baseline>(choice.settings, {&host.context, nullptr, {}}));
}

namespace baselines_detail {

/// InputError where the encoder does not have the level. Some know only once they are built.
inline void check_level(const Host& host, const PluginChoice& encoder, const std::string& level,
                        const std::string& who) {
  const auto at_level = encoder_at_level(encoder, level, {"'embedding' of " + who, 0, 0}, host.registry);
  if (level != "cls") return;
  Parameters parameters(host.device, torch::kFloat32, 0);
  model_builder_detail::build_part<kinds::encoder>(host, at_level.choice, parameters);
}

/// BugError where a plugin's answers name values or training cells that there are not.
inline void check_answers(const BaselineAnswers& answers, std::size_t num_train, const std::string& who) {
  const auto check = [&](const std::vector<LabelColumn>& columns) {
    for (const LabelColumn& column : columns)
      for (const std::int32_t code : column.codes)
        if (code < -1 || code >= std::ssize(column.values))
          throw BugError("baseline '" + who + "' answers '" + column.name + "' with value " + std::to_string(code) +
                         " of " + std::to_string(column.values.size()));
  };
  check(answers.labels), check(answers.pathways);
  if (answers.pathways.size() > 2)
    throw BugError("baseline '" + who + "' answers " + std::to_string(answers.pathways.size()) +
                   " pathways of a cell; at most 2 are told");
  for (const std::int64_t cell : answers.copied)
    if (cell < 0 || cell >= static_cast<std::int64_t>(num_train))
      throw BugError("baseline '" + who + "' copies training cell " + std::to_string(cell) + " of " +
                     std::to_string(num_train));
}

}  // namespace baselines_detail

/// What would only be found after the training: a library that is not there, a level that the encoder does not have, no
/// labels to learn. InputError, naming the baseline.
inline void check_baselines(const Host& host, const Experiment& experiment, const ExperimentData& data) {
  std::set<std::string> learn_labels, levels;
  for (const BaselineChoice& choice : experiment.baselines) {
    const std::string who = "baseline '" + choice.name() + "'";
    const BaselineNeeds needs = build_baseline(host, choice.plugin).needs();
    if (needs.another_labels != choice.role.labels_of.has_value())
      throw InputError(who + (needs.another_labels ? " fills in the labels of another baseline; name one that stands "
                                                     "above with 'labels_of'"
                                                   : " takes no labels of another; leave 'labels_of' out"));
    if (needs.labels) learn_labels.insert(choice.name());
    if (choice.role.labels_of && !learn_labels.contains(*choice.role.labels_of))
      throw InputError(who + " takes the labels of '" + *choice.role.labels_of +
                       "', which predicts none; name one that does, as head and lightgbm do");
    if (needs.embeddings && levels.insert(choice.role.embedding).second)
      baselines_detail::check_level(host, experiment.encoder, choice.role.embedding, who);
    const auto has_cell_type = [&](std::int64_t row) {
      return known_value(data.descriptions->label("cell_type", row)).has_value();
    };
    if (needs.labels && std::ranges::none_of(data.split.train, has_cell_type))
      throw InputError(who + " learns labels, and no training cell has a known cell type: the file lacks the column " +
                       "that descriptions.cell_type names, or all are unknown. Name the column there, or leave the "
                       "baseline out");
  }
}

/// Fits the baselines of an experiment, or loads those that were fitted before.
class Baselines {
 public:
  /// Hears what was done, for the log.
  using Told = std::function<void(const std::string&)>;

  /// `folder` is where each is kept, in a folder of its own. All must outlive this.
  Baselines(const Host& host, const ExperimentData& data, BaselineInputs& inputs, std::filesystem::path folder,
            StopQuestion stop)
      : host_(host), data_(data), inputs_(inputs), folder_(std::move(folder)), stop_(std::move(stop)) {}

  /// What a baseline says of the test cells. `model` has the cells and their truth. InputError: it takes the labels of
  /// one that gives none; and what the baseline itself throws. EnvironmentError where `stop` says yes during the fit;
  /// nothing is kept then.
  ComparedSystem run(const BaselineChoice& choice, std::span<const Prediction> model, const Told& told) {
    const BaselineHandle baseline = build_baseline(host_, choice.plugin);
    const BaselineNeeds needs = baseline.needs();
    const std::string& level = choice.role.embedding;
    const auto train = inputs_.usable(data_.split.train, needs, level);
    fit(baseline, choice, train, told);
    const auto rows = inputs_.usable(data_.split.test, needs, level);
    BaselineCells cells = inputs_.features(rows, needs, level);
    if (choice.role.labels_of) add_answers(cells, *choice.role.labels_of, choice.name());
    const BaselineAnswers answers = baseline.predict(cells);
    baselines_detail::check_answers(answers, train.size(), choice.name());

    const bool describes = answers.fill_template || !answers.texts.empty() || !answers.copied.empty();
    ComparedSystem system{choice.name(), about(choice), describes, {model.begin(), model.end()}};
    for (Prediction& one : system.cells)
      one.prediction.clear(), one.log_probability = std::numeric_limits<double>::quiet_NaN(), one.confidences.clear();
    const std::vector<std::int64_t> places = places_of(rows);
    for (std::size_t i = 0; i < rows.size(); ++i)
      system.cells[places[i]].prediction = text_of(answers, static_cast<std::int64_t>(i), train);
    keep(answers, places, choice.name());
    return system;
  }

 private:
  void fit(const BaselineHandle& baseline, const BaselineChoice& choice, const std::vector<std::int64_t>& train,
           const Told& told) {
    const std::filesystem::path path = folder_ / choice.name();
    const BaselineNeeds needs = baseline.needs();
    const std::string& level = choice.role.embedding;
    const std::string settings = fitted_with(choice, needs);
    if (std::filesystem::exists(path)) {
      if (was_fitted_with(path, settings)) {
        baseline.load(path);
        return told("baseline " + choice.name() + ": fitted before, in " + path.string());
      }
      told("baseline " + choice.name() + ": its settings are others than those it was fitted with; it is fitted anew");
    }
    if (train.empty())
      throw InputError("baseline '" + choice.name() + "': no training cell has a gene that the encoder knows");
    const auto with_truth = [&](const std::vector<std::int64_t>& rows) {
      BaselineCells cells = inputs_.features(rows, needs, level);
      if (needs.labels) add_truth(cells, *data_.descriptions, rows);
      return cells;
    };
    baseline.fit(with_truth(train), with_truth(inputs_.usable(data_.split.validation, needs, level)), stop_);
    if (stop_())
      throw EnvironmentError("interrupted while baseline '" + choice.name() +
                             "' was fitted; the same command with --resume goes on from there");
    std::filesystem::create_directories(folder_);
    AtomicFolder writing(path);
    baseline.save(writing.partial());
    write_atomically(writing.partial() / settings_file, settings);
    writing.commit();
    told("baseline " + choice.name() + ": fitted on " + std::to_string(train.size()) + " cells");
  }

  // Beside what the baseline keeps: what its fit depends on, apart from the cells and the encoder, which are the run's.
  static constexpr const char* settings_file = "settings.toml";
  static std::string fitted_with(const BaselineChoice& choice, const BaselineNeeds& needs) {
    Value table = choice.plugin.resolved;
    table.set("plugin", {choice.plugin.name, {}});
    if (needs.embeddings) table.set("embedding", {choice.role.embedding, {}});
    return write_toml(table);
  }
  static bool was_fitted_with(const std::filesystem::path& folder, const std::string& settings) {
    const auto file = folder / settings_file;
    return std::filesystem::exists(file) && MappedFile::open(file)->text() == settings;
  }

  static std::string about(const BaselineChoice& choice) {
    std::string text = choice.plugin.name;
    if (choice.role.labels_of) text += " of the labels of " + *choice.role.labels_of;
    return text;
  }

  std::string text_of(const BaselineAnswers& answers, std::int64_t cell, const std::vector<std::int64_t>& train) const {
    if (!answers.texts.empty()) return answers.texts[cell];
    if (!answers.copied.empty()) return data_.descriptions->text(train[answers.copied[cell]]).value_or("");
    const CellFacts facts = facts_of_labels({answers.labels, answers.pathways}, cell);
    return (answers.fill_template ? data_.descriptions->text_of(facts) : describe(facts, data_.descriptions->style()))
        .value_or("");
  }

  /// Where rows stand among the test cells; both ascend.
  std::vector<std::int64_t> places_of(const std::vector<std::int64_t>& rows) const {
    std::vector<std::int64_t> places;
    std::int64_t place = 0;
    for (const std::int64_t row : rows) {
      while (data_.split.test[place] != row) ++place;
      places.push_back(place);
    }
    return places;
  }

  /// Keeps the labels that were given, for those that take them.
  void keep(const BaselineAnswers& answers, const std::vector<std::int64_t>& places, const std::string& name) {
    if (answers.labels.empty()) return;
    BaselineAnswers whole;
    const auto spread = [&](const std::vector<LabelColumn>& from, std::vector<LabelColumn>& to) {
      for (const LabelColumn& column : from) {
        LabelColumn& all = to.emplace_back(LabelColumn{column.name, column.values, {}});
        all.codes.assign(data_.split.test.size(), -1);
        for (std::size_t i = 0; i < places.size(); ++i) all.codes[places[i]] = column.codes[i];
      }
    };
    spread(answers.labels, whole.labels), spread(answers.pathways, whole.pathways);
    answers_.insert_or_assign(name, std::move(whole));
  }

  void add_answers(BaselineCells& cells, const std::string& of, const std::string& who) const {
    const auto found = answers_.find(of);
    if (found == answers_.end())
      throw InputError("baseline '" + who + "' takes the labels of '" + of +
                       "', which gives none; name one that predicts labels, as head and lightgbm do");
    cells.labels = found->second.labels, cells.pathways = found->second.pathways;
  }

  const Host& host_;
  const ExperimentData& data_;
  BaselineInputs& inputs_;
  std::filesystem::path folder_;
  StopQuestion stop_;
  std::map<std::string, BaselineAnswers> answers_;  // of the test cells
};

}  // namespace cell2text
