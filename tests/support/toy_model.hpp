// A whole model of linked-in parts: toy encoder, the MLP adapter, any decoder, full fine-tuning or another.
#pragma once

#include <ATen/Parallel.h>

#include "cell2text/model.hpp"
#include "mlp.hpp"
#include "plugins/finetuning/full/full.hpp"
#include "support/toy_cells.hpp"

namespace cell2text::test {

template <class DecoderClass, class Tuning = finetuning::Full>
Model toy_model(std::uint64_t seed, const Value& decoder = {}, const Value& adapter = {}, const Value& tuning = {}) {
  at::set_num_threads(1);  // on tensors this small, threads that wait for each other cost more than they do
  auto parameters = [seed](std::uint64_t part) {
    return std::make_unique<Parameters>(torch::kCPU, torch::kFloat32, seed * 10 + part);
  };
  Model model;
  model.encoder_parameters = parameters(0);
  model.encoder = std::make_unique<EncoderHandle>(toy_part<kinds::encoder, ToyEncoder>({}, *model.encoder_parameters));
  model.decoder_parameters = parameters(1);
  model.decoder =
      std::make_unique<DecoderHandle>(toy_part<kinds::decoder, DecoderClass>(decoder, *model.decoder_parameters));
  model.pieces = model.decoder->chat({"ab", "c"});
  model.adapter_parameters = parameters(2);
  model.adapter = std::make_unique<AdapterHandle>(toy_part<kinds::adapter, mlp::Mlp>(
      adapter, *model.adapter_parameters, {model.encoder->width(), model.decoder->width()}));
  model.adapter_parameters->set_trainable(true);
  model.tuning_parameters = parameters(3);
  model.tuning =
      std::make_unique<FineTuningHandle>(toy_part<kinds::finetuning, Tuning>(tuning, *model.tuning_parameters));
  model.tuning->prepare({*model.decoder_parameters, model.decoder->linear_layers()});
  model.tuning_parameters->set_trainable(true);
  return model;
}

/// Encoded cells of a toy source.
inline GeneTokens toy_tokens(const Model& model, const SourceHandle& source, const std::vector<std::int64_t>& rows) {
  return model.encoder->tokenize(source.read(rows));
}

}  // namespace cell2text::test
