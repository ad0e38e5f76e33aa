// What a tokenizer file must not hold.
#include "core/text/tokenizer_files.hpp"

using namespace cell2text;
using namespace cell2text::test;

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
      {"/pre_tokenizer/type", "Punctuation", "pre_tokenizer: the component 'Punctuation'"},
      {"/pre_tokenizer/pretokenizers/0/type", "Digits", "pretokenizers[0]: the component 'Digits'"},
      {"/pre_tokenizer/pretokenizers/0/behavior", "Removed", "'Removed'"},
      {"/pre_tokenizer/pretokenizers/0/invert", true, "'invert'"},
      {"/pre_tokenizer/pretokenizers", Json::array(), "no component of type ByteLevel"},
      {"/post_processor/type", "CtrlProcessing", "post_processor: the component 'CtrlProcessing'"},
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
