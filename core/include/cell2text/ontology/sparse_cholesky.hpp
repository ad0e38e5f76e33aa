// A sparse symmetric positive-definite matrix as L D L^T, with rows and columns in an order of minimum degree so that L
// stays sparse. For matrices of graphs close to trees, as ontologies are. Knows nothing of walks.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/error.hpp"
#include "cell2text/ontology/lane_loops.hpp"
#include "cell2text/ontology/lanes.hpp"

namespace cell2text {

/// A symmetric matrix [n, n]: its diagonal, and for each row the columns and values off it, in both triangles.
struct SparseSymmetric {
  std::vector<double> diagonal;
  std::vector<std::vector<std::pair<std::uint32_t, double>>> rows;
};

class SparseCholesky {
 public:
  /// BugError where the matrix is not positive definite.
  explicit SparseCholesky(const SparseSymmetric& matrix) {
    choose_order(matrix);
    factorise(matrix);
  }

  std::size_t size() const { return order_.size(); }
  /// Values of L off its diagonal.
  std::size_t nonzeros() const { return rows_.size(); }
  /// The row of the matrix that stands at a position of the order, and the inverse.
  std::uint32_t row_at(std::size_t position) const { return order_[position]; }
  std::uint32_t position_of(std::size_t row) const { return position_[row]; }

  /// Solves for eight right-hand sides in place. `x` [n] is in the order of positions, and zero before `first`.
  void solve(std::span<Lanes> x, std::size_t first) const {
    const cpu::Factor factor{size(), offsets_.data(), rows_.data(), values_.data(), inverse_pivots_.data()};
    CELL2TEXT_KERNEL(solve, factor, x.data(), first);
  }

 private:
  /// Eliminates the row with the fewest neighbours, then joins those neighbours, and so on; of equals the first. What a
  /// row is joined with when it goes is the pattern of its column of L.
  void choose_order(const SparseSymmetric& matrix) {
    const std::size_t n = matrix.diagonal.size();
    std::vector<std::vector<std::uint32_t>> neighbours(n), patterns(n);
    std::set<std::pair<std::size_t, std::uint32_t>> by_degree;
    for (std::uint32_t row = 0; row < n; ++row) {
      for (const auto& [column, value] : matrix.rows[row]) neighbours[row].push_back(column);
      std::ranges::sort(neighbours[row]);
      by_degree.emplace(neighbours[row].size(), row);
    }
    position_.resize(n);
    while (!by_degree.empty()) {
      const std::uint32_t row = by_degree.begin()->second;
      by_degree.erase(by_degree.begin());
      position_[row] = static_cast<std::uint32_t>(order_.size());
      order_.push_back(row);
      const std::vector<std::uint32_t> front = std::exchange(neighbours[row], {});
      for (const std::uint32_t one : front) {
        by_degree.erase({neighbours[one].size(), one});
        std::vector<std::uint32_t> joined;
        std::ranges::set_union(neighbours[one], front, std::back_inserter(joined));
        std::erase_if(joined, [&](std::uint32_t other) { return other == one || other == row; });
        by_degree.emplace(joined.size(), one);
        neighbours[one] = std::move(joined);
      }
      patterns[row] = front;
    }
    offsets_.assign(1, 0);
    for (const std::uint32_t row : order_) {
      for (std::uint32_t& one : patterns[row]) one = position_[one];
      std::ranges::sort(patterns[row]);
      rows_.insert(rows_.end(), patterns[row].begin(), patterns[row].end());
      offsets_.push_back(rows_.size());
    }
  }

  /// Column by column: a column is the matrix's, less what the columns before it that reach its row have in common.
  void factorise(const SparseSymmetric& matrix) {
    const std::size_t n = size();
    constexpr std::size_t end = std::numeric_limits<std::size_t>::max();
    std::vector<double> pivots(n), column(n);
    values_.resize(rows_.size());
    // Columns whose next row is this one, as lists: `first[row]`, then `next[column]`; `at[column]` is that row's
    // place.
    std::vector<std::size_t> first(n, end), next(n, end), at(offsets_.begin(), offsets_.end() - 1);
    const auto wait_for_next_row = [&](std::size_t k) {
      if (at[k] == offsets_[k + 1]) return;
      next[k] = std::exchange(first[rows_[at[k]]], k);
    };
    for (std::size_t j = 0; j < n; ++j) {
      column[j] = matrix.diagonal[order_[j]];
      for (const auto& [row, value] : matrix.rows[order_[j]])
        if (position_[row] > j) column[position_[row]] = value;
      for (std::size_t k = first[j]; k != end;) {
        const std::size_t following = next[k];
        const double scaled = values_[at[k]] * pivots[k];
        for (std::size_t e = at[k]; e < offsets_[k + 1]; ++e) column[rows_[e]] -= scaled * values_[e];
        ++at[k];
        wait_for_next_row(k);
        k = following;
      }
      pivots[j] = std::exchange(column[j], 0.0);
      if (!(pivots[j] > 0))
        throw BugError("SparseCholesky: the matrix is not positive definite; pivot " + std::to_string(j) + " is " +
                       std::to_string(pivots[j]));
      inverse_pivots_.push_back(1 / pivots[j]);
      for (std::size_t e = offsets_[j]; e < offsets_[j + 1]; ++e)
        values_[e] = std::exchange(column[rows_[e]], 0.0) * inverse_pivots_[j];
      wait_for_next_row(j);
    }
  }

  std::vector<std::uint32_t> order_, position_;
  std::vector<std::size_t> offsets_;  // of columns of L, by position
  std::vector<std::uint32_t> rows_;   // positions
  std::vector<double> values_, inverse_pivots_;
};

}  // namespace cell2text
