// Ranks the genes of one cell after another by weighted count: the hot loop of the encoders' tokenizers. What a column
// means is looked up beforehand, by the encoder.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "cell2text/cells/keyed_sort.hpp"
#include "cell2text/nn/cpu/kernels.hpp"

namespace cell2text {

/// What one column of a source is to the ranking.
struct RankedColumn {
  double weight = 0;            ///< of a count: 1 / median for Geneformer, 1 for scGPT
  std::int32_t token = -1;      ///< -1: the encoder does not know the gene
  std::int32_t duplicate = -1;  ///< number of the gene among those with several columns; -1: its only column
};

/// All columns of a source, looked up once.
struct RankedColumns {
  std::vector<RankedColumn> columns;
  std::int32_t num_duplicated = 0;  ///< genes with several columns
  std::int64_t num_known = 0;       ///< columns whose gene the encoder knows

  /// Of the token and the weight of each column's gene; a token below 0: not known. Columns of one token are one gene.
  static RankedColumns of(std::span<const std::pair<std::int64_t, double>> genes) {
    RankedColumns table;
    std::unordered_map<std::int64_t, std::vector<std::size_t>> by_token;
    for (const auto& [token, weight] : genes) {
      table.columns.emplace_back();
      if (token < 0) continue;
      ++table.num_known;
      by_token[token].push_back(table.columns.size() - 1);
      table.columns.back().weight = weight;
      table.columns.back().token = static_cast<std::int32_t>(token);
    }
    for (const auto& [token, columns] : by_token) {
      if (columns.size() == 1) continue;
      for (const std::size_t column : columns) table.columns[column].duplicate = table.num_duplicated;
      ++table.num_duplicated;
    }
    return table;
  }
};

namespace gene_ranker_detail {

/// A gene of one cell: in the high half what is sorted by, ascending; in the low half the token.
using Item = KeyedItem;

/// The low halves of n items.
inline void copy_low_halves(const Item* items, std::size_t n, std::int64_t* to) {
  using Items = Item __attribute__((vector_size(32)));
  std::size_t i = 0;
  for (; i + 4 <= n; i += 4) {
    Items four;
    std::memcpy(&four, items + i, sizeof four);
    four &= 0xffffffff;
    std::memcpy(to + i, &four, sizeof four);
  }
  for (; i < n; ++i) to[i] = static_cast<std::int64_t>(items[i] & 0xffffffff);
}

/// What has been collected of a cell so far.
struct Collected {
  std::size_t read = 0;                 ///< entries of the cell that were looked at
  std::size_t items = 0;                ///< those that are expressed and known
  std::uint32_t least = ~0u, most = 0;  ///< of their sort keys
};

#ifdef CELL2TEXT_X86_KERNELS
#pragma GCC push_options
#pragma GCC target("avx512f,avx512dq,avx512vl,avx2,fma,popcnt")
/// Goes on for as long as there are 16 entries, none of them of a gene with several columns. `items` has room for 16
/// more than are written. The same items as one by one, to the bit.
inline void collect_sixteens(const RankedColumn* table, const std::int32_t* columns, const float* counts,
                             std::size_t count, Item* items, Collected& all) {
  using Ints = std::int32_t __attribute__((vector_size(64)));
  using Counts = float __attribute__((vector_size(32)));
  using Values = double __attribute__((vector_size(64)));
  using Items = std::uint64_t __attribute__((vector_size(64)));
  const __m512i none = _mm512_setzero_si512();
  __m512i least = _mm512_set1_epi32(static_cast<int>(all.least)), most = _mm512_set1_epi32(static_cast<int>(all.most));
  for (; all.read + 16 <= count; all.read += 16) {
    const auto column = (Ints)_mm512_loadu_si512(columns + all.read);
    const __m512i fields = (__m512i)(column << 2);
    const auto duplicate = _mm512_mask_i32gather_epi32(none, 0xffff, fields, &table->duplicate, 4);
    const auto token = _mm512_mask_i32gather_epi32(none, 0xffff, fields, &table->token, 4);
    const __m512 written = _mm512_loadu_ps(counts + all.read);
    const __mmask16 kept = _mm512_cmpge_epi32_mask(token, none) & _mm512_cmp_ps_mask(written, (__m512)none, _CMP_GT_OQ);
    if (_mm512_mask_cmpge_epi32_mask(kept, duplicate, none)) break;
    const auto doubles = [&](int half) {
      Counts eight;
      std::memcpy(&eight, counts + all.read + 8 * half, sizeof eight);
      __m256i places;
      std::memcpy(&places, columns + all.read + 8 * half, sizeof places);
      places = (__m256i)((__v8si)places << 1);
      const __m512d inverse = _mm512_mask_i32gather_pd((__m512d)none, 0xff, places, &table->weight, 8);
      return __builtin_convertvector(__builtin_convertvector(eight, Values) * (Values)inverse, Counts);
    };
    using Keys = std::uint32_t __attribute__((vector_size(32)));
    const Counts values[2] = {doubles(0), doubles(1)};
    Keys keys[2], tokens[2];
    std::memcpy(keys, values, sizeof keys), std::memcpy(tokens, &token, sizeof tokens);
    for (int half = 0; half < 2; ++half) {
      const Keys key = ~keys[half];
      keys[half] = key;
      const Items wide = (__builtin_convertvector(key, Items) << 32) | __builtin_convertvector(tokens[half], Items);
      const auto mask = static_cast<__mmask8>(kept >> (8 * half));
      _mm512_storeu_si512(items + all.items, _mm512_maskz_compress_epi64(mask, (__m512i)wide));
      all.items += static_cast<std::size_t>(__builtin_popcount(mask));
    }
    __m512i both;
    std::memcpy(&both, keys, sizeof both);
    least = _mm512_mask_min_epu32(least, kept, least, both), most = _mm512_mask_max_epu32(most, kept, most, both);
  }
  std::uint32_t lows[16], highs[16];
  std::memcpy(lows, &least, sizeof lows), std::memcpy(highs, &most, sizeof highs);
  for (int lane = 0; lane < 16; ++lane)
    all.least = lows[lane] < all.least ? lows[lane] : all.least,
    all.most = highs[lane] > all.most ? highs[lane] : all.most;
}
#pragma GCC pop_options
#endif

}  // namespace gene_ranker_detail

/// How many genes of one cell are expressed and known, and how many of them were written.
struct RankedCell {
  std::int64_t known = 0;
  std::int64_t written = 0;
};

/// Ranks one cell after another; keeps its memory between them. One per thread.
class GeneRanker {
 public:
  explicit GeneRanker(const RankedColumns& table, cpu::Level level = cpu::level())
      : table_(table), level_(level), places_(table.num_duplicated, -1) {}

