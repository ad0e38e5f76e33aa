// Builds a Model from the plugins that an experiment or a model folder names.
#pragma once

#include "cell2text/experiment.hpp"
#include "cell2text/model.hpp"
#include "cell2text/registry.hpp"

namespace cell2text {

/// What building needs beside settings.
struct Host {
  const Registry& registry;
  Context context;
  torch::Device device = torch::kCPU;
};

/// Which plugin plays which role, with settings that passed its check.
struct ModelPlan {
  PluginChoice encoder, adapter, decoder, finetuning;
  PromptSettings prompt;
  bool encoder_frozen = true;
};

namespace model_builder_detail {

// Each part draws its initial values from a stream of its own, so that swapping one leaves the others' start as it was.
inline std::uint64_t part_seed(std::uint64_t seed, int part) {
  return seed * 1000 + static_cast<std::uint64_t>(part) + 1;
}

template <class Kind>
Held<Kind> build_part(const Host& host, const PluginChoice& choice, Parameters& parameters, AdapterShape shape = {}) {
  const LoadedPlugin plugin = host.registry.load(choice.kind, choice.name);
  ModelContext context(host.context, parameters, host.device);
  return plugin.build<Kind>(choice.settings, {&host.context, &context, shape});
}

/// The cell adapter beside the folder that a fine-tuning starts from, as in a model folder; nothing where it starts
/// from nothing, or from a folder that is in none. InputError where it is missing from the model folder.
inline std::optional<std::filesystem::path> cell_adapter_beside(const PluginChoice& finetuning) {
  const Value* checkpoint = finetuning.resolved.find("checkpoint");
  const auto* text = checkpoint ? checkpoint->get_if<std::string>() : nullptr;
  if (!text) return std::nullopt;
  const auto model = (std::filesystem::path(*text) / "").parent_path().parent_path();
  if (!std::filesystem::exists(model / "cell2text.json")) return std::nullopt;
  const auto adapter = model / "adapter.safetensors";
  if (!std::filesystem::exists(adapter))
    throw InputError(adapter.string() + " is missing; the weights in " + *text +
                     " were trained together with a cell adapter, and the two are only used together. Copy the whole "
                     "model folder");
  return adapter;
}

}  // namespace model_builder_detail

/// Builds all parts and prepares the fine-tuning. What was trained together starts together: a fine-tuning that starts
/// from the folder of a trained model brings that model's cell adapter. `Parameter::trainable` says afterwards what
/// would be trained.
inline Model build_model(const Host& host, const ModelPlan& plan) {
  using namespace model_builder_detail;
  auto parameters = [&](int part) {
    return std::make_unique<Parameters>(host.device, torch::kFloat32, part_seed(host.context.seed, part));
  };
  Model model;
  model.device = host.device;
  model.encoder_frozen = plan.encoder_frozen;
  model.max_genes = plan.prompt.max_genes;

  model.encoder_parameters = parameters(0);
  model.encoder =
      std::make_unique<EncoderHandle>(build_part<kinds::encoder>(host, plan.encoder, *model.encoder_parameters));
  model.encoder_parameters->set_trainable(!plan.encoder_frozen);
  model.encoder_parameters->widen_trainable();

  model.decoder_parameters = parameters(1);
  model.decoder =
      std::make_unique<DecoderHandle>(build_part<kinds::decoder>(host, plan.decoder, *model.decoder_parameters));
  model.pieces = chat_pieces(*model.decoder, plan.prompt);
  if (given_field(plan.prompt.user))
    model.tell_given = [decoder = model.decoder.get(), prompt = plan.prompt](const GivenLabels& given) {
      return chat_pieces(*decoder, prompt, given);
    };

  model.adapter_parameters = parameters(2);
  if (const auto field = gene_field(plan.prompt.user)) {
    model.told_genes = field->genes;
  } else {
    const AdapterShape shape{model.encoder->width(), model.decoder->width()};
    model.adapter = std::make_unique<AdapterHandle>(
        build_part<kinds::adapter>(host, plan.adapter, *model.adapter_parameters, shape));
    if (const auto trained = cell_adapter_beside(plan.finetuning)) model.adapter_parameters->load(*trained);
    model.adapter_parameters->set_trainable(true);
  }

  model.tuning_parameters = parameters(3);
  model.tuning = std::make_unique<FineTuningHandle>(
      build_part<kinds::finetuning>(host, plan.finetuning, *model.tuning_parameters));
  model.tuning->prepare({*model.decoder_parameters, model.decoder->linear_layers()});
  model.decoder_parameters->widen_trainable();
  model.tuning_parameters->set_trainable(true);
  return model;
}

}  // namespace cell2text
