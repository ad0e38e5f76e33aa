// Tokenizers over characters with byte fallback, as Gemma's and Llama 2's are.
#include "core/text/tokenizer_files.hpp"

using namespace cell2text;
using namespace cell2text::test;

namespace {

Json literal(const char* text) {
  return {{"String", text}};
}

/// A few characters, the 256 byte tokens, and merges; blanks are written as in Gemma's file.
Json characters() {
  Json vocabulary = {{"<unk>", 0}, {"<bos>", 1}};
  const auto add = [&](const std::string& token) { vocabulary[token] = vocabulary.size(); };
  for (int byte = 0; byte < 256; ++byte) {
    char name[8];
    std::snprintf(name, sizeof name, "<0x%02X>", byte);
    add(name);
  }
  for (const char* token : {"a", "b", "c", "\u2581", "\u2581a", "ab", "abc", "\u00e9", "\n", "\n\n", "cab"}) add(token);
  return {{"added_tokens",
           {{{"id", 1}, {"content", "<bos>"}, {"special", true}},
            {{"id", vocabulary["\n\n"]}, {"content", "\n\n"}, {"special", false}}}},
          {"normalizer", {{"type", "Replace"}, {"pattern", literal(" ")}, {"content", "\u2581"}}},
          {"pre_tokenizer",
           {{"type", "Split"}, {"pattern", literal(" ")}, {"behavior", "MergedWithPrevious"}, {"invert", false}}},
          {"post_processor",
           {{"type", "TemplateProcessing"},
            {"single", {{{"SpecialToken", {{"id", "<bos>"}}}}, {{"Sequence", {{"id", "A"}}}}}},
            {"special_tokens", {{"<bos>", {{"ids", {1}}}}}}}},
          {"decoder",
           {{"type", "Sequence"},
            {"decoders",
             {{{"type", "Replace"}, {"pattern", literal("\u2581")}, {"content", " "}},
              {{"type", "ByteFallback"}},
              {{"type", "Fuse"}}}}}},
          {"model",
           {{"type", "BPE"},
            {"unk_token", "<unk>"},
            {"fuse_unk", true},
            {"byte_fallback", true},
            {"ignore_merges", false},
            {"vocab", vocabulary},
            {"merges", {"\u2581 a", "a b", "ab c"}}}}};
}

std::vector<std::string> tokens(const Tokenizer& tokenizer, std::string_view text, bool add_special = false) {
  std::vector<std::string> result;
  for (const auto id : tokenizer.encode(text, add_special)) result.push_back(tokenizer.token(id));
  return result;
}
using Tokens = std::vector<std::string>;

std::string refused(const std::function<void(Json&)>& change) {
  Json json = characters();
  change(json);
  return message_of<InputError>([&] { Tokenizer::from(json, "file"); });
}

}  // namespace

TEST_CASE("tokenizer: characters without a token become their bytes") {
  const auto tokenizer = Tokenizer::from(characters(), "file");
  CHECK(tokens(tokenizer, "abc a") == Tokens{"abc", "\u2581a"});
  CHECK(tokens(tokenizer, "x\u00e9\u20ac", true) == Tokens{"<bos>", "<0x78>", "\u00e9", "<0xE2>", "<0x82>", "<0xAC>"});
  CHECK(tokenizer.decode(tokenizer.encode(" abc \u20ac\U0001F600x")) == " abc \u20ac\U0001F600x");
}

TEST_CASE("tokenizer: bytes that are no UTF-8 together become U+FFFD one by one") {
  const auto tokenizer = Tokenizer::from(characters(), "file");
  const auto bytes = [&](std::initializer_list<const char*> names) {
    Ids ids;
    for (const char* name : names) ids.push_back(*tokenizer.id_of(name));
    return tokenizer.decode(ids);
  };
  CHECK(bytes({"<0xE2>", "<0x82>", "<0xAC>", "a"}) == "\u20aca");
  CHECK(bytes({"<0xE2>", "<0x82>", "a"}) == "\uFFFD\uFFFDa");
  CHECK(bytes({"<0x41>", "<0xE2>"}) == "\uFFFD\uFFFD");
  CHECK(bytes({"<0x41>", "a", "<0xE2>"}) == "Aa\uFFFD");
}

