// The metric `pagerank`: how near the predicted term is to the true one in an ontology. How near two terms are is
// core's ontology/similarity.hpp; how they are found in texts is term_reader.hpp's.
#pragma once

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
#include "cell2text/ontology/graph.hpp"
#include "cell2text/ontology/rank_range_cache.hpp"
#include "cell2text/ontology/similarity.hpp"
#include "cell2text/settings.hpp"
#include "cell2text/text/description.hpp"
#include "cell2text/text/obo.hpp"
#include "term_reader.hpp"

namespace cell2text::pagerank {

/// `similarity`: mean S(predicted, true) over cells whose truth is known, with a value per cell; a name that the
/// ontology does not have, on either side, counts as 0, and `unmapped_predictions` and `unmapped_truth` say how often
/// that was so. `ancestor_of_unseen`: among cells whose true term the model was not trained on, how often it named one
/// that stands above it. A disease "normal" is no term: beside itself it counts as 1, beside a disease as 0.
class PageRankSimilarity {
 public:
  struct Settings {
    std::string ontology;
    std::string label = "cell_type";
    std::string tolerance = "exact";
    std::string relations = "is_a";
    double damping = 0.9;
    double tau = 1e-4;

    static void describe(auto& s) {
      s.field("ontology", &Settings::ontology,
              {.help = "OBO file of the label's ontology: the Cell Ontology, Uberon for tissues, Mondo for diseases",
               .required = true});
      s.field("label", &Settings::label,
              {.help = "which label of a cell is scored", .choices = {"cell_type", "tissue", "disease"}});
      s.field("tolerance", &Settings::tolerance,
              {.help = "exact, or networkx: its power iteration, which stops a little before (the paper's figures)",
               .choices = {"exact", "networkx"}});
      s.field("relations", &Settings::relations,
              {.help = "edges of the graph; parts as well as kinds suit an anatomy (Uberon)",
               .choices = {"is_a", "is_a_or_part_of"}});
      s.field("damping", &Settings::damping,
              {.help = "probability of going on to a related term, where the walk does not return",
               .min = 0,
               .max = 0.9999});
      s.field("tau", &Settings::tau, {.help = "ranks well below it count as unrelated", .min = 1e-12, .max = 1});
    }
  };

  /// InputError: errors of Ontology::read and of OntologyGraph.
  PageRankSimilarity(const Settings& settings, const Context& context)
      : settings_(settings),
        ontology_(Ontology::read(settings.ontology)),
        graph_(ontology_, settings.ontology,
               settings.relations == "is_a" ? OntologyRelations::is_a : OntologyRelations::is_a_or_part_of),
        log_(context.log) {
    options_.tau = settings.tau;
    options_.pagerank.damping = settings.damping;
    if (settings.tolerance == "networkx") options_.pagerank.tolerance = PageRankTolerance::networkx;
  }
  PageRankSimilarity(const PageRankSimilarity&) = delete;  // the graph points into the ontology
  PageRankSimilarity& operator=(const PageRankSimilarity&) = delete;

  bool compares_texts() const { return false; }

  Scores score(std::span<const Prediction> predictions, const KnownLabels& known) const {
    TermReader reader(ontology_, graph_, settings_.label, predictions, known);
    Cells cells;
    for (const Prediction& one : predictions) {
      cells.truth.push_back(reader.truth(one));
      cells.predicted.push_back(reader.predicted(one));
    }
    Scores out;
    out.scores.push_back(similarity(cells));
    out.scores.push_back(unmapped("unmapped_predictions", cells, cells.predicted));
    out.scores.push_back(unmapped("unmapped_truth", cells, cells.truth));
    out.scores.push_back(ancestor_of_unseen(cells, known, reader));
    return out;
  }

 private:
  using Node = OntologyGraph::Node;
  static constexpr float no_value = std::numeric_limits<float>::quiet_NaN();

  struct Cells {
    std::vector<Named> truth, predicted;
  };

  bool is_normal(const Named& one) const {
    return settings_.label == "disease" && one.name && *one.name == template_text::normal;
  }
  bool is_mapped(const Named& one) const { return one.term || is_normal(one); }

  /// Sets value and intervals' basis from the values per cell; without any, `reason` says why.
  static Score with_mean(Score score, const std::string& reason) {
    double sum = 0;
    std::size_t count = 0;
    for (const float one : score.per_cell)
      if (one == one) sum += one, ++count;
    if (count > 0)
      score.value = sum / static_cast<double>(count);
    else
      score.note = reason, score.per_cell.clear();
    return score;
  }

  Score similarity(const Cells& cells) const {
    Score score{.name = "similarity"};
    score.per_cell.assign(cells.truth.size(), no_value);
    std::map<Node, std::vector<std::size_t>> cells_of;  // by predicted term
    std::size_t known = 0, unmapped = 0;
    for (std::size_t cell = 0; cell < cells.truth.size(); ++cell) {
      const Named &truth = cells.truth[cell], &predicted = cells.predicted[cell];
      if (!truth.name) continue;
      ++known, unmapped += !is_mapped(truth);
      score.per_cell[cell] = is_normal(truth) && is_normal(predicted) ? 1.0f : 0.0f;
      if (truth.term && predicted.term) cells_of[*predicted.term].push_back(cell);
    }
    std::vector<Node> sources;
    for (const auto& [term, unused] : cells_of) sources.push_back(term);
    if (!sources.empty()) {
      const RankRange range = cached_rank_range(graph_, options_.pagerank, RankRangeCache::usual(log_));
      each_similarity(graph_, sources, range, options_, [&](std::size_t i, std::span<const double> similarities) {
        for (const std::size_t cell : cells_of.at(sources[i]))
          score.per_cell[cell] = static_cast<float>(similarities[*cells.truth[cell].term]);
      });
    }
    score = with_mean(std::move(score), "no cell has a known truth");
    if (unmapped > 0)
      score.note = std::to_string(unmapped) + " of " + std::to_string(known) +
                   " cells have a true name that the ontology does not have: counted as 0";
    return score;
  }

  /// The share of cells with a known truth whose name has no term.
  Score unmapped(const char* name, const Cells& cells, const std::vector<Named>& named) const {
    Score score{.name = name, .higher_is_better = false, .compares = false};
    for (std::size_t cell = 0; cell < named.size(); ++cell)
      score.per_cell.push_back(!cells.truth[cell].name ? no_value : is_mapped(named[cell]) ? 0.0f : 1.0f);
    return with_mean(std::move(score), "no cell has a known truth");
  }

  Score ancestor_of_unseen(const Cells& cells, const KnownLabels& known, TermReader& reader) const {
    Score score{.name = "ancestor_of_unseen"};
    const auto trained = known.trained.find(settings_.label);
    if (trained == known.trained.end()) {
      score.note = "the names that the model was trained on are not known";
      return score;
    }
    std::set<Node> seen;
    for (const std::string& name : trained->second)
      if (const auto term = reader.term_of(name)) seen.insert(*term);
    for (std::size_t cell = 0; cell < cells.truth.size(); ++cell) {
      const auto& truth = cells.truth[cell].term;
      const auto& predicted = cells.predicted[cell].term;
      const bool unseen = truth && !seen.contains(*truth);
      score.per_cell.push_back(!unseen ? no_value : predicted && graph_.is_ancestor(*predicted, *truth) ? 1.0f : 0.0f);
    }
    return with_mean(std::move(score), "every true term was seen in training");
  }

  Settings settings_;
  Ontology ontology_;
  OntologyGraph graph_;
  SimilarityOptions options_;
  Log log_;
};

}  // namespace cell2text::pagerank
