#include "cell2text/text/tokenizer.hpp"

#include "core/text/tokenizer_files.hpp"

using namespace cell2text;
using namespace cell2text::test;

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
