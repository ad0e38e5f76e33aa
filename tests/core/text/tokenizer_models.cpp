// tokenizer.model files: tiktoken's ranks and SentencePiece's pieces, and the folder that holds them.
#include "cell2text/text/tokenizer_folder.hpp"
#include "core/text/sentence_pieces.hpp"
#include "core/text/tokenizer_files.hpp"

using namespace cell2text;
using namespace cell2text::test;

namespace {

std::string base64(const std::string& bytes) {
  constexpr const char* letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t bits = 0;
    for (std::size_t k = 0; k < 3; ++k)
      bits = bits << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0);
    for (std::size_t k = 0; k < 4; ++k) text += i + k < bytes.size() + 1 ? letters[bits >> (18 - 6 * k) & 63] : '=';
  }
  return text;
}

/// The 256 bytes and a few longer tokens, in the order of their ranks.
std::string ranks() {
  std::string file;
  int rank = 0;
  for (int byte = 0; byte < 256; ++byte)
    file += base64(std::string(1, static_cast<char>(byte))) + " " + std::to_string(rank++) + "\n";
  for (const char* token : {"ab", "bc", "aaa", "aa", " abc", "xyz"})
    file += base64(token) + " " + std::to_string(rank++) + "\n";
  return file;
}

std::string tiktoken_refusal(const std::string& file) {
  return message_of<InputError>([&] { read_tiktoken(file, "file"); });
}
std::string piece_refusal(const std::string& file) {
  return message_of<InputError>([&] { read_sentence_piece(file, "file"); });
}

}  // namespace

TEST_CASE("tiktoken: words are joined by the rank of what they become, and whole tokens are taken whole") {
  const auto tokenizer = read_tiktoken(ranks(), "file");
  CHECK(tokenizer.vocabulary_size() == 262 + 256);
  CHECK(tokenizer.encode("abc") == Ids{256, 'c'});
  CHECK(tokenizer.encode("aaaa") == Ids{258, 'a'});  // by way of "aa", of a higher rank
  CHECK(tokenizer.encode(" abc xyz") == Ids{260, ' ', 'x', 'y', 'z'});
  CHECK(tokenizer.encode("xyz") == Ids{261});
  CHECK(tokenizer.decode(tokenizer.encode("\u00e9\U0001F600 \xFF")) == "\u00e9\U0001F600 \uFFFD");
  CHECK(tokenizer.id_of("\u0120abc") == 260);
}

TEST_CASE("tiktoken: the 256 special tokens of Llama 3 follow the ranks") {
  const auto tokenizer = read_tiktoken(ranks(), "file");
  const std::map<std::string, std::int64_t> known = {{"<|begin_of_text|>", 0},
                                                     {"<|end_of_text|>", 1},
                                                     {"<|reserved_special_token_1|>", 3},
                                                     {"<|finetune_right_pad_id|>", 4},
                                                     {"<|start_header_id|>", 6},
                                                     {"<|end_header_id|>", 7},
                                                     {"<|eom_id|>", 8},
                                                     {"<|eot_id|>", 9},
                                                     {"<|python_tag|>", 10},
                                                     {"<|reserved_special_token_3|>", 11},
                                                     {"<|reserved_special_token_247|>", 255}};
  for (const auto& [name, index] : known) {
    CAPTURE(name);
    CHECK(tokenizer.id_of(name) == 262 + index);
    CHECK(tokenizer.is_special(262 + index));
  }
  CHECK(tokenizer.encode("ab<|eot_id|>", true) == Ids{262, 256, 271});
  CHECK(tokenizer.decode(Ids{262, 256, 271}) == "ab");
  const auto plain = tokenizer.encode("<|eot_id|>", false, SpecialText::plain);
  CHECK(std::ranges::none_of(plain, [&](std::int64_t id) { return tokenizer.is_special(id); }));
}

TEST_CASE("tiktoken: tokenizer_config.json may name the special tokens") {
  const TemporaryFolder folder;
  write_file(folder / "tokenizer.model", ranks());
  write_file(folder / "tokenizer_config.json",
             R"({"added_tokens_decoder": {"266": {"content": "<|pad|>"}, "600": {"content": "<|image|>"}}})");
  const auto tokenizer = TokenizerFolder::open(folder.path()).tokenizer();
  CHECK(tokenizer.id_of("<|pad|>") == 266);
  CHECK(tokenizer.id_of("<|image|>") == 600);
  CHECK_FALSE(tokenizer.id_of("<|finetune_right_pad_id|>"));
  for (const char* config :
       {R"({"added_tokens_decoder": []})", R"({"added_tokens_decoder": {"x": {"content": "y"}}})",
        R"({"added_tokens_decoder": {"266": {"content": ""}}})", R"({"added_tokens_decoder": {"266": {}}})",
        R"({"added_tokens_decoder": {"5": {"content": "y"}}})"}) {
    CAPTURE(config);
    write_file(folder / "tokenizer_config.json", config);
    CHECK_THROWS_AS(TokenizerFolder::open(folder.path()), InputError);
  }
}

