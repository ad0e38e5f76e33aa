// Cells to put in another one's place.
#pragma once

#include <algorithm>
#include <numeric>
#include <random>
#include <vector>

#include "cell2text/cells/split.hpp"
#include "cell2text/plugin/handles.hpp"

namespace cell2text {

/// Up to `count` rows of the source beside `row`, drawn at random, each of a cell with a gene that the encoder knows.
/// Reads no more than it needs to find them. `seed` decides which.
inline std::vector<std::int64_t> other_cells(const SourceHandle& source, const EncoderHandle& encoder, std::int64_t row,
                                             std::int64_t count, std::uint64_t seed) {
  std::vector<std::int64_t> all(static_cast<std::size_t>(source.size())), chosen;
  std::iota(all.begin(), all.end(), 0);
  std::erase(all, row);
  std::mt19937_64 random(seed);
  split_detail::shuffle(all, random);
  const std::size_t step = static_cast<std::size_t>(std::max<std::int64_t>(count, 1));
  for (std::size_t first = 0; first < all.size() && std::ssize(chosen) < count; first += step) {
    const std::span part(all.data() + first, std::min(step, all.size() - first));
    const GeneTokens tokens = encoder.tokenize(source.read(part));
    for (std::size_t i = 0; i < part.size() && std::ssize(chosen) < count; ++i)
      if (tokens.known_genes[i] > 0) chosen.push_back(part[i]);
  }
  return chosen;
}

}  // namespace cell2text
