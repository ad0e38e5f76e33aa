#include "cell2text/generate/branch_frontier.hpp"

#include <doctest/doctest.h>

#include <random>
#include <set>

#include "support/oracle.hpp"

using cell2text::BranchFrontier;

namespace {

struct Numbered {
  std::size_t number = 0;
  double bound = 0;
};

/// A tree whose nodes share out less than they have. Node 0 is the root.
struct RandomTree {
  std::vector<double> bounds{1};
  std::vector<std::vector<std::size_t>> parts{{}};
  std::int64_t leaves = 0;

  RandomTree(std::mt19937_64& random, std::size_t size) {
    std::uniform_real_distribution<double> share(0, 1);
    for (std::size_t node = 0; bounds.size() < size; ++node) {
      double left = bounds[node];
      for (std::uint64_t i = 0; i <= random() % 6; ++i) {
        const double part = left * share(random);
        left -= part;
        parts[node].push_back(bounds.size());
        bounds.push_back(part), parts.emplace_back();
      }
    }
    for (const auto& one : parts) leaves += one.empty();
  }
  Numbered branch(std::size_t node) const { return {node, bounds[node]}; }
};

/// One at a time, the largest first, until the others hold no more than is allowed.
std::set<std::size_t> best_first(const RandomTree& tree, double allowed) {
  std::set<std::size_t> followed;
  std::vector<std::size_t> open{0};
  while (!open.empty()) {
    double rest = 0;
    for (const std::size_t node : open) rest += tree.bounds[node];
    if (allowed > 0 && rest <= allowed) break;
    const auto largest = std::ranges::max_element(open, {}, [&](std::size_t node) { return tree.bounds[node]; });
    const std::size_t node = *largest;
    open.erase(largest);
    followed.insert(node);
    open.insert(open.end(), tree.parts[node].begin(), tree.parts[node].end());
  }
  return followed;
}

}  // namespace

TEST_CASE("branch frontier: in any order of following, those that a best-first search follows one by one") {
  const auto seed = cell2text::test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  std::mt19937_64 random(seed);
  for (const double allowed : {0.0, 1e-6, 1e-3, 0.05, 0.5, 1.0})
    for (int repeat = 0; repeat < 30; ++repeat) {
      const RandomTree tree(random, 300);
      BranchFrontier<Numbered> frontier(allowed, tree.leaves);
      frontier.add(tree.branch(0));
      std::set<std::size_t> followed;
      std::vector<std::size_t> ready;
      const auto take = [&] { frontier.take([&](Numbered branch) { ready.push_back(branch.number); }); };
      for (take(); !ready.empty(); take()) {
        const auto any = ready.begin() + static_cast<std::ptrdiff_t>(random() % ready.size());
        for (const std::size_t part : tree.parts[*any]) frontier.add(tree.branch(part));
        followed.insert(*any);
        ready.erase(any);
      }
      CHECK((followed == best_first(tree, allowed)));
      double left = 0;
      for (std::size_t node = 0; node < tree.bounds.size(); ++node)
        for (const std::size_t part : tree.parts[node])
          if (followed.contains(node) && !followed.contains(part)) left += tree.bounds[part];
      if (followed.empty()) left = 1;
      CHECK(frontier.left() == doctest::Approx(left).epsilon(1e-9));
      CHECK(frontier.left() <= allowed);
      frontier.close();
      CHECK(frontier.left() == doctest::Approx(left).epsilon(1e-9));
      int waiting = 0;
      frontier.each_waiting([&](const Numbered&) { ++waiting; });
      CHECK(waiting == 0);
    }
}
