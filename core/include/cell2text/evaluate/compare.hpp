// Two systems' predictions of the same cells side by side: matching the cells, and the differences of the scores.
// The resampling is resample.hpp's.
#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "cell2text/error.hpp"
#include "cell2text/evaluate/bootstrap.hpp"
#include "cell2text/evaluate/prediction.hpp"

namespace cell2text {

/// Predictions of the cells that two files share, in the order of the first.
struct PairedPredictions {
  std::vector<Prediction> first, second;
  std::size_t only_first = 0, only_second = 0;  ///< cells that the other file lacks
};

/// A score of both systems on the same cells, and first minus second.
struct ScoreDifference {
  std::string name;
  std::optional<double> first, second, difference, low, high;
  std::string note;
};

namespace compare_detail {

inline std::unordered_map<std::string, std::size_t> cells_of(std::span<const Prediction> predictions,
                                                             const std::string& source) {
  std::unordered_map<std::string, std::size_t> cells;
  for (std::size_t i = 0; i < predictions.size(); ++i) {
    const std::string& cell = predictions[i].cell;
    if (cell.empty())
      throw InputError(source + ": prediction " + std::to_string(i + 1) +
                       " has no 'cell'; two files are compared cell by cell, so each line needs its name");
    if (!cells.emplace(cell, i).second)
      throw InputError(source + " has cell '" + cell + "' twice; two files are compared cell by cell");
  }
  return cells;
}

/// One truth for both: what only one file knows is given to the other.
template <class T>
void share(T& first, T& second, const T& unknown, const std::string& what) {
  if (first == unknown) first = second;
  if (second == unknown) second = first;
  if (first != second)
    throw InputError(what + " differs between the two files; systems can be compared on the same truth only");
}

inline void share_truth(Prediction& first, Prediction& second) {
  const std::string of_cell = " of cell '" + first.cell + "'";
  if (first.reference != second.reference)
    throw InputError("the reference" + of_cell +
                     " differs between the two files; systems can be compared on the same references only");
  share(first.pathways, second.pathways, {}, "'pathways'" + of_cell);
  share(first.donor, second.donor, {}, "'donor'" + of_cell);
  for (const auto& [label, name] : second.labels) first.labels.try_emplace(label, name);
  for (const auto& [label, name] : first.labels)
    share(second.labels[label], first.labels[label], {}, "'" + label + "'" + of_cell);
}

}  // namespace compare_detail

/// Matches predictions by `cell`. `sources` name the files in errors. InputError: a cell without a name or twice in a
/// file, no cell that both have, or one whose reference or truth differs.
inline PairedPredictions pair_predictions(std::vector<Prediction> first, std::vector<Prediction> second,
                                          const std::pair<std::string, std::string>& sources) {
  compare_detail::cells_of(first, sources.first);
  const auto places = compare_detail::cells_of(second, sources.second);
  PairedPredictions paired;
  const std::size_t all_second = second.size();
  for (Prediction& one : first) {
    const auto found = places.find(one.cell);
    if (found == places.end()) {
      ++paired.only_first;
      continue;
    }
    Prediction& other = second[found->second];
    compare_detail::share_truth(one, other);
    paired.first.push_back(std::move(one));
    paired.second.push_back(std::move(other));
  }
  paired.only_second = all_second - paired.first.size();
  if (paired.first.empty())
    throw InputError(sources.first + " and " + sources.second + " share no cell; the first has '" + first.front().cell +
                     "', the second '" + second.front().cell + "'. Both must hold predictions of the same cells");
  return paired;
}

/// The scores that both have by the same name, with the interval of their difference: in each resample both are taken
/// of the same cells. Arguments and errors as add_intervals.
inline std::map<std::string, std::vector<ScoreDifference>> compare(const std::map<std::string, Scores>& first,
                                                                   const std::map<std::string, Scores>& second,
                                                                   std::size_t num_cells,
                                                                   const BootstrapSettings& settings = {},
                                                                   std::span<const std::string> groups = {}) {
  bootstrap_detail::check_level(settings.level);
  std::vector<const Scores*> all;
  std::vector<std::string> metrics;
  for (const auto& [metric, scores] : first)
    if (const auto other = second.find(metric); other != second.end())
      metrics.push_back(metric), all.insert(all.end(), {&scores, &other->second});
  const std::vector<ResampledScores> resampled = resample(all, num_cells, settings, groups);
  std::map<std::string, std::vector<ScoreDifference>> out;
  for (std::size_t m = 0; m < metrics.size(); ++m) {
    const std::vector<Score>&ours = all[2 * m]->scores, &theirs = all[2 * m + 1]->scores;
    for (std::size_t i = 0; i < ours.size(); ++i) {
      const auto found = std::ranges::find(theirs, ours[i].name, &Score::name);
      if (found == theirs.end()) continue;
      ScoreDifference one{ours[i].name, ours[i].value, found->value, {}, {}, {}, ours[i].note};
      if (one.first && one.second) {
        one.difference = *one.first - *one.second;
        std::vector<double> values = resampled[2 * m][i];
        const std::vector<double>& other = resampled[2 * m + 1][static_cast<std::size_t>(found - theirs.begin())];
        for (std::size_t r = 0; r < values.size() && r < other.size(); ++r) values[r] -= other[r];
        if (values.size() != other.size()) values.clear();
        if (const auto interval = bootstrap_detail::interval_of(std::move(values), settings.level))
          one.low = interval->low, one.high = interval->high;
      }
      out[metrics[m]].push_back(std::move(one));
    }
  }
  return out;
}

}  // namespace cell2text
