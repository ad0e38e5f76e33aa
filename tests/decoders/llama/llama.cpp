#include "llama.hpp"

#include <doctest/doctest.h>

#include "cell2text/generate/generate.hpp"
#include "support/gru_decoder.hpp"
#include "tables.hpp"

using namespace cell2text;
using test::make_decoder;
using test::tiny_llama;
using Tokens = std::vector<std::int64_t>;

static_assert(Decoder<llama::Llama>);

namespace {

constexpr std::int64_t D = 24;

test::OwnedDecoder tiny(std::uint64_t seed = 1, bool tied = true) {
  return make_decoder<llama::Llama>(tiny_llama(tied), seed);
}
Tensor positions_of(std::int64_t B, std::int64_t T) {
  return torch::arange(T).expand({B, T});
}

/// Hidden states of the real positions of row b.
Tensor real(const Tensor& hidden_BTD, std::int64_t b, std::int64_t length) {
  return hidden_BTD[b].narrow(0, 0, length);
}
double distance(const Tensor& a, const Tensor& b) {
  return (a - b).abs().max().item<double>();
}

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

TEST_CASE("llama: the same seed gives the same model, another one another") {
  const auto embedding = [](std::uint64_t seed) {
    return tiny(seed).parameters->find("model.embed_tokens.weight")->value.clone();
  };
  CHECK(embedding(1).equal(embedding(1)));
  CHECK_FALSE(embedding(1).equal(embedding(2)));
}

TEST_CASE("llama: what lies beyond a length changes nothing, be it NaN") {
  const auto seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  torch::manual_seed(seed);
  auto made = tiny(seed);
  const Tensor x = torch::randn({3, 6, D});
  const Tokens lengths{6, 2, 4};
  const Tensor expected = made.handle->forward(x, lengths, positions_of(3, 6));
  Tensor dirty = x.clone(), places = positions_of(3, 6).clone();
  for (int b = 0; b < 3; ++b) {
    dirty[b].narrow(0, lengths[b], 6 - lengths[b]).fill_(NAN);
    places[b].narrow(0, lengths[b], 6 - lengths[b]).fill_(-7);
  }
  const Tensor found = made.handle->forward(dirty, lengths, places);
  CHECK(found.isfinite().all().item<bool>());
  for (int b = 0; b < 3; ++b) {
    CHECK(distance(real(found, b, lengths[b]), real(expected, b, lengths[b])) < 1e-5);
    const Tensor alone =
        made.handle->forward(x.narrow(0, b, 1).narrow(1, 0, lengths[b]), {lengths[b]}, positions_of(1, lengths[b]));
    CHECK(distance(alone[0], real(expected, b, lengths[b])) < 1e-4);
  }
}

TEST_CASE("llama: with a state, in pieces and with forks, as in one pass without") {
  const auto seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  torch::manual_seed(seed);
  torch::NoGradGuard no_grad;
  auto made = tiny(seed);
  const DecoderHandle& llama = *made.handle;
  const Tokens lengths{3, 5};
  const Tensor prompt = torch::randn({2, 5, D});
  StateHandle state = llama.new_state();
  llama.forward(prompt, lengths, positions_of(2, 5), &state);
  std::vector<Tensor> rows = {prompt[0].narrow(0, 0, 3), prompt[1]};  // all that each row has read
  const auto reorder = [&](const Tokens& parents) {
    std::vector<Tensor> next;
    for (const auto parent : parents) next.push_back(rows[parent]);
    rows = next;
  };
  const auto read = [&](std::int64_t T) {
    const auto R = static_cast<std::int64_t>(rows.size());
    const Tensor x = torch::randn({R, T, D});
    Tensor places = torch::zeros({R, T}, torch::kInt64);
    for (std::int64_t r = 0; r < R; ++r) {
      places[r] = torch::arange(T) + rows[r].size(0);
      rows[r] = torch::cat({rows[r], x[r]});
    }
    const Tensor found = llama.forward(x, Tokens(R, T), places, &state);
    for (std::int64_t r = 0; r < R; ++r) {
      const auto length = rows[r].size(0);
      const Tensor whole = llama.forward(rows[r].unsqueeze(0), {length}, positions_of(1, length))[0];
      CHECK(distance(found[r], whole.narrow(0, length - T, T)) < 1e-4);
    }
  };
  read(1);
  const std::int64_t before = state.bytes();
  StateHandle beams = state.fork(Tokens{0, 0, 0, 1, 1, 1});
  CHECK(beams.bytes() == before);  // a fork copies nothing
  const std::vector<Tensor> kept = rows;
  std::swap(state, beams);
  reorder({0, 0, 0, 1, 1, 1});
  read(1);
  state.select(Tokens{2, 0, 1, 3, 3, 5});
  reorder({2, 0, 1, 3, 3, 5});
  read(2);
  state.select(Tokens{5, 1});
  reorder({5, 1});
  read(1);
  REQUIRE(state.can_truncate());
  state.truncate(Tokens{8, 6});
  rows = {rows[0].narrow(0, 0, 8), rows[1].narrow(0, 0, 6)};
  read(1);
  std::swap(state, beams);  // the first state did not notice
  rows = kept;
  read(1);
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

TEST_CASE("llama: the same text alone, in a batch, and in any size of batch") {
  const auto seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  torch::manual_seed(seed);
  auto made = tiny(seed);
  const Tokens lengths{7, 2, 5};
  const Tensor prompts = torch::randn({3, 7, D});
  for (const std::int64_t beams : {1, 4}) {
    GenerationSettings settings;
    settings.beams = beams;
    settings.max_new_tokens.value = 12;
    const auto together = generate(*made.handle, prompts, lengths, settings);
    settings.batch_size = 2;
    const auto parts = generate(*made.handle, prompts, lengths, settings);
    for (int b = 0; b < 3; ++b) {
      const auto alone = generate(*made.handle, prompts.narrow(0, b, 1), {lengths[b]}, settings).front();
      CHECK(together[b].tokens == alone.tokens);
      CHECK(parts[b].tokens == alone.tokens);
      CHECK(together[b].log_probability == doctest::Approx(alone.log_probability).epsilon(1e-4));
    }
  }
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

TEST_CASE("llama: saved, opened and saved again it is the same, also into its own folder") {
  for (const bool tied : {true, false}) {
    auto made = tiny(5, tied);
    test::TemporaryFolder folder;
    made.handle->save(folder / "model");
    auto opened = make_decoder<llama::Llama>(test::checkpoint_table(folder / "model"), 9);
    const Tensor x = torch::randn({2, 4, D});
    const auto logits = [&](const DecoderHandle& llama) {
      return llama.logits(llama.forward(x, {4, 4}, positions_of(2, 4)));
    };
    CHECK(logits(*made.handle).equal(logits(*opened.handle)));
    CHECK(opened.handle->end_tokens() == made.handle->end_tokens());
    CHECK(opened.handle->chat({"a", "b"}).before == made.handle->chat({"a", "b"}).before);  // the template is kept
    const Tensor before = logits(*opened.handle);
    opened.handle->save(folder / "model");
    CHECK(logits(*opened.handle).equal(before));
    CHECK(logits(*make_decoder<llama::Llama>(test::checkpoint_table(folder / "model"), 9).handle).equal(before));
    std::filesystem::remove_all(folder / "model");
    opened.handle->save(folder / "elsewhere");  // the origin is gone
    CHECK(logits(*make_decoder<llama::Llama>(test::checkpoint_table(folder / "elsewhere"), 9).handle).equal(before));
  }
}

TEST_CASE("llama: what a fine-tuning attaches to a layer changes its output, and detached it is as before") {
  auto made = tiny();
  const Tensor x = torch::randn({1, 5, D});
  const auto hidden = [&] { return made.handle->forward(x, {5}, positions_of(1, 5)); };
  const Tensor before = hidden();
  for (LinearSlot* slot : made.handle->linear_layers()) {
    const std::int64_t out = slot->out();
    slot->attach({.function = [out](const Tensor& y) {
      auto sizes = y.sizes().vec();
      sizes.back() = out;
      return torch::full(sizes, 0.1f);
    }});
    CHECK_FALSE(hidden().equal(before));
    slot->detach();
  }
  CHECK(hidden().equal(before));
}

TEST_CASE("llama: inputs of a wrong shape are our own fault and named") {
  auto made = tiny();
  CHECK_THROWS_WITH_AS(made.handle->forward(torch::randn({1, 5, D + 1}), {5}, positions_of(1, 5)),
                       doctest::Contains("decoder input"), BugError);
  CHECK_THROWS_WITH_AS(made.handle->forward(torch::randn({1, 5, D}), {5}, positions_of(1, 4)),
                       doctest::Contains("positions"), BugError);
}
