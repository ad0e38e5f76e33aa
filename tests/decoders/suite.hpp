// What every decoder must do, whatever its family: one call each from the family's tests. `table` is a small random
// decoder's, of width 24.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <utility>

#include "cell2text/generate/generate.hpp"
#include "decoders/tables.hpp"
#include "support/gru_decoder.hpp"

namespace cell2text::test::suite {

using Tokens = std::vector<std::int64_t>;

inline constexpr std::int64_t D = 24;

inline Tensor positions_of(std::int64_t B, std::int64_t T) {
  return torch::arange(T).expand({B, T});
}

/// Hidden states of the real positions of row b.
inline Tensor real(const Tensor& hidden_BTD, std::int64_t b, std::int64_t length) {
  return hidden_BTD[b].narrow(0, 0, length);
}
inline double distance(const Tensor& a, const Tensor& b) {
  return (a - b).abs().max().item<double>();
}

/// The same seed gives the same model, another one another.
template <class P>
void check_seeds(const Value& table) {
  const auto embedding = [&](std::uint64_t seed) {
    return make_decoder<P>(table, seed).parameters->find("model.embed_tokens.weight")->value.clone();
  };
  CHECK(embedding(1).equal(embedding(1)));
  CHECK_FALSE(embedding(1).equal(embedding(2)));
}

/// What lies beyond a length changes nothing, be it NaN.
template <class P>
void check_padding(const Value& table) {
  const auto seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  torch::manual_seed(seed);
  auto made = make_decoder<P>(table, seed);
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

/// With a state, in pieces and with forks, as in one pass without.
template <class P>
void check_state(const Value& table) {
  const auto seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  torch::manual_seed(seed);
  torch::NoGradGuard no_grad;
  auto made = make_decoder<P>(table, seed);
  const DecoderHandle& decoder = *made.handle;
  const Tokens lengths{3, 5};
  const Tensor prompt = torch::randn({2, 5, D});
  StateHandle state = decoder.new_state();
  decoder.forward(prompt, lengths, positions_of(2, 5), &state);
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
    const Tensor found = decoder.forward(x, Tokens(R, T), places, &state);
    for (std::int64_t r = 0; r < R; ++r) {
      const auto length = rows[r].size(0);
      const Tensor whole = decoder.forward(rows[r].unsqueeze(0), {length}, positions_of(1, length))[0];
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

/// The same text alone, in a batch, and in any size of batch.
template <class P>
void check_neighbours(const Value& table) {
  const auto seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  torch::manual_seed(seed);
  auto made = make_decoder<P>(table, seed);
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

/// Saved, opened and saved again it is the same, also into its own folder.
template <class P>
void check_saving(const Value& table) {
  auto made = make_decoder<P>(table, 5);
  TemporaryFolder folder;
  made.handle->save(folder / "model");
  auto opened = make_decoder<P>(checkpoint_table(folder / "model"), 9);
  const Tensor x = torch::randn({2, 4, D});
  const auto logits = [&](const DecoderHandle& decoder) {
    return decoder.logits(decoder.forward(x, {4, 4}, positions_of(2, 4)));
  };
  CHECK(logits(*made.handle).equal(logits(*opened.handle)));
  CHECK(opened.handle->end_tokens() == made.handle->end_tokens());
  CHECK(opened.handle->chat({"a", "b"}).before == made.handle->chat({"a", "b"}).before);  // the template is kept
  const Tensor before = logits(*opened.handle);
  opened.handle->save(folder / "model");
  CHECK(logits(*opened.handle).equal(before));
  CHECK(logits(*make_decoder<P>(checkpoint_table(folder / "model"), 9).handle).equal(before));
  std::filesystem::remove_all(folder / "model");
  opened.handle->save(folder / "elsewhere");  // the origin is gone
  CHECK(logits(*make_decoder<P>(checkpoint_table(folder / "elsewhere"), 9).handle).equal(before));
}

/// Layers that are computed again give the same gradients.
template <class P>
void check_recompute(Value table) {
  const auto seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  const auto gradients = [&](bool recompute) {
    table.set("recompute", {recompute, {}});
    auto made = make_decoder<P>(table, seed);
    made.handle->set_training(true);
    torch::manual_seed(seed);
    for (Parameter& parameter : made.parameters->list()) parameter.value.requires_grad_(true);
    const Tensor x = torch::randn({2, 5, D}).requires_grad_(true);
    made.handle->forward(x, {5, 3}, positions_of(2, 5)).narrow(1, 0, 3).square().sum().backward();
    std::vector<Tensor> all{x.grad()};
    for (const Parameter& parameter : made.parameters->list())
      if (parameter.value.grad().defined()) all.push_back(parameter.value.grad());
    return all;
  };
  const auto kept = gradients(false), again = gradients(true);
  REQUIRE(again.size() == kept.size());
  CHECK(kept.size() > 10);
  for (std::size_t i = 0; i < kept.size(); ++i) CHECK(again[i].equal(kept[i]));
}

inline double largest(const Tensor& x) {
  return x.abs().max().item<double>();
}

/// Reads all of a prompt to the end.
template <class P>
struct Whole : P {
  using P::P;
  void forward_last() = delete;
};

/// The last tokens alone as they are among all: values, gradients, what the state remembers, and texts.
template <class P>
void check_last(Value table) {
  const auto seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  torch::manual_seed(seed);
  std::mt19937_64 random(seed);
  auto made = make_decoder<P>(table, seed);
  table.set("recompute", {true, {}});
  auto again = make_decoder<P>(table, seed);
  for (auto* one : {&made, &again}) {
    one->handle->set_training(true);
    for (Parameter& parameter : one->parameters->list()) parameter.value.requires_grad_(true);
  }
  for (int round = 0; round < 6; ++round) {
    const auto T = static_cast<std::int64_t>(5 + random() % 6);
    Tokens lengths{T}, last{1 + static_cast<std::int64_t>(random() % T)};
    for (int b = 1; b < 3; ++b) {
      lengths.push_back(1 + static_cast<std::int64_t>(random() % T));
      last.push_back(static_cast<std::int64_t>(random() % (lengths[b] + 1)));
    }
    INFO("round " << round << ", T " << T);
    const auto places = last_places(lengths, last, T);
    const Tensor x = torch::randn({3, T, D}), weights = torch::randn({std::ssize(places), D});
    const auto values = [&](OwnedDecoder& decoder, bool alone) {
      const Tensor own = x.clone().requires_grad_(true);
      const Tensor hidden = alone ? decoder.handle->forward_last(own, lengths, positions_of(3, T), last)
                                  : rows_at(decoder.handle->forward(own, lengths, positions_of(3, T)), places);
      (hidden * weights).sum().backward();
      std::vector<Tensor> all{hidden.detach(), own.grad()};
      for (Parameter& parameter : decoder.parameters->list())
        if (parameter.value.grad().defined()) all.push_back(std::exchange(parameter.value.mutable_grad(), Tensor()));
      return all;
    };
    const auto expected = values(made, false), found = values(made, true), recomputed = values(again, true);
    REQUIRE(found.size() == expected.size());
    REQUIRE(recomputed.size() == found.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
      CHECK(distance(found[i], expected[i]) < 1e-4 * (1 + largest(expected[i])));
      CHECK(recomputed[i].equal(found[i]));
    }

    torch::NoGradGuard no_grad;
    StateHandle whole = made.handle->new_state(), alone = made.handle->new_state();
    const Tensor hidden = made.handle->forward(x, lengths, positions_of(3, T), &whole);
    CHECK(distance(made.handle->forward_last(x, lengths, positions_of(3, T), last, &alone), rows_at(hidden, places)) <
          1e-4);
    const Tensor next = torch::randn({3, 4, D});
    const Tensor after = torch::tensor(lengths).view({3, 1}) + torch::arange(4);
    const Tokens four(3, 4), few{1, 4, 0};
    CHECK(distance(made.handle->forward_last(next, four, after, few, &alone),
                   rows_at(made.handle->forward(next, four, after, &whole), last_places(four, few, 4))) < 1e-4);
  }

  auto reads_all = make_decoder<Whole<P>>(table, seed);
  const Tensor prompts = torch::randn({4, 9, D});
  GenerationSettings settings;
  settings.max_new_tokens.value = 12;
  for (const std::int64_t beams : {1, 4}) {
    settings.beams = beams;
    const auto expected = generate(*reads_all.handle, prompts, {9, 1, 5, 9}, settings);
    const auto found = generate(*again.handle, prompts, {9, 1, 5, 9}, settings);
    for (int b = 0; b < 4; ++b) CHECK(found[b].tokens == expected[b].tokens);
  }
}

/// What the last layer does for a prompt, it does for the last token.
template <class P>
void check_last_layer(const Value& table) {
  torch::NoGradGuard no_grad;
  auto made = make_decoder<P>(table, 1);
  std::vector<std::int64_t> rows;  // that go through each layer's gate
  for (LinearSlot* slot : made.handle->linear_layers())
    if (slot->name().ends_with("mlp.gate_proj"))
      slot->attach({.function = [&rows, out = slot->out()](const Tensor& x) {
        rows.push_back(x.numel() / x.size(-1));
        return torch::zeros({x.size(0), x.size(1), out});
      }});
  StateHandle state = made.handle->new_state();
  made.handle->forward_last(torch::randn({2, 9, D}), {9, 7}, positions_of(2, 9), {1, 1}, &state);
  REQUIRE(rows.size() > 1);
  CHECK(rows.back() == 2);
  rows.pop_back();
  for (const std::int64_t n : rows) CHECK(n == 2 * 9);
}

/// Weights stay in the type that is asked for, what flows is float32, and what is trained becomes float32.
template <class P>
void check_types(const Value& table) {
  auto made = make_decoder<P>(table, 5);
  TemporaryFolder folder;
  made.handle->save(folder / "model");
  const Tensor x = torch::randn({2, 4, D});
  const auto logits = [&](const DecoderHandle& decoder) {
    return decoder.logits(decoder.forward(x, {4, 4}, positions_of(2, 4)));
  };
  for (const auto& [name, type] : {std::pair("float16", torch::kHalf), std::pair("bfloat16", torch::kBFloat16)}) {
    CAPTURE(name);
    Value narrow = checkpoint_table(folder / "model");
    narrow.set("dtype", text(name));
    auto opened = make_decoder<P>(narrow, 0);
    auto rounded = make_decoder<P>(checkpoint_table(folder / "model"), 0);
    for (const Parameter& parameter : opened.parameters->list()) {
      CHECK((parameter.value.scalar_type() == type));
      rounded.parameters->find(parameter.name)->value = parameter.value.to(torch::kFloat32);
    }
    const Tensor found = logits(*opened.handle);
    CHECK((found.scalar_type() == torch::kFloat32));
    CHECK(distance(found, logits(*rounded.handle)) < 1e-4);
    opened.handle->save(folder / name);
    CHECK(logits(*make_decoder<P>(checkpoint_table(folder / name), 0).handle).equal(found));  // "auto" keeps the type
    opened.parameters->list().front().trainable = true;
    opened.parameters->widen_trainable();
    CHECK((opened.parameters->list().front().value.scalar_type() == torch::kFloat32));
    CHECK((opened.parameters->list().back().value.scalar_type() == type));
  }
}

/// What a fine-tuning attaches to a layer changes its output, and detached it is as before.
template <class P>
void check_attachments(const Value& table) {
  auto made = make_decoder<P>(table, 1);
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

/// Inputs of a wrong shape are our own fault and named.
template <class P>
void check_shapes(const Value& table) {
  auto made = make_decoder<P>(table, 1);
  CHECK_THROWS_WITH_AS(made.handle->forward(torch::randn({1, 5, D + 1}), {5}, positions_of(1, 5)),
                       doctest::Contains("decoder input"), BugError);
  CHECK_THROWS_WITH_AS(made.handle->forward(torch::randn({1, 5, D}), {5}, positions_of(1, 4)),
                       doctest::Contains("positions"), BugError);
}

}  // namespace cell2text::test::suite
