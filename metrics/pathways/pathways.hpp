// The metric `pathways`: the two active pathways that a description tells, compared with the cell's.
// Finding a pathway by its description is known_pathways.hpp's, the counting multilabel.hpp's.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "cell2text/context.hpp"
#include "cell2text/error.hpp"
#include "cell2text/evaluate/prediction.hpp"
#include "cell2text/settings.hpp"
#include "known_pathways.hpp"
#include "multilabel.hpp"

namespace cell2text::pathways {

/// `subset_accuracy` (all pathways right and none besides), `jaccard` and `unreadable`, with values per cell, and
/// `weighted_f1`, `macro_f1`, `micro_f1`. The truth is the cell's own list, else what its reference tells; only cells
/// whose truth is known count. A part of a predicted text that means no known pathway is unreadable: one more wrong
/// answer for the cell, and no class's.
class Pathways {
 public:
  struct Settings {
    std::string descriptions;

    static void describe(auto& s) {
      s.field("descriptions", &Settings::descriptions,
              {.help = "table of the known pathways: lines of a name, a tab and the description that texts use",
               .required = true});
    }
  };

  Pathways(const Settings& settings, const Context&) : source_(settings.descriptions), known_(settings.descriptions) {}

  bool compares_texts() const { return false; }

  /// InputError where a cell's list names a pathway that the table does not have.
  Scores score(std::span<const Prediction> predictions, const KnownLabels& = {}) const {
    Reader reader(known_);
    std::vector<Cell> cells;
    std::size_t num_known = 0;
    for (const Prediction& one : predictions) {
      cells.push_back({truth_of(one, reader), reader.read(one.prediction)});
      num_known += cells.back().truth.has_value();
    }
    return scores_of(cells, num_known);
  }

 private:
  /// What a text tells.
  struct Told {
    PathwaySet pathways;
    std::size_t unreadable = 0;  ///< parts that mean no known pathway
  };
  struct Cell {
    std::optional<PathwaySet> truth;
    Told told;
  };

  /// Reads texts; what a part means is looked up once.
  class Reader {
   public:
    explicit Reader(const KnownPathways& known) : known_(known) {}
    Told read(std::string_view text) {
      Told told;
      for (const std::string& part : pathway_parts(text)) {
        const auto [entry, is_new] = meant_.try_emplace(part);
        if (is_new) entry->second = known_.meant(part);
        if (entry->second)
          told.pathways.push_back(*entry->second);
        else
          ++told.unreadable;
      }
      told.pathways = make_set(std::move(told.pathways));
      return told;
    }

   private:
    const KnownPathways& known_;
    std::unordered_map<std::string, std::optional<std::uint32_t>> meant_;
  };

  /// Nothing where the cell has no list and its reference tells no pathway, or one that is not known.
  std::optional<PathwaySet> truth_of(const Prediction& one, Reader& reader) const {
    if (!one.pathways) {
      Told told = reader.read(one.reference);
      if (told.unreadable > 0 || told.pathways.empty()) return std::nullopt;
      return std::move(told.pathways);
    }
    PathwaySet set;
    for (const std::string& text : *one.pathways) {
      const auto pathway = known_.named(text);
      if (!pathway)
        throw InputError(source_ + " has no pathway '" + text + "', which cell '" + one.cell +
                         "' names; give pathways by a name or description of that table");
      set.push_back(*pathway);
    }
    return make_set(std::move(set));
  }

  static bool unreadable(const Cell& cell) {
    return cell.told.unreadable > 0 || (cell.told.pathways.empty() && !cell.truth->empty());
  }

  Scores scores_of(const std::vector<Cell>& cells, std::size_t num_known) const {
    Score subset{.name = "subset_accuracy"}, overlap{.name = "jaccard"};
    Score weighted{.name = "weighted_f1"}, macro{.name = "macro_f1"}, micro{.name = "micro_f1"};
    Score missed{.name = "unreadable", .higher_is_better = false, .compares = false};
    std::vector<ClassCounts> classes(known_.names().size());
    double right = 0, shared = 0, unread = 0;
    for (const Cell& cell : cells) {
      const auto add = [&](Score& score, double value, double& sum) {
        score.per_cell.push_back(static_cast<float>(value));
        sum += value;
      };
      if (!cell.truth) {
        for (Score* one : {&subset, &overlap, &missed})
          one->per_cell.push_back(std::numeric_limits<float>::quiet_NaN());
        continue;
      }
      const Told& told = cell.told;
      add(subset, told.unreadable == 0 && told.pathways == *cell.truth, right);
      add(overlap, jaccard(*cell.truth, told.pathways, told.unreadable), shared);
      add(missed, unreadable(cell), unread);
      count(*cell.truth, told.pathways, 1, classes);
    }
    Scores out;
    if (num_known > 0) {
      const auto n = static_cast<double>(num_known);
      const F1 f1 = f1_of(classes);
      subset.value = right / n, overlap.value = shared / n, missed.value = unread / n;
      weighted.value = f1.weighted, macro.value = f1.macro, micro.value = f1.micro;
      out.recounts.push_back(recount_of(cells));
    }
    for (Score* one : {&subset, &overlap, &weighted, &macro, &micro, &missed}) {
      one->note = note_of(cells.size(), num_known);
      if (num_known == 0) one->per_cell.clear();
      out.scores.push_back(std::move(*one));
    }
    return out;
  }

  static std::string note_of(std::size_t cells, std::size_t num_known) {
    if (cells == 0) return "no cells";
    if (num_known == 0) return "no cell has known pathways";
    if (num_known == cells) return "";
    return std::to_string(cells - num_known) + " of " + std::to_string(cells) + " cells have no known pathways";
  }

  /// Outcome 0: the truth is not known; each other one is a pair of true and told sets.
  Recount recount_of(const std::vector<Cell>& cells) const {
    Recount recount{.names = {"weighted_f1", "macro_f1", "micro_f1"}, .outcome = {}, .values = {}};
    std::vector<std::pair<PathwaySet, PathwaySet>> pairs(1);
    std::map<std::pair<PathwaySet, PathwaySet>, std::uint32_t> numbers;
    for (const Cell& cell : cells) {
      if (!cell.truth) {
        recount.outcome.push_back(0);
        continue;
      }
      std::pair pair(*cell.truth, cell.told.pathways);
      const auto [entry, is_new] = numbers.try_emplace(pair, static_cast<std::uint32_t>(pairs.size()));
      if (is_new) pairs.push_back(std::move(pair));
      recount.outcome.push_back(entry->second);
    }
    recount.num_outcomes = pairs.size();
    recount.values = [pairs = std::move(pairs), num_classes = known_.names().size()](std::span<const double> times,
                                                                                     std::span<double> values) {
      std::vector<ClassCounts> classes(num_classes);
      double cells = 0;
      for (std::size_t i = 1; i < pairs.size(); ++i) {
        if (times[i] == 0) continue;
        cells += times[i];
        count(pairs[i].first, pairs[i].second, times[i], classes);
      }
      if (cells == 0) return;
      const F1 f1 = f1_of(classes);
      values[0] = f1.weighted, values[1] = f1.macro, values[2] = f1.micro;
    };
    return recount;
  }

  std::string source_;
  KnownPathways known_;
};

}  // namespace cell2text::pathways
