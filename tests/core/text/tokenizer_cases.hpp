// A tokenizer beside the ids and texts that a library gave.
#pragma once

#include "core/text/tokenizer_files.hpp"

namespace cell2text::test {

/// Compares with encode.jsonl and decode.jsonl of `folder`, as tests/reference/tokenizer.py tells.
inline void compare(const Tokenizer& tokenizer, const std::filesystem::path& folder) {
  std::size_t differing = 0;
  std::string first;
  const auto expect = [&](bool equal, const Json& line, const char* what) {
    if (!equal && ++differing == 1) first = std::string(what) + ": " + line.dump();
  };
  const auto encoded = for_each_line(folder / "encode.jsonl", [&](const Json& line) {
    const std::string text = from_hex(line["bytes"]);
    if (line.contains("ids")) expect(tokenizer.encode(text) == line["ids"].get<Ids>(), line, "encode");
    if (line.contains("framed"))
      expect(tokenizer.encode(text, true) == line["framed"].get<Ids>(), line, "encode with special tokens");
    if (line.contains("plain"))
      expect(tokenizer.encode(text, false, SpecialText::plain) == line["plain"].get<Ids>(), line, "encode plain");
  });
  const auto decoded = for_each_line(folder / "decode.jsonl", [&](const Json& line) {
    const auto ids = line["ids"].get<Ids>();
    expect(tokenizer.decode(ids) == from_hex(line["kept"]), line, "decode");
    if (line.contains("full"))
      expect(tokenizer.decode(ids, false) == from_hex(line["full"]), line, "decode with special tokens");
  });
  CHECK(encoded > 9000);
  CHECK(decoded > 10'000);
  INFO("the first that differs: " << first);
  CHECK(differing == 0);
}

}  // namespace cell2text::test
