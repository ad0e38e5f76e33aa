// Random draws that depend on a seed, a cell and a step alone: not on the cell's neighbours, and not on earlier draws.
#pragma once

#include <cstdint>
#include <string_view>

namespace cell2text {

namespace cell_draws_detail {

// The finaliser of SplitMix64 (Steele, Lea, Flood 2014): every bit of the result depends on every bit of x.
constexpr std::uint64_t mixed(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

}  // namespace cell_draws_detail

/// 64 random bits that seed, cell and step decide: no state, so no draw depends on another.
constexpr std::uint64_t draw_bits(std::uint64_t seed, std::uint64_t cell, std::uint64_t step) {
  using cell_draws_detail::mixed;
  return mixed(mixed(mixed(seed) ^ cell) ^ step);
}

/// The same as a number in [0, 1).
constexpr double uniform_draw(std::uint64_t seed, std::uint64_t cell, std::uint64_t step) {
  return static_cast<double>(draw_bits(seed, cell, step) >> 11) * 0x1p-53;
}

/// The 64-bit FNV-1a hash of a cell's name: what its draws depend on beside the seed.
constexpr std::uint64_t cell_key(std::string_view name) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return hash;
}

}  // namespace cell2text
