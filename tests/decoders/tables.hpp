// Settings tables for the tests of the decoders.
#pragma once

#include <string>

#include "cell2text/value.hpp"
#include "support/oracle.hpp"

namespace cell2text::test {

inline Value text(std::string value) {
  return {std::move(value), {}};
}
inline Value number(std::int64_t value) {
  return {value, {}};
}

inline std::string demo_tokenizer() {
  return (source_dir() / "data/demo/tokenizer").string();
}

/// A tiny architecture on the demo's tokenizer (4,000 tokens), with weights wide enough for clear choices.
inline Value tiny_llama(bool tied = true) {
  Value architecture;
  architecture.set("layers", number(2));
  architecture.set("width", number(24));
  architecture.set("heads", number(4));
  architecture.set("kv_heads", number(2));
  architecture.set("feed_forward", number(40));
  architecture.set("tied", {tied, {}});
  architecture.set("initial_deviation", {0.4, {}});
  Value table;
  table.set("architecture", std::move(architecture));
  table.set("tokenizer", text(demo_tokenizer()));
  return table;
}

/// The same as a Gemma 3: three layers, of which the second sees everything, the others five tokens.
inline Value tiny_gemma(bool tied = true) {
  Value table = tiny_llama(tied);
  Value& architecture = *table.find("architecture");
  architecture.set("layers", number(3));
  architecture.set("head_dim", number(10));
  architecture.set("sliding_window", number(5));
  architecture.set("sliding_window_pattern", number(2));
  return table;
}

inline Value checkpoint_table(const std::filesystem::path& folder) {
  Value table;
  table.set("checkpoint", text(folder.string()));
  return table;
}

}  // namespace cell2text::test
