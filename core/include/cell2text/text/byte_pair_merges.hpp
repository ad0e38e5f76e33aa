// Byte-pair encoding of one word: of its symbols the pair of lowest rank is joined until none is left.
// Knows neither files nor the texts of tokens; the symbols that a word begins with are first_symbols.hpp's.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "cell2text/text/word_map.hpp"

namespace cell2text {

/// The merges of a vocabulary. Const after construction; `join` may run in several threads, each with its own
/// Workspace.
class BytePairMerges {
 public:
  struct Merge {
    std::uint32_t left = 0, right = 0, joined = 0;
    std::uint32_t rank = 0;
  };

  /// What one word needs while it is merged; kept between words so that nothing is allocated anew.
  struct Workspace {
    struct Symbol {
      std::uint32_t id = 0;
      std::int32_t previous = -1, next = -1;
      bool alive = true;
    };
    struct Candidate {
      std::uint32_t rank = 0;
      std::int32_t at = 0;  // index of the left symbol
      std::uint32_t left = 0, right = 0, joined = 0;
      // The queue's top is the greatest: lowest rank first, then leftmost.
      bool operator<(const Candidate& o) const { return rank != o.rank ? rank > o.rank : at > o.at; }
    };
    struct Pair {  // with the symbol behind it
      std::uint32_t rank = 0, joined = 0;
    };
    std::vector<std::uint32_t> ids;  // in: the word's first symbols; out: its tokens
    std::vector<Pair> pairs;
    std::vector<Symbol> symbols;
    std::vector<Candidate> heap;
  };

  BytePairMerges() = default;
  /// Of a pair that occurs twice the last counts, as in the `tokenizers` library. Of pairs of one rank the leftmost
  /// of a word is joined first.
  explicit BytePairMerges(const std::vector<Merge>& merges) {
    std::size_t slots = 16;
    while (slots < merges.size() * 2) slots *= 2;
    table_.assign(slots, Slot{});
    for (const Merge& merge : merges)
      table_[slot_of(merge.left, merge.right)] = {merge.left, merge.right, merge.rank, merge.joined};
  }

  /// Joins the symbols in `workspace.ids` (fewer than 2^31), in place. Time is n log n in their number.
  void join(Workspace& workspace) const {
    if (workspace.ids.size() <= short_word)
      join_short(workspace.ids, workspace.pairs);
    else
      join_long(workspace);
  }

 private:
  static constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max();  // no vocabulary is that large
  static constexpr std::size_t short_word = 40;  // up to here looking at every pair is faster than a queue
  struct Slot {
    std::uint32_t left = none, right = none, rank = none, joined = 0;
  };

  /// Where the pair is in the table, or the free place where it would be.
  std::size_t slot_of(std::uint32_t left, std::uint32_t right) const {
    const std::size_t mask = table_.size() - 1;
    std::size_t at = hash_(static_cast<std::uint64_t>(left) << 32 | right) & mask;
    while (table_[at].left != none && (table_[at].left != left || table_[at].right != right)) at = (at + 1) & mask;
    return at;
  }

  void join_short(std::vector<std::uint32_t>& ids, std::vector<Workspace::Pair>& pairs) const {
    const auto pair_at = [&](std::size_t i) -> Workspace::Pair {
      const Slot& slot = table_[slot_of(ids[i], ids[i + 1])];
      return {slot.rank, slot.joined};
    };
    pairs.clear();
    for (std::size_t i = 0; i + 1 < ids.size(); ++i) pairs.push_back(pair_at(i));
    while (!pairs.empty()) {
      std::size_t best = 0;
      for (std::size_t i = 1; i < pairs.size(); ++i)
        if (pairs[i].rank < pairs[best].rank) best = i;
      if (pairs[best].rank == none) return;
      ids[best] = pairs[best].joined;
      ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(best) + 1);
      pairs.erase(pairs.begin() + static_cast<std::ptrdiff_t>(best));
      if (best > 0) pairs[best - 1] = pair_at(best - 1);
      if (best + 1 < ids.size()) pairs[best] = pair_at(best);
    }
  }

  void join_long(Workspace& workspace) const {
    auto& [ids, pairs, symbols, heap] = workspace;
    const auto size = static_cast<std::int32_t>(ids.size());
    symbols.clear();
    heap.clear();
    for (std::int32_t i = 0; i < size; ++i)
      symbols.push_back({ids[static_cast<std::size_t>(i)], i - 1, i + 1 < size ? i + 1 : -1, true});
    for (std::int32_t i = 0; i + 1 < size; ++i) consider(symbols, heap, i, false);
    std::make_heap(heap.begin(), heap.end());
    while (!heap.empty()) {
      std::pop_heap(heap.begin(), heap.end());
      const Workspace::Candidate best = heap.back();
      heap.pop_back();
      auto& left = symbols[static_cast<std::size_t>(best.at)];
      if (!left.alive || left.next < 0 || left.id != best.left) continue;
      auto& right = symbols[static_cast<std::size_t>(left.next)];
      if (right.id != best.right) continue;  // either side was joined with something else meanwhile
      left.id = best.joined;
      left.next = right.next;
      right.alive = false;
      if (left.next >= 0) symbols[static_cast<std::size_t>(left.next)].previous = best.at;
      if (left.previous >= 0) consider(symbols, heap, left.previous, true);
      if (left.next >= 0) consider(symbols, heap, best.at, true);
    }
    ids.clear();
    for (std::int32_t i = 0; i >= 0; i = symbols[static_cast<std::size_t>(i)].next)
      ids.push_back(symbols[static_cast<std::size_t>(i)].id);
  }

  void consider(const std::vector<Workspace::Symbol>& symbols, std::vector<Workspace::Candidate>& heap, std::int32_t at,
                bool keep_order) const {
    const auto& left = symbols[static_cast<std::size_t>(at)];
    const auto& right = symbols[static_cast<std::size_t>(left.next)];
    const Slot& slot = table_[slot_of(left.id, right.id)];
    if (slot.left == none) return;
    heap.push_back({slot.rank, at, left.id, right.id, slot.joined});
    if (keep_order) std::push_heap(heap.begin(), heap.end());
  }

  RandomHash hash_;
  std::vector<Slot> table_ = std::vector<Slot>(16);  // open addressing; a power of two, at most half full
};

}  // namespace cell2text
