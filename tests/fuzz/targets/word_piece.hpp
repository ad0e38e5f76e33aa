// The lines of a vocab.txt, and behind a byte of zero a text that goes to ids and back.
#pragma once

#include "cell2text/text/word_piece_file.hpp"
#include "targets/tokenizer.hpp"

namespace cell2text::fuzz {

inline bool word_piece(std::string_view input) {
  const Parts parts(input);
  return accepted([&] {
    const auto json = word_piece_json(parts.first, "vocab.txt", nlohmann::json::object(), "tokenizer_config.json");
    tokenizer_target::use(read_word_piece(json, "vocab.txt"), parts.second, false);
  });
}

}  // namespace cell2text::fuzz
