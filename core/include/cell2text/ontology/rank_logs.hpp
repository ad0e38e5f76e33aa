// Straight lines through points of which one coordinate is the logarithm of a rank: a run of ranks that share the other
// coordinate counts at once, however long it is.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace cell2text {

/// A least-squares line.
struct LineFit {
  double slope = 0, r_squared = 0;
};

/// log(1) + ... + log(n).
inline double sum_of_logs(std::int64_t n) {
  return std::lgamma(static_cast<double>(n) + 1);
}

/// log(1)^2 + ... + log(n)^2, to rounding: the first terms one by one, the rest by the Euler-Maclaurin formula.
inline double sum_of_squared_logs(std::int64_t n) {
  constexpr std::int64_t few = 256;
  const auto first_terms = [](std::int64_t last) {
    double sum = 0;
    for (std::int64_t r = 2; r <= last; ++r) sum += std::log(r) * std::log(r);
    return sum;
  };
  if (n <= few) return first_terms(n);
  const auto rest = [](double r) {
    const double l = std::log(r);
    const double integral = r * (l * l - 2 * l + 2), slope = 2 * l / r, third = (4 * l - 6) / (r * r * r);
    return integral + l * l / 2 + slope / 12 - third / 720;
  };
  static const double start = first_terms(few) - rest(static_cast<double>(few));
  return start + rest(static_cast<double>(n));
}

/// What a line through points (log rank, other) follows from.
class RankLogs {
 public:
  /// Adds the points of the next `count` ranks, all with the same other coordinate. The first rank is 1.
  void add(std::int64_t count, double other) {
    rank_ += count;
    const double logs = sum_of_logs(rank_), squares = sum_of_squared_logs(rank_);
    const auto n = static_cast<double>(count);
    y_ += n * other, yy_ += n * other * other, xy_ += (logs - x_) * other;
    n_ += n, x_ = logs, xx_ = squares;
  }

  /// Of the other coordinate over the logarithm of the rank, and the inverse. Zeros where no line goes through the
  /// points.
  LineFit over_rank() const { return line(xx_ - x_ * x_ / n_, xx_); }
  LineFit of_rank() const { return line(yy_ - y_ * y_ / n_, yy_); }

 private:
  LineFit line(double variance, double squares) const {
    const double var_x = xx_ - x_ * x_ / n_, var_y = yy_ - y_ * y_ / n_, covariance = xy_ - x_ * y_ / n_;
    constexpr double rounding = 1e-12;  // of numbers that are all the same
    if (!(n_ >= 2 && var_x > rounding * xx_ && var_y > rounding * yy_ && variance > rounding * squares)) return {};
    return {covariance / variance, covariance * covariance / (var_x * var_y)};
  }

  std::int64_t rank_ = 0;
  double n_ = 0, x_ = 0, y_ = 0, xx_ = 0, yy_ = 0, xy_ = 0;
};

}  // namespace cell2text
