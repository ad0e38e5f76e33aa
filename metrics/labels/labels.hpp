// The metric `labels`: cell type, tissue, disease, sex and development stage read back from predicted texts, compared
// with the truth. Reading is core's text/label_reader.hpp; the scores are label_scores.hpp's.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/context.hpp"
#include "cell2text/evaluate/known_labels.hpp"
#include "cell2text/evaluate/label_names.hpp"
#include "cell2text/evaluate/prediction.hpp"
#include "cell2text/evaluate/told_labels.hpp"
#include "cell2text/settings.hpp"
#include "cell2text/text/label_reader.hpp"
#include "cell2text/text/obo.hpp"
#include "cell2text/text/paper_labels.hpp"
#include "label_scores.hpp"
#include "levels.hpp"
#include "paper_names.hpp"

namespace cell2text::labels {

/// For each label: `LABEL.accuracy` and `.unreadable` (with values per cell), weighted and macro precision, recall and
/// F1, and `.majority`, with a confusion table; for the paper's reading (the first three labels) under `paper.LABEL`,
/// and `paper.LABEL.merged_names`; at a coarser level under `level.LABEL`. The reading "known" knows the names that it
/// is given, those in the truth of these cells, and the terms of the ontologies at hand, of which exact synonyms and
/// ids stand for the name.
class Labels {
 public:
  struct Settings {
    std::string reading = "both";
    std::string truth = "obs";
    std::optional<std::string> ontology = {};
    std::vector<std::string> level = {};

    static void describe(auto& s) {
      s.field("reading", &Settings::reading,
              {.help = "how labels are read from a text: known (longest known name at its place), paper (the paper's "
                       "expressions, which cut names at commas), or both",
               .choices = {"known", "paper", "both"}});
      s.field("truth", &Settings::truth,
              {.help = "truth of the paper's reading: obs (whole names), or text (read from the reference like the "
                       "prediction, so that cut names merge and the scores rise)",
               .choices = {"obs", "text"}});
      s.field("ontology", &Settings::ontology,
              {.help = "OBO file whose names, exact synonyms and ids texts may use, and which 'level' refers to"});
      s.field("level", &Settings::level,
              {.help = "ids of terms that stand for all terms below them, scored under level.LABEL; a name below none "
                       "of them stays what it is"});
    }
    void validate() const {
      if (!level.empty() && !ontology)
        throw InputError("'level' names terms of an ontology; set 'ontology' to its OBO file as well");
      if (!level.empty() && reading == "paper")
        throw InputError("'level' needs whole names; set 'reading' to known or both");
    }
  };

  Labels(const Settings& settings, const Context&) : settings_(settings) {
    if (!settings.ontology) return;
    ontology_ = Ontology::read(*settings.ontology);
    levels_.emplace(*ontology_, settings.level, *settings.ontology);
  }
  Labels(const Labels&) = delete;  // the levels point into the ontology
  Labels& operator=(const Labels&) = delete;

  bool compares_texts() const { return false; }

  Scores score(std::span<const Prediction> predictions, const KnownLabels& known) const {
    KnownLabels more;
    if (ontology_) more = known, add_terms(more, *ontology_);
    const std::vector<ToldLabel> told = told_labels(predictions, ontology_ ? more : known);
    Scores out;
    if (settings_.reading != "paper") score_known(told, out);
    if (settings_.reading != "known") score_paper(predictions, told, out);
    return out;
  }

 private:
  void score_known(const std::vector<ToldLabel>& labels, Scores& out) const {
    for (const ToldLabel& label : labels) {
      add_scores({label.name, label.truth, label.told}, label.names, out);
      if (!levels_ || !levels_->covers(label.name)) continue;
      add_scores({"level." + label.name, levels_->rolled_up(label.name, label.truth),
                  levels_->rolled_up(label.name, label.told)},
                 label.names, out);
    }
  }

  void score_paper(std::span<const Prediction> predictions, const std::vector<ToldLabel>& told, Scores& out) const {
    const bool from_text = settings_.truth == "text";
    std::vector<ReadLabels> read, read_truth;
    for (const Prediction& one : predictions) {
      read.push_back(read_labels_paper(one.prediction));
      if (from_text) read_truth.push_back(read_labels_paper(one.reference));
    }
    for (std::size_t i = 0; i < paper_labels.size(); ++i) {
      const ScoredLabel& label = paper_labels[i];
      const CellNames obs = truth_of(predictions, label);
      LabelValues values{std::string("paper.") + label.name, from_text ? column(read_truth, label) : obs,
                         column(read, label)};
      if (!from_text) values.note = make_whole_forms(label, values.truth);
      add_scores(values, told[i].names, out);
      out.scores.push_back(merged_names(label, values.name, obs));
    }
  }

  /// How many true names become equal to another by the paper's cut.
  static Score merged_names(const ScoredLabel& label, const std::string& name, const CellNames& truth) {
    std::set<std::string> names;
    for (const auto& one : truth)
      if (one) names.insert(*one);
    Score merged{.name = name + ".merged_names", .higher_is_better = false, .unit = "names", .compares = false};
    if (names.empty())
      merged.note = "no known truth";
    else
      merged.value = static_cast<double>(count_merged_names(label, names));
    return merged;
  }

  /// Puts true names into the paper's form, and tells how many cells hold one that the reading cuts.
  static std::string make_whole_forms(const ScoredLabel& label, CellNames& truth) {
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

  static CellNames column(const std::vector<ReadLabels>& read, const ScoredLabel& label) {
    CellNames names;
    for (const ReadLabels& one : read) names.push_back(one.*label.read);
    return names;
  }

  Settings settings_;
  std::optional<Ontology> ontology_;
  std::optional<Levels> levels_;
};

}  // namespace cell2text::labels
