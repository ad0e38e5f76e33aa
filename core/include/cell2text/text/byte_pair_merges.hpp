// Byte-pair encoding of one word: its bytes become ids, and the pair of lowest rank is joined until none is left.
// Knows neither files nor the texts of tokens.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <utility>
#include <vector>

namespace cell2text {

/// The merges of a vocabulary. Const after construction; `append_ids` may run in several threads, each with its
/// own Workspace.
class BytePairMerges {
 public:
  struct Merge {
    std::uint32_t left = 0, right = 0, joined = 0;
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
    std::vector<Symbol> symbols;
    std::vector<Candidate> heap;
  };

  BytePairMerges() = default;
  /// `byte_ids[b]` is the id of the token of byte b; `merges` in the order of their rank. Of a pair that occurs
  /// twice the last counts, as in the `tokenizers` library.
  BytePairMerges(const std::array<std::uint32_t, 256>& byte_ids, const std::vector<Merge>& merges)
      : byte_ids_(byte_ids) {
    std::size_t slots = 16;
    while (slots < merges.size() * 2) slots *= 2;
    table_.assign(slots, Slot{});
    for (std::size_t rank = 0; rank < merges.size(); ++rank) {
      Slot& slot = table_[slot_of(merges[rank].left, merges[rank].right)];
      slot = {merges[rank].left, merges[rank].right, static_cast<std::uint32_t>(rank), merges[rank].joined};
    }
  }

  /// Appends the ids of `word`, a piece of text as bytes (fewer than 2^31). Time is n log n in its length.
  void append_ids(std::string_view word, Workspace& workspace, std::vector<std::int64_t>& ids) const {
    auto& symbols = workspace.symbols;
    auto& heap = workspace.heap;
    const auto size = static_cast<std::int32_t>(word.size());
    symbols.clear();
    heap.clear();
    for (std::int32_t i = 0; i < size; ++i)
      symbols.push_back({byte_ids_[static_cast<unsigned char>(word[static_cast<std::size_t>(i)])], i - 1,
                         i + 1 < size ? i + 1 : -1, true});
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
    for (std::int32_t i = size > 0 ? 0 : -1; i >= 0; i = symbols[static_cast<std::size_t>(i)].next)
      ids.push_back(symbols[static_cast<std::size_t>(i)].id);
  }

 private:
  static constexpr std::uint32_t empty = std::numeric_limits<std::uint32_t>::max();  // no vocabulary is that large
  struct Slot {
    std::uint32_t left = empty, right = empty, rank = 0, joined = 0;
  };

  /// Where the pair is in the table, or the free place where it would be.
  std::size_t slot_of(std::uint32_t left, std::uint32_t right) const {
    const std::size_t mask = table_.size() - 1;
    std::uint64_t hash = (static_cast<std::uint64_t>(left) << 32 | right) * 0x9E3779B97F4A7C15ull;
    std::size_t at = static_cast<std::size_t>(hash >> 32) & mask;
    while (table_[at].left != empty && (table_[at].left != left || table_[at].right != right)) at = (at + 1) & mask;
    return at;
  }

  void consider(const std::vector<Workspace::Symbol>& symbols, std::vector<Workspace::Candidate>& heap, std::int32_t at,
                bool keep_order) const {
    const auto& left = symbols[static_cast<std::size_t>(at)];
    const auto& right = symbols[static_cast<std::size_t>(left.next)];
    const Slot& slot = table_[slot_of(left.id, right.id)];
    if (slot.left == empty) return;
    heap.push_back({slot.rank, at, left.id, right.id, slot.joined});
    if (keep_order) std::push_heap(heap.begin(), heap.end());
  }

  std::array<std::uint32_t, 256> byte_ids_{};
  std::vector<Slot> table_ = std::vector<Slot>(16);  // open addressing; a power of two, at most half full
};

}  // namespace cell2text
