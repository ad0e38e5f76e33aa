// Eight numbers that are computed with together: one right-hand side, or one walk, in each.
#pragma once

#include <cstddef>

namespace cell2text {

struct alignas(64) Lanes {
  static constexpr std::size_t count = 8;

  double values[count];

  double operator[](std::size_t lane) const { return values[lane]; }
  void set(std::size_t lane, double value) { values[lane] = value; }
};

}  // namespace cell2text
