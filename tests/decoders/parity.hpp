// A decoder against transformers, on what tests/reference/decoder.py made: shared by the families' oracle tests.
#pragma once

#include <doctest/doctest.h>
#include <torch/csrc/autograd/autograd.h>

#include "cell2text/device.hpp"
#include "cell2text/generate/generate.hpp"
#include "cell2text/io/json.hpp"
#include "cell2text/io/tensors.hpp"
#include "decoders/tables.hpp"
#include "support/gru_decoder.hpp"
#include "support/oracle.hpp"

namespace cell2text::test {

using Tokens = std::vector<std::int64_t>;

/// Where decoders are compared: the CPU, or with CELL2TEXT_TEST_DEVICE=cuda a GPU.
inline torch::Device device() {
  const char* wanted = std::getenv("CELL2TEXT_TEST_DEVICE");
  static const torch::Device chosen = choose_device(wanted ? wanted : "cpu", {});
  return chosen;
}

inline double distance(const Tensor& a, const Tensor& b) {
  return (a.cpu() - b.cpu()).abs().max().item<double>();
}

inline Tensor real_rows(const Tensor& x_BTX, const Tokens& lengths) {
  std::vector<Tensor> rows;
  for (std::size_t b = 0; b < lengths.size(); ++b)
    rows.push_back(x_BTX[static_cast<std::int64_t>(b)].narrow(0, 0, lengths[b]));
  return torch::cat(rows);
}

/// Logits, loss and gradients of every parameter; ids are embedded as the decoder does it.
inline void check_values(OwnedDecoder& made, const TensorFiles& expected, const Tokens& lengths) {
  const DecoderHandle& decoder = *made.handle;
  for (Parameter& parameter : made.parameters->list()) parameter.value = parameter.value.clone().requires_grad_();
  const Tensor ids = expected.tensor("ids").to(device());
  const Tensor x = expected.tensor("prompts").to(device()) + decoder.embed(ids);
  const auto B = x.size(0), T = x.size(1);
  const Tensor hidden = decoder.forward(x, lengths, torch::arange(T).expand({B, T}).to(device()));
  const Tensor logits = real_rows(decoder.logits(hidden), lengths);
  CHECK(distance(logits, real_rows(expected.tensor("logits"), lengths)) < 1e-4);
  const Tensor loss = at::cross_entropy_loss(logits, real_rows(expected.tensor("targets"), lengths).to(device()));
  CHECK(distance(loss, expected.tensor("loss")) < 1e-4);

  std::vector<Tensor> values;
  for (Parameter& parameter : made.parameters->list()) values.push_back(parameter.value);
  const auto gradients = torch::autograd::grad({loss}, values);
  std::size_t i = 0;
  for (const Parameter& parameter : made.parameters->list()) {
    CAPTURE(parameter.name);
    const Tensor truth = expected.tensor("gradient." + parameter.name);
    CHECK((gradients[i].cpu() - truth).norm().item<double>() <= 1e-4 * truth.norm().item<double>() + 1e-8);
    ++i;
  }
  for (Parameter& parameter : made.parameters->list()) parameter.value = parameter.value.detach();
}

struct Count {
  int rows = 0, excused = 0, ended = 0;
};

/// Tokens equal, or different only from a step on where transformers itself was undecided by less than 1e-4.
inline void check_text(const Generated& found, const nlohmann::json& row, bool beams, Count& count) {
  const auto truth = row["tokens"].get<Tokens>();
  ++count.rows;
  count.ended += row["ended"].get<bool>();
  if (found.tokens == truth && found.ended == row["ended"].get<bool>()) {
    if (beams) CHECK(found.log_probability == doctest::Approx(row["log_probability"].get<double>()).epsilon(1e-4));
    return;
  }
  ++count.excused;
  if (beams) {
    CHECK(row["smallest_gap"].get<double>() < 1e-4);
    return;
  }
  const auto different = std::ranges::mismatch(found.tokens, truth).in2 - truth.begin();
  const auto gaps = row["gaps"].get<std::vector<double>>();
  const auto near_tie = std::ranges::find_if(gaps, [](double gap) { return gap < 1e-4; }) - gaps.begin();
  CHECK(different >= near_tie);
  if (different < near_tie) INFO("first different token: " << different);
}

inline void check_generations(const DecoderHandle& decoder, const TensorFiles& expected, const nlohmann::json& json,
                              const Tokens& lengths, Count& count) {
  for (const auto& generation : json["generations"]) {
    const auto& from = generation["settings"];
    CAPTURE(from.dump());
    GenerationSettings settings;
    settings.beams = from["beams"];
    settings.max_new_tokens.value = from["max_new_tokens"].get<std::int64_t>();
    settings.early_stopping = from["early_stopping"].get<bool>();
    settings.length_penalty = from["length_penalty"];
    settings.no_repeat_ngram_size.value = from["no_repeat_ngram_size"].get<std::int64_t>();
    settings.batch_size = 3;
    const auto texts = generate(decoder, expected.tensor("prompts").to(device()), lengths, settings);
    for (std::size_t b = 0; b < texts.size(); ++b)
      check_text(texts[b], generation["rows"][b], settings.beams > 1, count);
  }
}

/// Hidden states to logits at the real positions of `prompts`.
inline Tensor prompt_logits(const DecoderHandle& decoder, const Tensor& prompts, const Tokens& lengths) {
  torch::NoGradGuard no_grad;
  const auto B = prompts.size(0), T = prompts.size(1);
  const Tensor positions = torch::arange(T).expand({B, T}).to(device());
  return real_rows(decoder.logits(decoder.forward(prompts.to(device()), lengths, positions)), lengths);
}

/// The checkpoint in another folder of the case: the same parameters, bit for bit.
inline void check_same_weights(const OwnedDecoder& a, const OwnedDecoder& b) {
  REQUIRE(a.parameters->list().size() == b.parameters->list().size());
  for (const Parameter& parameter : a.parameters->list()) {
    CAPTURE(parameter.name);
    REQUIRE(b.parameters->find(parameter.name));
    CHECK(b.parameters->find(parameter.name)->value.equal(parameter.value));
  }
}

/// Weights of two bytes: kept so, and as exact as their own rounding allows.
template <class D>
void check_rounded(const std::filesystem::path& folder, const TensorFiles& expected, const Tokens& lengths) {
  const auto made = make_decoder<D>(checkpoint_table(folder / "bfloat16"), 0, device());
  for (const Parameter& parameter : made.parameters->list()) CHECK((parameter.value.scalar_type() == torch::kBFloat16));
  const Tensor logits = prompt_logits(*made.handle, expected.tensor("prompts"), lengths);
  const Tensor wide = real_rows(expected.tensor("rounded.logits"), lengths);
  const Tensor narrow = real_rows(expected.tensor("bfloat16.logits"), lengths);
  CHECK(distance(logits, narrow) < 2e-2 * narrow.abs().max().item<double>());
  if (!device().is_cpu()) return;  // the rest is of float32 activations, as a CPU has them
  CHECK((logits.scalar_type() == torch::kFloat32));
  CHECK(distance(logits, wide) < 1e-4);
  CHECK(distance(made.handle->embed(expected.tensor("ids")), expected.tensor("rounded.embedded")) < 1e-5);
  Value table = checkpoint_table(folder / "bfloat16");
  table.set("dtype", text("float32"));
  const auto widened = make_decoder<D>(table, 0);
  CHECK((widened.parameters->list().front().value.scalar_type() == torch::kFloat32));
  CHECK(distance(prompt_logits(*widened.handle, expected.tensor("prompts"), lengths), wide) < 1e-4);
}

/// All cases that the script makes for a family.
template <class D>
void check_family(const std::string& family, int wanted_cases) {
  const auto seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  const auto folder = oracle("decoder.py", seed, {"--family", family, "--cases", std::to_string(wanted_cases)});
  Count count;
  for (int i = 0; i < wanted_cases; ++i) {
    const auto place = folder / ("case-" + std::to_string(i));
    const auto json = read_json(place / "expected.json");
    INFO("case " << i << ", " << json["model_type"].get<std::string>());
    const auto expected = TensorFiles::open(place / "expected.safetensors");
    const auto lengths = json["lengths"].get<Tokens>();
    auto made = make_decoder<D>(checkpoint_table(place / "model"), 0, device());
    CHECK(made.handle->end_tokens() == json["ends"].get<Tokens>());
    check_values(made, expected, lengths);
    check_generations(*made.handle, expected, json, lengths, count);
    for (const char* form : {"bin", "bins", "old", "new"})
      if (std::filesystem::exists(place / form))
        check_same_weights(made, make_decoder<D>(checkpoint_table(place / form), 0, device()));
    check_rounded<D>(place, expected, lengths);
    const auto& chat = json["chat"];
    const auto pieces = made.handle->chat({chat["system"], chat["user"]});
    CHECK(pieces.before == chat["before"].template get<Tokens>());
    CHECK(pieces.after == chat["after"].template get<Tokens>());
  }
  CHECK(count.ended > 0);
  CHECK(count.ended < count.rows);
  MESSAGE(count.rows << " texts, " << count.ended << " ended, " << count.excused << " excused by a near tie");
  CHECK(count.excused <= count.rows / 50);
}

/// What is saved loads in transformers without a warning and gives the same logits, end tokens and ids of a text.
/// `models` by the name of their folders.
inline void check_reloaded(const std::map<std::string, const OwnedDecoder*>& models,
                           const std::filesystem::path& folder) {
  const auto seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  std::vector<std::string> arguments;
  for (const auto& [name, made] : models) arguments.push_back((folder / name).string());
  const auto answer = oracle("decoder_reload.py", seed, arguments);
  const auto expected = TensorFiles::open(answer / "expected.safetensors");
  torch::NoGradGuard no_grad;
  for (const auto& [name, made] : models) {
    CAPTURE(name);
    const Tensor x = expected.tensor(name + ".embeddings");
    const Tensor hidden = made->handle->forward(x, {7, 7}, torch::arange(7).expand({2, 7}));
    CHECK(distance(made->handle->logits(hidden), expected.tensor(name + ".logits")) < 1e-4);
    CHECK(expected.tensor(name + ".eos").equal(torch::tensor(made->handle->end_tokens(), torch::kInt64)));
    CHECK(expected.tensor(name + ".ids")
              .equal(torch::tensor(made->handle->encode_text("the cells of the blood"), torch::kInt64)));
  }
}

}  // namespace cell2text::test
