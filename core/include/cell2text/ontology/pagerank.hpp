// Personalised PageRank from many terms, on all threads. How one walk is computed is exact_pagerank.hpp's and
// power_iteration.hpp's; what is made of the ranks is similarity.hpp's.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/error.hpp"
#include "cell2text/ontology/exact_pagerank.hpp"
#include "cell2text/ontology/graph.hpp"
#include "cell2text/ontology/power_iteration.hpp"
#include "cell2text/ontology/twin_classes.hpp"
#include "cell2text/parallel/threads.hpp"

namespace cell2text {

/// `exact`: solved to rounding. `networkx`: its power iteration, which stops a little before.
enum class PageRankTolerance { exact, networkx };

struct PageRankOptions {
  double damping = 0.9;  ///< probability of going on to a neighbour, at least 0 and below 1
  PageRankTolerance tolerance = PageRankTolerance::exact;
};

namespace pagerank_detail {

/// Blocks of Lanes::count walks, in an order of the method's own, so that what it needs of the graph is near.
template <class Method, class F>
void each_walk(const Method& method, const TwinClasses& classes, std::vector<TwinClasses::Class> sources, const F& f) {
  std::ranges::sort(sources, {}, [&](TwinClasses::Class one) { return method.place_of(one); });
  const std::size_t num_blocks = (sources.size() + Lanes::count - 1) / Lanes::count;
  parallel_pieces(static_cast<std::int64_t>(num_blocks), 8, [&](std::int64_t first, std::int64_t last) {
    auto room = method.room();
    std::vector<double> ranks(Lanes::count * classes.size());
    std::array<double*, Lanes::count> rows{};
    std::array<double, Lanes::count> own{};
    for (std::size_t lane = 0; lane < rows.size(); ++lane) rows[lane] = ranks.data() + lane * classes.size();
    for (std::int64_t block = first; block < last; ++block) {
      const std::size_t begin = static_cast<std::size_t>(block) * Lanes::count;
      const auto some = std::span(sources).subspan(begin, std::min(Lanes::count, sources.size() - begin));
      method.rank(some, rows, own, room);
      for (std::size_t lane = 0; lane < some.size(); ++lane)
        f(ClassWalk{some[lane], std::span<const double>(rows[lane], classes.size()), own[lane]});
    }
  });
}

}  // namespace pagerank_detail

/// f(walk) for a walk that returns to a term of each class in `sources`, which are different. Called once for each,
/// from several threads, in any order; the ranks do not depend on it, nor on the other sources. InputError: a damping
/// outside [0, 1); errors of PowerIteration::rank.
template <class F>
void each_class_walk(const TwinClasses& classes, std::vector<TwinClasses::Class> sources,
                     const PageRankOptions& options, const F& f) {
  if (!(options.damping >= 0 && options.damping < 1))
    throw InputError("a damping of " + std::to_string(options.damping) +
                     "; it is the probability of going on, at least 0 and below 1 (the paper's is 0.9)");
  if (options.tolerance == PageRankTolerance::exact)
    pagerank_detail::each_walk(ExactPageRank(classes, options.damping), classes, std::move(sources), f);
  else
    pagerank_detail::each_walk(PowerIteration(classes, options.damping), classes, std::move(sources), f);
}

/// The same of every class.
template <class F>
void each_class_walk(const TwinClasses& classes, const PageRankOptions& options, const F& f) {
  std::vector<TwinClasses::Class> all(classes.size());
  std::iota(all.begin(), all.end(), TwinClasses::Class{0});
  each_class_walk(classes, std::move(all), options, f);
}

/// f(i, ranks): the rank of each term of the graph, summing to 1, in the walk that returns to sources[i]. Called and
/// throws as each_class_walk.
template <class F>
void each_pagerank(const OntologyGraph& graph, std::span<const OntologyGraph::Node> sources,
                   const PageRankOptions& options, const F& f) {
  const TwinClasses classes(graph);
  std::vector<std::vector<std::size_t>> asked(classes.size());  // places among the sources
  for (std::size_t i = 0; i < sources.size(); ++i) asked[classes.class_of(sources[i])].push_back(i);
  std::vector<TwinClasses::Class> walks;
  for (TwinClasses::Class one = 0; one < classes.size(); ++one)
    if (!asked[one].empty()) walks.push_back(one);
  each_class_walk(classes, std::move(walks), options, [&](const ClassWalk& walk) {
    std::vector<double> ranks(graph.size());
    for (const std::size_t i : asked[walk.source]) {
      walk.spread(classes, sources[i], ranks);
      f(i, std::span<const double>(ranks));
    }
  });
}

}  // namespace cell2text
