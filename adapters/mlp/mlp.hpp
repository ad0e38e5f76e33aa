// The MLP adapter: two linear layers turn each gene's vector into one soft token of the decoder.
// Other ways to shorten or mix the genes are other adapters.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cell2text/model_types.hpp"
#include "cell2text/nn/layers.hpp"
#include "cell2text/settings.hpp"
#include "cell2text/shapes.hpp"

namespace cell2text::mlp {

/// The defaults are the paper's (section 3.1.2). The authors' code has layer_norm = true, some dropout and
/// output_norm = "layer".
struct Settings {
  IntOrAuto hidden;
  std::string activation = "gelu";
  bool layer_norm = false;
  double dropout = 0;
  std::string output_norm = "l2";
  double output_scale = 1;

  static void describe(auto& s) {
    using T = Settings;
    s.field("hidden", &T::hidden,
            {.help = "features between the two layers; auto = the decoder's width", .min = 1, .max = 1e6});
    s.field("activation", &T::activation, {.help = "between the two layers", .choices = {"gelu", "relu"}});
    s.field("layer_norm", &T::layer_norm, {.help = "normalise before the activation, as the authors' code does"});
    s.field("dropout", &T::dropout,
            {.help = "share of hidden features dropped in training. 0 = off", .min = 0, .max = 0.9});
    s.field(
        "output_norm", &T::output_norm,
        {.help = "of each soft token: l2 (length 1, as in the paper), layer (a layer normalisation, as in the authors' "
                 "code) or none",
         .choices = {"l2", "layer", "none"}});
    s.field("output_scale", &T::output_scale,
            {.help = "constant factor after the normalisation", .min = 1e-6, .max = 1e6});
  }
};

class Mlp {
 public:
  using Settings = mlp::Settings;

  /// Declares linear_1, linear_2 and, where the settings ask for them, norm_1 and norm_2.
  Mlp(const Settings& settings, ModelContext& context, AdapterShape shape)
      : settings_(settings),
        shape_(shape),
        activation_(activation_named(settings.activation, "'activation'")),
        linear_1_(declare_linear(context.parameters, "linear_1", {shape.encoder_width, hidden()})) {
    if (settings.layer_norm) norm_1_.emplace(context.parameters, "norm_1", hidden(), epsilon);
    linear_2_.emplace(declare_linear(context.parameters, "linear_2", {hidden(), shape.decoder_width}));
    if (settings.output_norm == "layer") norm_2_.emplace(context.parameters, "norm_2", shape.decoder_width, epsilon);
  }

  /// values [B,G,E] -> [B,P,D] with P = G: one soft token per gene. What lies beyond a length has no influence on
  /// the tokens below it or on any gradient, whatever it holds.
  SoftPrompt forward(const GeneEmbeddings& genes) const {
    expect_shape(genes.values_BGE, {static_cast<std::int64_t>(genes.lengths.size()), -1, shape_.encoder_width},
                 "gene embeddings");
    Tensor h = linear_1_(without_padding(genes));
    if (norm_1_) h = (*norm_1_)(h);
    h = activate(h, activation_);
    if (training_ && settings_.dropout > 0) h = at::dropout(h, settings_.dropout, true);
    Tensor prompt_BPD = (*linear_2_)(h);
    if (norm_2_) prompt_BPD = (*norm_2_)(prompt_BPD);
    if (settings_.output_norm == "l2") prompt_BPD = of_length_one(prompt_BPD);
    if (settings_.output_scale != 1) prompt_BPD = prompt_BPD * settings_.output_scale;
    return {prompt_BPD, genes.lengths};
  }

  void set_training(bool training) { training_ = training; }

 private:
  static constexpr double epsilon = 1e-5;

  std::int64_t hidden() const { return settings_.hidden.value.value_or(shape_.decoder_width); }

  // Zeros beyond the lengths: a NaN there would otherwise reach the gradients of the weights as 0 x NaN.
  static Tensor without_padding(const GeneEmbeddings& genes) {
    const std::int64_t num_genes = genes.values_BGE.size(1);
    bool padded = false;
    for (const std::int64_t length : genes.lengths) padded |= length < num_genes;
    if (!padded) return genes.values_BGE;
    const Tensor lengths_B = torch::tensor(genes.lengths, torch::kInt64);
    const Tensor padding_BG = torch::arange(num_genes) >= lengths_B.unsqueeze(1);
    return genes.values_BGE.masked_fill(padding_BG.to(genes.values_BGE.device()).unsqueeze(2), 0);
  }

  static Tensor of_length_one(const Tensor& x) { return x / x.norm(2, -1, true).clamp_min(1e-12); }

  Settings settings_;
  AdapterShape shape_;
  Activation activation_;
  bool training_ = false;
  LinearSlot linear_1_;
  std::optional<LayerNorm> norm_1_;
  std::optional<LinearSlot> linear_2_;
  std::optional<LayerNorm> norm_2_;
};

}  // namespace cell2text::mlp
