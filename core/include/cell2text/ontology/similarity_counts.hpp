// How often similarities occur, without keeping or sorting them: counts in fine bins, and a second look at those bins
// in which a quantile or an edge lies. What is made of the counts is similarity_statistics.hpp's.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "cell2text/ontology/rank_logs.hpp"
#include "cell2text/parallel/threads.hpp"

namespace cell2text {

/// Of values in 0..1. All that comes out is the same for any number of threads.
class SimilarityCounts {
 public:
  /// Counts what `each(row, f)` gives; as similarity_statistics has it.
  template <class Each>
  SimilarityCounts(std::size_t num_rows, const Each& each) {
    struct RowSums {
      double value = 0, square = 0;
    };
    std::vector<RowSums> sums(num_rows);
    gather<Bins>(
        num_rows,
        [&](std::size_t row, Bins& bins) {
          RowSums sum;
          each(row, [&](float value, std::int64_t pairs, std::int64_t pairs_once) {
            const double weighted = static_cast<double>(pairs) * value;
            sum.value += weighted, sum.square += weighted * value;
            bins.add(value, pairs, pairs_once);
          });
          sums[row] = sum;
        },
        [&](Bins&& bins) { bins_.add(std::move(bins)); });
    for (const RowSums& one : sums) sum_ += one.value, squares_ += one.square;
    num_pairs_ = bins_.zeros;
    for (const std::int64_t count : bins_.even) num_pairs_ += count;
  }

  std::int64_t num_pairs() const { return num_pairs_; }
  double sum() const { return sum_; }
  double sum_of_squares() const { return squares_; }

  /// Asks for what value_at(rank) and value_at(rank + 1), or num_below(value) and num_up_to(value), need.
  void look_closer_at_rank(std::int64_t rank) {
    for (const std::int64_t one : {rank, std::min(rank + 1, num_pairs_ - 1)})
      if (one >= bins_.zeros) closer_.insert_or_assign(bin_of_rank(one), 0);
  }
  void look_closer_at(double value) { closer_.insert_or_assign(even_bin(value), 0); }
  /// Counts single values where it was asked for. `each` as before.
  template <class Each>
  void look_closer(std::size_t num_rows, const Each& each) {
    std::vector<bool> asked(bins_.even.size());
    std::int64_t before = bins_.zeros;
    std::size_t counted = 0;
    for (auto& [bin, before_bin] : closer_) {
      for (; counted < bin; ++counted) before += bins_.even[counted];
      asked[bin] = true, before_bin = before;
    }
    gather<Singles>(
        num_rows,
        [&](std::size_t row, Singles& singles) {
          each(row, [&](float value, std::int64_t pairs, std::int64_t) {
            const std::size_t bin = even_bin(value);
            if (value > 0 && asked[bin]) singles[{bin, value}] += pairs;
          });
        },
        [&](Singles&& singles) {
          for (const auto& [value, count] : singles) singles_[value] += count;
        });
  }

  /// The value before which `rank` others stand, of all in ascending order.
  double value_at(std::int64_t rank) const {
    if (rank < bins_.zeros) return 0;
    const std::size_t bin = bin_of_rank(rank);
    std::int64_t left = rank - closer_.at(bin);
    auto at = singles_.lower_bound({bin, 0.0f});
    while (left >= at->second) left -= at++->second;
    return at->first.second;
  }
  std::int64_t num_below(double value) const {
    return value <= 0 ? 0 : num_until(value, [=](float one) { return one < value; });
  }
  std::int64_t num_up_to(double value) const {
    return num_until(value, [=](float one) { return one <= value; });
  }

  /// Over the logarithm of a value, that of how many are at least as large. Zeros are left out. Values within 2^-12 of
  /// each other stand for their mean, which moves the line by less than the rounding of its float32 points does.
  LineFit share_above() const {
    RankLogs logs;
    for (std::size_t high = bins_.floating.size(); high-- > 0;)
      for (std::size_t low = bins_.floating[high].size(); low-- > 0;) {
        const auto& [count, open_bits] = bins_.floating[high][low];
        if (count == 0) continue;
        const auto bin = static_cast<std::uint32_t>(high << bin_bits | low);
        const auto first = std::bit_cast<float>(bin << open_bits_count);
        const auto next = std::bit_cast<float>((bin + 1) << open_bits_count);
        const double part = static_cast<double>(open_bits) / static_cast<double>(count << open_bits_count);
        logs.add(count, std::log(first + (double{next} - first) * part));
      }
    return logs.of_rank();
  }

