// F1 scores where a cell has several classes at once, as scikit-learn defines them. How classes are read from texts is
// pathways.hpp's.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

namespace cell2text::pathways {

/// Pathways of a cell, or said of one: numbers in rising order, each once.
using PathwaySet = std::vector<std::uint32_t>;

inline PathwaySet make_set(std::vector<std::uint32_t> pathways) {
  std::ranges::sort(pathways);
  const auto rest = std::ranges::unique(pathways);
  pathways.erase(rest.begin(), rest.end());
  return pathways;
}

/// How often a class was said rightly, said, and true.
struct ClassCounts {
  double hits = 0;
  double claimed = 0;
  double support = 0;
};

struct F1 {
  double weighted = 0;  ///< mean over classes by their true cells
  double macro = 0;     ///< plain mean over the classes that occur
  double micro = 0;     ///< of all classes' counts together
};

/// As scikit-learn's `f1_score` with `labels` = the classes that occur and `zero_division = 0`.
inline F1 f1_of(std::span<const ClassCounts> classes) {
  const auto f1 = [](const ClassCounts& one) {
    return one.claimed + one.support == 0 ? 0 : 2 * one.hits / (one.claimed + one.support);
  };
  ClassCounts all;
  F1 out;
  double occurring = 0;
  for (const ClassCounts& one : classes) {
    all.hits += one.hits, all.claimed += one.claimed, all.support += one.support;
    occurring += one.claimed + one.support > 0;
    out.weighted += one.support * f1(one), out.macro += f1(one);
  }
  out.weighted = all.support == 0 ? 0 : out.weighted / all.support;
  out.macro = occurring == 0 ? 0 : out.macro / occurring;
  out.micro = f1(all);
  return out;
}

inline void count(const PathwaySet& truth, const PathwaySet& said, double times, std::span<ClassCounts> classes) {
  for (const std::uint32_t one : truth) classes[one].support += times;
  for (const std::uint32_t one : said) {
    classes[one].claimed += times;
    if (std::ranges::binary_search(truth, one)) classes[one].hits += times;
  }
}

/// What both have over what either has; 1 where neither has any. `wrong`: further answers that no class stands for.
inline double jaccard(const PathwaySet& truth, const PathwaySet& said, std::size_t wrong) {
  const auto both = static_cast<std::size_t>(
      std::ranges::count_if(said, [&](std::uint32_t one) { return std::ranges::binary_search(truth, one); }));
  const std::size_t either = truth.size() + said.size() - both + wrong;
  return either == 0 ? 1 : static_cast<double>(both) / static_cast<double>(either);
}

}  // namespace cell2text::pathways
