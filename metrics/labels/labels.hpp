// The metric `labels`: cell type, tissue and disease read back from predicted texts, compared with the truth.
// Reading is core's text/label_reader.hpp; the counting is classification.hpp's.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/context.hpp"
#include "cell2text/evaluate/prediction.hpp"
#include "cell2text/settings.hpp"
#include "cell2text/text/description.hpp"
#include "cell2text/text/label_reader.hpp"
#include "cell2text/text/paper_labels.hpp"
#include "classification.hpp"
#include "paper_names.hpp"

namespace cell2text::labels {

using Names = std::vector<std::optional<std::string>>;  ///< one per cell

/// For each label: `LABEL.accuracy` and `.unreadable` (with values per cell), `.weighted_f1`, `.macro_f1` and
/// `.majority`, with a confusion table; for the paper's reading under `paper.LABEL`, and `paper.LABEL.merged_names`.
/// Only cells whose truth is known count, except for `unreadable`. The reading "known" knows the names it is given
/// and those in the truth of these cells. With one true value only, all but `unreadable` and `merged_names` is empty.
class Labels {
 public:
  struct Settings {
    std::string reading = "both";
    std::string truth = "obs";

    static void describe(auto& s) {
      s.field("reading", &Settings::reading,
              {.help = "how labels are read from a text: known (longest known name at its place), paper (the paper's "
                       "expressions, which cut names at commas), or both",
               .choices = {"known", "paper", "both"}});
      s.field("truth", &Settings::truth,
              {.help = "truth of the paper's reading: obs (whole names), or text (read from the reference like the "
                       "prediction, so that cut names merge and the scores rise)",
               .choices = {"obs", "text"}});
    }
  };

  Labels(const Settings& settings, const Context&) : settings_(settings) {}

  Scores score(std::span<const Prediction> predictions, const KnownLabels& known) const {
    Scores out;
    if (settings_.reading != "paper") score_known(predictions, known, out);
    if (settings_.reading != "known") score_paper(predictions, out);
    return out;
  }

 private:
  static Names truth_of(std::span<const Prediction> predictions, const Label& label) {
    Names names(predictions.size());
    for (std::size_t i = 0; i < predictions.size(); ++i)
      if (const auto found = predictions[i].labels.find(label.name); found != predictions[i].labels.end())
        if (known_value(found->second)) names[i] = found->second;
    return names;
  }

  /// Names of the truth first: of two that differ in case alone, the reader then prefers the true spelling.
  static std::vector<std::string> reader_names(const Names& truth, const KnownLabels& known, const Label& label) {
    std::set<std::string> seen;
    std::vector<std::string> names;
    const auto add = [&](const std::string& name) {
      if (seen.insert(name).second) names.push_back(name);
    };
    for (const auto& name : truth)
      if (name) add(*name);
    if (const auto found = known.values.find(label.name); found != known.values.end())
      for (const std::string& name : found->second) add(name);
    return names;
  }

  void score_known(std::span<const Prediction> predictions, const KnownLabels& known, Scores& out) const {
    std::vector<Names> truth;
    std::vector<std::vector<std::string>> names;
    for (const Label& label : scored_labels) {
      truth.push_back(truth_of(predictions, label));
      names.push_back(reader_names(truth.back(), known, label));
    }
    const KnownLabelReader reader(names[0], names[1], names[2]);
    std::vector<ReadLabels> read;
    for (const Prediction& one : predictions) read.push_back(reader.read(one.prediction));
    for (std::size_t i = 0; i < std::size(scored_labels); ++i)
      add_scores(scored_labels[i].name, truth[i], column(read, scored_labels[i]), "", out);
  }

