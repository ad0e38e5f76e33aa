// Sorts the genes of one cell: a 32-bit key and a 32-bit value in one word, a few thousand of them. What the two mean
// is the caller's.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace cell2text {

/// In the high half what is sorted by, ascending; in the low half what it belongs to.
using KeyedItem = std::uint64_t;

inline KeyedItem keyed_item(std::uint32_t key, std::int32_t value) {
  return (KeyedItem{key} << 32) | static_cast<std::uint32_t>(value);
}

/// Sorts values >= 0 in descending order: such floats are ordered as their bits are, and the complement turns them.
inline std::uint32_t descending_key(float value) {
  return ~std::bit_cast<std::uint32_t>(value);
}

namespace keyed_sort_detail {

inline bool before(KeyedItem a, KeyedItem b) {
  return (a >> 32) < (b >> 32);
}

/// Sorts what is nearly in order already; stable.
inline void finish_sort(KeyedItem* items, std::size_t n) {
  std::size_t moves = 0;
  for (std::size_t i = 1; i < n; ++i) {
    if (!before(items[i], items[i - 1])) [[likely]]
      continue;
    const KeyedItem item = items[i];
    std::size_t to = i;
    for (; to > 0 && before(item, items[to - 1]); --to, ++moves) items[to] = items[to - 1];
    items[to] = item;
    if (moves > 4 * n) return std::stable_sort(items, items + n, before);  // it was not
  }
}

}  // namespace keyed_sort_detail

/// Sorts by key, ascending and stable; all keys lie in least..most. Radix sort by the upper 20 bits of what differs, in
/// two passes without a branch; the few that these leave in disorder come last. `other` is scratch of the same size.
/// Returns where the result lies.
inline KeyedItem* sort_by_key(KeyedItem* items, KeyedItem* other, std::size_t n, std::uint32_t least,
                              std::uint32_t most) {
  if (n < 48) return std::stable_sort(items, items + n, keyed_sort_detail::before), items;
  constexpr int digit_bits = 10, size = 1 << digit_bits;
  const int shift = std::max(0, static_cast<int>(std::bit_width(most - least)) - 2 * digit_bits);
  std::array<std::array<std::uint32_t, size>, 2> places{};
  const auto key = [=](KeyedItem item) { return (static_cast<std::uint32_t>(item >> 32) - least) >> shift; };
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint32_t k = key(items[i]);
    ++places[0][k & (size - 1)], ++places[1][k >> digit_bits];
  }
  std::uint32_t start[2] = {};
  for (int i = 0; i < size; ++i) {
    start[0] += std::exchange(places[0][i], start[0]);
    start[1] += std::exchange(places[1][i], start[1]);
  }
  for (std::size_t i = 0; i < n; ++i) other[places[0][key(items[i]) & (size - 1)]++] = items[i];
  for (std::size_t i = 0; i < n; ++i) items[places[1][key(other[i]) >> digit_bits]++] = other[i];
  if (shift > 0) keyed_sort_detail::finish_sort(items, n);
  return items;
}

}  // namespace cell2text
