#include "cell2text/prompt.hpp"

#include <doctest/doctest.h>

#include "support/gru_decoder.hpp"

using namespace cell2text;
using test::GruDecoder;
using Tokens = std::vector<std::int64_t>;

namespace {

/// Letters, and one special token by name: <end> is 0.
struct NamedTokenizer : test::LetterTokenizer {
  Tokens encode_prompt(std::string_view text, bool framed) const {
    Tokens ids;
    if (framed) ids.push_back(1);
    for (std::size_t i = 0; i < text.size();) {
      const bool end = text.substr(i).starts_with("<end>");
      const Tokens more = end ? Tokens{0} : encode(text.substr(i, 1));
      ids.insert(ids.end(), more.begin(), more.end());
      i += end ? 5 : 1;
    }
    return ids;
  }
};
struct NamedDecoder : GruDecoder {
  using GruDecoder::GruDecoder;
  static std::vector<std::string> model_types() { return {"named", "other"}; }
  const NamedTokenizer& tokenizer() const { return tokenizer_; }
  NamedTokenizer tokenizer_;
};
/// Joins "x" and what follows into one token.
struct JoiningTokenizer : test::LetterTokenizer {
  Tokens encode_prompt(std::string_view text, bool) const {
    if (text.size() > 1 && text.front() == 'x') return encode("q" + std::string(text.substr(2)));
    return encode(text);
  }
};
struct JoiningDecoder : GruDecoder {
  using GruDecoder::GruDecoder;
  const JoiningTokenizer& tokenizer() const { return tokenizer_; }
  JoiningTokenizer tokenizer_;
};

template <class D>
ChatPieces pieces(const PromptSettings& prompt) {
  return chat_pieces(*test::make_decoder<D>({}, 1).handle, prompt);
}
Tokens ids(std::string_view letters) {
  return test::LetterTokenizer().encode(letters);
}

}  // namespace

TEST_CASE("prompt: without pieces of its own, it is the decoder's chat template") {
  PromptSettings prompt;
  prompt.system = "ab", prompt.user = "c";
  const ChatPieces made = pieces<NamedDecoder>(prompt);
  CHECK(made.before == ids("abc"));
  CHECK(made.after == Tokens{1});
}

TEST_CASE("prompt: own pieces stand around the texts, and names of special tokens are tokens") {
  PromptSettings prompt;
  prompt.system = "s", prompt.user = "u";
  prompt.before = "<end>a", prompt.between = "b<end>", prompt.after = "<end>z";
  const ChatPieces made = pieces<NamedDecoder>(prompt);
  CHECK(made.before == Tokens{0, 2, 20, 3, 0, 22});
  CHECK(made.after == Tokens{0, 27});
}

TEST_CASE("prompt: one piece alone makes the template, and the others are empty") {
  PromptSettings prompt;
  prompt.system = "s", prompt.user = "u";
  prompt.between = "b";
  const ChatPieces made = pieces<NamedDecoder>(prompt);
  CHECK(made.before == ids("sbu"));
  CHECK(made.after.empty());
}

TEST_CASE("prompt: what follows the soft tokens is cut as inside a text where that can be told") {
  PromptSettings prompt;
  prompt.after = "hello";
  CHECK(pieces<NamedDecoder>(prompt).after == ids("hello"));
  CHECK(pieces<JoiningDecoder>(prompt).after == ids("hello"));  // x and h became one: cut by itself
}

TEST_CASE("prompt: a tokenizer without named tokens reads plain text") {
  PromptSettings prompt;
  prompt.system = "", prompt.user = "u", prompt.before = "<end>";
  CHECK(pieces<GruDecoder>(prompt).before == ids("endu"));
}

TEST_CASE("prompt: the texts are read back as they were written") {
  PromptSettings prompt;
  prompt.before = "<|begin|>\n", prompt.after = "";
  SettingsFaults faults;
  PromptSettings again;
  read_fields(write_settings(prompt), again, faults, "");
  CHECK(faults.list.empty());
  CHECK(again.before == "<|begin|>\n");
  CHECK(again.after == "");
  CHECK_FALSE(again.between);
  CHECK(again.own_template());
  CHECK_FALSE(PromptSettings().own_template());
}

TEST_CASE("descriptor: a decoder's model types, or none where it does not say") {
  std::vector<std::string> types;
  descriptor_of<kinds::decoder, NamedDecoder>("named", "").model_types(types).raise();
  CHECK(types == std::vector<std::string>{"named", "other"});
  types.clear();
  descriptor_of<kinds::decoder, GruDecoder>("gru", "").model_types(types).raise();
  CHECK(types.empty());
}

TEST_CASE("prompt: a field of genes stands at the end of the user message, which is told up to it") {
  CHECK_FALSE(gene_field("Cell: "));
  const auto field = gene_field("Genes: {genes:100}");
  REQUIRE(field);
  CHECK(field->before == "Genes: ");
  CHECK(field->genes == 100);
  for (const char* wrong : {"{genes}", "{genes:}", "{genes:0}", "{genes:x}", "{genes:1x}", "{genes:-1}",
                            "{genes:5} more", "{genes:5", "{genes:100001}", "{genes;5}", "{genes"}) {
    CAPTURE(wrong);
    CHECK_THROWS_AS(gene_field(wrong), InputError);
  }
  PromptSettings prompt;
  prompt.system = "ab", prompt.user = "c{genes:3}";
  CHECK(pieces<NamedDecoder>(prompt).before == ids("abc"));
  prompt.before = "x", prompt.between = "";
  CHECK(pieces<NamedDecoder>(prompt).before == ids("xabc"));
}

TEST_CASE("prompt: what is given of a cell stands where the user message has its field") {
  const auto given = [](const PromptSettings& prompt, const GivenLabels& labels) {
    return chat_pieces(*test::make_decoder<NamedDecoder>({}, 1).handle, prompt, labels);
  };
  PromptSettings prompt;
  prompt.system = "a", prompt.user = "b{given:sex,tissue}c";
  CHECK(given(prompt, {}).before == ids("abc"));
  CHECK(given(prompt, {{"tissue", "lung"}, {"cell_type", "x"}}).before == ids("abnowntissuelungc"));  // letters alone
  CHECK(given(prompt, {{"tissue", "lung"}, {"sex", "male"}}).before == ids("abnownsexmaletissuelungc"));
  CHECK(given(prompt, {{"sex", "male"}}).after == given(prompt, {}).after);
  prompt.user = "b{given:sex}c{genes:3}";
  CHECK(given(prompt, {{"sex", "male"}}).before == ids("abnownsexmalec"));
  prompt.before = "z";
  CHECK(given(prompt, {{"sex", "male"}}).before == ids("zabnownsexmalec"));
}

TEST_CASE("prompt: a field of given labels elsewhere than in the user message is refused") {
  const auto fault = [](const char* key, const std::string& text) {
    Value table;
    table.set(key, {text, {}});
    SettingsFaults faults;
    PromptSettings prompt;
    read_fields(table, prompt, faults, "prompt.");
    return faults.text();
  };
  CHECK(fault("user", "{given:tissue}Cell: ").empty());
  CHECK(fault("user", "{given:tisue}Cell: ").find("did you mean 'tissue'?") != std::string::npos);
  for (const char* key : {"system", "before", "between", "after"}) {
    CAPTURE(key);
    CHECK(fault(key, "x {given:tissue}").find("it is written into 'user' alone") != std::string::npos);
  }
}
