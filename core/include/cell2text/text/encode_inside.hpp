// Tokens of a text that is cut off behind another one.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cell2text {

/// Token ids of `text` as it stands inside a longer text: a tokenizer that puts a space before a text does not put one
/// here. `encode(text)` gives a tokenizer's ids.
template <class Encode>
std::vector<std::int64_t> encode_inside(const Encode& encode, std::string_view text) {
  const std::vector<std::int64_t> start = encode("x"), whole = encode("x" + std::string(text));
  if (whole.size() < start.size() || !std::equal(start.begin(), start.end(), whole.begin()))
    return encode(std::string(text));
  return {whole.begin() + static_cast<std::ptrdiff_t>(start.size()), whole.end()};
}

}  // namespace cell2text
