// As tokenizer_patch, over a small tokenizer of Gemma's structure: characters with byte fallback.
#pragma once

#include <algorithm>
#include <cstdio>

#include "cell2text/text/text_stream.hpp"
#include "targets/tokenizer.hpp"

namespace cell2text::fuzz {

namespace tokenizer_target {

inline nlohmann::json sound_characters() {
  nlohmann::json vocabulary = {{"<unk>", 0}, {"<bos>", 1}, {"<end_of_turn>", 2}};
  for (int byte = 0; byte < 256; ++byte) {
    char name[8];
    std::snprintf(name, sizeof name, "<0x%02X>", byte);
    vocabulary[name] = vocabulary.size();
  }
  for (const char* token : {"c", "e", "l", "s", "\u2581", "\u2581c", "el", "\u2581cel", "ls", "\u00e9"})
    vocabulary[token] = vocabulary.size();
  const nlohmann::json blank = {{"String", " "}}, sign = {{"String", "\u2581"}};
  return {{"normalizer", {{"type", "Replace"}, {"pattern", blank}, {"content", "\u2581"}}},
          {"pre_tokenizer", {{"type", "Split"}, {"pattern", blank}, {"behavior", "MergedWithPrevious"}}},
          {"decoder",
           {{"type", "Sequence"},
            {"decoders",
             {{{"type", "Replace"}, {"pattern", sign}, {"content", " "}},
              {{"type", "ByteFallback"}},
              {{"type", "Fuse"}}}}}},
          {"model",
           {{"type", "BPE"},
            {"unk_token", "<unk>"},
            {"fuse_unk", true},
            {"byte_fallback", true},
            {"vocab", vocabulary},
            {"merges", {"\u2581 c", "e l", "\u2581c el", "l s"}}}},
          {"added_tokens",
           {{{"id", 1}, {"content", "<bos>"}, {"special", true}},
            {{"id", 2}, {"content", "<end_of_turn>"}, {"special", true}}}}};
}

}  // namespace tokenizer_target

inline bool tokenizer_characters(std::string_view input) {
  static const nlohmann::json base = tokenizer_target::sound_characters();
  const Parts parts(input);
  return accepted([&] {
    const auto patch = parse_json(parts.first.empty() ? "{}" : parts.first, "patch");
    nlohmann::json json = base;
    json.merge_patch(patch);
    // The sign for a blank comes back as a blank.
    const bool exact = patch.empty() && parts.second.find("\u2581") == std::string_view::npos;
    const auto tokenizer = Tokenizer::from(json, "tokenizer.json");
    tokenizer_target::use(tokenizer, parts.second, exact);
    auto ids = tokenizer.encode(parts.second);
    ids.resize(std::min<std::size_t>(ids.size(), 64));  // a stream that never settles is decoded anew with each token
    TextStream stream(tokenizer);
    std::string streamed;
    for (const std::int64_t id : ids) {
      const std::string piece = stream.put(id);
      require(valid_utf8_prefix(piece) == piece.size(), "a piece of a stream is whole characters");
      streamed += piece;
    }
    streamed += stream.finish();
    if (!patch.contains("decoder")) require(streamed == tokenizer.decode(ids), "a stream is the decoded text");
  });
}

}  // namespace cell2text::fuzz
