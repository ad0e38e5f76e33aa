// scGPT's network: genes and values embedded and added, then transformer blocks without positions; parameters under
// the checkpoint's names. Source: github.com/bowang-lab/scGPT, scgpt/model/model.py.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cell2text/nn/encoder_block.hpp"
#include "cell2text/nn/parameters.hpp"
#include "cell2text/shapes.hpp"
#include "config.hpp"

namespace cell2text::scgpt {

/// What a tensor of a checkpoint is called here, or nothing where it belongs to the training objectives. Models that
/// were wrapped for several GPUs ("module.") and the layouts of flash-attn ("Wqkv") are the same model.
inline std::optional<std::string> tensor_name(std::string name) {
  const auto replace = [&name](const std::string& from, const std::string& to) {
    if (const auto at = name.find(from); at != std::string::npos) name.replace(at, from.size(), to);
  };
  if (name.starts_with("module.")) name.erase(0, 7);
  for (const char* part : {"decoder.", "mvc_decoder.", "cls_decoder.", "flag_encoder.", "batch_encoder.",
                           "grad_reverse_discriminator.", "bn."})
    if (name.starts_with(part)) return {};
  replace("self_attn._impl.", "self_attn.");
  replace("self_attn.Wqkv.", "self_attn.in_proj_");
  return name;
}

inline std::string block_name(std::int64_t block) {
  return "transformer_encoder.layers." + std::to_string(block);
}

/// Embeddings and the first `num_blocks` blocks; those above are not declared.
class Network {
 public:
  Network(Parameters& parameters, const Config& config, std::int64_t vocabulary_size, std::int64_t num_blocks)
      : config_(config),
        genes_(&parameters.declare("encoder.embedding.weight", {vocabulary_size, config.width}, initial())),
        gene_norm_(parameters, "encoder.enc_norm", config.width, epsilon),
        value_1_(first_value_layer(parameters, config)),
        value_2_(declare_linear(parameters, "value_encoder.linear2", {config.width, config.width}, initial())),
        value_norm_(parameters, "value_encoder.norm", config.width, epsilon) {
    const EncoderBlockRule rule{config.heads, Activation::relu, config.dropout, config.dropout, config.dropout};
    for (std::int64_t i = 0; i < num_blocks; ++i) blocks_.add(layers(parameters, block_name(i)), rule);
  }

  /// ids [B,G] (int64) and values [B,G] (float32: bins, and Config::cls_value at <cls>), on the parameters' device ->
  /// [B,W,E], the first W = min(wanted, G) tokens. Tokens at or beyond a row's length are not looked at.
  Tensor forward(const Tensor& ids_BG, const Tensor& values_BG, const std::vector<std::int64_t>& lengths, bool training,
                 std::int64_t wanted) const {
    return blocks_.forward({lengths, ids_BG.size(1), ids_BG.device(), training, wanted},
                           [&](std::int64_t row, std::int64_t rows, std::int64_t length) {
                             const auto part = [&](const Tensor& x) {
                               return x.narrow(0, row, rows).narrow(1, 0, length);
                             };
                             return embedded(part(ids_BG), part(values_BG), training);
                           });
  }

  const Config& config() const { return config_; }
  std::int64_t num_blocks() const { return blocks_.size(); }

 private:
  static constexpr double epsilon = 1e-5, highest_value = 512;

  // As BERT's, narrower than scGPT's own: behind a normalisation the width changes nothing but how fast values move.
  static Init initial() { return Init::normal(0.02); }

  // At random its units bend at places spread over the bins. With torch's usual start they would all bend near 0, what
  // follows would be proportional to the value, and the normalisation behind it would take the value away.
  static LinearSlot first_value_layer(Parameters& parameters, const Config& config) {
    const std::string name = "value_encoder.linear1";
    Parameter& weight = parameters.declare(name + ".weight", {config.width, 1}, Init::uniform(1));
    Parameter& bias =
        parameters.declare(name + ".bias", {config.width}, Init::uniform(static_cast<double>(config.bins)));
    return {name, weight, &bias};
  }

  EncoderBlockLayers layers(Parameters& parameters, const std::string& name) const {
    const std::int64_t E = config_.width;
    Parameter& weight = parameters.declare(name + ".self_attn.in_proj_weight", {3 * E, E}, initial());
    Parameter& bias = parameters.declare(name + ".self_attn.in_proj_bias", {3 * E}, Init::zeros());
    const auto linear = [&](const char* part, std::int64_t in, std::int64_t out) {
      return declare_linear(parameters, name + part, {in, out}, initial());
    };
    return {{LinearSlot(name + ".self_attn.in_proj", weight, &bias)},
            linear(".self_attn.out_proj", E, E),
            LayerNorm(parameters, name + ".norm1", E, epsilon),
            linear(".linear1", E, config_.feed_forward),
            linear(".linear2", config_.feed_forward, E),
            LayerNorm(parameters, name + ".norm2", E, epsilon)};
  }

  Tensor embedded(const Tensor& ids_BG, const Tensor& values_BG, bool training) const {
    const auto type = activation_type(genes_->value);
    const Tensor genes_BGE = gene_norm_(at::embedding(genes_->value, ids_BG).to(type));
    const Tensor value_BG1 = values_BG.clamp_max(highest_value).to(type).unsqueeze(2);
    const Tensor values_BGE = value_norm_(value_2_(at::relu(value_1_(value_BG1))));
    const bool drops = training && config_.dropout > 0;
    return genes_BGE + (drops ? at::dropout(values_BGE, config_.dropout, true) : values_BGE);
  }

  Config config_;
  Parameter* genes_;
  LayerNorm gene_norm_;
  LinearSlot value_1_, value_2_;
  LayerNorm value_norm_;
  EncoderStack blocks_;
};

}  // namespace cell2text::scgpt