  void score_paper(std::span<const Prediction> predictions, Scores& out) const {
    const bool from_text = settings_.truth == "text";
    std::vector<ReadLabels> read, read_truth;
    for (const Prediction& one : predictions) {
      read.push_back(read_labels_paper(one.prediction));
      if (from_text) read_truth.push_back(read_labels_paper(one.reference));
    }
    for (const Label& label : scored_labels) {
      const std::string name = std::string("paper.") + label.name;
      const Names obs = truth_of(predictions, label);
      Names truth = from_text ? column(read_truth, label) : obs;
      std::string note;
      if (!from_text) note = make_whole_forms(label, truth);
      add_scores(name, truth, column(read, label), note, out);
      std::set<std::string> names;
      for (const auto& one : obs)
        if (one) names.insert(*one);
      Score merged{.name = name + ".merged_names", .higher_is_better = false, .unit = "names"};
      if (names.empty())
        merged.note = "no known truth";
      else
        merged.value = static_cast<double>(count_merged_names(label, names));
      out.scores.push_back(std::move(merged));
    }
  }

  /// Puts true names into the paper's form, and tells how many cells hold one that the reading cuts.
  static std::string make_whole_forms(const Label& label, Names& truth) {
    std::map<std::string, std::pair<std::string, bool>> forms;
    std::size_t cut = 0, all = 0;
    for (auto& name : truth) {
      if (!name) continue;
      auto [found, is_new] = forms.try_emplace(*name);
      if (is_new) {
        found->second.first = whole_paper_form(label, *name);
        found->second.second = cut_paper_form(label, *name) != found->second.first;
      }
      cut += found->second.second, ++all;
      name = found->second.first;
    }
    if (cut == 0) return "";
    return std::to_string(cut) + " of " + std::to_string(all) +
           " cells have a name that this reading cuts: never right";
  }

  static Names column(const std::vector<ReadLabels>& read, const Label& label) {
    Names names;
    for (const ReadLabels& one : read) names.push_back(one.*label.read);
    return names;
  }

  static void add_scores(const std::string& name, const Names& truth, const Names& predicted, std::string note,
                         Scores& out);

  Settings settings_;
};

inline void Labels::add_scores(const std::string& name, const Names& truth, const Names& predicted, std::string note,
                               Scores& out) {
  Score accuracy{.name = name + ".accuracy"}, weighted{.name = name + ".weighted_f1"},
      macro{.name = name + ".macro_f1"}, majority{.name = name + ".majority"},
      unreadable{.name = name + ".unreadable", .higher_is_better = false};
  std::vector<std::string> true_names;
  Names read;
  for (std::size_t cell = 0; cell < truth.size(); ++cell)
    if (truth[cell]) true_names.push_back(*truth[cell]), read.push_back(predicted[cell]);
  if (truth.size() > true_names.size())
    note = std::to_string(truth.size() - true_names.size()) + " of " + std::to_string(truth.size()) +
           " cells have no known truth" + (note.empty() ? "" : "; ") + note;

  bool says_something = false;
  if (true_names.empty()) {
    note = truth.empty() ? "no cells" : "no cell has a known truth";
  } else {
    Classification result = classify(true_names, read);
    says_something = std::set<std::string>(true_names.begin(), true_names.end()).size() > 1;
    if (says_something) {
      accuracy.value = result.accuracy, weighted.value = result.weighted.f1, macro.value = result.macro.f1;
      majority.value = result.majority;
      for (std::size_t cell = 0; cell < truth.size(); ++cell)
        accuracy.per_cell.push_back(truth[cell] ? static_cast<float>(truth[cell] == predicted[cell])
                                                : std::numeric_limits<float>::quiet_NaN());
    } else {
      note = "one value, says nothing";
    }
    ConfusionTable table{.label = name, .classes = {}, .counts = std::move(result.confusion)};
    for (ClassScores& one : result.classes) table.classes.push_back(std::move(one.name));
    out.confusion.push_back(std::move(table));
  }
  for (const auto& one : predicted) unreadable.per_cell.push_back(one ? 0.0f : 1.0f);
  const auto missing = std::count(predicted.begin(), predicted.end(), std::nullopt);
  if (!predicted.empty())
    unreadable.value = static_cast<double>(missing) / static_cast<double>(predicted.size());
  else
    unreadable.note = "no cells";
  for (Score* one : {&accuracy, &weighted, &macro, &majority}) one->note = note;
  for (Score* one : {&accuracy, &weighted, &macro, &unreadable, &majority}) out.scores.push_back(std::move(*one));
}

}  // namespace cell2text::labels
