#include "llama.hpp"

#include <doctest/doctest.h>

#include "cell2text/generate/generate.hpp"
#include "decoders/suite.hpp"
#include "decoders/tables.hpp"
#include "support/gru_decoder.hpp"

using namespace cell2text;
using test::make_decoder;
using test::tiny_llama;
using Tokens = std::vector<std::int64_t>;

static_assert(Decoder<llama::Llama>);

namespace {

using test::suite::D;
test::OwnedDecoder tiny(std::uint64_t seed = 1, bool tied = true) {
  return make_decoder<llama::Llama>(tiny_llama(tied), seed);
}
using test::suite::positions_of;

}  // namespace

TEST_CASE("llama: a random start has Hugging Face's names, the asked sizes and the asked spread") {
  Value table = tiny_llama(false);
  table.find("architecture")->set("layers", test::number(8));
  auto made = make_decoder<llama::Llama>(table, 3);
  CHECK(made.handle->width() == D);
  CHECK(made.handle->vocabulary_size() == 4000);
  const auto deviation = [&](const char* name) {
    Parameter* found = made.parameters->find(name);
    REQUIRE(found);
    return found->value.std().item<double>();
  };
  CHECK(deviation("model.embed_tokens.weight") == doctest::Approx(0.4).epsilon(0.02));
  CHECK(deviation("lm_head.weight") == doctest::Approx(0.4).epsilon(0.02));
  CHECK(deviation("model.layers.7.mlp.gate_proj.weight") == doctest::Approx(0.4).epsilon(0.15));
  CHECK(deviation("model.layers.7.mlp.down_proj.weight") == doctest::Approx(0.1).epsilon(0.15));
  CHECK(deviation("model.layers.0.self_attn.o_proj.weight") == doctest::Approx(0.1).epsilon(0.15));
  CHECK(made.parameters->find("model.norm.weight")->value.equal(torch::ones({D})));
  CHECK_FALSE(tiny().parameters->find("lm_head.weight"));
  CHECK(made.handle->linear_layers().size() == 8 * 7);
  CHECK(made.handle->linear_layers().front()->name() == "model.layers.0.self_attn.q_proj");
}

TEST_CASE("llama: a prompt's memory does not grow with the number of beams") {
  torch::NoGradGuard no_grad;
  auto made = tiny();
  StateHandle state = made.handle->new_state();
  made.handle->forward(torch::randn({2, 200, D}), {200, 200}, positions_of(2, 200), &state);
  const std::int64_t prompts = 2 * 200 * (2 * 6) * 2 * 2 * 4;  // rows, tokens, kv channels, k and v, layers, bytes
  CHECK(state.bytes() == prompts);
  StateHandle beams = state.fork(Tokens{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1});
  made.handle->forward(torch::randn({16, 1, D}), Tokens(16, 1), torch::full({16, 1}, 200), &beams);
  CHECK(beams.bytes() < prompts + prompts);  // 16 tails of a few tokens, no prompt again
}

TEST_CASE("llama: plain and llama3 prompts") {
  Value table = tiny_llama();
  const auto tokenizer = Tokenizer::read(test::demo_tokenizer() + "/tokenizer.json");
  const auto id = [&](const char* name) { return tokenizer.id_of(name).value(); };
  const ChatText text{"Describe.", "Sequence: "};
  const auto plain = make_decoder<llama::Llama>(table, 0).handle->chat(text);
  auto expected = tokenizer.encode("Describe.\nSequence: ");
  expected.insert(expected.begin(), id("<|begin_of_text|>"));
  CHECK(plain.before == expected);
  CHECK(plain.after == tokenizer.encode("\n"));

  table.set("template", test::text("llama3"));
  const auto made = make_decoder<llama::Llama>(table, 0);
  const auto chat = made.handle->chat(text);
  CHECK(chat.before == tokenizer.encode("<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nCutting "
                                        "Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\nDescribe.<|eot_id|>"
                                        "<|start_header_id|>user<|end_header_id|>\n\nSequence: "));
  CHECK(chat.after == tokenizer.encode("<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"));
  CHECK(made.handle->end_tokens() == Tokens{id("<|eot_id|>"), id("<|end_of_text|>")});
  // A text that spells a special token stays text.
  const auto spelled = made.handle->encode_text("a <|eot_id|> b");
  CHECK(std::ranges::find(spelled, id("<|eot_id|>")) == spelled.end());
  CHECK(made.handle->decode_text(spelled) == "a <|eot_id|> b");
}

TEST_CASE("llama: llama2 prompts") {  // as the template of Llama-2-chat renders them
  const test::TemporaryFolder folder;
  std::string json = test::read_file(test::demo_tokenizer() + "/tokenizer.json");
  for (auto at = json.find("<|begin_of_text|>"); at != std::string::npos; at = json.find("<|begin_of_text|>"))
    json.replace(at, std::string("<|begin_of_text|>").size(), "<s>");
  test::write_file(folder / "tokenizer.json", json);
  const auto tokenizer = Tokenizer::read(folder / "tokenizer.json");
  Value table = tiny_llama();
  table.set("tokenizer", test::text((folder / "tokenizer.json").string()));
  table.set("template", test::text("llama2"));
  const auto made = make_decoder<llama::Llama>(table, 0);
  const auto chat = made.handle->chat({"Describe.", "Sequence: "});
  CHECK(chat.before == tokenizer.encode("<s>[INST] <<SYS>>\nDescribe.\n<</SYS>>\n\nSequence: "));
  CHECK(chat.after == tokenizer.encode(" [/INST]"));
  CHECK(made.handle->chat({"", "Sequence: "}).before == tokenizer.encode("<s>[INST] Sequence: "));
}

TEST_CASE("llama: what every decoder must do") {
  for (const bool tied : {true, false}) {
    const Value table = tiny_llama(tied);
    test::suite::check_seeds<llama::Llama>(table);
    test::suite::check_padding<llama::Llama>(table);
    test::suite::check_state<llama::Llama>(table);
    test::suite::check_neighbours<llama::Llama>(table);
    test::suite::check_saving<llama::Llama>(table);
    test::suite::check_attachments<llama::Llama>(table);
    test::suite::check_recompute<llama::Llama>(table);
    test::suite::check_last<llama::Llama>(table);
    test::suite::check_last_layer<llama::Llama>(table);
    test::suite::check_types<llama::Llama>(table);
    test::suite::check_shapes<llama::Llama>(table);
  }
}
