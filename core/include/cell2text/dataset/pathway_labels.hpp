// The pathways of each cell of a dataset, by name and as sentences.
#pragma once

#include <array>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/error.hpp"
#include "cell2text/text/pathway_table.hpp"

namespace cell2text::dataset {

/// At most two of the sets a cell, the strongest first; without sets, none for any cell.
class PathwayLabels {
 public:
  PathwayLabels() = default;
  /// `top` [cells,2] holds positions in `sets`, -1 for none. InputError where a set that a cell has is without a
  /// sentence in the table.
  PathwayLabels(std::string key, std::vector<std::string> sets, std::vector<std::int32_t> top,
                const std::string& descriptions)
      : key_(std::move(key)), sets_(std::move(sets)), top_(std::move(top)) {
    std::vector<bool> told(sets_.size());
    for (const std::int32_t set : top_)
      if (set >= 0) told[set] = true;
    std::map<std::string, std::string> sentences;
    for (PathwayLine& line : read_pathway_table(descriptions)) sentences.emplace(line.name, line.description);
    for (std::size_t set = 0; set < sets_.size(); ++set) {
      const auto found = sentences.find(sets_[set]);
      if (told[set] && found == sentences.end())
        throw InputError("pathways.descriptions: " + descriptions + " has no line for the gene set " + sets_[set]);
      sentences_.push_back(found == sentences.end() ? "" : found->second);
      if (told[set]) told_.push_back(sets_[set]);
    }
  }

  /// Of what the labels were computed from; empty without sets.
  const std::string& key() const { return key_; }
  bool any() const { return !sets_.empty(); }
  std::vector<std::string> names(std::int64_t cell) const { return of(sets_, cell); }
  std::vector<std::string> sentences(std::int64_t cell) const { return of(sentences_, cell); }
  /// The code of the first or second pathway of a cell, into `sets()`; -1 for none.
  std::int32_t code(std::int64_t cell, int which) const { return top_[2 * cell + which]; }
  const std::vector<std::string>& sets() const { return sets_; }
  /// The sets that any cell has, in their order.
  const std::vector<std::string>& told() const { return told_; }

 private:
  std::vector<std::string> of(const std::vector<std::string>& list, std::int64_t cell) const {
    std::vector<std::string> all;
    for (int which = 0; any() && which < 2; ++which)
      if (const std::int32_t set = code(cell, which); set >= 0) all.push_back(list[set]);
    return all;
  }

  std::string key_;
  std::vector<std::string> sets_, sentences_, told_;
  std::vector<std::int32_t> top_;
};

}  // namespace cell2text::dataset
