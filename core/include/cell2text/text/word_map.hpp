// A table from words to numbers for the inner loop of encoding: one look-up per word of a text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace cell2text {

/// A hash that each table draws anew, so that no file can be made whose entries collide.
class RandomHash {
 public:
  RandomHash() : factor_(std::random_device{}() * 0x100000001ull | 1) {}

  std::uint64_t operator()(std::uint64_t value) const {
    const auto product = static_cast<unsigned __int128>(value + factor_) * (factor_ * 0x9E3779B97F4A7C15ull | 1);
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  }

 private:
  std::uint64_t factor_;
};

/// Words and their numbers (below 2^32 - 1). The texts, together below 4 GiB, are kept in one string.
class WordMap {
 public:
  static constexpr std::uint32_t none = 0xFFFFFFFF;

  WordMap() = default;
  /// An empty table with the hash of another; drawing a new one takes longer than a short text.
  static WordMap like(const WordMap& other) { return WordMap(other.mix_); }

  std::size_t size() const { return count_; }

  /// The number of `word`, or `none`.
  std::uint32_t find(std::string_view word) const {
    if (slots_.empty()) return none;
    const std::uint64_t hash = hash_of(word);
    for (std::size_t at = hash >> shift_;; at = (at + 1) & (slots_.size() - 1)) {
      const Slot& slot = slots_[at];
      if (slot.number == none) return none;
      if (slot.hash == static_cast<std::uint32_t>(hash) && slot.length == word.size() &&
          std::memcmp(texts_.data() + slot.start, word.data(), word.size()) == 0)
        return slot.number;
    }
  }

  /// Adds a word that is not there.
  void add(std::string_view word, std::uint32_t number) {
    if (2 * (count_ + 1) > slots_.size()) grow();
    put({static_cast<std::uint32_t>(hash_of(word)), static_cast<std::uint32_t>(texts_.size()),
         static_cast<std::uint32_t>(word.size()), number},
        hash_of(word));
    texts_ += word;
    ++count_;
  }

  void clear() {
    slots_.assign(slots_.size(), Slot{});
    texts_.clear();
    count_ = 0;
  }

 private:
  explicit WordMap(const RandomHash& hash) : mix_(hash) {}

  struct Slot {
    std::uint32_t hash = 0, start = 0, length = 0, number = none;
  };

  std::uint64_t hash_of(std::string_view word) const {
    const char* bytes = word.data();
    std::uint64_t hash = word.size();
    std::size_t left = word.size();
    for (; left >= 8; left -= 8, bytes += 8) hash = mix_(hash ^ load(bytes, 8));
    return left ? mix_(hash ^ load(bytes, left)) : hash;
  }
  static std::uint64_t load(const char* bytes, std::size_t count) {
    std::uint64_t value = 0;
    if (count == 8) {
      std::memcpy(&value, bytes, 8);
    } else if (count >= 4) {
      std::uint32_t low, high;
      std::memcpy(&low, bytes, 4);
      std::memcpy(&high, bytes + count - 4, 4);
      value = low | static_cast<std::uint64_t>(high) << 32;
    } else {
      value = static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[0])) |
              static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[count / 2])) << 8 |
              static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[count - 1])) << 16;
    }
    return value;
  }

  void put(const Slot& slot, std::uint64_t hash) {
    std::size_t at = hash >> shift_;
    while (slots_[at].number != none) at = (at + 1) & (slots_.size() - 1);
    slots_[at] = slot;
  }
  void grow() {
    const std::vector<Slot> old = std::move(slots_);
    slots_.assign(old.empty() ? 32 : old.size() * 2, Slot{});
    shift_ = 64;
    for (std::size_t size = slots_.size(); size > 1; size /= 2) --shift_;
    for (const Slot& slot : old)
      if (slot.number != none) put(slot, hash_of(std::string_view(texts_).substr(slot.start, slot.length)));
  }

  RandomHash mix_;
  std::vector<Slot> slots_;  // open addressing; a power of two, at most half full
  int shift_ = 64;
  std::string texts_;
  std::size_t count_ = 0;
};

}  // namespace cell2text
