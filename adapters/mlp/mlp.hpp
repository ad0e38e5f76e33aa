// The MLP adapter: linear layers turn each gene's vector into one soft token of the decoder.
// Other ways to shorten or mix the genes are other adapters.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cell2text/nn/soft_tokens.hpp"
#include "cell2text/settings.hpp"

namespace cell2text::mlp {

/// The defaults are the paper's (section 3.1.2). The authors' code has layer_norm = true, some dropout and
/// output_norm = "layer".
struct Settings : SoftTokenForm {
  std::int64_t layers = 2;
  IntOrAuto hidden;
  std::string activation = "gelu";
  bool layer_norm = false;
  double dropout = 0;

  static void describe(auto& s) {
    using T = Settings;
    s.field("layers", &T::layers,
            {.help = "linear layers, with an activation between two of them", .min = 1, .max = 100});
    s.field("hidden", &T::hidden,
            {.help = "features between two layers; auto = the decoder's width", .min = 1, .max = 1e6});
    s.field("activation", &T::activation, {.help = "between two layers", .choices = {"gelu", "relu"}});
    s.field("layer_norm", &T::layer_norm, {.help = "normalise before the activation, as the authors' code does"});
    s.field("dropout", &T::dropout,
            {.help = "share of hidden features dropped in training. 0 = off", .min = 0, .max = 0.9});
    SoftTokenForm::describe_form<T>(s);
  }
};

class Mlp {
 public:
  using Settings = mlp::Settings;

  /// Declares linear_1, linear_2, ... and, where the settings ask for them, norm_1, norm_2, ... after each.
  Mlp(const Settings& settings, ModelContext& context, AdapterShape shape)
      : settings_(settings), shape_(shape), activation_(activation_named(settings.activation, "'activation'")) {
    const std::int64_t hidden = settings.hidden.value.value_or(shape.decoder_width), last = settings.layers;
    for (std::int64_t i = 1; i <= last; ++i) {
      const std::string number = std::to_string(i);
      const LinearShape sizes{i == 1 ? shape.encoder_width : hidden, i == last ? shape.decoder_width : hidden};
      layers_.push_back(declare_linear(context.parameters, "linear_" + number, sizes));
      if (settings.layer_norm && i < last)
        norms_.emplace_back(context.parameters, "norm_" + number, hidden, SoftTokens::epsilon);
    }
    form_.emplace(settings, context.parameters, "norm_" + std::to_string(last), shape.decoder_width);
  }

  /// values [B,G,E] -> [B,P,D] with P = G: one soft token per gene. What lies beyond a length has no influence on
  /// the tokens below it or on any gradient, whatever it holds.
  SoftPrompt forward(const GeneEmbeddings& genes) const {
    Tensor h = layers_[0](gene_vectors(genes, shape_.encoder_width));
    for (std::size_t i = 1; i < layers_.size(); ++i) {
      if (settings_.layer_norm) h = norms_[i - 1](h);
      h = activate(h, activation_);
      if (training_ && settings_.dropout > 0) h = at::dropout(h, settings_.dropout, true);
      h = layers_[i](h);
    }
    return {(*form_)(h), genes.lengths};
  }

  void set_training(bool training) { training_ = training; }

 private:
  Settings settings_;
  AdapterShape shape_;
  Activation activation_;
  bool training_ = false;
  std::vector<LinearSlot> layers_;
  std::vector<LayerNorm> norms_;
  std::optional<SoftTokens> form_;
};

}  // namespace cell2text::mlp
