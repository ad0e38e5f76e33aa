// Ten training steps of adapter and Llama, step by step against PyTorch.
#include "support/oracle.hpp"

#include "cell2text/io/json.hpp"
#include "cell2text/io/value_json.hpp"
#include "cell2text/train/checkpoint.hpp"
#include "cell2text/train/loss.hpp"
#include "cell2text/train/optimizer.hpp"
#include "llama.hpp"
#include "plugins/finetuning/lora/lora.hpp"
#include "support/toy_model.hpp"

using cell2text::LossSum;
using cell2text::Model;
using cell2text::Tensor;
using cell2text::TensorFiles;
using cell2text::TrainingSettings;
using cell2text::Value;
namespace test = cell2text::test;

namespace {

cell2text::GeneTokens tokens_of(const std::vector<std::vector<std::int64_t>>& cells) {
  cell2text::GeneTokens tokens;
  std::size_t longest = 0;
  for (const auto& cell : cells) {
    longest = std::max(longest, cell.size());
    tokens.lengths.push_back(static_cast<std::int64_t>(cell.size()));
  }
  tokens.known_genes = tokens.lengths;
  tokens.ids_BG = torch::zeros({tokens.size(), static_cast<std::int64_t>(longest)}, torch::kInt64);
  for (std::size_t b = 0; b < cells.size(); ++b)
    for (std::size_t g = 0; g < cells[b].size(); ++g)
      tokens.ids_BG[static_cast<std::int64_t>(b)][static_cast<std::int64_t>(g)] = cells[b][g];
  return tokens;
}

TrainingSettings settings_of(const nlohmann::json& json) {
  TrainingSettings settings;
  cell2text::SettingsFaults faults;
  read_fields(cell2text::value_from_json(json, "training.json"), settings, faults, "");
  faults.raise();
  return settings;
}

double difference(const Tensor& a, const Tensor& b) {
  return (a - b).abs().max().item<double>();
}

/// The model of the folder as it starts.
Model model_of(const std::filesystem::path& folder, const Value& adapter) {
  Value decoder, tuning;
  decoder.set("checkpoint", test::text((folder / "model").string()));
  if (!std::filesystem::exists(folder / "lora")) return test::toy_model<cell2text::llama::Llama>(1, decoder, adapter);
  tuning.set("checkpoint", test::text((folder / "lora").string()));
  return test::toy_model<cell2text::llama::Llama, cell2text::lora::Lora>(1, decoder, adapter, tuning);
}

void compare(const std::filesystem::path& folder) {
  const auto expected = cell2text::read_json(folder / "training.json");
  Value adapter;
  adapter.set("hidden", test::number(expected["hidden"]));
  Model model = model_of(folder, adapter);
  model.pieces = {expected["before"], expected["after"]};
  const auto start = TensorFiles::open(folder / "start.safetensors");
  model.encoder_parameters->find("table")->value = start.tensor("genes");
  for (auto& parameter : model.adapter_parameters->list()) parameter.value = start.tensor(parameter.name).clone();

  const TrainingSettings settings = settings_of(expected["settings"]);
  auto groups = cell2text::flat_groups(
      {model.adapter_parameters.get(), model.decoder_parameters.get(), model.tuning_parameters.get()});
  cell2text::Optimizer optimizer(groups, settings);
  model.set_training(true);
  const auto& steps = expected["steps"];
  for (std::size_t s = 0; s < steps.size(); ++s) {
    INFO("step " << s);
    std::int64_t tokens = 0;
    for (const auto& batch : steps[s])
      for (const auto& text : batch["texts"]) tokens += static_cast<std::int64_t>(text.size());
    optimizer.zero_gradients();
    LossSum loss;
    for (const auto& batch : steps[s])
      loss += description_loss(model, model.soft_prompt(tokens_of(batch["genes"])), batch["texts"],
                               {true, 1.0 / static_cast<double>(tokens), settings.label_smoothing});
    CHECK(loss.tokens == tokens);
    CHECK(std::abs(loss.mean() - expected["losses"][s].get<double>()) < 1e-4);
    const auto step = static_cast<std::int64_t>(s);
    const double rate = learning_rate_at(settings, step, step / expected["steps_per_epoch"].get<std::int64_t>(),
                                         static_cast<std::int64_t>(steps.size()));
    CHECK(std::abs(rate - expected["rates"][s].get<double>()) < 1e-9);
    CHECK(std::abs(optimizer.clip(settings.clip_norm) - expected["norms"][s].get<double>()) < 1e-3);
    optimizer.step(rate);
  }
  const auto end = TensorFiles::open(folder / "end.safetensors");
  const auto trained = trained_parameters(model);
  CHECK(trained.size() == end.names().size());
  for (const auto& [name, parameter] : trained) {
    INFO(name);
    CHECK(difference(parameter->value.detach(), end.tensor(name)) < 1e-4);
  }
}

}  // namespace

TEST_CASE("oracle: training: ten losses and all weights are those of transformers, peft and torch.optim") {
  const auto seed = test::seed();
  INFO("seed " << seed);
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"--optimizer", "adamw", "--schedule", "step", "--tied"},
        std::vector<std::string>{"--optimizer", "adam", "--schedule", "cosine", "--label-smoothing", "0.1"},
        std::vector<std::string>{"--optimizer", "adamw", "--schedule", "cosine", "--lora"}}) {
    const auto folder = test::oracle("training.py", seed, arguments);
    INFO(arguments[1]);
    compare(folder.path());
  }
}