TEST_CASE("tiktoken: damaged files are refused with the line") {
  CHECK(has(tiktoken_refusal(ranks() + "YWI= 700\n"), "two ids"));
  CHECK(has(tiktoken_refusal(ranks() + "YXh4 256\n"), "the same id 256"));
  CHECK(has(tiktoken_refusal(ranks() + "YXh4 70000\n"), "the id 70000"));
  for (const char* line : {"YXh4", "YXh4 x", "YXh4 -1", "YXh4 1 2", "YXh 300", "YX!4 300", "YXh5= 300", "YR== 300",
                           " 300", "==== 300", "\n"}) {
    CAPTURE(line);
    CHECK(has(tiktoken_refusal(ranks() + line + "\nYWJj 301\n"), "file:263: "));
  }
  CHECK(has(tiktoken_refusal(ranks() + base64(std::string(257, 'a')) + " 300\n"), "at most 256 bytes"));
  CHECK(has(tiktoken_refusal("YWI= 0\n"), "for the byte 0"));
  std::string windows = ranks();
  for (std::size_t at = 0; (at = windows.find('\n', at)) != std::string::npos; at += 2) windows.insert(at, "\r");
  windows.resize(windows.size() - 2);
  CHECK(read_tiktoken(windows, "file").encode("ab") == Ids{256});
}

TEST_CASE("sentencepiece: ids and texts are the library's, and roles are not taken from outside") {
  const auto tokenizer = read_sentence_piece(pieces() + specifications(), "file");
  CHECK(tokenizer.vocabulary_size() == 15);
  CHECK(tokenizer.encode("ab a", true) == Ids{1, 6, 5});
  CHECK(tokenizer.encode("a<s>b") == Ids{7, 1, 8});
  CHECK(tokenizer.encode("a<s>b", false, SpecialText::plain) == Ids{7, 10, 12, 11, 8});
  CHECK(tokenizer.encode("<start_of_turn><td>") == Ids{3, 4});
  const auto plain = tokenizer.encode("<start_of_turn><td>", false, SpecialText::plain);
  CHECK(std::ranges::count(plain, 3) == 0);
  CHECK(plain.back() == 4);
  CHECK(tokenizer.decode(Ids{1, 6, 5, 3, 2, 99, -1}) == "ab a");
  CHECK(tokenizer.decode(Ids{1, 6, 3}, false) == "<s>ab<start_of_turn>");
  CHECK(tokenizer.id_of("\u2581a") == 5);
  CHECK(tokenizer.token(3) == "<start_of_turn>");
  CHECK(tokenizer.is_special(3));
  CHECK_FALSE(tokenizer.is_special(4));
  CHECK_FALSE(tokenizer.is_special(15));
  CHECK(has(message_of<InputError>([&] { tokenizer.token(15); }), "file has ids 0 to 14"));
}

TEST_CASE("sentencepiece: what the library should not be trusted with is refused") {
  const std::string sound = pieces(), end = specifications();
  CHECK(has(piece_refusal(end), "no pieces"));
  CHECK(has(piece_refusal(sound), "type 1"));
  CHECK(has(piece_refusal(sound + specifications(1)), "type 1"));
  CHECK(has(piece_refusal(sound + specifications(2, "table")), "'precompiled_charsmap' (5 bytes)"));
  CHECK(has(piece_refusal(sound + end + bytes_field(5, bytes_field(2, "x"))), "'precompiled_charsmap'"));
  CHECK(has(piece_refusal(sound + piece("") + end), "piece 15 is empty"));
  CHECK(has(piece_refusal(sound + piece(std::string("a\0b", 3)) + end), "byte of zero"));
  CHECK(has(piece_refusal(sound + piece("\xFF") + end), "no UTF-8"));
  CHECK(has(piece_refusal(sound + piece("q", NAN) + end), "score"));
  CHECK(has(piece_refusal(sound + piece("q", INFINITY) + end), "score"));
  CHECK(has(piece_refusal(sound + piece("q", 0, 7) + end), "the type 7"));
  CHECK(has(
      piece_refusal(sound + bytes_field(1, bytes_field(1, "q") + varint(3 << 3) + "\x81" + std::string(1, '\0')) + end),
      "the type 1"));
  CHECK(has(piece_refusal(sound + bytes_field(1, number_field(1, 5)) + end), "another type"));
  CHECK(has(piece_refusal(sound + piece("a") + end), "two ids"));
  CHECK(has(piece_refusal(sound + number_field(1, 5) + end), "field 1 is no message"));
  CHECK(has(piece_refusal(sound + end + "\x0b"), "wire type 3"));
  CHECK(has(piece_refusal(sound + end + std::string(1, '\0') + "\1"), "number 0"));
  CHECK(has(piece_refusal(sound + end + "\x12\x7f" + "a"), "127 bytes where 1"));
  CHECK(has(piece_refusal(sound + end + std::string(11, '\xFF')), "more than ten bytes"));
  CHECK(has(piece_refusal(sound + end + "\x80"), "inside a number"));
  CHECK(has(piece_refusal(sound + piece("<other>", 0, 2) + end), "SentencePiece says"));
  CHECK(has(piece_refusal(sound.substr(piece("<unk>", 0, 2).size()) + end), "SentencePiece says"));
}

