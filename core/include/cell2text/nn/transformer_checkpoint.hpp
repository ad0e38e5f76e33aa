// A decoder's transformer from its checkpoint or at random, and the decoder as a Hugging Face folder again. Families
// differ in their config.json and in what they call tensors; the rest is here.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/decoder_folder.hpp"
#include "cell2text/io/atomic_folder.hpp"
#include "cell2text/io/sharded_tensors.hpp"
#include "cell2text/io/tensors.hpp"
#include "cell2text/model_types.hpp"
#include "cell2text/nn/causal_transformer.hpp"
#include "cell2text/nn/transformer_settings.hpp"
#include "cell2text/nn/weight_type.hpp"

namespace cell2text {

/// What a tensor of a checkpoint is called here ("model.layers.0.input_layernorm.weight", "lm_head.weight"), or
/// nothing where it is known and not needed.
using TensorNames = std::function<std::optional<std::string>(const std::string&)>;

/// Declares the transformer's parameters in `context.parameters`: of the checkpoint that `origin` names, or at random.
/// InputError where a tensor is missing, superfluous or of another shape.
inline CausalTransformer open_transformer(const TransformerShape& shape, const DecoderOrigin& origin,
                                          ModelContext& context, const TensorNames& names) {
  Parameters& parameters = context.parameters;
  parameters.set_type(type_named(origin.dtype));
  const auto needed = [&](const std::string& name) -> std::optional<std::string> {
    if (name.ends_with("rotary_emb.inv_freq")) return {};  // old checkpoints hold what follows from the configuration
    const auto known_as = names(name);
    if (shape.tied && known_as == "lm_head.weight") return {};
    return known_as;
  };
  if (origin.checkpoint)
    parameters.load_from(std::make_shared<const TensorFiles>(TensorFiles::open(*origin.checkpoint).renamed(needed)),
                         "model.");
  return CausalTransformer(shape, parameters, origin.recompute);
}

inline std::string summary(const CausalTransformer& model, const Parameters& parameters) {
  return std::to_string(model.shape().layers) + " layers x " + std::to_string(model.shape().width) + ", " +
         std::to_string(parameters.count()) + " parameters, " + name_of_type(model.weight_type());
}

/// Writes a folder that transformers loads: weights in shards of at most 5 GB, config, generation defaults, tokenizer.
/// An older folder of that name is replaced as a whole.
inline void save_decoder(const std::filesystem::path& folder, const DecoderFolder& files, const Parameters& parameters,
                         DecoderFolder::Saved saved) {
  AtomicFolder writing(folder);
  std::vector<std::pair<std::string, at::Tensor>> tensors;
  for (const Parameter& parameter : parameters.list()) tensors.emplace_back(parameter.name, parameter.value.detach());
  save_sharded(writing.partial(), tensors);
  files.save(writing.partial(), std::move(saved));
  writing.commit();
}

}  // namespace cell2text
