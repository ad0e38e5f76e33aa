#include "cell2text/text/tokenizer.hpp"

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

#include "core/io/message.hpp"
#include "support/oracle.hpp"

using namespace cell2text;
using namespace cell2text::test;

namespace {

using Ids = std::vector<std::int64_t>;
using Json = nlohmann::json;

std::filesystem::path demo() {
  return source_dir() / "data/demo/tokenizer/tokenizer.json";
}

/// A small tokenizer: the 256 bytes (ids in their order), four merges, three added tokens.
Json small() {
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

Tokenizer read_json_text(const std::string& text) {
  const TemporaryFolder folder;
  write_file(folder / "tokenizer.json", text);
  return Tokenizer::read(folder / "tokenizer.json");
}
Tokenizer read_json_value(const Json& json) {
  return read_json_text(json.dump());
}

/// The message with which the small tokenizer is refused after `change`.
std::string refusal(const std::function<void(Json&)>& change) {
  Json json = small();
  change(json);
  const auto message = message_of<InputError>([&] { read_json_value(json); });
  CHECK(has(message, "tokenizer.json"));
  return message;
}

std::string from_hex(const std::string& hex) {
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

}  // namespace

TEST_CASE("tokenizer: merges are applied by rank, then from the left") {
  const auto tokenizer = read_json_value(small());
  CHECK(tokenizer.encode("abc") == Ids{'a', 258});  // "b c" comes before "a b"
  CHECK(tokenizer.encode("abab") == Ids{256, 256});
  CHECK(tokenizer.encode(" abcab") == Ids{259, 258, 256});
  CHECK(tokenizer.encode("") == Ids{});
  CHECK(tokenizer.encode("a1b") == Ids{'a', '1', 'b'});
}

TEST_CASE("tokenizer: ignore_merges takes a whole word that no merge leads to") {
  Json json = small();
  CHECK(read_json_value(json).encode("xyz") == Ids{'x', 'y', 'z'});
  json["model"]["ignore_merges"] = true;
  CHECK(read_json_value(json).encode("xyz") == Ids{260});
  CHECK(read_json_value(json).encode("abc") == Ids{257});
}

TEST_CASE("tokenizer: merges may be pairs, and the last of two equal merges counts") {
  Json json = small();
  json["model"]["merges"] = Json::parse(R"([["b", "c"], ["a", "b"], ["ab", "c"], ["b", "c"]])");
  CHECK(read_json_value(json).encode("abc") == Ids{257});
  json["model"]["merges"] = {"#version: 0.2", "b c"};
  CHECK(read_json_value(json).encode("abc") == Ids{'a', 258});
}

TEST_CASE("tokenizer: special tokens in a text are tokens, or plain text where asked for") {
  const auto tokenizer = read_json_value(small());
  CHECK(tokenizer.encode("ab<end>1<note>") == Ids{256, 262, '1', 263});
  CHECK(tokenizer.encode("<end>", false, SpecialText::plain) == Ids{'<', 'e', 'n', 'd', '>'});
  CHECK(tokenizer.encode("<note>", false, SpecialText::plain) == Ids{263});
  CHECK(tokenizer.encode("a", true) == Ids{261, 'a'});
  CHECK(tokenizer.encode("", true) == Ids{261});
  CHECK(tokenizer.encode("<en<end") == tokenizer.encode("<en<end", false, SpecialText::plain));
}

TEST_CASE("tokenizer: the longest of the added tokens that begin at a place is taken") {
  Json json = small();
  json["added_tokens"].push_back({{"id", 264}, {"content", "<end>>"}, {"special", false}});
  const auto tokenizer = read_json_value(json);
  CHECK(tokenizer.encode("<end>>>") == Ids{264, '>'});
  CHECK(tokenizer.encode("<end>", false, SpecialText::plain) == Ids{'<', 'e', 'n', 'd', '>'});
}

TEST_CASE("tokenizer: added tokens take the white space beside them where the file says so") {
  Json json = small();
  json["added_tokens"][2]["lstrip"] = true;
  CHECK(read_json_value(json).encode("1 \u00a0\u3000<note> 2") == Ids{'1', 263, ' ', '2'});
  json["added_tokens"][2]["rstrip"] = true;
  CHECK(read_json_value(json).encode("1 <note> \u2003\t<note>2") == Ids{'1', 263, 263, '2'});
}

TEST_CASE("tokenizer: decode joins bytes, leaves special tokens out and replaces what is no UTF-8") {
  const auto tokenizer = read_json_value(small());
  CHECK(tokenizer.decode(Ids{261, 259, 'b', 262, 263}) == " ab<note>");
  CHECK(tokenizer.decode(Ids{261, 'a'}, false) == "<bos>a");
  CHECK(tokenizer.decode(Ids{0xC3, 0xA9}) == "\u00e9");
  CHECK(tokenizer.decode(Ids{0xC3, 'a', 0xFF, 0xF0, 0x9F, 0x98, 'b'}) == "\uFFFDa\uFFFD\uFFFDb");
  CHECK(tokenizer.decode(Ids{-1, 100000, 'a'}) == "a");
  CHECK(tokenizer.decode(Ids{}) == "");
}

TEST_CASE("tokenizer: tokens and ids can be looked up") {
  const auto tokenizer = read_json_value(small());
  CHECK(tokenizer.vocabulary_size() == 264);
  CHECK(tokenizer.id_of("<end>") == 262);
  CHECK(tokenizer.id_of("\u0120a") == 259);
  CHECK_FALSE(tokenizer.id_of("nothing"));
  CHECK(tokenizer.token(257) == "abc");
  CHECK(tokenizer.is_special(262));
  CHECK_FALSE(tokenizer.is_special(263));
  CHECK_FALSE(tokenizer.is_special(-1));
  CHECK_FALSE(tokenizer.is_special(1000));
  for (const std::int64_t id : {-1, 264})
    CHECK(has(message_of<InputError>([&] { tokenizer.token(id); }), "no token has the id " + std::to_string(id)));
}

TEST_CASE("tokenizer: ids may leave gaps") {
  Json json = small();
  json["added_tokens"].push_back({{"id", 300}, {"content", "<far>"}, {"special", true}});
  const auto tokenizer = read_json_value(json);
  CHECK(tokenizer.vocabulary_size() == 301);
  CHECK(tokenizer.encode("<far>") == Ids{300});
  CHECK(tokenizer.decode(Ids{280, 'a'}) == "a");
  CHECK_THROWS_AS(tokenizer.token(280), InputError);
}

TEST_CASE("tokenizer: ByteLevel can put a blank before a text and cut it by GPT-2's pattern") {
  Json json = small();
  json["pre_tokenizer"] = {{"type", "ByteLevel"}, {"add_prefix_space", true}, {"use_regex", true}};
  const auto tokenizer = read_json_value(json);
  CHECK(tokenizer.encode("ab") == Ids{' ', 256});
  CHECK(tokenizer.encode(" ab") == Ids{' ', 256});
  CHECK(tokenizer.encode("\nab") == tokenizer.encode(" \nab"));
}

TEST_CASE("tokenizer: a file without post-processor or added tokens is read") {
  Json json = small();
  json.erase("post_processor");
  json.erase("added_tokens");
  CHECK(read_json_value(json).encode("ab", true) == Ids{256});
  json["post_processor"] = {{"type", "ByteLevel"}};
  CHECK(read_json_value(json).encode("ab", true) == Ids{256});
  json["normalizer"] = {{"type", "Sequence"}, {"normalizers", Json::array()}};
  json["model"].erase("type");
  CHECK(read_json_value(json).encode("ab") == Ids{256});
}

TEST_CASE("tokenizer: any bytes can be encoded, and valid ones come back unchanged") {
  const auto number = seed();
  INFO("CELL2TEXT_TEST_SEED=" << number);
  std::mt19937_64 random(number);
  const auto tokenizer = Tokenizer::read(demo());
  for (int i = 0; i < 3000; ++i) {
    std::string bytes(random() % 60, '\0');
    for (char& c : bytes) c = static_cast<char>(random() % (i % 2 ? 256 : 200));
    CAPTURE(i);
    CHECK(tokenizer.decode(tokenizer.encode(bytes, false, SpecialText::plain)) == replace_invalid_utf8(bytes));
  }
}

TEST_CASE("tokenizer: long words and long runs take little time and come back") {
  const auto tokenizer = Tokenizer::read(demo());
  const auto start = std::chrono::steady_clock::now();
  std::string letters(1'000'000, 'a');
  for (std::size_t i = 0; i < letters.size(); i += 7) letters[i] = static_cast<char>('b' + i % 20);
  for (const std::string& text :
       {letters, std::string(1'000'000, ' '), std::string(1'000'000, '-'), std::string(1'000'000, '\n'),
        std::string(500'000, ' ') + "\n" + std::string(500'000, ' ')})
    CHECK(tokenizer.decode(tokenizer.encode(text)) == text);
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(20));
}

TEST_CASE("tokenizer: a text above 512 MiB is refused before it is read") {
  const std::size_t size = (std::size_t{512} << 20) + 1;
  void* pages = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  REQUIRE(pages != MAP_FAILED);
  const std::string_view text(static_cast<const char*>(pages), size);
  CHECK(has(message_of<InputError>([&] { read_json_value(small()).encode(text); }), "536870913 bytes"));
  ::munmap(pages, size);
}

TEST_CASE("tokenizer: threads share one tokenizer") {
  const auto tokenizer = Tokenizer::read(demo());
  const std::string text = read_file(source_dir() / "data/demo/cl.obo").substr(0, 40'000);
  const Ids expected = tokenizer.encode(text);
  std::vector<int> equal(4, 0);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < equal.size(); ++i)
    threads.emplace_back([&, i] {
      bool same = true;
      for (int round = 0; round < 5; ++round)
        same = same && tokenizer.encode(text) == expected && tokenizer.decode(expected) == text;
      equal[i] = same;
    });
  for (auto& thread : threads) thread.join();
  CHECK(equal == std::vector<int>(4, 1));
}

TEST_CASE("tokenizer: a file cut off anywhere is refused") {
  const std::string whole = small().dump(1);
  for (std::size_t size = 0; size < whole.size(); size += 97) {
    CAPTURE(size);
    CHECK_THROWS_AS(read_json_text(whole.substr(0, size)), InputError);
  }
  CHECK_THROWS_AS(Tokenizer::read("/nowhere/tokenizer.json"), InputError);
}

TEST_CASE("tokenizer: a file with changed bytes is read or refused, nothing else") {
  const auto number = seed();
  INFO("CELL2TEXT_TEST_SEED=" << number);
  std::mt19937_64 random(number);
  const std::string whole = small().dump();
  int refused = 0;
  for (int i = 0; i < 500; ++i) {
    std::string changed = whole;
    for (int k = 0; k < 3; ++k) changed[random() % changed.size()] = "0123456789abc\"{}[],:\\ \xC3"[random() % 24];
    try {
      const auto tokenizer = read_json_text(changed);
      tokenizer.decode(tokenizer.encode("abc ab <end> 1", true));
    } catch (const InputError&) {
      ++refused;
    }
  }
  CHECK(refused > 0);
}

TEST_CASE("tokenizer: each part may be missing or of another type, and that is refused") {
  const std::vector<std::string> needed = {"/pre_tokenizer",
                                           "/decoder",
                                           "/model",
                                           "/model/vocab",
                                           "/model/merges",
                                           "/pre_tokenizer/type",
                                           "/pre_tokenizer/pretokenizers",
                                           "/pre_tokenizer/pretokenizers/0/pattern",
                                           "/pre_tokenizer/pretokenizers/0/pattern/Regex",
                                           "/pre_tokenizer/pretokenizers/0/behavior",
                                           "/pre_tokenizer/pretokenizers/1/add_prefix_space",
                                           "/post_processor/type",
                                           "/post_processor/single",
                                           "/post_processor/special_tokens",
                                           "/post_processor/special_tokens/<bos>",
                                           "/post_processor/special_tokens/<bos>/ids",
                                           "/added_tokens/0/id",
                                           "/added_tokens/0/content",
                                           "/decoder/type"};
  for (const std::string& path : needed) {
    CAPTURE(path);
    const Json::json_pointer pointer(path);
    const Json replacements[] = {nullptr, 1.5, Json::array({true}), Json::array({Json::object()})};
    for (const Json& value : replacements) refusal([&](Json& json) { json[pointer] = value; });
    refusal([&](Json& json) { json[pointer.parent_pointer()].erase(pointer.back()); });
  }
  for (const Json& value : {Json("text"), Json(1), Json::array()}) CHECK_THROWS_AS(read_json_value(value), InputError);
}

TEST_CASE("tokenizer: components that are not known are refused by name") {
  struct Row {
    const char* path;
    Json value;
    const char* part;
  };
  const std::vector<Row> rows = {
      {"/model/type", "WordPiece", "'WordPiece'"},
      {"/model/byte_fallback", true, "'byte_fallback'"},
      {"/model/dropout", 0.1, "'dropout'"},
      {"/model/continuing_subword_prefix", "##", "'continuing_subword_prefix'"},
      {"/model/end_of_word_suffix", "</w>", "'end_of_word_suffix'"},
      {"/normalizer", {{"type", "NFC"}}, "normalizer: the component 'NFC'"},
      {"/decoder/type", "WordPiece", "decoder: the component 'WordPiece'"},
      {"/pre_tokenizer/type", "Metaspace", "pre_tokenizer: the component 'Metaspace'"},
      {"/pre_tokenizer/pretokenizers/0/type", "Digits", "pretokenizers[0]: the component 'Digits'"},
      {"/pre_tokenizer/pretokenizers/0/behavior", "Removed", "'Removed'"},
      {"/pre_tokenizer/pretokenizers/0/invert", true, "'invert'"},
      {"/pre_tokenizer/pretokenizers", Json::array(), "no component of type ByteLevel"},
      {"/post_processor/type", "RobertaProcessing", "post_processor: the component 'RobertaProcessing'"},
      {"/added_tokens/0/single_word", true, "'single_word'"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.path);
    CHECK(has(refusal([&](Json& json) { json[Json::json_pointer(row.path)] = row.value; }), row.part));
  }
  CHECK(has(refusal([](Json& json) {
              auto& parts = json["pre_tokenizer"]["pretokenizers"];
              parts.push_back(parts[0]);
            }),
            "after ByteLevel"));
  CHECK(has(refusal([](Json& json) {
              const Json one = json["post_processor"];
              json["post_processor"] = {{"type", "Sequence"}, {"processors", {one, one}}};
            }),
            "a second TemplateProcessing"));
}

TEST_CASE("tokenizer: contradictions in the vocabulary, merges and added tokens are refused") {
  CHECK(has(refusal([](Json& json) { json["model"]["vocab"]["ab"] = 97; }), "same id 97"));
  CHECK(has(refusal([](Json& json) { json["model"]["vocab"]["ab"] = -1; }), "the id -1"));
  CHECK(has(refusal([](Json& json) { json["model"]["vocab"]["ab"] = 4'000'000'000u; }), "4000000000"));
  CHECK(has(refusal([](Json& json) { json["model"]["vocab"]["ab"] = "x"; }), "the id of 'ab'"));
  CHECK(has(refusal([](Json& json) { json["model"]["vocab"].erase("\u0100"); }), "for the byte 0"));
  CHECK(has(refusal([](Json& json) { json["model"]["merges"].push_back("a q"); }), "needs the token 'aq'"));
  CHECK(has(refusal([](Json& json) { json["model"]["merges"].push_back("abq c"); }), "needs the token 'abq'"));
  CHECK(has(refusal([](Json& json) { json["model"]["merges"].push_back("a"); }), "no merge"));
  CHECK(has(refusal([](Json& json) { json["model"]["merges"].push_back("a b c"); }), "no merge"));
  CHECK(has(refusal([](Json& json) { json["model"]["merges"].push_back({"a", 1}); }), "no merge"));
  CHECK(has(refusal([](Json& json) { json["added_tokens"][1]["id"] = 261; }), "same id 261"));
  CHECK(has(refusal([](Json& json) { json["added_tokens"][1]["content"] = "<bos>"; }), "added twice"));
  CHECK(has(refusal([](Json& json) { json["added_tokens"][1]["content"] = ""; }), "'content' is empty"));
  CHECK(has(refusal([](Json& json) { json["added_tokens"][1]["content"] = "ab"; }), "the id 262 here and 256"));
  const auto bos = Json::json_pointer("/post_processor/special_tokens/<bos>/ids");
  CHECK(has(refusal([&](Json& json) { json[bos] = {500}; }), "which no token has"));
  CHECK(has(refusal([](Json& json) { json["post_processor"]["single"].erase(1); }), "exactly once"));
  CHECK(has(refusal([](Json& json) { json["post_processor"]["single"][1]["Sequence"]["id"] = "B"; }), "exactly once"));
}

TEST_CASE("tokenizer: a vocabulary gives a token one id only") {
  Vocabulary vocabulary;
  vocabulary.add("a", 0, "here");
  CHECK(has(message_of<InputError>([&] { vocabulary.add("a", 1, "here"); }), "has two ids, 0 and 1"));
}

TEST_CASE("tokenizer: constructs of a split pattern that engines read differently are refused") {
  for (const char* pattern :
       {"^a",     "a$",      "\\w+",  "\\d+\\b", "\\h",    "\\u0041", "\\",    "\\pL",  "\\p{Han}",
        "\\p{L",  "\\p{lu}", "\\p{}", "[a[bc]]", "[a&&b]", "[]a]",    "[\\S]", "(?i)a", "(?<name>a)",
        "(?#x)a", "a{,3}",   "a{2}+", "a{2,3}?", "a{x}",   "a{1",     "\\1",   "[\\W]", "(*LIMIT_MATCH=1)a"}) {
    CAPTURE(pattern);
    CHECK(has(message_of<InputError>([&] { SplitPattern(pattern, "here"); }), "is not supported"));
  }
  for (const char* pattern : {"(a", "a)", "[a", "*a", "\\p{Lq}", "(?<=a+)b"}) {
    CAPTURE(pattern);
    CHECK(has(message_of<InputError>([&] { SplitPattern(pattern, "here"); }), "is no regular expression"));
  }
  CHECK(has(message_of<InputError>([&] { SplitPattern("a*", "here"); }), "matches the empty text"));
}

TEST_CASE("tokenizer: a split pattern that gives up on a text says so") {
  const SplitPattern pattern("(?:a+)+b|(?:(?:a|a)+)+c", "here");
  const MatchMemory memory;
  CHECK(has(message_of<InputError>([&] { pattern.split(std::string(200, 'a'), memory, [](std::string_view) {}); }),
            "gives up"));
}

TEST_CASE("tokenizer: U+180E is no white space, as Unicode has it") {
  const SplitPattern pattern("\\s+", "here");
  const MatchMemory memory;
  std::vector<std::string> pieces;
  pattern.split("a\u180e\u2003\u0085b", memory, [&](std::string_view piece) { pieces.emplace_back(piece); });
  CHECK(pieces == std::vector<std::string>{"a\u180e", "\u2003\u0085", "b"});
}

TEST_CASE("tokenizer: the demo tokenizer has Llama 3's special tokens at the end of 4000") {
  const auto tokenizer = Tokenizer::read(demo());
  CHECK(tokenizer.vocabulary_size() == 4000);
  CHECK(tokenizer.encode("cell", true).front() == tokenizer.id_of("<|begin_of_text|>"));
  for (const char* name : {"<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>",
                           "<|eot_id|>", "<|reserved_special_token_1|>", "<|finetune_right_pad_id|>"}) {
    CAPTURE(name);
    REQUIRE(tokenizer.id_of(name));
    CHECK(*tokenizer.id_of(name) >= 3993);
    CHECK(tokenizer.is_special(*tokenizer.id_of(name)));
  }
}

TEST_CASE("oracle: tokenizer gives the ids and texts of the tokenizers library") {
  const auto number = seed();
  INFO("CELL2TEXT_TEST_SEED=" << number);
  const auto folder = oracle("tokenizer.py", number);
  for (const std::string name : {"demo", "random"}) {
    CAPTURE(name);
    const auto tokenizer = Tokenizer::read(folder.path() / name / "tokenizer.json");
    std::size_t differing = 0;
    std::string first;
    const auto compare = [&](bool equal, const Json& line, const char* what) {
      if (!equal && ++differing == 1) first = std::string(what) + ": " + line.dump();
    };
    const auto encoded = for_each_line(folder.path() / name / "encode.jsonl", [&](const Json& line) {
      const std::string text = from_hex(line["bytes"]);
      compare(tokenizer.encode(text) == line["ids"].get<Ids>(), line, "encode");
      compare(tokenizer.encode(text, true) == line["framed"].get<Ids>(), line, "encode with special tokens");
      compare(tokenizer.encode(text, false, SpecialText::plain) == line["plain"].get<Ids>(), line, "encode plain");
    });
    const auto decoded = for_each_line(folder.path() / name / "decode.jsonl", [&](const Json& line) {
      const auto ids = line["ids"].get<Ids>();
      compare(tokenizer.decode(ids) == from_hex(line["kept"]), line, "decode");
      compare(tokenizer.decode(ids, false) == from_hex(line["full"]), line, "decode with special tokens");
    });
    CHECK(encoded > 9000);
    CHECK(decoded > 10'000);
    INFO("the first that differs: " << first);
    CHECK(differing == 0);
  }
}
