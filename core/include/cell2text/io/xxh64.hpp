// XXH64 of bytes: tells damaged data from whole at several GB/s. Says nothing of malice; for that there is
// io/sha256.hpp.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace cell2text {
namespace xxh64_detail {

inline constexpr std::uint64_t prime_1 = 0x9E3779B185EBCA87, prime_2 = 0xC2B2AE3D27D4EB4F, prime_3 = 0x165667B19E3779F9,
                               prime_4 = 0x85EBCA77C2B2AE63, prime_5 = 0x27D4EB2F165667C5;

static_assert(std::endian::native == std::endian::little, "words are read as they lie in memory");

template <class Word>
Word word_at(const std::byte* at) {
  Word word;
  std::memcpy(&word, at, sizeof word);
  return word;
}

inline std::uint64_t mixed(std::uint64_t lane, std::uint64_t word) {
  return std::rotl(lane + word * prime_2, 31) * prime_1;
}

/// All whole 32 bytes at the beginning, in four lanes that do not wait for each other.
inline std::uint64_t of_blocks(std::span<const std::byte> bytes, std::uint64_t seed) {
  std::array<std::uint64_t, 4> lanes{seed + prime_1 + prime_2, seed + prime_2, seed, seed - prime_1};
  for (const std::byte* at = bytes.data(); at + 32 <= bytes.data() + bytes.size(); at += 32)
    for (std::size_t lane = 0; lane < 4; ++lane)
      lanes[lane] = mixed(lanes[lane], word_at<std::uint64_t>(at + 8 * lane));
  std::uint64_t hash =
      std::rotl(lanes[0], 1) + std::rotl(lanes[1], 7) + std::rotl(lanes[2], 12) + std::rotl(lanes[3], 18);
  for (const std::uint64_t lane : lanes) hash = (hash ^ mixed(0, lane)) * prime_1 + prime_4;
  return hash;
}

}  // namespace xxh64_detail

/// The 64-bit hash of Yann Collet's xxHash specification, version 0.1.1. Hashes of pieces are chained by the seed.
inline std::uint64_t xxh64(std::span<const std::byte> bytes, std::uint64_t seed = 0) {
  using namespace xxh64_detail;
  std::uint64_t hash = bytes.size() >= 32 ? of_blocks(bytes, seed) : seed + prime_5;
  hash += bytes.size();
  std::span<const std::byte> rest = bytes.subspan(bytes.size() / 32 * 32);
  for (; rest.size() >= 8; rest = rest.subspan(8))
    hash = std::rotl(hash ^ mixed(0, word_at<std::uint64_t>(rest.data())), 27) * prime_1 + prime_4;
  for (; rest.size() >= 4; rest = rest.subspan(4))
    hash = std::rotl(hash ^ (word_at<std::uint32_t>(rest.data()) * prime_1), 23) * prime_2 + prime_3;
  for (const std::byte byte : rest)
    hash = std::rotl(hash ^ (std::to_integer<std::uint64_t>(byte) * prime_5), 11) * prime_1;
  hash = (hash ^ (hash >> 33)) * prime_2;
  hash = (hash ^ (hash >> 29)) * prime_3;
  return hash ^ (hash >> 32);
}

}  // namespace cell2text