TEST_CASE("tokenizer: without bytes, characters become the unknown token, fused or one by one") {
  Json json = characters();
  json["model"]["byte_fallback"] = false;
  CHECK(tokens(Tokenizer::from(json, "file"), "xyabxc") == Tokens{"<unk>", "ab", "<unk>", "c"});
  json["model"]["fuse_unk"] = false;
  CHECK(tokens(Tokenizer::from(json, "file"), "xyabx") == Tokens{"<unk>", "<unk>", "ab", "<unk>"});
  json["model"]["byte_fallback"] = true;
  json["model"]["vocab"].erase("<0x79>");  // of "y"; an unknown token waits, and bytes go past it
  CHECK(tokens(Tokenizer::from(json, "file"), "yxa") == Tokens{"<0x78>", "<unk>", "a"});
}

TEST_CASE("tokenizer: ignore_merges takes a whole text that no merge leads to") {
  Json json = characters();
  CHECK(tokens(Tokenizer::from(json, "file"), "cab") == Tokens{"c", "ab"});
  json["model"]["ignore_merges"] = true;
  CHECK(tokens(Tokenizer::from(json, "file"), "cab") == Tokens{"cab"});
}

TEST_CASE("tokenizer: normalizers put text before each piece and replace blanks") {
  Json json = characters();
  const Json prepend = {{"type", "Prepend"}, {"prepend", "\u2581"}};
  json["normalizer"] = {{"type", "Sequence"}, {"normalizers", {prepend, json["normalizer"]}}};
  json["pre_tokenizer"] = nullptr;
  json["decoder"]["decoders"].push_back({{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
  const auto tokenizer = Tokenizer::from(json, "file");
  CHECK(tokens(tokenizer, "ab") == Tokens{"\u2581a", "b"});
  CHECK(tokens(tokenizer, "ab\n\na") == Tokens{"\u2581a", "b", "\n\n", "\u2581a"});
  CHECK(tokens(tokenizer, "") == Tokens{});
  CHECK(tokenizer.decode(tokenizer.encode("ab  c")) == "ab  c");
}

TEST_CASE("tokenizer: Metaspace cuts before its sign and puts one where it is asked to") {
  Json json = characters();
  json["normalizer"] = nullptr;
  json["added_tokens"][1]["content"] = "c";
  json["added_tokens"][1]["id"] = json["model"]["vocab"]["c"];
  const auto with = [&](const char* scheme, std::string_view text) {
    json["pre_tokenizer"] = {{"type", "Metaspace"}, {"replacement", "\u2581"}, {"prepend_scheme", scheme}};
    return tokens(Tokenizer::from(json, "file"), text);
  };
  CHECK(with("always", "a ab") == Tokens{"\u2581a", "\u2581a", "b"});
  CHECK(with("always", "aca") == Tokens{"\u2581a", "c", "\u2581a"});
  CHECK(with("first", "aca") == Tokens{"\u2581a", "c", "a"});
  CHECK(with("first", "ca") == Tokens{"c", "a"});
  CHECK(with("never", "a a") == Tokens{"a", "\u2581a"});
}

TEST_CASE("tokenizer: Metaspace puts its sign only before what stands for the text's first character") {
  Json json = characters();
  json["added_tokens"].erase(1);
  json["pre_tokenizer"] = {{"type", "Metaspace"}, {"replacement", "\u2581"}, {"prepend_scheme", "first"}};
  const auto replacing = [&](const char* find, std::string_view text) {
    json["normalizer"] = {{"type", "Replace"}, {"pattern", literal(find)}, {"content", "ab"}};
    return tokens(Tokenizer::from(json, "file"), text);
  };
  // What replaces several characters stands for the last of them, as in Hugging Face tokenizers.
  CHECK(replacing("c", "ca") == Tokens{"\u2581a", "b", "a"});
  CHECK(replacing("ca", "cac") == Tokens{"abc"});
  CHECK(replacing("ca", "bca") == Tokens{"\u2581", "b", "ab"});
}

TEST_CASE("tokenizer: Strip takes characters from both ends of each text") {
  Json json = characters();
  json["decoder"] = {{"type", "Strip"}, {"content", "\u2581"}, {"start", 1}, {"stop", 2}};
  const auto tokenizer = Tokenizer::from(json, "file");
  CHECK(tokenizer.decode(tokenizer.encode("  a")) == "a");
  CHECK(tokenizer.decode(Ids{*tokenizer.id_of("\u2581")}) == "");
}

TEST_CASE("tokenizer: an added token may ask to stand alone") {
  Json json = characters();
  json["added_tokens"][1] = {{"id", json["model"]["vocab"]["ab"]}, {"content", "ab"}, {"single_word", true}};
  json["model"]["merges"] = Json::array();
  const auto tokenizer = Tokenizer::from(json, "file");
  const auto whole = [&](const std::string& text) {
    const auto all = tokens(tokenizer, text);
    return std::ranges::count(all, "ab") == 1;
  };
  for (const char* beside : {"", " ", "-", "\u2581", "\u20ac", "\u3000", "\n"}) {
    CAPTURE(beside);
    CHECK(whole("ab" + std::string(beside)));
    CHECK(whole(std::string(beside) + "ab"));
  }
  for (const char* beside :
       {"a", "Z", "_", "0", "\u00e9", "\u0301", "\u0663", "\u200d", "\u24b6", "\u65e5", "\u203f"}) {
    CAPTURE(beside);
    CHECK_FALSE(whole("ab" + std::string(beside)));
    CHECK_FALSE(whole(std::string(beside) + "ab"));
  }
}

TEST_CASE("tokenizer: a text of one word of megabytes takes seconds at most") {
  const auto tokenizer = Tokenizer::from(characters(), "file");
  const auto start = std::chrono::steady_clock::now();
  for (const char* part : {"a", "abc ", " ", "\u20ac"}) {
    std::string text;
    while (text.size() < 1'000'000) text += part;
    CHECK(tokenizer.decode(tokenizer.encode(text)) == text);
  }
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(20));
}

TEST_CASE("tokenizer: parts of a file over characters that are not known are refused by name") {
  const auto at = [](const char* path, Json value) {
    return refused([&](Json& json) { json[Json::json_pointer(path)] = value; });
  };
  CHECK(has(at("/normalizer/type", "NFC"), "normalizer: the component 'NFC'"));
  CHECK(has(at("/normalizer/pattern", {{"Regex", " "}}), "the pattern of 'Replace'"));
  CHECK(has(at("/normalizer/pattern", literal("")), "is empty"));
  CHECK(has(at("/normalizer/content", ""), "'content' is empty"));
  CHECK(has(at("/pre_tokenizer/pattern", literal("")), "the pattern of 'Split' is empty"));
  CHECK(has(at("/pre_tokenizer/behavior", "Removed"), "'Removed'"));
  CHECK(has(at("/pre_tokenizer", {{"type", "Metaspace"}, {"replacement", "ab"}}), "one character"));
  CHECK(has(at("/pre_tokenizer", {{"type", "Metaspace"}, {"replacement", "_"}, {"prepend_scheme", "last"}}), "'last'"));
  CHECK(has(at("/pre_tokenizer", {{"type", "Metaspace"}, {"replacement", "_"}, {"add_prefix_space", false}}),
            "contradict"));
  CHECK(has(at("/pre_tokenizer", {{"type", "ByteLevel"}, {"add_prefix_space", false}}), "'ByteLevel' is expected"));
  CHECK(has(at("/decoder", {{"type", "ByteLevel"}}), "no component of type ByteLevel"));
  CHECK(has(at("/decoder/decoders/1/type", "Metaspace"), "decoders[1]: the component 'Metaspace'"));
  CHECK(has(at("/decoder/decoders/0/content", std::string(200, 'a')), "200 bytes"));
  const Json strip = {{"type", "Strip"}, {"content", "ab"}, {"start", 1}, {"stop", 0}};
  CHECK(has(at("/decoder/decoders/1", strip), "one character"));
  CHECK(has(at("/decoder/decoders", Json(21, {{"type", "Fuse"}})), "more than 20 steps"));
  CHECK(has(at("/normalizer", {{"type", "Sequence"}, {"normalizers", Json(21, characters()["normalizer"])}}),
            "more than 20 steps"));
  CHECK(has(at("/model/unk_token", "nothing"), "'unk_token' is 'nothing'"));
  CHECK(has(refused([](Json& json) {
              json["model"].erase("unk_token");
              json["model"]["vocab"].erase("<0x00>");
            }),
            "neither an 'unk_token'"));
}

TEST_CASE("tokenizer: texts that a normalizer would make endless are refused") {
  Json json = characters();
  const Json grow = {{"type", "Replace"}, {"pattern", literal("a")}, {"content", std::string(99, 'a')}};
  json["normalizer"] = {{"type", "Sequence"}, {"normalizers", Json(10, grow)}};
  const auto tokenizer = Tokenizer::from(json, "file");
  CHECK(has(message_of<InputError>([&] { tokenizer.encode("aaaa"); }), "could grow to"));
  json["added_tokens"][1]["normalized"] = true;
  json["added_tokens"][1]["content"] = "abc";
  json["added_tokens"][1]["id"] = json["model"]["vocab"]["abc"];
  CHECK(has(message_of<InputError>([&] { Tokenizer::from(json, "file"); }), "could grow to"));
}
