// The qformer adapter: learned queries pass through the layers of a BERT, some of which also read a cell's genes, as in
// BLIP-2. A cell of any length becomes the same number of soft tokens.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "cell2text/nn/attention_layer.hpp"
#include "cell2text/nn/soft_tokens.hpp"
#include "from_bert.hpp"
#include "settings.hpp"

namespace cell2text::qformer {

/// The sizes of all layers.
struct LayerShape {
  std::int64_t width = 0;
  std::int64_t genes_width = 0;
  std::int64_t heads = 0;
  std::int64_t feed_forward = 0;
  double epsilon = 1e-12;
  Activation activation = Activation::gelu;
};

/// What queries read, and how.
struct Reading {
  Tensor genes_BGE;
  Tensor mask_B11G;    ///< as key_mask gives it
  double dropout = 0;  ///< of features and attention weights; 0 where nothing is trained
};

/// x with a share of its features dropped.
inline Tensor dropped(const Tensor& x, double share) {
  return share > 0 ? at::dropout(x, share, true) : x;
}

/// Self-attention, cross-attention (in a layer that reads) and feed-forward, each added to its input and then
/// normalised.
class Layer {
 public:
  /// Declares NAME.attention, NAME.attention_norm, NAME.up, NAME.down, NAME.norm and, in a layer that reads,
  /// NAME.cross_attention and NAME.cross_attention_norm.
  Layer(Parameters& parameters, const std::string& name, const LayerShape& shape, bool reads)
      : activation_(shape.activation),
        attention_(parameters, name + ".attention", {shape.width, shape.width, shape.heads}),
        attention_norm_(parameters, name + ".attention_norm", shape.width, shape.epsilon),
        up_(declare_linear(parameters, name + ".up", {shape.width, shape.feed_forward})),
        down_(declare_linear(parameters, name + ".down", {shape.feed_forward, shape.width})),
        norm_(parameters, name + ".norm", shape.width, shape.epsilon) {
    if (!reads) return;
    cross_attention_.emplace(parameters, name + ".cross_attention",
                             AttentionLayer::Shape{shape.width, shape.genes_width, shape.heads});
    cross_attention_norm_.emplace(parameters, name + ".cross_attention_norm", shape.width, shape.epsilon);
  }

  /// x [B,Q,W], or [1,Q,W] for queries that are still the same for all cells -> the same, or [B,Q,W] after reading.
  Tensor operator()(const Tensor& x_BQW, const Reading& reading) const {
    const double share = reading.dropout;
    Tensor h_BQW = attention_norm_(x_BQW + dropped(attention_(x_BQW, x_BQW, {}, share), share));
    if (cross_attention_) {
      const Tensor read_BQW = (*cross_attention_)(h_BQW, reading.genes_BGE, reading.mask_B11G, share);
      h_BQW = (*cross_attention_norm_)(h_BQW + dropped(read_BQW, share));
    }
    return norm_(h_BQW + dropped(down_(activate(up_(h_BQW), activation_)), share));
  }

 private:
  Activation activation_;
  AttentionLayer attention_;
  LayerNorm attention_norm_;
  LinearSlot up_, down_;
  LayerNorm norm_;
  std::optional<AttentionLayer> cross_attention_;
  std::optional<LayerNorm> cross_attention_norm_;
};

class QFormer {
 public:
  using Settings = qformer::Settings;

  /// Declares queries [Q,W], norm, layers.0 ..., project and, where the settings ask for it, output_norm. Without
  /// `bert` linear layers start as torch.nn.Linear does: BERT's own start is as wide at its width, and too narrow
  /// below. InputError as Settings::validate and start_from_bert.
  QFormer(Settings settings, ModelContext& context, AdapterShape shape)
      : settings_(checked(std::move(settings))),
        shape_(shape),
        width_(settings_.width.value.value_or(shape.decoder_width)),
        queries_(&context.parameters.declare("queries", {settings_.queries, width_}, Init::normal(0.02))),
        norm_(context.parameters, "norm", width_, settings_.epsilon()) {
    Parameters& parameters = context.parameters;
    const std::string activation = settings_.activation == "auto" ? "gelu" : settings_.activation;
    const LayerShape sizes{width_,
                           shape.encoder_width,
                           settings_.num_heads(),
                           settings_.feed_forward.value.value_or(4 * width_),
                           settings_.epsilon(),
                           activation_named(activation, "'activation'")};
    for (std::int64_t i = 0; i < settings_.layers; ++i)
      layers_.emplace_back(parameters, "layers." + std::to_string(i), sizes, i % settings_.cross_every == 0);
    project_.emplace(declare_linear(parameters, "project", {width_, shape.decoder_width}));
    form_.emplace(settings_, parameters, "output_norm", shape.decoder_width);
    if (settings_.bert) start_from_bert(parameters, *settings_.bert, settings_.layers);
  }

  /// values [B,G,E] -> [B,P,D]: P = `queries` soft tokens for a cell with at least one gene, none for one without. What
  /// lies beyond a length has no influence on any token or gradient, whatever it holds.
  SoftPrompt forward(const GeneEmbeddings& genes) const {
    const Tensor genes_BGE = gene_vectors(genes, shape_.encoder_width);
    const std::int64_t B = genes_BGE.size(0), G = genes_BGE.size(1);
    if (G == 0) return {genes_BGE.new_zeros({B, 0, shape_.decoder_width}), fixed_lengths(genes, 0)};
    const Reading reading{genes_BGE, key_mask(genes.lengths, G, genes_BGE.device()),
                          training_ ? settings_.dropout : 0.0};
    Tensor x_BQW = norm_(queries_->value.unsqueeze(0));
    if (reading.dropout > 0) x_BQW = dropped(x_BQW.repeat({B, 1, 1}), reading.dropout);  // each cell drops its own
    for (const Layer& layer : layers_) x_BQW = layer(x_BQW, reading);
    return {(*form_)((*project_)(x_BQW)), fixed_lengths(genes, settings_.queries)};
  }

  void set_training(bool training) { training_ = training; }

 private:
  static Settings checked(Settings settings) {
    settings.validate();
    return settings;
  }

  Settings settings_;
  AdapterShape shape_;
  std::int64_t width_;
  Parameter* queries_;
  LayerNorm norm_;
  std::deque<Layer> layers_;
  std::optional<LinearSlot> project_;
  std::optional<SoftTokens> form_;
  bool training_ = false;
};

}  // namespace cell2text::qformer
