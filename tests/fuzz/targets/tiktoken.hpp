// A tiktoken file, and behind a byte of zero a text that goes to ids and back. Lines are put behind those of the 256
// bytes, so that few bytes reach everything; with an '!' in front the file is read as it is.
#pragma once

#include "cell2text/text/tiktoken.hpp"
#include "targets/tokenizer.hpp"

namespace cell2text::fuzz {

namespace tokenizer_target {

inline std::string base64_bytes() {
  constexpr const char* letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string lines;
  for (int byte = 0; byte < 256; ++byte) {
    lines += letters[byte >> 2];
    lines += letters[(byte & 3) << 4];
    lines += "== " + std::to_string(byte) + "\n";
  }
  return lines;
}

}  // namespace tokenizer_target

inline bool tiktoken(std::string_view input) {
  static const std::string bytes = tokenizer_target::base64_bytes();
  const Parts parts(input);
  const bool whole = parts.first.starts_with('!');
  const std::string file = whole ? std::string(parts.first.substr(1)) : bytes + std::string(parts.first);
  return accepted([&] {
    is_tiktoken(file);
    tokenizer_target::use(read_tiktoken(file, "tokenizer.model"), parts.second, true);
  });
}

}  // namespace cell2text::fuzz