  /// Writes at most `limit` tokens of a cell to `out`, the highest weighted count first, ties by column; and these
  /// weighted counts to `values`, where it is given. Counts of columns that are one gene are summed first. A factor of
  /// the whole cell, such as counts per 10,000, leaves the ranks as they are and need not be computed.
  RankedCell rank(std::span<const std::int32_t> columns, std::span<const float> counts, std::size_t limit,
                  std::int64_t* out, float* values = nullptr) {
    if (items_.size() < columns.size() + 16) items_.resize(columns.size() + 16), other_.resize(columns.size() + 16);
    const Collected all = collect(columns, counts);
    const std::size_t n = all.items;
    if (n == 0) return {};
    const Item* sorted = sort_by_key(items_.data(), other_.data(), n, all.least, all.most);
    const std::size_t kept = std::min(n, limit);
    gene_ranker_detail::copy_low_halves(sorted, kept, out);
    if (values)
      for (std::size_t i = 0; i < kept; ++i)
        values[i] = std::bit_cast<float>(~static_cast<std::uint32_t>(sorted[i] >> 32));
    return {static_cast<std::int64_t>(n), static_cast<std::int64_t>(kept)};
  }

 private:
  using Item = gene_ranker_detail::Item;
  using Collected = gene_ranker_detail::Collected;

  static std::uint32_t sort_key(double value) { return descending_key(static_cast<float>(value)); }

  // Fills items_ with the expressed known genes, by column.
  Collected collect(std::span<const std::int32_t> columns, std::span<const float> counts) {
    Collected all;
    while (all.read < columns.size()) {
#ifdef CELL2TEXT_X86_KERNELS
      if (level_ == cpu::Level::avx512)
        gene_ranker_detail::collect_sixteens(table_.columns.data(), columns.data(), counts.data(), columns.size(),
                                             items_.data(), all);
#endif
      // What is left, or a block that holds a gene of several columns.
      const std::size_t end = level_ == cpu::Level::avx512 ? std::min(all.read + 16, columns.size()) : columns.size();
      table_.num_duplicated > 0 ? collect_each<true>(columns, counts, end, all)
                                : collect_each<false>(columns, counts, end, all);
    }
    for (const auto& [place, sum, gene] : sums_) {
      const std::uint32_t key = sort_key(sum * gene->weight);
      items_[place] = keyed_item(key, gene->token);
      all.least = std::min(all.least, key), all.most = std::max(all.most, key);
      places_[gene->duplicate] = -1;
    }
    sums_.clear();
    return all;
  }

  // Entries up to `end`, one by one, without a branch but the rare one.
  template <bool with_duplicates>
  void collect_each(std::span<const std::int32_t> columns, std::span<const float> counts, std::size_t end,
                    Collected& all) {
    const RankedColumn* const table = table_.columns.data();
    Item* const items = items_.data();
    std::uint32_t least = all.least, most = all.most;
    std::size_t n = all.items;
    for (std::size_t i = all.read; i < end; ++i) {
      const RankedColumn& gene = table[columns[i]];
      const bool kept = (gene.token >= 0) & (counts[i] > 0);
      if constexpr (with_duplicates)
        if (gene.duplicate >= 0 && kept) [[unlikely]] {
          n += add_duplicate(gene, counts[i], n);
          continue;
        }
      const std::uint32_t key = sort_key(counts[i] * gene.weight);
      items[n] = keyed_item(key, gene.token);
      n += kept;
      const std::uint32_t all_if_kept = -std::uint32_t{kept};
      least = std::min(least, key | ~all_if_kept), most = std::max(most, key & all_if_kept);
    }
    all = {end, n, least, most};
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
  cpu::Level level_;
  std::vector<Item> items_, other_;
  std::vector<std::int32_t> places_;  // of a duplicated gene in sums_, or -1
  std::vector<Sum> sums_;
};

}  // namespace cell2text
