// The Llama decoder against LlamaForCausalLM of transformers, on random models made anew.
#include <doctest/doctest.h>
#include <torch/csrc/autograd/autograd.h>

#include "cell2text/generate/generate.hpp"
#include "cell2text/io/json.hpp"
#include "llama.hpp"
#include "support/gru_decoder.hpp"
#include "tables.hpp"

using namespace cell2text;
using Tokens = std::vector<std::int64_t>;

namespace {

double distance(const Tensor& a, const Tensor& b) {
  return (a - b).abs().max().item<double>();
}

Tensor real_rows(const Tensor& x_BTX, const Tokens& lengths) {
  std::vector<Tensor> rows;
  for (std::size_t b = 0; b < lengths.size(); ++b)
    rows.push_back(x_BTX[static_cast<std::int64_t>(b)].narrow(0, 0, lengths[b]));
  return torch::cat(rows);
}

/// Logits, loss and gradients of every parameter.
void check_values(test::OwnedDecoder& made, const TensorFiles& expected, const Tokens& lengths) {
  const DecoderHandle& llama = *made.handle;
  for (Parameter& parameter : made.parameters->list()) parameter.value = parameter.value.clone().requires_grad_();
  const Tensor ids = expected.tensor("ids");
  const Tensor x = expected.tensor("prompts") + llama.embed(ids);
  const auto B = x.size(0), T = x.size(1);
  const Tensor hidden = llama.forward(x, lengths, torch::arange(T).expand({B, T}));
  const Tensor logits = real_rows(llama.logits(hidden), lengths);
  CHECK(distance(logits, real_rows(expected.tensor("logits"), lengths)) < 1e-4);
  const Tensor loss = at::cross_entropy_loss(logits, real_rows(expected.tensor("targets"), lengths));
  CHECK(distance(loss, expected.tensor("loss")) < 1e-4);

  std::vector<Tensor> values;
  for (Parameter& parameter : made.parameters->list()) values.push_back(parameter.value);
  const auto gradients = torch::autograd::grad({loss}, values);
  std::size_t i = 0;
  for (const Parameter& parameter : made.parameters->list()) {
    CAPTURE(parameter.name);
    const Tensor truth = expected.tensor("gradient." + parameter.name);
    CHECK((gradients[i] - truth).norm().item<double>() <= 1e-4 * truth.norm().item<double>() + 1e-8);
    ++i;
  }
  for (Parameter& parameter : made.parameters->list()) parameter.value = parameter.value.detach();
}

struct Count {
  int rows = 0, excused = 0, ended = 0;
};

/// Tokens equal, or different only from a step on where transformers itself was undecided by less than 1e-4.
void check_text(const Generated& found, const nlohmann::json& row, bool beams, Count& count) {
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

void check_generations(const DecoderHandle& llama, const TensorFiles& expected, const nlohmann::json& json,
                       const Tokens& lengths, Count& count) {
  for (const auto& generation : json["generations"]) {
    const auto& from = generation["settings"];
    CAPTURE(from.dump());
    GenerationSettings settings;
    settings.beams = from["beams"];
    settings.max_new_tokens.value = from["max_new_tokens"].get<std::int64_t>();
    settings.early_stopping = from["early_stopping"];
    settings.length_penalty = from["length_penalty"];
    settings.no_repeat_ngram_size = from["no_repeat_ngram_size"];
    settings.batch_size = 3;
    const auto texts = generate(llama, expected.tensor("prompts"), lengths, settings);
    for (std::size_t b = 0; b < texts.size(); ++b)
      check_text(texts[b], generation["rows"][b], settings.beams > 1, count);
  }
}

/// Compares the logits of transformers for one model of `expected` with those here.
void check_reloaded(const test::OwnedDecoder& made, const TensorFiles& expected, const std::string& name) {
  CAPTURE(name);
  const Tensor x = expected.tensor(name + ".embeddings");
  torch::NoGradGuard no_grad;
  const Tensor hidden = made.handle->forward(x, {7, 7}, torch::arange(7).expand({2, 7}));
  CHECK(distance(made.handle->logits(hidden), expected.tensor(name + ".logits")) < 1e-4);
  const Tokens ends = made.handle->end_tokens();
  CHECK(expected.tensor(name + ".eos").equal(torch::tensor(ends, torch::kInt64)));
  CHECK(expected.tensor(name + ".ids")
            .equal(torch::tensor(made.handle->encode_text("the cells of the blood"), torch::kInt64)));
}

}  // namespace

TEST_CASE("oracle: llama: logits, gradients, greedy and beam texts, chat prompts of random models") {
  const auto seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  const auto folder = test::oracle("llama.py", seed);
  Count count;
  int cases = 0;
  for (; std::filesystem::exists(folder / ("case-" + std::to_string(cases))); ++cases) {
    const auto place = folder / ("case-" + std::to_string(cases));
    CAPTURE(cases);
    const auto json = read_json(place / "expected.json");
    const auto expected = TensorFiles::open(place / "expected.safetensors");
    const auto lengths = json["lengths"].get<Tokens>();
    auto made = test::make_decoder<llama::Llama>(test::checkpoint_table(place / "model"), 0);
    CHECK(made.handle->end_tokens() == json["ends"].get<Tokens>());
    check_values(made, expected, lengths);
    check_generations(*made.handle, expected, json, lengths, count);
    const auto& chat = json["chat"];
    const auto pieces = made.handle->chat({chat["system"], chat["user"]});
    CHECK(pieces.before == chat["before"].get<Tokens>());
    CHECK(pieces.after == chat["after"].get<Tokens>());
  }
  CHECK(cases == 6);
  CHECK(count.ended > 0);
  CHECK(count.ended < count.rows);
  MESSAGE(count.rows << " texts, " << count.ended << " ended, " << count.excused << " excused by a near tie");
  CHECK(count.excused <= count.rows / 50);
}

TEST_CASE("oracle: llama: what is saved loads in transformers without a warning and gives the same logits") {
  const auto seed = test::seed();
  INFO("CELL2TEXT_TEST_SEED=" << seed);
  const test::TemporaryFolder folder;
  const auto tied = test::make_decoder<llama::Llama>(test::tiny_llama(true), seed);
  tied.handle->save(folder / "tied");
  const auto untied = test::make_decoder<llama::Llama>(test::tiny_llama(false), seed);
  untied.handle->save(folder / "untied");
  // An older checkpoint, with `rope_scaling`, opened and saved again.
  std::filesystem::copy(folder / "untied", folder / "old");
  auto json = read_json(folder / "old" / "config.json");
  json["rope_scaling"] = {{"rope_type", "llama3"},
                          {"factor", 8.0},
                          {"low_freq_factor", 1.0},
                          {"high_freq_factor", 4.0},
                          {"original_max_position_embeddings", 16}};
  json["torch_dtype"] = "float32";
  test::write_file(folder / "old" / "config.json", json.dump());
  const auto old = test::make_decoder<llama::Llama>(test::checkpoint_table(folder / "old"), seed);
  old.handle->save(folder / "again");

  const auto answer = test::oracle(
      "llama_reload.py", seed, {(folder / "tied").string(), (folder / "untied").string(), (folder / "again").string()});
  const auto expected = TensorFiles::open(answer / "expected.safetensors");
  check_reloaded(tied, expected, "tied");
  check_reloaded(untied, expected, "untied");
  check_reloaded(old, expected, "again");
  CHECK(distance(expected.tensor("again.logits"), expected.tensor("untied.logits")) > 1e-3);
}
