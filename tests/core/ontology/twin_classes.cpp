// Classes of terms with the same neighbours, and the loops over them on each instruction set.
#include "cell2text/ontology/twin_classes.hpp"

#include <doctest/doctest.h>

#include <set>

#include "cell2text/ontology/lane_loops.hpp"
#include "core/ontology/graphs.hpp"
#include "support/oracle.hpp"

using namespace cell2text;
using namespace cell2text::test;

TEST_CASE("twin classes: terms share a class where they have the same neighbours, and only there") {
  const auto number = seed();
  INFO("CELL2TEXT_TEST_SEED=" << number);
  std::mt19937_64 random(number);
  const SomeOntology some(random_obo(random, 120, 2) + term_text("alone") + term_text("alone_too"));
  const TwinClasses classes(some.graph);
  const auto neighbours = [&](OntologyGraph::Node node) {
    const auto all = some.graph.neighbours(node);
    return std::set<OntologyGraph::Node>(all.begin(), all.end());
  };
  CHECK(classes.num_terms() == some.graph.size());
  CHECK(classes.size() < some.graph.size());
  for (OntologyGraph::Node a = 0; a < some.graph.size(); ++a) {
    for (OntologyGraph::Node b = 0; b < some.graph.size(); ++b)
      REQUIRE((classes.class_of(a) == classes.class_of(b)) == (neighbours(a) == neighbours(b)));
    const auto of_a = classes.class_of(a);
    REQUIRE(classes.degree(of_a) == static_cast<double>(some.graph.neighbours(a).size()));
    std::set<OntologyGraph::Node> around;  // all terms of the classes around
    for (const auto one : classes.neighbours(of_a)) {
      const auto members = classes.members(one);
      around.insert(members.begin(), members.end());
    }
    REQUIRE(around == neighbours(a));
  }
  CHECK(classes.members(classes.class_of(some.node("alone"))).size() >= 2);
}

namespace {

/// One iteration of eight walks with random numbers; what comes out.
std::vector<double> step_on(cpu::Level level, std::mt19937_64 random) {
  constexpr std::size_t size = 50;
  const auto number = [&] { return static_cast<double>(random() % 10000) / 10000; };
  std::vector<std::size_t> offsets{0};
  std::vector<std::uint32_t> from;
  std::vector<double> handing, degrees;
  std::vector<Lanes> handed(size), next(size);
  for (std::size_t place = 0; place < size; ++place) {
    for (std::size_t count = random() % 5; count > 0; --count) from.push_back(random() % size);
    offsets.push_back(from.size());
    handing.push_back(number()), degrees.push_back(1 + number());
    for (std::size_t lane = 0; lane < Lanes::count; ++lane) handed[place].set(lane, number());
  }
  cpu::WalkStep::Source sources[Lanes::count];
  for (std::size_t lane = 0; lane < Lanes::count; ++lane) sources[lane] = {lane * 7 + lane / 7 * 100, number(), -1};
  Lanes change{};
  const cpu::WalkStep step{size,    offsets.data(), from.data(),   handing.data(), degrees.data(), 0.9,
                           sources, Lanes::count,   handed.data(), next.data(),    &change};
  if (level == cpu::Level::plain) cpu::plain::walk_step(step);
#ifdef CELL2TEXT_X86_KERNELS
  if (level == cpu::Level::avx2) cpu::avx2::walk_step(step);
  if (level == cpu::Level::avx512) cpu::avx512::walk_step(step);
#endif
  std::vector<double> all;
  for (const Lanes& one : next) all.insert(all.end(), one.values, one.values + Lanes::count);
  for (const auto& one : sources) all.push_back(one.received);
  all.insert(all.end(), change.values, change.values + Lanes::count);
  return all;
}

/// The same written out.
std::vector<double> plain_step(std::mt19937_64 random) {
  constexpr std::size_t size = 50;
  const auto number = [&] { return static_cast<double>(random() % 10000) / 10000; };
  std::vector<std::vector<std::size_t>> from(size);
  std::vector<double> handing, degrees;
  Dense handed(size, std::vector<double>(Lanes::count)), next = handed;
  for (std::size_t place = 0; place < size; ++place) {
    for (std::size_t count = random() % 5; count > 0; --count) from[place].push_back(random() % size);
    handing.push_back(number()), degrees.push_back(1 + number());
    for (double& one : handed[place]) one = number();
  }
  std::vector<double> returning, received(Lanes::count, -1.0), change(Lanes::count), all;
  for (std::size_t lane = 0; lane < Lanes::count; ++lane) returning.push_back(number());
  for (std::size_t place = 0; place < size; ++place)
    for (std::size_t lane = 0; lane < Lanes::count; ++lane) {
      double sum = 0;
      for (const std::size_t one : from[place]) sum += handed[one][lane];
      next[place][lane] = 0.9 * sum * handing[place];
      if (lane * 7 + lane / 7 * 100 == place) received[lane] = 0.9 * sum, next[place][lane] += returning[lane];
      change[lane] += std::abs(next[place][lane] - handed[place][lane]) * degrees[place];
    }
  for (const auto& one : next) all.insert(all.end(), one.begin(), one.end());
  all.insert(all.end(), received.begin(), received.end());
  all.insert(all.end(), change.begin(), change.end());
  return all;
}

}  // namespace

