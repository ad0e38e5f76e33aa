// The order in which an epoch goes through its cells. Fully random where a window holds them all; else made of blocks
// of neighbouring rows, because a file too large for memory gives neighbours far faster than single cells.
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <random>
#include <span>
#include <utility>
#include <vector>

#include "cell2text/cells/split.hpp"

namespace cell2text {

/// How random an order is, and what a file has to read for it.
struct ShuffleOptions {
  std::int64_t block = 16;     ///< cells that stand together in the rows and are read together, at least 1
  std::int64_t window = 8192;  ///< cells in memory together, among which all are shuffled, at least 1
};

/// One of several processes that share an epoch's cells.
struct Rank {
  std::int64_t rank = 0, ranks = 1;
};

namespace epoch_order_detail {

inline std::mt19937_64 generator(std::uint64_t seed, std::int64_t epoch) {
  return std::mt19937_64(seed * 1'000'003 + static_cast<std::uint64_t>(epoch) + 1);
}

/// The places of an order of n cells that are the rank's: [begin, end). No rank has more than one cell above another.
inline std::pair<std::int64_t, std::int64_t> places_of(const Rank& of, std::int64_t n) {
  const std::int64_t share = n / of.ranks, odd = n % of.ranks;
  const std::int64_t begin = of.rank * share + std::min(of.rank, odd);
  return {begin, begin + share + (of.rank < odd ? 1 : 0)};
}

}  // namespace epoch_order_detail

/// The rows in a random order that depends on seed and epoch alone.
inline std::vector<std::int64_t> shuffled_rows(std::vector<std::int64_t> rows, std::uint64_t seed, std::int64_t epoch) {
  std::mt19937_64 random = epoch_order_detail::generator(seed, epoch);
  split_detail::shuffle(rows, random);
  return rows;
}

/// The rows of one rank in the order of an epoch, which depends on the arguments alone: blocks of neighbours in `rows`
/// (ascending, for neighbours in the file) in random order; of these, each window shuffled. Where a window holds all
/// rows, that of `shuffled_rows`. Ranks have consecutive parts of one order of blocks, so each row is in exactly one,
/// and their sizes differ by one at most: a rank may have one batch less than another, and then nothing to add to the
/// last step. 8 bytes of memory a row.
inline std::vector<std::int64_t> epoch_order(const std::vector<std::int64_t>& rows, std::uint64_t seed,
                                             std::int64_t epoch, const ShuffleOptions& options, const Rank& of = {}) {
  const auto n = static_cast<std::int64_t>(rows.size());
  const auto [begin, end] = epoch_order_detail::places_of(of, n);
  if (options.window >= n) {
    const std::vector<std::int64_t> all = shuffled_rows(rows, seed, epoch);
    return {all.begin() + begin, all.begin() + end};
  }
  std::mt19937_64 random = epoch_order_detail::generator(seed, epoch);
  std::vector<std::int64_t> blocks((n + options.block - 1) / options.block);
  std::iota(blocks.begin(), blocks.end(), 0);
  split_detail::shuffle(blocks, random);

  std::vector<std::int64_t> order;
  order.reserve(end - begin);
  std::int64_t place = 0;  // of the block's first cell in the order of all ranks
  for (const std::int64_t block : blocks) {
    const std::int64_t first = block * options.block, count = std::min(options.block, n - first);
    const std::int64_t from = std::clamp(begin - place, std::int64_t{0}, count),
                       to = std::clamp(end - place, std::int64_t{0}, count);
    order.insert(order.end(), rows.begin() + first + from, rows.begin() + first + to);
    place += count;
  }
  std::mt19937_64 within(random() + static_cast<std::uint64_t>(of.rank));
  const std::span<std::int64_t> all(order);
  for (std::size_t first = 0; first < all.size();) {
    const std::size_t count = std::min(static_cast<std::size_t>(options.window), all.size() - first);
    split_detail::shuffle(all.subspan(first, count), within);
    first += count;
  }
  return order;
}

}  // namespace cell2text
