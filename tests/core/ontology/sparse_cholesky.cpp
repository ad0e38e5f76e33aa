// Sparse factorisation against Gauss elimination.
#include "cell2text/ontology/sparse_cholesky.hpp"

#include "core/io/message.hpp"
#include "core/ontology/graphs.hpp"
#include "support/oracle.hpp"

using cell2text::BugError;
using cell2text::Lanes;
using cell2text::SparseCholesky;
using cell2text::SparseSymmetric;
using namespace cell2text::test;

namespace {

/// Symmetric, and positive definite because the diagonal outweighs the rest of its row.
SparseSymmetric random_matrix(std::mt19937_64& random, std::size_t n, double share) {
  SparseSymmetric matrix{std::vector<double>(n, 0.1), {}};
  matrix.rows.resize(n);
  std::uniform_real_distribution<double> uniform(-1, 1);
  for (std::uint32_t i = 0; i < n; ++i)
    for (std::uint32_t j = 0; j < i; ++j)
      if (std::abs(uniform(random)) < share) {
        const double value = uniform(random);
        matrix.rows[i].emplace_back(j, value), matrix.rows[j].emplace_back(i, value);
        matrix.diagonal[i] += std::abs(value), matrix.diagonal[j] += std::abs(value);
      }
  return matrix;
}

Dense dense(const SparseSymmetric& matrix) {
  Dense all(matrix.diagonal.size(), std::vector<double>(matrix.diagonal.size()));
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i][i] = matrix.diagonal[i];
    for (const auto& [j, value] : matrix.rows[i]) all[i][j] = value;
  }
  return all;
}

SparseSymmetric path(std::size_t n) {
  SparseSymmetric matrix{std::vector<double>(n, 3), {}};
  matrix.rows.resize(n);
  for (std::uint32_t i = 1; i < n; ++i)
    matrix.rows[i].emplace_back(i - 1, -1.0), matrix.rows[i - 1].emplace_back(i, -1.0);
  return matrix;
}

}  // namespace

TEST_CASE("sparse Cholesky: eight right-hand sides are solved as by Gauss elimination") {
  const auto number = seed();
  INFO("CELL2TEXT_TEST_SEED=" << number);
  std::mt19937_64 random(number);
  for (const auto& [n, share] : {std::pair<std::size_t, double>{1, 0.5}, {2, 1}, {9, 0.3}, {40, 0.08}, {40, 0.9}}) {
    CAPTURE(n);
    const SparseSymmetric matrix = random_matrix(random, n, share);
    const SparseCholesky factor(matrix);
    std::vector<Lanes> x(n);
    std::vector<std::vector<double>> sides(Lanes::count, std::vector<double>(n));
    std::size_t first = n;
    for (std::size_t lane = 0; lane < Lanes::count; ++lane)
      for (std::size_t row = 0; row < n; ++row) {
        if (random() % 3 != 0) continue;
        sides[lane][row] = static_cast<double>(random() % 1000) / 100 - 5;
        x[factor.position_of(row)].set(lane, sides[lane][row]);
        first = std::min<std::size_t>(first, factor.position_of(row));
      }
    factor.solve(x, first);
    for (std::size_t lane = 0; lane < Lanes::count; ++lane) {
      const auto expected = solve_dense(dense(matrix), sides[lane]);
      for (std::size_t row = 0; row < n; ++row) {
        REQUIRE(std::abs(x[factor.position_of(row)][lane] - expected[row]) < 1e-9);
        REQUIRE(factor.row_at(factor.position_of(row)) == row);
      }
    }
  }
}

TEST_CASE("sparse Cholesky: the factor of a tree has no value more than the tree") {
  CHECK(SparseCholesky(path(100)).nonzeros() == 99);
  SparseSymmetric star{std::vector<double>(50, 60.0), {}};
  star.rows.resize(50);
  for (std::uint32_t i = 1; i < 50; ++i) star.rows[0].emplace_back(i, -1.0), star.rows[i].emplace_back(0, -1.0);
  CHECK(SparseCholesky(star).nonzeros() == 49);
}

TEST_CASE("sparse Cholesky: a matrix that is not positive definite is a bug of the caller's") {
  SparseSymmetric matrix = path(5);
  matrix.diagonal[2] = 0.1;
  CHECK(has(message_of<BugError>([&] { SparseCholesky factor(matrix); }), "not positive definite"));
}
