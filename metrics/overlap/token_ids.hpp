// Splits texts into tokens and numbers them, so that BLEU and ROUGE compare whole numbers.
// Knows nothing of scores.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace cell2text::overlap {

using TokenIds = std::vector<std::uint32_t>;

/// Bytes of the Unicode white space that starts at `at` in UTF-8, or 0. The set is that of Python's str.split().
inline std::size_t white_space_at(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const unsigned first = byte(at);
  if (first < 0x80) return (first >= 0x09 && first <= 0x0d) || (first >= 0x1c && first <= 0x20);
  if (first == 0xc2) return byte(at + 1) == 0x85 || byte(at + 1) == 0xa0 ? 2 : 0;
  if (first < 0xe1 || first > 0xe3) return 0;
  const unsigned code = (first & 0x0f) << 12 | (byte(at + 1) & 0x3f) << 6 | (byte(at + 2) & 0x3f);
  if (byte(at + 1) >> 6 != 2 || byte(at + 2) >> 6 != 2) return 0;
  const bool white = code == 0x1680 || (code >= 0x2000 && code <= 0x200a) || code == 0x2028 || code == 0x2029 ||
                     code == 0x202f || code == 0x205f || code == 0x3000;
  return white ? 3 : 0;
}

/// Calls `each(token)` for every run of characters between white space.
template <class Each>
void each_white_space_token(std::string_view text, Each&& each) {
  std::size_t begin = 0;
  for (std::size_t at = 0; at < text.size();) {
    while (at < text.size() && text[at] > ' ' && text[at] <= '~') ++at;  // plain ASCII, nearly all there is
    if (at == text.size()) break;
    const std::size_t white = white_space_at(text, at);
    if (white && at > begin) each(text.substr(begin, at - begin));
    at += white ? white : 1;
    if (white) begin = at;
  }
  if (begin < text.size()) each(text.substr(begin));
}

/// Lower-cases `text` into `lowered` for ROUGE: a-z and 0-9 stay, all else becomes a space. The Kelvin sign
/// and the capital I with dot are the only other characters whose lower case holds one of those letters.
inline void rouge_lower(std::string_view text, std::string& lowered) {
  static constexpr auto table = [] {
    std::array<char, 256> table;
    table.fill(' ');
    for (char c = 'a'; c <= 'z'; ++c) table[c] = table[c - 'a' + 'A'] = c;
    for (char c = '0'; c <= '9'; ++c) table[c] = c;
    return table;
  }();
  lowered.resize(text.size());  // never longer than the text
  std::size_t end = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    lowered[end++] = table[c];
    if (c < 0x80) continue;
    if (text.substr(i, 3) == "\u212a")
      lowered[end - 1] = 'k', i += 2;
    else if (text.substr(i, 2) == "\u0130")
      lowered[end - 1] = 'i', lowered[end++] = ' ', i += 1;
  }
  lowered.resize(end);
}

/// Numbers distinct keys 0, 1, 2, ... in the order they come: an open-addressing table that is emptied at no cost.
/// Of 64-bit keys (`Key = std::uint64_t`) or of texts that outlive the table's use (`Key = std::string_view`).
template <class Key>
class Numbering {
 public:
  static constexpr std::uint32_t absent = std::numeric_limits<std::uint32_t>::max();

  /// Forgets everything, and makes room for `most` keys.
  void start(std::size_t most) {
    const std::size_t wanted = std::bit_ceil(std::max<std::size_t>(64, most * 2));
    if (slots_.size() < wanted || ++round_ == 0) slots_.assign(std::max(wanted, slots_.size()), {}), round_ = 1;
    size_ = 0;
  }
  std::uint32_t size() const { return size_; }

  /// The number of `key`, which gets the next one where it is new. At most as many keys as `start` was told.
  std::uint32_t add(Key key) {
    Slot& slot = find_slot(key);
    const bool is_new = slot.round != round_;  // without a branch: half of them would be guessed wrong
    slot = {fingerprint(key), key, round_, is_new ? size_ : slot.number};
    size_ += is_new;
    return slot.number;
  }
  /// The number of `key`, or `absent`.
  std::uint32_t find(Key key) {
    const Slot& slot = find_slot(key);
    return slot.round == round_ ? slot.number : absent;
  }

