// Eight numbers that are computed with together: one right-hand side, or one walk, in each. Plain vectors of two
// doubles, which every processor here has.
#pragma once

#include <cstddef>

namespace cell2text {

struct Lanes {
  using Pair [[gnu::vector_size(16)]] = double;
  static constexpr std::size_t count = 8, num_pairs = count / 2;

  Pair pairs[num_pairs];

  double operator[](std::size_t lane) const { return pairs[lane / 2][lane % 2]; }
  void set(std::size_t lane, double value) { pairs[lane / 2][lane % 2] = value; }
};

}  // namespace cell2text