TEST_CASE("lane loops: each instruction set steps and solves as written out") {
  const auto number = seed();
  INFO("CELL2TEXT_TEST_SEED=" << number);
  std::mt19937_64 random(number);
  const auto expected = plain_step(random);
  for (int level = 0; level <= static_cast<int>(cpu::best_level()); ++level) {
    CAPTURE(level);
    const auto ours = step_on(static_cast<cpu::Level>(level), random);
    REQUIRE(ours.size() == expected.size());
    for (std::size_t i = 0; i < ours.size(); ++i) REQUIRE(ours[i] == doctest::Approx(expected[i]).epsilon(1e-13));
  }

  // L D L^T of a chain: column k has one value, in row k + 1.
  constexpr std::size_t size = 40, first = 3;
  std::vector<std::size_t> offsets{0};
  std::vector<std::uint32_t> rows;
  std::vector<double> values, inverse_pivots;
  for (std::size_t k = 0; k < size; ++k) {
    if (k + 1 < size) rows.push_back(static_cast<std::uint32_t>(k + 1)), values.push_back(0.3 + 0.01 * k);
    offsets.push_back(rows.size());
    inverse_pivots.push_back(1 / (1 + 0.1 * k));
  }
  std::vector<Lanes> sides(size);
  for (std::size_t k = first; k < size; ++k)
    for (std::size_t lane = 0; lane < Lanes::count; ++lane)
      sides[k].set(lane, static_cast<double>(random() % 100) / 10);
  const cpu::Factor factor{size, offsets.data(), rows.data(), values.data(), inverse_pivots.data()};
  for (int level = 0; level <= static_cast<int>(cpu::best_level()); ++level) {
    CAPTURE(level);
    std::vector<Lanes> x = sides;
    if (level == 0) cpu::plain::solve(factor, x.data(), first);
#ifdef CELL2TEXT_X86_KERNELS
    if (level == 1) cpu::avx2::solve(factor, x.data(), first);
    if (level == 2) cpu::avx512::solve(factor, x.data(), first);
#endif
    for (std::size_t lane = 0; lane < Lanes::count; ++lane) {
      std::vector<double> up(size + 1), back(size);  // L^T x, D L^T x
      for (std::size_t k = 0; k < size; ++k)
        up[k] = x[k][lane] + (k + 1 < size ? values[k] * x[k + 1][lane] : 0), back[k] = up[k] / inverse_pivots[k];
      for (std::size_t k = 0; k < size; ++k)
        REQUIRE(back[k] + (k > 0 ? values[k - 1] * back[k - 1] : 0) == doctest::Approx(sides[k][lane]).epsilon(1e-11));
    }
  }
}