  /// Over the logarithm of the rank, that of how often a value occurs, rounded to 6 decimals, the most frequent first.
  /// Zeros are left out.
  LineFit rank_frequency() const {
    std::map<std::int64_t, std::int64_t, std::greater<>> values_of_count;
    std::vector<std::int64_t> values_of_small(1 << 12);
    for (const std::int64_t count : bins_.even)
      if (count > 0) ++(count < std::ssize(values_of_small) ? values_of_small[count] : values_of_count[count]);
    for (std::size_t count = 1; count < values_of_small.size(); ++count)
      if (values_of_small[count] > 0) values_of_count[static_cast<std::int64_t>(count)] = values_of_small[count];
    RankLogs logs;
    for (const auto& [count, values] : values_of_count) logs.add(values, std::log(static_cast<double>(count)));
    return logs.over_rank();
  }

 private:
  // A float32 above 0 has 8 bits of exponent and 23 of fraction, of which a bin knows the first 12.
  static constexpr int decimals = 1000000, bin_bits = 12, open_bits_count = 11;
  static constexpr std::size_t num_exponents = (std::bit_cast<std::uint32_t>(1.0f) >> (bin_bits + open_bits_count)) + 1;

  static std::size_t even_bin(double value) { return static_cast<std::size_t>(value * decimals + 0.5); }

  struct Bins {
    struct Floating {
      std::int64_t count = 0, open_bits = 0;  // the sum of the bits that the bin leaves open says where their mean lies
    };
    std::vector<std::int64_t> even =
        std::vector<std::int64_t>(decimals + 1);                // pairs, of positive values by 6 decimals
    std::array<std::vector<Floating>, num_exponents> floating;  // pairs once, by exponent; empty where there are none
    std::int64_t zeros = 0;

    void add(float value, std::int64_t pairs, std::int64_t pairs_once) {
      if (!(value > 0)) {
        zeros += pairs;
        return;
      }
      even[even_bin(value)] += pairs;
      if (pairs_once == 0) return;
      const auto bits = std::bit_cast<std::uint32_t>(value);
      std::vector<Floating>& bins = floating[bits >> (bin_bits + open_bits_count)];
      if (bins.empty()) bins.resize(1 << bin_bits);
      Floating& bin = bins[bits >> open_bits_count & ((1u << bin_bits) - 1)];
      bin.count += pairs_once, bin.open_bits += pairs_once * (bits & ((1u << open_bits_count) - 1));
    }
    void add(Bins&& other) {
      zeros += other.zeros;
      if (even.empty()) return std::swap(even, other.even), std::swap(floating, other.floating);
      for (std::size_t i = 0; i < even.size(); ++i) even[i] += other.even[i];
      for (std::size_t exponent = 0; exponent < num_exponents; ++exponent) {
        std::vector<Floating>&mine = floating[exponent], &others = other.floating[exponent];
        if (mine.empty()) std::swap(mine, others);
        for (std::size_t i = 0; i < others.size(); ++i)
          mine[i].count += others[i].count, mine[i].open_bits += others[i].open_bits;
      }
    }
  };
  using Singles = std::map<std::pair<std::size_t, float>, std::int64_t>;  // (bin, value) -> pairs

  /// Runs count(row, part) for each row, on all threads with a Part for each, and then take(part) for each.
  template <class Part, class Count, class Take>
  static void gather(std::size_t num_rows, const Count& count, const Take& take) {
    std::mutex mutex;
    std::vector<std::unique_ptr<Part>> idle;
    parallel_pieces(static_cast<std::int64_t>(num_rows), 64, [&](std::int64_t first, std::int64_t last) {
      std::unique_ptr<Part> part;
      {
        const std::lock_guard lock(mutex);
        if (!idle.empty()) part = std::move(idle.back()), idle.pop_back();
      }
      if (!part) part = std::make_unique<Part>();
      for (auto row = static_cast<std::size_t>(first); row < static_cast<std::size_t>(last); ++row) count(row, *part);
      const std::lock_guard lock(mutex);
      idle.push_back(std::move(part));
    });
    for (const auto& part : idle) take(std::move(*part));
  }

  std::size_t bin_of_rank(std::int64_t rank) const {
    std::size_t bin = 0;
    for (std::int64_t end = bins_.zeros; (end += bins_.even[bin]) <= rank;) ++bin;
    return bin;
  }

  template <class Counts>
  std::int64_t num_until(double value, const Counts& counts) const {
    const std::size_t bin = even_bin(value);
    std::int64_t number = closer_.at(bin);
    for (auto at = singles_.lower_bound({bin, 0.0f}); at != singles_.end() && at->first.first == bin; ++at)
      if (counts(at->first.second)) number += at->second;
    return number;
  }

  Bins bins_{.even = {}, .floating = {}, .zeros = 0};  // takes the memory of a part
  double sum_ = 0, squares_ = 0;
  std::int64_t num_pairs_ = 0;
  std::map<std::size_t, std::int64_t> closer_;  // bin -> how many pairs stand before its first
  Singles singles_;
};

}  // namespace cell2text
