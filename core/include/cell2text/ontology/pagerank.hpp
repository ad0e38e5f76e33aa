// Personalised PageRank from many terms, on all threads. How one walk is computed is exact_pagerank.hpp's and
// power_iteration.hpp's; what is made of the ranks is similarity.hpp's.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "cell2text/error.hpp"
#include "cell2text/ontology/exact_pagerank.hpp"
#include "cell2text/ontology/graph.hpp"
#include "cell2text/ontology/power_iteration.hpp"
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
void each_rank(const Method& method, const OntologyGraph& graph, std::span<const OntologyGraph::Node> sources,
               const F& f) {
  std::vector<std::size_t> order(sources.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return method.place_of(sources[i]); });
  const std::size_t num_blocks = (sources.size() + Lanes::count - 1) / Lanes::count;
  parallel_pieces(static_cast<std::int64_t>(num_blocks), 8, [&](std::int64_t first, std::int64_t last) {
    auto room = method.room();
    std::vector<double> ranks(Lanes::count * graph.size());
    std::array<double*, Lanes::count> rows{};
    for (std::size_t lane = 0; lane < rows.size(); ++lane) rows[lane] = ranks.data() + lane * graph.size();
    for (std::int64_t block = first; block < last; ++block) {
      const std::size_t begin = static_cast<std::size_t>(block) * Lanes::count;
      std::vector<OntologyGraph::Node> nodes;
      for (std::size_t i = begin; i < std::min(begin + Lanes::count, order.size()); ++i)
        nodes.push_back(sources[order[i]]);
      method.rank(nodes, rows, room);
      for (std::size_t lane = 0; lane < nodes.size(); ++lane)
        f(order[begin + lane], std::span<const double>(rows[lane], graph.size()));
    }
  });
}

}  // namespace pagerank_detail

/// f(i, ranks): the rank of each term of the graph, summing to 1, in the walk that returns to sources[i]. Called once
/// for each i, from several threads, in any order; the ranks do not depend on it, nor on the other sources. InputError:
/// a damping outside [0, 1); errors of PowerIteration::rank.
template <class F>
void each_pagerank(const OntologyGraph& graph, std::span<const OntologyGraph::Node> sources,
                   const PageRankOptions& options, const F& f) {
  if (!(options.damping >= 0 && options.damping < 1))
    throw InputError("a damping of " + std::to_string(options.damping) +
                     "; it is the probability of going on, at least 0 and below 1 (the paper's is 0.9)");
  if (options.tolerance == PageRankTolerance::exact)
    pagerank_detail::each_rank(ExactPageRank(graph, options.damping), graph, sources, f);
  else
    pagerank_detail::each_rank(PowerIteration(graph, options.damping), graph, sources, f);
}

}  // namespace cell2text
