// The perceiver adapter: learned latents read a cell's genes by cross-attention and then look at each other, so that a
// cell of any length becomes the same number of soft tokens.
#pragma once

#include <cmath>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "cell2text/nn/attention_layer.hpp"
#include "cell2text/nn/soft_tokens.hpp"
#include "cell2text/settings.hpp"

namespace cell2text::perceiver {

/// The defaults follow the authors' code: four blocks of self-attention, a feed-forward of twice the width.
struct Settings : SoftTokenForm {
  std::int64_t latents = 64;
  IntOrAuto width;
  std::int64_t heads = 8;
  std::int64_t depth = 4;
  std::int64_t feed_forward_multiple = 2;
  double dropout = 0;
  bool positions = true;

  static void describe(auto& s) {
    using T = Settings;
    s.field("latents", &T::latents, {.help = "soft tokens per cell", .min = 1, .max = 65536});
    s.field("width", &T::width,
            {.help = "features per latent; auto = the decoder's width, which is a lot for a large decoder",
             .min = 1,
             .max = 65536});
    s.field("heads", &T::heads, {.help = "attention heads; they divide the width", .min = 1, .max = 1024});
    s.field("depth", &T::depth, {.help = "blocks of self-attention after the cross-attention", .min = 0, .max = 1000});
    s.field("feed_forward_multiple", &T::feed_forward_multiple,
            {.help = "features inside a feed-forward, in widths", .min = 1, .max = 64});
    s.field("dropout", &T::dropout,
            {.help = "share of features and attention weights dropped in training. 0 = off", .min = 0, .max = 0.9});
    s.field("positions", &T::positions,
            {.help = "add sinusoidal positions, so that the order of genes (their rank) counts; without them a cell is "
                     "a set of genes"});
    SoftTokenForm::describe_form<T>(s);
  }
  void validate() const {
    if (width.value) AttentionLayer::check_heads(*width.value, heads);
  }
};

/// sin(p / 10000^(i/W)) in the even columns i of row p, the cosine beside it in the odd ones: float32 [rows,W].
inline Tensor sinusoidal_positions(std::int64_t rows, std::int64_t width) {
  const Tensor even_F = torch::arange(0, width, 2, torch::kFloat64);
  const Tensor angles_RF = torch::arange(rows, torch::kFloat64).unsqueeze(1) *
                           (even_F * (-std::log(10000.0) / static_cast<double>(width))).exp();
  return torch::stack({angles_RF.sin(), angles_RF.cos()}, 2).flatten(1).narrow(1, 0, width).to(torch::kFloat32);
}

/// Attention and feed-forward, each on its normalised input and added to it. Reads either the latents themselves, or
/// something else, which is normalised as well.
class Block {
 public:
  /// Declares NAME.norm, NAME.genes_norm (where it reads genes), NAME.attention, NAME.feed_forward_norm, NAME.up and
  /// NAME.down.
  Block(Parameters& parameters, const std::string& name, const Settings& settings, std::int64_t width, bool reads_genes)
      : dropout_(settings.dropout),
        norm_(parameters, name + ".norm", width, epsilon),
        genes_norm_(reads_genes ? std::optional(LayerNorm(parameters, name + ".genes_norm", width, epsilon))
                                : std::nullopt),
        attention_(parameters, name + ".attention", {width, width, settings.heads}),
        feed_forward_norm_(parameters, name + ".feed_forward_norm", width, epsilon),
        up_(declare_linear(parameters, name + ".up", {width, settings.feed_forward_multiple * width})),
        down_(declare_linear(parameters, name + ".down", {settings.feed_forward_multiple * width, width})) {}

