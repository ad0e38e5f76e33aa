// Which of an encoder's blocks are computed, from the setting `layer`. Knows no weights.
#pragma once

#include <cstdint>
#include <string>

#include "cell2text/error.hpp"

namespace cell2text {

/// How many blocks there are, how many are computed, and how many `layer` counts from: a folder saved
/// without its upper blocks still counts as the model it was cut from.
struct EncoderDepth {
  std::int64_t available = 0;
  std::int64_t counted = 0;
  std::int64_t used = 0;

  static constexpr const char* key = "cell2text_layers_of_whole_model";

  /// InputError where `layer` points below the embeddings, or at a block that is not there.
  static EncoderDepth of(std::int64_t available, std::int64_t counted, std::int64_t layer, const std::string& where) {
    const EncoderDepth depth{available, counted, counted + layer};
    if (depth.used < 0)
      throw InputError(where + ": 'layer' is " + std::to_string(layer) + ", and the model has " +
                       std::to_string(counted) + " layers; the lowest possible is " + std::to_string(-counted) +
                       ", the embeddings themselves");
    if (depth.used > available)
      throw InputError(where + ": 'layer' = " + std::to_string(layer) + " needs block " + std::to_string(depth.used) +
                       " of " + std::to_string(counted) + ", and the folder was saved with the lower " +
                       std::to_string(available) + " only; use 'layer' = " + std::to_string(available - counted) +
                       ", or the original checkpoint");
    return depth;
  }
};

}  // namespace cell2text
