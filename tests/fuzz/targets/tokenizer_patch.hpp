// A small sound tokenizer, changed by a JSON merge patch (RFC 7396), so that few bytes reach every part of the reader;
// behind a byte of zero a text.
#pragma once

#include "targets/tokenizer.hpp"

namespace cell2text::fuzz {

namespace tokenizer_target {

inline nlohmann::json sound() {
  const ByteLevelAlphabet alphabet;
  nlohmann::json vocabulary = nlohmann::json::object();
  for (int byte = 0; byte < 256; ++byte) vocabulary[alphabet.character(static_cast<unsigned char>(byte))] = byte;
  int next = 256;
  for (const char* token : {"ce", "ll", "cell", "\u0120c", "\u0120cell", "he", "lo"}) vocabulary[token] = next++;
  return {{"pre_tokenizer", {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", true}}},
          {"decoder", {{"type", "ByteLevel"}}},
          {"model",
           {{"type", "BPE"}, {"vocab", vocabulary}, {"merges", {"c e", "l l", "ce ll", "\u0120 c", "\u0120c ell"}}}},
          {"added_tokens", {{{"id", 300}, {"content", "<|eot_id|>"}, {"special", true}}}}};
}

}  // namespace tokenizer_target

inline bool tokenizer_patch(std::string_view input) {
  static const nlohmann::json base = [] {
    auto json = tokenizer_target::sound();
    json["model"]["vocab"]["ell"] = 263;
    return json;
  }();
  const Parts parts(input);
  return accepted([&] {
    const auto patch = parse_json(parts.first.empty() ? "{}" : parts.first, "patch");
    nlohmann::json json = base;
    json.merge_patch(patch);
    bool exact = true;
    for (const char* key : {"normalizer", "pre_tokenizer", "added_tokens", "model"}) exact &= !patch.contains(key);
    const auto tokenizer = Tokenizer::from(json, "tokenizer.json");
    tokenizer_target::use(tokenizer, parts.second, exact);
  });
}

}  // namespace cell2text::fuzz
