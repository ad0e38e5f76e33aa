// Tokenizers beside the libraries that their files are made for.
#include "cell2text/text/tokenizer_folder.hpp"
#include "core/text/shared_data.hpp"
#include "core/text/tokenizer_cases.hpp"

using namespace cell2text;
using namespace cell2text::test;

TEST_CASE("oracle: byte-level tokenizers give the ids and texts of the tokenizers library") {
  const auto number = seed();
  INFO("CELL2TEXT_TEST_SEED=" << number);
  const auto folder = oracle("tokenizer.py", number);
  for (const std::string name : {"demo", "random"}) {
    CAPTURE(name);
    compare(Tokenizer::read(folder / name / "tokenizer.json"), folder / name);
  }
}

TEST_CASE("oracle: tokenizers of Gemma's and Llama 2's structure give the ids and texts of the tokenizers library") {
  const auto number = seed();
  INFO("CELL2TEXT_TEST_SEED=" << number);
  const auto folder = oracle("tokenizer_characters.py", number);
  for (const std::string name : {"gemma", "llama2", "random"}) {
    CAPTURE(name);
    compare(Tokenizer::read(folder / name / "tokenizer.json"), folder / name);
  }
}

TEST_CASE("oracle: Llama 3's tokenizer.model gives tiktoken's ids, and its tokenizer.json those of tokenizers") {
  const auto file = shared_data("tokenizers/llama3/tokenizer.model");
  if (!file) return;
  const auto number = seed();
  INFO("CELL2TEXT_TEST_SEED=" << number);
  const auto folder = oracle("tokenizer_models.py", number, {"--tiktoken", file->string()});
  const auto model = TokenizerFolder::open(*file).tokenizer();
  const auto converted = Tokenizer::read(folder / "llama3-converted" / "tokenizer.json");
  compare(model, folder / "llama3");
  compare(converted, folder / "llama3-converted");
  CHECK(model.vocabulary_size() == 128'256);
  for (std::int64_t id = 0; id < model.vocabulary_size(); ++id)
    if (model.token(id) != converted.token(id) || model.is_special(id) != converted.is_special(id))
      FAIL_CHECK(id << ": " << model.token(id) << " and " << converted.token(id));
}

TEST_CASE("oracle: Llama 2's tokenizer.model gives the ids and texts of sentencepiece") {
  const auto file = shared_data("tokenizers/llama2/tokenizer.model");
  if (!file) return;
  const auto number = seed();
  INFO("CELL2TEXT_TEST_SEED=" << number);
  const auto folder = oracle("tokenizer_models.py", number, {"--sentencepiece", file->string()});
  compare(TokenizerFolder::open(*file).tokenizer(), folder / "llama2");
}

TEST_CASE("oracle: a SentencePiece model of Gemma's settings gives the ids and texts of sentencepiece") {
  const auto number = seed();
  INFO("CELL2TEXT_TEST_SEED=" << number);
  const auto folder = oracle("tokenizer_models.py", number);
  const auto tokenizer = TokenizerFolder::open(folder / "gemma").tokenizer();
  compare(tokenizer, folder / "gemma");
  const std::string turn = "<start_of_turn>a <table>";
  CHECK(tokenizer.encode(turn).front() == tokenizer.id_of("<start_of_turn>"));
  const auto plain = tokenizer.encode(turn, false, SpecialText::plain);
  CHECK(std::ranges::none_of(plain, [&](std::int64_t id) { return tokenizer.is_special(id); }));
  CHECK(std::ranges::count(plain, *tokenizer.id_of("<table>")) == 1);
  CHECK(tokenizer.decode(plain) == turn);
}
