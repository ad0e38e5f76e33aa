// A tokenizer of single bytes: any text of ASCII is written, token by token as it stands.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cell2text::test {

struct AsciiTokenizer {
  static constexpr std::int64_t size = 130;
  std::vector<std::int64_t> encode(std::string_view text) const {
    std::vector<std::int64_t> ids;
    for (const char letter : text) ids.push_back(static_cast<unsigned char>(letter) % 128 + 2);
    return ids;
  }
  std::string decode(std::span<const std::int64_t> ids) const {
    std::string text;
    for (const std::int64_t id : ids)
      if (id >= 2) text += static_cast<char>(id - 2);
    return text;
  }
};

}  // namespace cell2text::test
