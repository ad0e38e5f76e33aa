// How alike two terms of an ontology are, from walks on its graph, as in the Cell2Text paper (section 3.3):
// S(a, b) = log(1 + rank of b in the walk that returns to a / tau), scaled to 0..1 over all pairs; S(a, a) = 1.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "cell2text/error.hpp"
#include "cell2text/ontology/graph.hpp"
#include "cell2text/ontology/many_logs.hpp"
#include "cell2text/ontology/pagerank.hpp"
#include "cell2text/ontology/twin_classes.hpp"
#include "cell2text/parallel/threads.hpp"

namespace cell2text {

struct SimilarityOptions {
  PageRankOptions pagerank = {};
  double tau = 1e-4;  ///< ranks well below it count as unrelated; above 0
};

/// The smallest rank of all pairs, and the largest in walks from terms that have a relation: a term without one keeps
/// its whole walk, and would set a scale that no other pair comes near.
struct RankRange {
  double lowest = 1, highest = 0;

  /// Takes in the ranks of one walk.
  void widen(std::span<const double> ranks, bool has_relations) {
    constexpr std::size_t lanes = 4;  // one would wait for each comparison
    double low[lanes] = {lowest, lowest, lowest, lowest}, high[lanes] = {};
    std::size_t i = 0;
    for (; i + lanes <= ranks.size(); i += lanes)
      for (std::size_t k = 0; k < lanes; ++k)
        low[k] = std::min(ranks[i + k], low[k]), high[k] = std::max(ranks[i + k], high[k]);
    for (; i < ranks.size(); ++i) low[0] = std::min(ranks[i], low[0]), high[0] = std::max(ranks[i], high[0]);
    lowest = std::ranges::min(low);
    if (has_relations) highest = std::max(highest, std::ranges::max(high));
  }
  void widen(const ClassWalk& walk, bool has_relations) {
    widen(walk.ranks, has_relations), widen({&walk.own, 1}, has_relations);
  }
  void widen(const RankRange& other) {
    lowest = std::min(lowest, other.lowest), highest = std::max(highest, other.highest);
  }
};

/// From a rank to a similarity; the same for all pairs of a graph.
class SimilarityScale {
 public:
  /// InputError: tau is not above 0.
  SimilarityScale(const RankRange& range, double tau) : tau_(tau) {
    if (!(tau > 0 && std::isfinite(tau)))
      throw InputError("a tau of " + std::to_string(tau) + "; a number above 0 is expected (the paper's is 0.0001)");
    lowest_ = raw(range.lowest);
    factor_ = 1 / (raw(range.highest) - lowest_);
  }

  /// Not yet scaled: log(1 + rank / tau) of each.
  void raw(std::span<const double> ranks, std::span<double> out) const {
    for (std::size_t i = 0; i < ranks.size(); ++i) out[i] = ranks[i] / tau_;
    take_logs_of_one_more(out);
  }
  double raw(double rank) const {
    double out = 0;
    raw({&rank, 1}, {&out, 1});
    return out;
  }
  double of_raw(double value) const { return std::clamp((value - lowest_) * factor_, 0.0, 1.0); }

 private:
  double tau_, lowest_, factor_;
};

/// All terms of a graph, as sources.
inline std::vector<OntologyGraph::Node> all_nodes(const OntologyGraph& graph) {
  std::vector<OntologyGraph::Node> nodes(graph.size());
  std::iota(nodes.begin(), nodes.end(), OntologyGraph::Node{0});
  return nodes;
}

/// Needs every walk, and keeps none of them. Errors as each_pagerank.
inline RankRange rank_range(const OntologyGraph& graph, const PageRankOptions& options) {
  const TwinClasses classes(graph);
  std::vector<RankRange> ranges(classes.size());
  each_class_walk(classes, options,
                  [&](const ClassWalk& walk) { ranges[walk.source].widen(walk, classes.degree(walk.source) > 0); });
  RankRange all;
  for (const RankRange& one : ranges) all.widen(one);
  return all;
}

/// f(i, similarities): of sources[i] to every term of the graph, double [N]. As each_pagerank calls f; errors of that
/// and of SimilarityScale.
template <class F>
void each_similarity(const OntologyGraph& graph, std::span<const OntologyGraph::Node> sources, const RankRange& range,
                     const SimilarityOptions& options, const F& f) {
  const SimilarityScale scale(range, options.tau);
  each_pagerank(graph, sources, options.pagerank, [&](std::size_t i, std::span<const double> ranks) {
    std::vector<double> similarities(ranks.size());
    scale.raw(ranks, similarities);
    for (double& one : similarities) one = scale.of_raw(one);
    similarities[sources[i]] = 1;
    f(i, std::span<const double>(similarities));
  });
}

/// All pairs of N terms, kept as float32 [C, C] of their C classes of twins.
class SimilarityMatrix {
 public:
  /// In one pass over the walks. Errors as each_similarity.
  SimilarityMatrix(const OntologyGraph& graph, const SimilarityOptions& options)
      : classes_(graph), values_(std::make_unique_for_overwrite<float[]>(classes_.size() * classes_.size())) {
    const std::size_t n = classes_.size();  // the threads are the first to touch the values, each its own
    const SimilarityScale unscaled({0, 1}, options.tau);
    std::vector<RankRange> ranges(n);
    each_class_walk(classes_, options.pagerank, [&](const ClassWalk& walk) {
      ranges[walk.source].widen(walk, classes_.degree(walk.source) > 0);
      std::vector<double> raw(n);
      unscaled.raw(walk.ranks, raw);
      std::ranges::copy(raw, values_.get() + walk.source * n);
    });
    for (const RankRange& one : ranges) range_.widen(one);
    const SimilarityScale scale(range_, options.tau);
    parallel_pieces(static_cast<std::int64_t>(n), 64, [&](std::int64_t first, std::int64_t last) {
      for (std::size_t i = static_cast<std::size_t>(first) * n; i < static_cast<std::size_t>(last) * n; ++i)
        values_[i] = static_cast<float>(scale.of_raw(values_[i]));
    });
  }

  std::size_t size() const { return classes_.num_terms(); }
  const RankRange& range() const { return range_; }
  float at(OntologyGraph::Node from, OntologyGraph::Node to) const {
    return from == to ? 1 : of_classes(classes_.class_of(from))[classes_.class_of(to)];
  }
  /// Sets out[n], n < size(), to at(from, n).
  void row(OntologyGraph::Node from, std::span<float> out) const {
    const auto of = of_classes(classes_.class_of(from));
    for (OntologyGraph::Node to = 0; to < size(); ++to) out[to] = of[classes_.class_of(to)];
    out[from] = 1;
  }

  const TwinClasses& classes() const { return classes_; }
  /// From a term of this class to another term of each class; of no meaning where the class is the same and has no
  /// other.
  std::span<const float> of_classes(TwinClasses::Class from) const {
    return {values_.get() + from * classes_.size(), classes_.size()};
  }

 private:
  TwinClasses classes_;
  std::unique_ptr<float[]> values_;
  RankRange range_;
};

}  // namespace cell2text
