// The tokenizers of BERT and RoBERTa: what is made of a text, which folders are read, which are refused.
#include "cell2text/text/word_piece.hpp"

#include "cell2text/text/encoder_tokenizer.hpp"
#include "core/text/tokenizer_cases.hpp"

using namespace cell2text;
using namespace cell2text::test;

namespace {

/// A small BERT tokenizer, ids in this order.
Json small_bert() {
  Json vocabulary = Json::object();
  int id = 0;
  for (const char* token : {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "t",         "cell", "##s", "##ed", "ce",
                            "##ll",  ".",     "-",     "一",    "cafe",   "caf\u00e9", "The",  "the", "##x",  "x"})
    vocabulary[token] = id++;
  Json added = Json::array();
  for (const char* token : {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"})
    added.push_back({{"id", vocabulary[token]}, {"content", token}, {"special", true}, {"normalized", false}});
  return {{"added_tokens", added},
          {"normalizer",
           {{"type", "BertNormalizer"},
            {"clean_text", true},
            {"handle_chinese_chars", true},
            {"strip_accents", nullptr},
            {"lowercase", true}}},
          {"pre_tokenizer", {{"type", "BertPreTokenizer"}}},
          {"post_processor", {{"type", "BertProcessing"}, {"sep", {"[SEP]", 3}}, {"cls", {"[CLS]", 2}}}},
          {"decoder", {{"type", "WordPiece"}, {"prefix", "##"}, {"cleanup", true}}},
          {"model",
           {{"type", "WordPiece"},
            {"unk_token", "[UNK]"},
            {"continuing_subword_prefix", "##"},
            {"max_input_chars_per_word", 100},
            {"vocab", vocabulary}}}};
}

Tokenizer bert(const std::function<void(Json&)>& change = [](Json&) {}) {
  Json json = small_bert();
  change(json);
  return read_word_piece(json, "tokenizer.json");
}

/// With what the small one is refused after `change`.
std::string bert_refusal(const std::function<void(Json&)>& change) {
  const auto message = message_of<InputError>([&] { bert(change); });
  CHECK(has(message, "tokenizer.json"));
  return message;
}

std::string lines_of_vocabulary() {
  const Json vocabulary = small_bert()["model"]["vocab"];
  std::vector<std::string> lines(vocabulary.size());
  for (const auto& [token, id] : vocabulary.items()) lines[id.get<std::size_t>()] = token + "\n";
  std::string text;
  for (const std::string& line : lines) text += line;
  return text;
}

/// The RoBERTa files of the small byte-level tokenizer.
void write_roberta(const std::filesystem::path& folder) {
  Json vocabulary = small()["model"]["vocab"];  // ids 0 to 260
  int id = 300;
  for (const char* token : {"<s>", "</s>", "<unk>", "<pad>", "<mask>"}) vocabulary[token] = id++;
  write_file(folder / "vocab.json", vocabulary.dump());
  write_file(folder / "merges.txt", "#version: 0.2\r\nb c\r\na b\nab c\n\u0120 a\n");
}

}  // namespace

TEST_CASE("word piece: an added token is none of the pieces that words are made of") {
  const Tokenizer added = bert([](Json& json) {
    json["added_tokens"].push_back(
        {{"id", 20}, {"content", "qz"}, {"special", false}, {"normalized", false}, {"single_word", true}});
  });
  CHECK(added.encode("cell qz") == Ids{6, 20});
  CHECK(added.encode("_qz") == Ids{1, 1});  // no word of its own, and then not known
  CHECK(added.encode("qzs") == Ids{1});
}

TEST_CASE("word piece: the longest pieces are taken from the left") {
  CHECK(bert().encode("cells") == Ids{6, 7});
  CHECK(bert().encode("celled cell.") == Ids{6, 8, 6, 11});
  CHECK(bert().encode("t-cell") == Ids{5, 12, 6});
  CHECK(bert().encode("cells", true) == Ids{2, 6, 7, 3});
  CHECK(bert().encode("", true) == Ids{2, 3});
  CHECK(bert().encode(" \n\t ").empty());
}

TEST_CASE("word piece: a word that the pieces cannot make is one unknown token") {
  CHECK(bert().encode("cellt cell") == Ids{1, 6});
  CHECK(bert().encode("q") == Ids{1});
  CHECK(bert().encode(std::string(100, 'x')) == Ids([] {
          Ids ids(100, 18);
          ids[0] = 19;
          return ids;
        }()));
  CHECK(bert().encode(std::string(101, 'x')) == Ids{1});
  const auto shorter = bert([](Json& json) { json["model"]["max_input_chars_per_word"] = 4; });
  CHECK(shorter.encode("cell cells") == Ids{6, 1});
}

TEST_CASE("word piece: control characters go, Chinese characters stand alone, accents and capitals are dropped") {
  CHECK(bert().encode("ce\u0001ll\u200b") == Ids{6});
  CHECK(bert().encode("ce\uFFFDll") == Ids{6});
  CHECK(bert().encode("cell一cell") == Ids{6, 13, 6});
  CHECK(bert().encode("CAF\u00c9 cafe\u0301 The") == Ids{14, 14, 17});
  CHECK(bert().encode("cell\u2028cell\u3000cell") == Ids{6, 6, 6});
}

TEST_CASE("word piece: a cased model keeps accents and capitals") {
  const auto cased = bert([](Json& json) { json["normalizer"]["lowercase"] = false; });
  CHECK(cased.encode("The the caf\u00e9 CELL") == Ids{16, 17, 15, 1});
  const auto plain = bert([](Json& json) {
    json["normalizer"] = {{"type", "BertNormalizer"},
                          {"clean_text", false},
                          {"handle_chinese_chars", false},
                          {"lowercase", true},
                          {"strip_accents", false}};
  });
  CHECK(plain.encode("cell一") == Ids{1});
  CHECK(plain.encode("ce\u0001ll") == Ids{1});
  CHECK(plain.encode("CAF\u00c9 \u0130") == Ids{15, 1});
}

TEST_CASE("word piece: special tokens are found in a text, unless they are to be plain") {
  CHECK(bert().encode("cell[SEP]cell") == Ids{6, 3, 6});
  CHECK(bert().encode("[SEP]", false, SpecialText::plain) == Ids{1, 1, 1});
  CHECK(bert().is_special(3));
  CHECK_FALSE(bert().is_special(6));
  CHECK(bert().token(7) == "##s");
  CHECK(message_of<InputError>([] { bert().token(99); }).find("tokenizer.json") != std::string::npos);
}

TEST_CASE("word piece: pieces become words again") {
  CHECK(bert().decode(Ids{2, 6, 7, 11, 5, 3}) == "cells. t");
  CHECK(bert().decode(Ids{2, 6, 3}, false) == "[CLS] cell [SEP]");
  CHECK(bert([](Json& json) { json["decoder"]["cleanup"] = false; }).decode(Ids{6, 11}) == "cell .");
}

TEST_CASE("word piece: a tokenizer.json with parts that are not known is refused") {
  CHECK(has(bert_refusal([](Json& j) { j["model"]["type"] = "Unigram"; }), "Unigram"));
  CHECK(has(bert_refusal([](Json& j) { j["model"]["unk_token"] = "[NO]"; }), "[NO]"));
  CHECK(has(bert_refusal([](Json& j) { j["normalizer"]["type"] = "NFKC"; }), "NFKC"));
  CHECK(has(bert_refusal([](Json& j) { j["normalizer"] = nullptr; }), "normalizer"));
  CHECK(has(bert_refusal([](Json& j) { j["pre_tokenizer"]["type"] = "Whitespace"; }), "Whitespace"));
  CHECK(has(bert_refusal([](Json& j) { j["decoder"]["type"] = "BPEDecoder"; }), "BPEDecoder"));
  CHECK(has(bert_refusal([](Json& j) { j["added_tokens"][0]["normalized"] = true; }), "normalized"));
  CHECK(has(bert_refusal([](Json& j) { j["post_processor"]["cls"] = {"[CLS]"}; }), "'cls'"));
  CHECK(has(bert_refusal([](Json& j) { j["post_processor"]["sep"] = {"[SEP]", 99}; }), "'sep'"));
  CHECK(has(bert_refusal([](Json& j) {
              j["post_processor"] = {{"type", "Sequence"}, {"processors", {j["post_processor"], j["post_processor"]}}};
            }),
            "a second component"));
}

TEST_CASE("word piece: a vocab.txt is read with the settings beside it") {
  const TemporaryFolder folder;
  write_file(folder / "vocab.txt", lines_of_vocabulary());
  const auto assumed = EncoderTokenizer::open(folder.path());
  CHECK(assumed.tokenizer.encode("The caf\u00e9", true) == Ids{2, 17, 14, 3});
  CHECK(assumed.begin == 2);
  CHECK(assumed.end == 3);
  CHECK_FALSE(assumed.max_tokens.has_value());
  CHECK(assumed.case_assumed);
  write_file(folder / "tokenizer_config.json", R"({"do_lower_case": false, "model_max_length": 7})");
  const auto cased = EncoderTokenizer::open(folder.path());
  CHECK(cased.tokenizer.encode("The caf\u00e9") == Ids{16, 15});
  CHECK(cased.max_tokens == 7);
  CHECK_FALSE(cased.case_assumed);
  write_file(folder / "tokenizer_config.json", R"({"model_max_length": 1000000000000000019884624838656})");
  CHECK_FALSE(EncoderTokenizer::open(folder.path()).max_tokens.has_value());
}

TEST_CASE("word piece: vocab.json and merges.txt are read as RoBERTa's") {
  const TemporaryFolder folder;
  write_roberta(folder.path());
  const auto opened = EncoderTokenizer::open(folder.path());
  CHECK(opened.begin == 300);
  CHECK(opened.end == 301);
  CHECK(opened.tokenizer.encode("abc a") == Ids{97, 258, 259});
  CHECK(opened.tokenizer.encode("a<mask>") == Ids{'a', 304});
  write_file(folder / "tokenizer_config.json", R"({"add_prefix_space": true})");
  CHECK(EncoderTokenizer::open(folder.path()).tokenizer.encode("a") == Ids{259});
}

TEST_CASE("word piece: folders without a tokenizer, or with one of another kind, are refused") {
  const TemporaryFolder folder;
  const auto refused = [&] { return message_of<InputError>([&] { EncoderTokenizer::open(folder.path()); }); };
  CHECK(has(refused(), "merges.txt"));
  write_file(folder / "vocab.txt", "[PAD]\n[UNK]\n[CLS]\n");
  CHECK(has(refused(), "[SEP]"));
  write_file(folder / "vocab.txt", "[PAD]\n\xff\n");
  CHECK(has(refused(), "UTF-8"));
  write_file(folder / "vocab.txt", lines_of_vocabulary());
  write_file(folder / "tokenizer_config.json", R"({"model_max_length": 2})");
  CHECK(has(refused(), "model_max_length"));
  write_file(folder / "tokenizer.json", small().dump());
  CHECK(has(refused(), "1 tokens around"));
  const TemporaryFolder roberta;
  write_file(roberta / "vocab.json", small()["model"]["vocab"].dump());
  write_file(roberta / "merges.txt", "b c\n");
  CHECK(has(message_of<InputError>([&] { EncoderTokenizer::open(roberta.path()); }), "'<s>' is missing"));
}

TEST_CASE("oracle: the tokenizers of BERT and RoBERTa give the ids and texts of transformers") {
  const auto number = seed();
  INFO("CELL2TEXT_TEST_SEED=" << number);
  const auto folder = oracle("word_piece.py", number);
  for (const std::string name : {"uncased", "cased", "random", "roberta", "roberta_files"}) {
    CAPTURE(name);
    compare(EncoderTokenizer::open(folder / name).tokenizer, folder / name);
  }

  // Each character alone. What differs is newer than the installed ICU, or than the tables of the `tokenizers` library.
  const BertNormalizer normalizer;
  std::size_t differing = 0;
  std::string first;
  const auto all = for_each_line(folder / "characters.jsonl", [&](const Json& line) {
    std::string text = "a";
    append_utf8(text, line[0].get<char32_t>());
    text += 'b';
    std::size_t words = 0;
    each_bert_word(text, [&](std::string_view) { ++words; });
    UVersionInfo age;
    u_charAge(line[0].get<UChar32>(), age);
    const bool known = age[0] > 0 && age[0] <= 8;
    const std::size_t expected = line[2] == "mark" ? 3 : line[2] == "white" ? 2 : 1;
    if (known && (words != expected || normalizer.apply(text) != from_hex(line[1])) && ++differing < 30)
      first += line.dump() + " ";
  });
  CHECK(all == 0x110000 - 0x800);
  INFO("those that differ: " << first);
  CHECK(differing == 0);
}
