// How the frequencies of rotary positions are stretched. Plain numbers; rope.hpp applies them.
#pragma once

namespace cell2text {

/// How the frequencies of a model are stretched for contexts longer than it was first trained on.
struct RopeScaling {
  enum class Kind { none, linear, llama3 };
  Kind kind = Kind::none;
  double factor = 1;
  double low_frequency_factor = 1;       ///< llama3: waves longer than original / this are slowed by `factor`
  double high_frequency_factor = 4;      ///< llama3: waves shorter than original / this stay
  double original_max_positions = 8192;  ///< llama3
};

}  // namespace cell2text
