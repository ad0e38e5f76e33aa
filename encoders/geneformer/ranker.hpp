// Ranks the genes of one cell after another by count over median: the hot loop of the tokenizer.
// What a column means is looked up beforehand by tokenizer.hpp.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace cell2text::geneformer {

/// What one column of a source is to the ranking.
struct RankedColumn {
  double inverse_median = 0;
  std::int32_t token = -1;      ///< -1: not in the dictionary
  std::int32_t duplicate = -1;  ///< number of the gene among those with several columns; -1: its only column
};

/// All columns of a source, looked up once.
struct RankedColumns {
  std::vector<RankedColumn> columns;
  std::int32_t num_duplicated = 0;  ///< genes with several columns
  std::int64_t num_known = 0;       ///< columns in the dictionary
};

namespace ranker_detail {

/// A gene of one cell: in the high half what is sorted by, ascending; in the low half the token.
using Item = std::uint64_t;

/// Radix sort of `items[0, n)` by `passes` digits of 9 bits of (high half - least), stable. `other` is scratch of
/// the same size. Returns where the result lies. The number of passes is a template argument so that shifts are
/// constants.
template <int passes>
Item* radix_sort(Item* items, Item* other, std::size_t n, std::uint32_t least) {
  constexpr int digit_bits = 9, size = 1 << digit_bits;
  std::array<std::array<std::uint32_t, size>, passes> places{};
  const auto digit = [least](Item item, int pass) {
    return ((static_cast<std::uint32_t>(item >> 32) - least) >> (pass * digit_bits)) & (size - 1);
  };
  for (std::size_t i = 0; i < n; ++i) {
#pragma GCC unroll 4
    for (int pass = 0; pass < passes; ++pass) ++places[pass][digit(items[i], pass)];
  }
#pragma GCC unroll 4
  for (int pass = 0; pass < passes; ++pass) {
    std::uint32_t start = 0;
    for (std::uint32_t& place : places[pass]) start += std::exchange(place, start);
    for (std::size_t i = 0; i < n; ++i) other[places[pass][digit(items[i], pass)]++] = items[i];
    std::swap(items, other);
  }
  return items;
}

/// Sorts by the high half, ascending and stable; all high halves lie in least..most, and the narrower that is,
/// the fewer passes are made. Returns where the result lies: `items` or `other`.
inline Item* sort_by_high_half(Item* items, Item* other, std::size_t n, std::uint32_t least, std::uint32_t most) {
  if (n < 48) {
    std::stable_sort(items, items + n, [](Item a, Item b) { return (a >> 32) < (b >> 32); });
    return items;
  }
  if (most - least < 1u << 18) return radix_sort<2>(items, other, n, least);
  if (most - least < 1u << 27) return radix_sort<3>(items, other, n, least);
  return radix_sort<4>(items, other, n, least);
}

}  // namespace ranker_detail

/// Ranks one cell after another; keeps its memory between them. One per thread.
class Ranker {
 public:
  explicit Ranker(const RankedColumns& table) : table_(table), places_(table.num_duplicated, -1) {}

  /// Appends at most `limit` tokens of a cell to `out`, the highest value first; ties by column.
  /// Returns how many expressed genes the dictionary has. The cell's total and the factor 10,000 scale
  /// all its values alike and leave the ranks as they are, so neither is computed.
  std::int64_t rank(std::span<const std::int32_t> columns, std::span<const float> counts, std::size_t limit,
                    std::vector<std::int32_t>& out) {
    if (items_.size() < columns.size() + 1) items_.resize(columns.size() + 1), other_.resize(columns.size() + 1);
    least_ = ~0u, most_ = 0;
    const std::size_t n = table_.num_duplicated > 0 ? collect<true>(columns, counts) : collect<false>(columns, counts);
    if (n == 0) return 0;
    const Item* sorted = ranker_detail::sort_by_high_half(items_.data(), other_.data(), n, least_, most_);
    const std::size_t kept = std::min(n, limit), start = out.size();
    out.resize(start + kept);
    for (std::size_t i = 0; i < kept; ++i) out[start + i] = static_cast<std::int32_t>(sorted[i]);
    return static_cast<std::int64_t>(n);
  }

 private:
  using Item = ranker_detail::Item;

  // Positive floats are ordered as their bits are; the complement turns descending into ascending.
  static std::uint32_t sort_key(double value) { return ~std::bit_cast<std::uint32_t>(static_cast<float>(value)); }

  static Item item(std::uint32_t key, std::int32_t token) {
    return (Item{key} << 32) | static_cast<std::uint32_t>(token);
  }
  void widen(std::uint32_t least, std::uint32_t most) {
    least_ = std::min(least_, least), most_ = std::max(most_, most);
  }

  // Fills items_ with the expressed known genes, by column. The loop is the hot one: no branch but the rare one.
  template <bool with_duplicates>
  std::size_t collect(std::span<const std::int32_t> columns, std::span<const float> counts) {
    const RankedColumn* const table = table_.columns.data();
    Item* const items = items_.data();
    std::uint32_t least = ~0u, most = 0;
    std::size_t n = 0;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const RankedColumn& gene = table[columns[i]];
      const bool kept = (gene.token >= 0) & (counts[i] > 0);
      if constexpr (with_duplicates)
        if (gene.duplicate >= 0 && kept) [[unlikely]] {
          n += add_duplicate(gene, counts[i], n);
          continue;
        }
      const std::uint32_t key = sort_key(counts[i] * gene.inverse_median);
      items[n] = item(key, gene.token);
      n += kept;
      const std::uint32_t all_if_kept = -std::uint32_t{kept};
      least = std::min(least, key | ~all_if_kept), most = std::max(most, key & all_if_kept);
    }
    widen(least, most);
    for (const auto& [place, sum, gene] : sums_) {
      const std::uint32_t key = sort_key(sum * gene->inverse_median);
      items_[place] = item(key, gene->token);
      widen(key, key);
      places_[gene->duplicate] = -1;
    }
    sums_.clear();
    return n;
  }

  // A gene of several columns stands at the first of them that is expressed; returns 1 there, else 0.
  [[gnu::noinline]] std::size_t add_duplicate(const RankedColumn& gene, float count, std::size_t n) {
    std::int32_t& place = places_[gene.duplicate];
    if (place >= 0) return sums_[place].sum += count, 0;
    place = static_cast<std::int32_t>(sums_.size());
    sums_.push_back({n, count, &gene});
    return 1;
  }

  struct Sum {
    std::size_t place;
    double sum;
    const RankedColumn* gene;
  };
  const RankedColumns& table_;
  std::vector<Item> items_, other_;
  std::uint32_t least_ = 0, most_ = 0;  // sort keys of the cell at hand
  std::vector<std::int32_t> places_;    // of a duplicated gene in sums_, or -1
  std::vector<Sum> sums_;
};

}  // namespace cell2text::geneformer