 private:
  struct Nothing {
    Nothing(std::uint64_t = 0) {}
  };
  static constexpr bool is_text = std::is_same_v<Key, std::string_view>;
  struct Slot {
    std::uint64_t fingerprint = 0;
    [[no_unique_address]] std::conditional_t<is_text, Key, Nothing> key = {};
    std::uint32_t round = 0;  // the slot is free unless this is the current round
    std::uint32_t number = 0;
  };

  static std::uint64_t mix(std::uint64_t x) {
    x *= 0x9e3779b97f4a7c15u;
    return x ^ (x >> 32);
  }
  static std::uint64_t fingerprint(std::uint64_t key) { return key; }
  static std::uint64_t fingerprint(std::string_view key) {
    const auto load = [](const char* from, auto bytes) {
      std::memcpy(&bytes, from, sizeof bytes);
      return std::uint64_t{bytes};
    };
    const char *begin = key.data(), *end = begin + key.size();
    if (key.size() < 4) {
      const auto byte = [&](std::size_t i) { return std::uint64_t{static_cast<unsigned char>(key[i])}; };
      return key.empty() ? 0 : mix(key.size() | byte(0) << 8 | byte(key.size() / 2) << 16 | byte(key.size() - 1) << 24);
    }
    if (key.size() < 8) return mix(key.size() ^ load(begin, 0u) << 32 ^ load(end - 4, 0u));
    std::uint64_t h = key.size() ^ load(end - 8, std::uint64_t{});  // the last 8 bytes may overlap those before
    for (; end - begin > 8; begin += 8) h = mix(h) ^ load(begin, std::uint64_t{});
    return mix(h);
  }
  Slot& find_slot(Key key) {
    const std::uint64_t wanted = fingerprint(key);
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t at = mix(wanted) & mask;; at = (at + 1) & mask) {
      Slot& slot = slots_[at];
      if (!((slot.round != round_) | (slot.fingerprint == wanted))) continue;
      if constexpr (is_text)
        if (slot.round == round_ && slot.key != key) continue;
      return slot;
    }
  }

  std::vector<Slot> slots_;
  std::uint32_t round_ = 0;
  std::uint32_t size_ = 0;
};

/// The n-grams that two token lists share, order by order: start, then `next` for n = 1, 2, 3, ...
class NgramMatches {
 public:
  /// `distinct`: token numbers are below it. The lists must stay while `next` is called.
  void start(std::span<const std::uint32_t> reference, std::span<const std::uint32_t> hypothesis,
             std::uint32_t distinct) {
    reference_ = reference, hypothesis_ = hypothesis, n_ = 0, distinct_ = distinct;
    reference_ids_.assign(reference.begin(), reference.end());
    hypothesis_ids_.assign(hypothesis.begin(), hypothesis.end());
  }
  /// Matches of the next order, each reference n-gram used at most once ("clipped").
  std::size_t next() {
    if (n_++ > 0) lengthen();
    counts_.assign(distinct_, 0);
    if (n_ <= reference_.size())
      for (const std::uint32_t id : std::span(reference_ids_).first(reference_.size() - n_ + 1)) ++counts_[id];
    std::size_t matches = 0;
    if (n_ <= hypothesis_.size())
      for (const std::uint32_t id : std::span(hypothesis_ids_).first(hypothesis_.size() - n_ + 1))
        if (id != absent && counts_[id] > 0) --counts_[id], ++matches;
    return matches;
  }

 private:
  static constexpr std::uint32_t absent = Numbering<std::uint64_t>::absent;

  /// Numbers the n-grams that start at each place: one is the number of its first n - 1 tokens and its last token.
  void lengthen() {
    const auto key = [](std::uint32_t start, std::uint32_t token) { return std::uint64_t{start} << 32 | token; };
    const std::size_t last = n_ - 1;
    numbers_.start(reference_.size());
    for (std::size_t i = 0; i + last < reference_.size(); ++i)
      reference_ids_[i] = numbers_.add(key(reference_ids_[i], reference_[i + last]));
    for (std::size_t i = 0; i + last < hypothesis_.size(); ++i)
      if (hypothesis_ids_[i] != absent)  // else a shorter start of it is not in the reference
        hypothesis_ids_[i] = numbers_.find(key(hypothesis_ids_[i], hypothesis_[i + last]));
    distinct_ = numbers_.size();
  }

  std::span<const std::uint32_t> reference_, hypothesis_;
  std::size_t n_ = 0;
  std::uint32_t distinct_ = 0;
  TokenIds reference_ids_, hypothesis_ids_, counts_;
  Numbering<std::uint64_t> numbers_;
};

}  // namespace cell2text::overlap
