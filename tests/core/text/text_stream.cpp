#include "cell2text/text/text_stream.hpp"

#include "cell2text/text/tokenizer_folder.hpp"
#include "core/text/sentence_pieces.hpp"
#include "core/text/shared_data.hpp"
#include "core/text/tokenizer_files.hpp"

using namespace cell2text;
using namespace cell2text::test;

namespace {

/// Puts the ids through a stream; checks that pieces are whole characters and together the decoded text.
std::vector<std::string> streamed(const Tokenizer& tokenizer, const Ids& ids) {
  TextStream stream(tokenizer);
  std::vector<std::string> pieces;
  std::string all;
  for (const auto id : ids) {
    pieces.push_back(stream.put(id));
    all += pieces.back();
    CHECK(is_utf8(pieces.back()));
  }
  pieces.push_back(stream.finish());
  all += pieces.back();
  CHECK(is_utf8(all));
  INFO("ids " << Json(ids).dump());
  CHECK(all == tokenizer.decode(ids));
  return pieces;
}

/// Byte tokens and a few letters; a blank at the start of the text is dropped.
Tokenizer byte_fallback() {
  Json vocabulary = {{"<unk>", 0}, {"<s>", 1}};
  for (int byte = 0; byte < 256; ++byte) {
    char name[8];
    std::snprintf(name, sizeof name, "<0x%02X>", byte);
    vocabulary[name] = vocabulary.size();
  }
  for (const char* token : {"a", "\u2581", "\u2581b", "\u20ac", "\uFFFD"}) vocabulary[token] = vocabulary.size();
  const Json json = {
      {"decoder",
       {{"type", "Sequence"},
        {"decoders",
         {{{"type", "Replace"}, {"pattern", {{"String", "\u2581"}}}, {"content", " "}},
          {{"type", "ByteFallback"}},
          {{"type", "Fuse"}},
          {{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}}}}}},
      {"added_tokens", {{{"id", 1}, {"content", "<s>"}, {"special", true}}}},
      {"model", {{"type", "BPE"}, {"byte_fallback", true}, {"vocab", vocabulary}, {"merges", Json::array()}}}};
  return Tokenizer::from(json, "file");
}

}  // namespace

TEST_CASE("text stream: a character of several tokens comes whole, with its last token") {
  const auto tokenizer = read_json_value(small());
  const std::string text = "a\u00e9\U0001F600b";
  const auto pieces = streamed(tokenizer, tokenizer.encode(text));
  CHECK(pieces == std::vector<std::string>{"a", "", "\u00e9", "", "", "", "\U0001F600", "b", ""});
}

TEST_CASE("text stream: half a character at the end becomes U+FFFD when the text is finished") {
  const auto tokenizer = read_json_value(small());
  CHECK(streamed(tokenizer, {'a', 0xF0, 0x9F}) == std::vector<std::string>{"a", "", "", "\uFFFD"});
  CHECK(streamed(tokenizer, {0xFF, 'a'}) == std::vector<std::string>{"",
                                                                     "\uFFFD"
                                                                     "a",
                                                                     ""});
  CHECK(streamed(tokenizer, {}) == std::vector<std::string>{""});
}

TEST_CASE("text stream: special tokens give nothing, and text goes on behind them") {
  const auto tokenizer = read_json_value(small());
  CHECK(streamed(tokenizer, {261, 'a', 262, 262, ' ', 'b'}) == std::vector<std::string>{"", "a", "", "", " ", "b", ""});
}

TEST_CASE("text stream: a run of byte tokens is held back while it can still be reread") {
  const auto tokenizer = byte_fallback();
  const auto byte = [&](const char* name) { return *tokenizer.id_of(name); };
  const auto a = byte("a");
  CHECK(streamed(tokenizer, {a, byte("<0x41>"), byte("<0xE2>"), a}) == std::vector<std::string>{"a", "", "",
                                                                                                "\uFFFD\uFFFD"
                                                                                                "a",
                                                                                                ""});
  CHECK(streamed(tokenizer, {byte("<0xE2>"), byte("<0x82>"), byte("<0xAC>"), a}) == std::vector<std::string>{"", "", "",
                                                                                                             "\u20ac"
                                                                                                             "a",
                                                                                                             ""});
  CHECK(streamed(tokenizer, {a, byte("\u20ac"), byte("<0x41>")}) == std::vector<std::string>{"a", "\u20ac", "", "A"});
}

TEST_CASE("text stream: a blank that is dropped at the start of a text is kept inside it") {
  const auto tokenizer = byte_fallback();
  const auto a = *tokenizer.id_of("a"), blank = *tokenizer.id_of("\u2581"), b = *tokenizer.id_of("\u2581b");
  CHECK(streamed(tokenizer, {b, b, a, blank, blank, b}) ==
        std::vector<std::string>{"b", " b", "a", " ", " ", " b", ""});
  CHECK(streamed(tokenizer, {blank, blank, b}) == std::vector<std::string>{"", " ", " b", ""});
}

TEST_CASE("text stream: it can be used again after its end") {
  const auto tokenizer = read_json_value(small());
  TextStream stream(tokenizer);
  CHECK(stream.put('a') == "a");
  CHECK(stream.finish() == "");
  CHECK(stream.put('b') == "b");
}

TEST_CASE("text stream: random ids of every kind of tokenizer give the decoded text") {
  const auto number = seed();
  INFO("CELL2TEXT_TEST_SEED=" << number);
  std::mt19937_64 random(number);
  std::vector<Tokenizer> tokenizers = {read_json_value(small()), byte_fallback(), Tokenizer::read(demo()),
                                       read_sentence_piece(pieces() + specifications(), "file")};
  if (const auto file = shared_data("tokenizers/llama2/tokenizer.model"))
    tokenizers.push_back(TokenizerFolder::open(*file).tokenizer());
  for (std::size_t i = 0; i < tokenizers.size(); ++i) {
    CAPTURE(i);
    for (int round = 0; round < 300; ++round) {
      Ids ids(random() % 40);
      const auto limit =
          random() % 2 ? std::min<std::int64_t>(262, tokenizers[i].vocabulary_size()) : tokenizers[i].vocabulary_size();
      for (auto& id : ids) id = static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(limit));
      streamed(tokenizers[i], ids);
    }
  }
}

TEST_CASE("text stream: a long text takes time in proportion to its length") {
  const auto tokenizer = Tokenizer::read(demo());
  std::string text;
  while (text.size() < 200'000) text += "a lymphocyte that expresses \u03b1\u03b2 T cell receptors. ";
  const auto start = std::chrono::steady_clock::now();
  streamed(tokenizer, tokenizer.encode(text));
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(10));
}
