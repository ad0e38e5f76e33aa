// Tokenizers that tests are made of: a small one, changes to it, and the demo's.
#pragma once

#include <doctest/doctest.h>
#include <sys/mman.h>

#include <chrono>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "cell2text/text/tokenizer.hpp"
#include "core/io/message.hpp"
#include "support/oracle.hpp"

namespace cell2text::test {

using Ids = std::vector<std::int64_t>;
using Json = nlohmann::json;

inline std::filesystem::path demo() {
  return source_dir() / "data/demo/tokenizer/tokenizer.json";
}

/// A small tokenizer: the 256 bytes (ids in their order), four merges, three added tokens.
inline Json small() {
  const ByteLevelAlphabet alphabet;
  Json vocabulary = Json::object();
  for (int byte = 0; byte < 256; ++byte) vocabulary[alphabet.character(static_cast<unsigned char>(byte))] = byte;
  int next = 256;
  for (const char* token : {"ab", "abc", "bc", "\u0120a", "xyz"}) vocabulary[token] = next++;
  const auto added = [](int id, const char* content, bool special) {
    return Json{{"id", id},        {"content", content},  {"single_word", false}, {"lstrip", false},
                {"rstrip", false}, {"normalized", false}, {"special", special}};
  };
  return {{"version", "1.0"},
          {"added_tokens", {added(261, "<bos>", true), added(262, "<end>", true), added(263, "<note>", false)}},
          {"normalizer", nullptr},
          {"pre_tokenizer",
           {{"type", "Sequence"},
            {"pretokenizers",
             {{{"type", "Split"},
               {"pattern", {{"Regex", " ?\\p{L}+|\\p{N}|\\s+"}}},
               {"behavior", "Isolated"},
               {"invert", false}},
              {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", false}}}}}},
          {"post_processor",
           {{"type", "TemplateProcessing"},
            {"single",
             {{{"SpecialToken", {{"id", "<bos>"}, {"type_id", 0}}}}, {{"Sequence", {{"id", "A"}, {"type_id", 0}}}}}},
            {"special_tokens", {{"<bos>", {{"id", "<bos>"}, {"ids", {261}}, {"tokens", {"<bos>"}}}}}}}},
          {"decoder", {{"type", "ByteLevel"}}},
          {"model",
           {{"type", "BPE"},
            {"dropout", nullptr},
            {"byte_fallback", false},
            {"ignore_merges", false},
            {"vocab", vocabulary},
            {"merges", {"b c", "a b", "ab c", "\u0120 a"}}}}};
}

inline Tokenizer read_json_text(const std::string& text) {
  const TemporaryFolder folder;
  write_file(folder / "tokenizer.json", text);
  return Tokenizer::read(folder / "tokenizer.json");
}
inline Tokenizer read_json_value(const Json& json) {
  return read_json_text(json.dump());
}

/// The message with which the small tokenizer is refused after `change`.
inline std::string refusal(const std::function<void(Json&)>& change) {
  Json json = small();
  change(json);
  const auto message = message_of<InputError>([&] { read_json_value(json); });
  CHECK(has(message, "tokenizer.json"));
  return message;
}

inline std::string from_hex(const std::string& hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  return bytes;
}

template <class Use>
std::size_t for_each_line(const std::filesystem::path& path, Use&& use) {
  std::ifstream in(path);
  std::size_t lines = 0;
  for (std::string line; std::getline(in, line); ++lines) use(Json::parse(line));
  return lines;
}

}  // namespace cell2text::test