  /// x [B,P,W] -> [B,P,W], looking at itself. x of one row stands for each cell of `genes`, where these are defined.
  Tensor operator()(const Tensor& x_BPW, const Tensor& genes_BGW, const Tensor& mask, bool training) const {
    const double share = training ? dropout_ : 0;
    const auto dropped = [share](const Tensor& y) { return share > 0 ? at::dropout(y, share, true) : y; };
    const Tensor own_BPW = norm_(x_BPW);
    const Tensor read_BSW = genes_norm_ ? (*genes_norm_)(genes_BGW) : own_BPW;
    const Tensor h_BPW = x_BPW + dropped(attention_(own_BPW, read_BSW, mask, share));
    return h_BPW + dropped(down_(at::gelu(up_(feed_forward_norm_(h_BPW)))));
  }

 private:
  static constexpr double epsilon = 1e-5;

  double dropout_;
  LayerNorm norm_;
  std::optional<LayerNorm> genes_norm_;
  AttentionLayer attention_;
  LayerNorm feed_forward_norm_;
  LinearSlot up_, down_;
};

class Perceiver {
 public:
  using Settings = perceiver::Settings;

  /// Declares latents [P,W], genes, cross, blocks.0 ..., norm, project and, where the settings ask for it, output_norm.
  /// InputError where the heads do not divide the width.
  Perceiver(const Settings& settings, ModelContext& context, AdapterShape shape)
      : settings_(settings),
        shape_(shape),
        width_(settings.width.value.value_or(shape.decoder_width)),
        latents_(&context.parameters.declare("latents", {settings.latents, width_}, Init::normal(0.02))),
        genes_(declare_linear(context.parameters, "genes", {shape.encoder_width, width_})) {
    Parameters& parameters = context.parameters;
    cross_.emplace(parameters, "cross", settings, width_, true);
    for (std::int64_t i = 0; i < settings.depth; ++i)
      blocks_.emplace_back(parameters, "blocks." + std::to_string(i), settings, width_, false);
    norm_.emplace(parameters, "norm", width_, SoftTokens::epsilon);
    project_.emplace(declare_linear(parameters, "project", {width_, shape.decoder_width}));
    form_.emplace(settings, parameters, "output_norm", shape.decoder_width);
  }

  /// values [B,G,E] -> [B,P,D]: P = `latents` soft tokens for a cell with at least one gene, none for one without. What
  /// lies beyond a length has no influence on any token or gradient, whatever it holds.
  SoftPrompt forward(const GeneEmbeddings& genes) {
    const Tensor vectors_BGE = gene_vectors(genes, shape_.encoder_width);
    const std::int64_t B = vectors_BGE.size(0), G = vectors_BGE.size(1);
    if (G == 0) return {vectors_BGE.new_zeros({B, 0, shape_.decoder_width}), fixed_lengths(genes, 0)};
    Tensor genes_BGW = genes_(vectors_BGE);
    if (settings_.positions) genes_BGW = genes_BGW + positions(G, genes_BGW.device());
    const Tensor mask = key_mask(genes.lengths, G, genes_BGW.device());
    Tensor x_BPW = latents_->value.unsqueeze(0);
    x_BPW = (*cross_)(x_BPW, genes_BGW, mask, training_);
    for (const Block& block : blocks_) x_BPW = block(x_BPW, {}, {}, training_);
    return {(*form_)((*project_)((*norm_)(x_BPW))), fixed_lengths(genes, settings_.latents)};
  }

  void set_training(bool training) { training_ = training; }

 private:
  // Made for the longest cell so far, and kept.
  Tensor positions(std::int64_t num_genes, torch::Device device) {
    if (!positions_GW_.defined() || positions_GW_.size(0) < num_genes)
      positions_GW_ = sinusoidal_positions(num_genes, width_).to(device);
    return positions_GW_.narrow(0, 0, num_genes);
  }

  Settings settings_;
  AdapterShape shape_;
  std::int64_t width_;
  Parameter* latents_;
  LinearSlot genes_;
  std::optional<Block> cross_;
  std::deque<Block> blocks_;
  std::optional<LayerNorm> norm_;
  std::optional<LinearSlot> project_;
  std::optional<SoftTokens> form_;
  Tensor positions_GW_;
  bool training_ = false;
};

}  // namespace cell2text::perceiver