TEST_CASE("sentencepiece, tiktoken: files cut off or changed anywhere are read or refused, nothing else") {
  const auto number = seed();
  INFO("CELL2TEXT_TEST_SEED=" << number);
  std::mt19937_64 random(number);
  for (const std::string& whole : {pieces() + specifications(), ranks()}) {
    int refused = 0;
    for (int i = 0; i < 2000; ++i) {
      std::string changed = whole;
      if (i % 4 == 0) changed.resize(random() % whole.size());
      for (int k = 0; k < i % 4; ++k) changed[random() % changed.size()] = static_cast<char>(random());
      try {
        const auto tokenizer = read_tokenizer(changed, "file");
        tokenizer.decode(tokenizer.encode("ab <s> a<start_of_turn>", true));
      } catch (const InputError&) {
        ++refused;
      }
    }
    CHECK(refused > 500);
  }
  for (int i = 0; i < 500; ++i) {
    std::string bytes(random() % 300, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    CHECK_THROWS_AS(read_tokenizer((i % 2 ? "\n" : "") + bytes, "file"), InputError);
  }
}

TEST_CASE(
    "tokenizer folder: tokenizer.json is taken before tokenizer.model, and a file under any name by its content") {
  const TemporaryFolder folder;
  write_file(folder / "tokenizer.model", ranks());
  CHECK(TokenizerFolder::open(folder.path()).tokenizer().vocabulary_size() == 518);
  CHECK(TokenizerFolder::open(folder.path()).path() == folder / "tokenizer.model");
  write_file(folder / "tokenizer.json", small().dump());
  CHECK(TokenizerFolder::open(folder.path()).tokenizer().vocabulary_size() == 264);
  CHECK(TokenizerFolder::open(folder / "tokenizer.model").tokenizer().vocabulary_size() == 518);
  write_file(folder / "other", "\r\n " + small().dump());
  CHECK(TokenizerFolder::open(folder / "other").tokenizer().vocabulary_size() == 264);
  write_file(folder / "pieces", pieces() + specifications());
  CHECK(TokenizerFolder::open(folder / "pieces").tokenizer().vocabulary_size() == 15);
}

TEST_CASE("tokenizer folder: save writes the files as they were, also when their origin is gone") {
  const TemporaryFolder from, to;
  const std::map<std::string, std::string> files = {{"tokenizer.model", pieces() + specifications()},
                                                    {"tokenizer_config.json", "{}"},
                                                    {"special_tokens_map.json", "{ }"},
                                                    {"chat_template.jinja", "{{ x }}"}};
  for (const auto& [name, bytes] : files) write_file(from / name, bytes);
  const auto opened = TokenizerFolder::open(from.path());
  for (const auto& [name, bytes] : files) std::filesystem::remove(from / name);
  opened.save(to.path());
  for (const auto& [name, bytes] : files) {
    CAPTURE(name);
    CHECK(read_file(to / name) == bytes);
  }
  CHECK(TokenizerFolder::open(to.path()).tokenizer().encode("ab") == opened.tokenizer().encode("ab"));
  CHECK(std::distance(std::filesystem::directory_iterator(to.path()), {}) == 4);
}

TEST_CASE("tokenizer folder: what is there must be a tokenizer") {
  const TemporaryFolder folder;
  const auto refusal = [](const std::filesystem::path& path) {
    return message_of<InputError>([&] { TokenizerFolder::open(path, "decoder.tokenizer"); });
  };
  CHECK(has(refusal(folder.path()), "neither a tokenizer.json nor a tokenizer.model; 'decoder.tokenizer'"));
  CHECK(has(refusal(folder / "nothing"), "does not exist; 'decoder.tokenizer'"));
  write_file(folder / "tokenizer.model", "a text");
  CHECK(has(refusal(folder.path()), "is neither a tokenizer.json nor a tokenizer.model"));
  write_file(folder / "tokenizer.model", "version https://git-lfs.github.com/spec/v1\n");
  CHECK(has(refusal(folder.path()), "Git LFS"));
  write_file(folder / "tokenizer.json", "{");
  CHECK(has(refusal(folder.path()), "not valid JSON"));
}
